//! What the daemon is told: our bytes, read by the generated types.

use super::{
    cases,
    fake::Fake,
    server::{Server, go_on},
};
use crate::{Fact, Session};
use proptest::prelude::*;
use prost::Message;
use tollgate_proto::v1::{self, Connection, Ending, Rcpthosts, ReplyStyle};

fn system() -> Fake<Server> {
    Fake::new(Server::deciding(|_| go_on()))
}

fn newest<M: Message + Default>(sys: &Fake<Server>) -> M {
    M::decode(sys.daemon.requests.last().unwrap().message.as_slice()).unwrap()
}

#[test]
fn everything_the_environment_knows() {
    let mut sys = system();
    for (name, value) in [
        ("TCPREMOTEIP", "192.0.2.7"),
        ("TCPREMOTEPORT", "40001"),
        ("TCPREMOTEHOST", "mail.example"),
        ("TCPREMOTEINFO", "ident"),
        ("TCPLOCALIP", "::1"),
        ("TCPLOCALPORT", "25"),
        ("TCPLOCALHOST", "mx.example"),
        ("RELAYCLIENT", ""),
        ("RBLSMTPD", "-go away"),
        ("SPFBEHAVIOR", "3"),
        ("QMAILRRTDENYALL", ""),
        ("DATABYTES", "1000"),
        ("TOLLGATE_HOST", "mx1"),
        ("TOLLGATE_VIA_PROXY", "1"),
    ] {
        sys.env.insert(name, value.into());
    }
    let mut session = Box::new(Session::new());
    session.set(Fact::Tls, Some(b"TLSv1.3"));
    session.set(Fact::User, Some(b"jo"));
    session.set(Fact::ReplyStyle, Some(b"rfc"));
    session.set(Fact::AuthOffered, Some(b""));
    session.set(Fact::RemovesForged, Some(b""));
    session.connect(&mut sys);
    let request: v1::ConnectRequest = newest(&sys);
    let expected = Connection {
        client_ip: "192.0.2.7".into(),
        client_port: 40001,
        client_name: Some("mail.example".into()),
        client_ident: Some("ident".into()),
        server_ip: "::1".into(),
        server_port: 25,
        server_name: "mx.example".into(),
        host: "mx1".into(),
        smtpd_pid: 4711,
        tls: true,
        authenticated_user: Some("jo".into()),
        relayclient: Some("".into()),
        early_talk: false,
        rblsmtpd: Some("-go away".into()),
        spfbehavior: Some("3".into()),
        qmailrrtdenyall: Some("".into()),
        databytes: Some("1000".into()),
        via_proxy: true,
        reply_style: ReplyStyle::Rfc.into(),
        auth_offered: true,
        removes_forged: true,
    };
    assert_eq!(request.connection.unwrap(), expected);
    let named = request.session.unwrap();
    assert_eq!((named.session_id.as_ref(), named.seq, named.session_state.as_ref()), (&[1; 16][..], 1, &[][..]));
}

#[test]
fn nothing_known_is_nothing_said() {
    let mut sys = system();
    Session::new().connect(&mut sys);
    let request: v1::ConnectRequest = newest(&sys);
    assert_eq!(request.connection.unwrap(), Connection { smtpd_pid: 4711, ..Connection::default() });
}

#[test]
fn what_the_mail_server_says_replaces_the_environment() {
    let mut sys = system();
    sys.env.insert("TCPREMOTEHOST", "env.example".into());
    sys.env.insert("RELAYCLIENT", "".into());
    sys.env.insert("TCPREMOTEPORT", "99999".into());
    let mut session = Box::new(Session::new());
    session.set(Fact::ClientName, None);
    session.connect(&mut sys);
    let connection = newest::<v1::ConnectRequest>(&sys).connection.unwrap();
    assert_eq!(connection.client_name, None);
    assert_eq!(connection.relayclient, Some("".into()));
    assert_eq!(connection.client_port, 0, "no port");
    // AUTH in mid-session, as qmail's patches do it: in the process and in the environment.
    session.set(Fact::RelayClient, Some(b"@suffix"));
    sys.env.insert("TCPREMOTEPORT", "7".into());
    session.mail(&mut sys, b"a@b", b"");
    let connection = newest::<v1::MailRequest>(&sys).connection.unwrap();
    assert_eq!(connection.relayclient, Some("@suffix".into()));
    assert_eq!(connection.client_port, 7);
    // The next session starts anew.
    session.close(&mut sys, true);
    session.connect(&mut sys);
    let connection = newest::<v1::ConnectRequest>(&sys).connection.unwrap();
    assert_eq!(connection.client_name, Some("env.example".into()));
}

#[test]
fn the_stages_say_what_they_should() {
    let mut sys = system();
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    session.helo(&mut sys, b"me.example", true);
    let helo = v1::Helo { helo: "me.example".into(), esmtp: true };
    assert_eq!(newest::<v1::HeloRequest>(&sys).helo, Some(helo.clone()));
    session.mail(&mut sys, b"a@example.org", b"<a@example.org> BODY=8BITMIME size=12345");
    let mail = v1::Mail { sender: "a@example.org".into(), declared_size: 12345 };
    let request: v1::MailRequest = newest(&sys);
    assert_eq!((request.helo, request.mail), (Some(helo.clone()), Some(mail.clone())));
    for (recipient, rcpthosts) in
        [(&b"x@here"[..], Rcpthosts::Allowed), (b"y@there", Rcpthosts::Refused), (b"z", Rcpthosts::Unknown)]
    {
        session.rcpt(&mut sys, recipient, rcpthosts as u32);
        session.recipient(rcpthosts == Rcpthosts::Allowed);
        session.recipient(true);
        let request: v1::RcptRequest = newest(&sys);
        assert_eq!(request.recipient, recipient);
        assert_eq!(request.rcpthosts(), rcpthosts);
        assert_eq!((request.helo, request.mail), (Some(helo.clone()), Some(mail.clone())));
    }
    session.data(&mut sys);
    let request: v1::DataRequest = newest(&sys);
    assert_eq!((request.recipients_accepted, request.recipients_refused), (1, 2));
    assert_eq!((request.helo, request.mail), (Some(helo.clone()), Some(mail.clone())));
    session.count(1000);
    session.count(24);
    session.queued(&mut sys, 815, Some(b""));
    let report = sys.daemon.report(0);
    assert_eq!(report.ending(), Ending::Accepted);
    assert_eq!((report.recipients_accepted, report.recipients_refused, report.message_bytes), (1, 2, 1024));
    assert_eq!((report.qp, report.messages_accepted, report.unanswered), (815, 1, 0));
    assert_eq!((report.helo, report.mail), (Some(helo), Some(mail)));
}

#[test]
fn endings() {
    let mut sys = system();
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    let long = [b'D'; 300];
    let endings: [(Option<&[u8]>, Ending); 5] = [
        (Some(b""), Ending::Accepted),
        (Some(&long), Ending::Rejected),
        (Some(b"Zbusy"), Ending::Deferred),
        (Some(b"?"), Ending::Deferred),
        (None, Ending::Deferred),
    ];
    for (number, (answer, ending)) in endings.into_iter().enumerate() {
        session.mail(&mut sys, b"", b"");
        session.queued(&mut sys, 0, answer);
        let report = sys.daemon.report(number);
        assert_eq!(report.ending(), ending);
        assert_eq!(report.queue_reply, answer.unwrap_or(b"")[..answer.unwrap_or(b"").len().min(200)]);
    }
    session.close(&mut sys, true);
    let report = sys.daemon.report(5);
    assert_eq!(report.ending(), Ending::Closed);
    assert_eq!((report.quit, report.messages_accepted), (true, 1));
}

#[test]
fn the_closing_report_counts_the_connection() {
    let mut sys = system();
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    for _ in 0..3 {
        session.mail(&mut sys, b"", b"");
        for accepted in [true, true, false] {
            session.rcpt(&mut sys, b"x", 1);
            session.recipient(accepted);
        }
        session.queued(&mut sys, 1, Some(b""));
    }
    session.close(&mut sys, false);
    let report = sys.daemon.report(3);
    assert_eq!((report.recipients_accepted, report.recipients_refused, report.messages_accepted), (6, 3, 3));
    assert!(!report.quit);
    assert!(!sys.is_open);
    let requests = sys.daemon.requests.len();
    session.close(&mut sys, false);
    assert_eq!(sys.daemon.requests.len(), requests, "a second close does nothing");
}

#[test]
fn rset_and_helo_end_a_transaction() {
    let mut sys = system();
    let mut session = Box::new(Session::new());
    for end in [0, 1] {
        session.mail(&mut sys, b"a@b", b"SIZE=9");
        session.rcpt(&mut sys, b"x", 1);
        session.recipient(true);
        let requests = sys.daemon.requests.len();
        if end == 0 {
            session.rset();
            assert_eq!(sys.daemon.requests.len(), requests, "RSET is local");
        } else {
            session.helo(&mut sys, b"again", false);
        }
        session.data(&mut sys);
        let request: v1::DataRequest = newest(&sys);
        assert_eq!((request.mail, request.recipients_accepted), (None, 0));
    }
}

#[test]
fn the_state_comes_back() {
    let mut sys = Fake::new(Server::deciding(|request| v1::Verdict {
        session_state: vec![u8::try_from(request.number).unwrap(); 1024 - request.number].into(),
        ..go_on()
    }));
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    for number in 0..5u8 {
        session.mail(&mut sys, b"a", b"");
        let named = newest::<v1::MailRequest>(&sys).session.unwrap();
        assert_eq!(named.session_state, vec![number; 1024 - usize::from(number)]);
        assert_eq!(named.seq, u32::from(number) + 2);
        assert_eq!(named.session_id.as_ref(), [1; 16]);
    }
}

#[test]
fn what_is_too_long_is_cut() {
    let mut sys = system();
    let long: Vec<u8> = (0..5000).map(|number| b'a' + (number % 26) as u8).collect();
    for name in [
        "TCPREMOTEIP",
        "TCPREMOTEHOST",
        "TCPREMOTEINFO",
        "TCPLOCALIP",
        "TCPLOCALHOST",
        "RBLSMTPD",
        "SPFBEHAVIOR",
        "QMAILRRTDENYALL",
        "DATABYTES",
        "TOLLGATE_HOST",
    ] {
        sys.env.insert(name, long.clone());
    }
    sys.daemon = Server::deciding(|_| v1::Verdict { session_state: vec![9; 1024].into(), ..go_on() });
    let mut session = Box::new(Session::new());
    session.set(Fact::User, Some(&long));
    session.set(Fact::RelayClient, Some(&long));
    session.connect(&mut sys);
    session.helo(&mut sys, &long, true);
    session.mail(&mut sys, &long, b"SIZE=999999999999999999");
    session.rcpt(&mut sys, &long, 2);
    assert!(session.is_answered(), "the longest request fits");
    let request: v1::RcptRequest = newest(&sys);
    assert_eq!(request.helo.unwrap().helo, long[..1000]);
    let mail = request.mail.unwrap();
    assert_eq!(mail.sender, long[4000..], "of an address the domain is kept");
    assert_eq!(mail.declared_size, 999_999_999_999_999_999);
    assert_eq!(request.recipient, long[4000..]);
    let connection = request.connection.unwrap();
    assert_eq!(connection.client_ip, long[..64]);
    assert_eq!(connection.authenticated_user.unwrap(), long[..255]);
    session.queued(&mut sys, u32::MAX, Some(&[b"D".as_slice(), &long].concat()));
    assert_eq!(sys.daemon.report(0).queue_reply.len(), 200);
}

#[test]
fn sizes() {
    for (parameters, size) in [
        ("", 0),
        ("SIZE=", 0),
        ("SIZE=x", 0),
        ("SIZE=-1", 0),
        ("XSIZE=5", 0),
        ("<a@b> SIZE=5", 5),
        ("size=7\tBODY=7BIT", 7),
        ("SIZE=99999999999999999999", 0),
    ] {
        let mut sys = system();
        Session::new().mail(&mut sys, b"", parameters.as_bytes());
        assert_eq!(newest::<v1::MailRequest>(&sys).mail.unwrap().declared_size, size, "{parameters}");
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_bytes_arrive(
        helo in proptest::collection::vec(any::<u8>(), 0..1000), sender in proptest::collection::vec(any::<u8>(), 0..1000),
        recipient in proptest::collection::vec(any::<u8>(), 0..1000), name in proptest::collection::vec(any::<u8>(), 0..255),
    ) {
        let mut sys = system();
        let mut session = Box::new(Session::new());
        session.set(Fact::ClientName, Some(&name));
        session.helo(&mut sys, &helo, false);
        session.mail(&mut sys, &sender, &helo);
        session.rcpt(&mut sys, &recipient, 1);
        let request: v1::RcptRequest = newest(&sys);
        prop_assert_eq!(request.helo.unwrap().helo, helo);
        prop_assert_eq!(request.mail.unwrap().sender, sender);
        prop_assert_eq!(request.recipient, recipient);
        prop_assert_eq!(request.connection.unwrap().client_name.unwrap(), name);
    }
}
