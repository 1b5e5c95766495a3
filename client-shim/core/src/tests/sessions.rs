//! Stages, delays and failures, as design and header promise them.

use super::{
    fake::{Daemon, Fake},
    server::{Server, go_on, refusal, reply},
};
use crate::{Connect, Fact, RECORD_LEN, Session};
use prost::Message;
use tollgate_proto::v1::{self, Verdict};

fn session() -> Box<Session> {
    Box::new(Session::new())
}

/// Takes connections and never says anything.
struct Silent;

impl Daemon for Silent {
    fn hear(&mut self, _: &[u8]) -> Vec<u8> {
        vec![]
    }
}

/// Is not there.
struct Absent;

impl Daemon for Absent {
    fn connect(&mut self) -> Connect {
        Connect::Refused
    }

    fn hear(&mut self, _: &[u8]) -> Vec<u8> {
        vec![]
    }
}

#[test]
fn refusals_reach_the_client_at_every_stage() {
    let mut sys =
        Fake::new(Server::deciding(|request| refusal(if request.is("Connect") { 421 } else { 550 }, &request.method)));
    let mut session = session();
    assert_eq!(session.connect(&mut sys), Some(c"421 Connect\r\n"));
    assert_eq!(session.helo(&mut sys, b"x", true), Some(c"550 Helo\r\n"));
    assert_eq!(session.mail(&mut sys, b"x", b""), Some(c"550 Mail\r\n"));
    assert_eq!(session.rcpt(&mut sys, b"x", 1), Some(c"550 Rcpt\r\n"));
    assert_eq!(session.data(&mut sys), Some(c"550 Data\r\n"));
    assert!(session.is_answered());
}

#[test]
fn a_refused_recipient_is_counted_once() {
    let mut sys = Fake::new(Server::deciding(|request| if request.is("Rcpt") { refusal(550, "no") } else { go_on() }));
    let mut session = session();
    session.mail(&mut sys, b"x", b"");
    session.rcpt(&mut sys, b"x", 1);
    session.recipient(false);
    session.recipient(true);
    session.data(&mut sys);
    let request = v1::DataRequest::decode(sys.daemon.requests.last().unwrap().message.as_slice()).unwrap();
    assert_eq!((request.recipients_accepted, request.recipients_refused), (0, 1));
}

#[test]
fn delays_are_kept_and_bounded() {
    let mut sys = Fake::new(Server::deciding(|request| Verdict {
        delay_ms: if request.is("Rcpt") { 4_000_000_000 } else { 1500 },
        ..go_on()
    }));
    let mut session = session();
    session.connect(&mut sys);
    assert_eq!(sys.now, 1_001_500);
    session.mail(&mut sys, b"x", b"");
    assert_eq!(sys.now, 1_003_000);
    session.rcpt(&mut sys, b"x", 1);
    assert_eq!(sys.now, 1_033_000);
}

#[test]
fn talking_before_the_greeting_is_noticed() {
    for (speaks_at, at_connect, later, end) in
        [(1_000_000, true, true, 1_000_000), (1_000_500, false, true, 1_000_500), (1_005_000, false, false, 1_001_000)]
    {
        let mut sys = Fake::new(Server::deciding(|request| Verdict {
            delay_ms: if request.is("Connect") { 1000 } else { 0 },
            ..go_on()
        }));
        sys.client_speaks_at = Some(speaks_at);
        let mut session = session();
        session.connect(&mut sys);
        assert_eq!(sys.now, end, "who speaks need not be waited for");
        sys.client_speaks_at = None;
        session.helo(&mut sys, b"x", true);
        let early = |number: usize| {
            let message = sys.daemon.requests[number].message.as_slice();
            v1::HeloRequest::decode(message).unwrap().connection.unwrap().early_talk
        };
        assert_eq!((early(0), early(1)), (at_connect, later));
    }
}

#[test]
fn a_client_that_pipelines_waits_all_the_same() {
    let mut sys = Fake::new(Server::deciding(|_| Verdict { delay_ms: 1000, ..go_on() }));
    let mut session = session();
    session.connect(&mut sys);
    sys.client_speaks_at = Some(sys.now);
    session.rcpt(&mut sys, b"x", 1);
    assert_eq!(sys.now, 1_002_000);
    session.data(&mut sys);
    let message = sys.daemon.requests.last().unwrap().message.as_slice();
    assert!(!v1::DataRequest::decode(message).unwrap().connection.unwrap().early_talk);
}

#[test]
fn a_silent_daemon_costs_two_deadlines_and_no_more() {
    let mut sys = Fake::new(Silent);
    let mut session = session();
    let mut spent = |what: &mut dyn FnMut(&mut Session, &mut Fake<Silent>)| {
        let before = sys.now;
        what(&mut session, &mut sys);
        sys.now - before
    };
    assert_eq!(spent(&mut |session, sys| assert!(session.connect(sys).is_none())), 2000);
    assert_eq!(
        spent(&mut |session, sys| assert!(session.helo(sys, b"x", true).is_none())),
        0,
        "not before the next MAIL"
    );
    assert_eq!(spent(&mut |session, sys| assert!(session.mail(sys, b"x", b"").is_none())), 2000);
    assert_eq!(spent(&mut |session, sys| assert!(session.rcpt(sys, b"x", 1).is_none())), 0);
    assert_eq!(spent(&mut |session, sys| assert!(session.data(sys).is_none())), 0);
    assert_eq!(spent(&mut |session, sys| session.queued(sys, 1, Some(b""))), 0);
    assert_eq!(spent(&mut |session, sys| assert!(session.mail(sys, b"x", b"").is_none())), 0, "not in this session");
    assert_eq!(spent(&mut |session, sys| session.close(sys, true)), 0);
    assert!(!sys.is_open);
    assert_eq!(sys.records.len(), 2);
}

#[test]
fn the_deadline_is_the_postmasters() {
    let mut sys = Fake::new(Silent);
    sys.env.insert("TOLLGATE_TIMEOUT_MS", "300".into());
    session().connect(&mut sys);
    assert_eq!(sys.now, 1_000_300);
}

#[test]
fn close_waits_a_tenth_of_a_second() {
    // Answers everything but reports.
    let mut sys = Fake::new(Server::new(|request| if request.is("Report") { vec![] } else { reply(request, b"") }));
    let mut session = session();
    session.connect(&mut sys);
    session.mail(&mut sys, b"x", b"");
    let before = sys.now;
    session.queued(&mut sys, 1, Some(b""));
    assert_eq!(sys.now, before, "the end of a message waits for nobody");
    session.close(&mut sys, true);
    assert_eq!(sys.now - before, 100);
    assert!(!sys.is_open);
    assert_eq!(sys.daemon.requests.iter().filter(|request| request.is("Report")).count(), 2);
}

#[test]
fn a_report_that_cannot_go_out_at_once_is_dropped() {
    let mut sys = Fake::new(Absent);
    let mut session = session();
    session.queued(&mut sys, 1, Some(b""));
    assert_eq!(sys.connects, 0, "no session, no report");
    session.mail(&mut sys, b"x", b"");
    session.queued(&mut sys, 1, Some(b""));
    session.close(&mut sys, true);
    assert_eq!(sys.now, 1_000_000);
}

#[test]
fn failures_pass_or_defer_as_set() {
    for (defers, relay, user, style) in [
        (false, false, false, ""),
        (true, false, false, ""),
        (true, false, false, "rfc"),
        (true, true, false, ""),
        (true, false, true, ""),
    ] {
        let mut sys = Fake::new(Absent);
        if defers {
            sys.env.insert("TOLLGATE_ON_FAILURE", "defer".into());
        }
        if relay {
            sys.env.insert("RELAYCLIENT", "".into());
        }
        let mut session = session();
        session.set(Fact::ReplyStyle, Some(style.as_bytes()));
        if user {
            session.set(Fact::User, Some(b"jo"));
        }
        let expected = match (defers && !relay && !user, style) {
            (false, _) => None,
            (true, "rfc") => Some(c"451 4.3.0 policy service unavailable, please try again later\r\n"),
            (true, _) => Some(c"451 policy service unavailable, please try again later (#4.3.0)\r\n"),
        };
        assert_eq!(session.connect(&mut sys), None, "voiced at RCPT");
        assert_eq!(session.helo(&mut sys, b"x", true), None);
        assert_eq!(session.mail(&mut sys, b"x", b""), None);
        assert_eq!(session.rcpt(&mut sys, b"x", 1), expected);
        assert_eq!(session.data(&mut sys), expected);
        assert!(!session.is_answered());
        assert_eq!(session.headers(), c"");
        session.rset();
        session.mail(&mut sys, b"x", b"");
        assert_eq!(session.rcpt(&mut sys, b"x", 1), expected, "after two failures nobody is asked, and still");
        assert_eq!(sys.connects, 2);
    }
}

#[test]
fn a_daemon_that_comes_back_is_asked_at_the_next_mail() {
    let mut server = Server::deciding(|request| if request.is("Rcpt") { refusal(550, "no") } else { go_on() });
    server.accepts = vec![Connect::Refused];
    let mut sys = Fake::new(server);
    let mut session = session();
    session.connect(&mut sys);
    session.helo(&mut sys, b"x", true);
    assert!(!session.is_answered());
    session.mail(&mut sys, b"x", b"");
    assert!(session.is_answered());
    assert_eq!(session.rcpt(&mut sys, b"x", 1), Some(c"550 no\r\n"));
    session.close(&mut sys, true);
    assert_eq!(sys.daemon.report(0).unanswered, 2);
}

#[test]
fn records_tell_what_was_let_in() {
    let mut sys = Fake::new(Absent);
    sys.env.insert("TCPREMOTEIP", "2001:db8::1".into());
    let mut session = session();
    session.connect(&mut sys);
    session.mail(&mut sys, b"x", b"");
    let text = |record: &[u8]| String::from_utf8(record.to_vec()).unwrap();
    assert_eq!(sys.records.len(), 2);
    let id = "01".repeat(16);
    for (record, stage) in sys.records.iter().zip(["connect", "mail"]) {
        assert_eq!(record.len(), RECORD_LEN);
        let text = text(record);
        assert!(text.ends_with('\n'));
        assert_eq!(text.trim_end(), format!("TG1 1700000000 {stage} connect pass 4711 {id} 2001:db8::1"));
    }
    // A name of lines and spaces is no address.
    let mut sys = Fake::new(Silent);
    sys.env.insert("TCPREMOTEIP", "1.2.3.4\nTG1 0 x".into());
    sys.env.insert("TOLLGATE_ON_FAILURE", "defer".into());
    sys.env.insert("TOLLGATE_LOG", "1".into());
    session.rcpt(&mut sys, b"x", 1);
    assert_eq!(sys.records.len(), 0, "the settings are those of the session's beginning");
    session.connect(&mut sys);
    assert_eq!(text(&sys.records[0]).trim_end(), format!("TG1 1700000000 connect timeout pass 4711 {id} -"));
    assert_eq!(sys.logged, b"tollgate: connect: no answer: timeout\n");
}

#[test]
fn the_longest_record_fits() {
    let record = crate::record::Record {
        unix_seconds: 9_999_999_999,
        stage: crate::Stage::Connect,
        reason: crate::NoAnswer::Status(999),
        is_deferred: true,
        pid: u32::MAX,
        session_id: &[0xff; 16],
        client_ip: b"fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff%em0",
    }
    .to_bytes();
    let text = String::from_utf8(record.as_slice().to_vec()).unwrap();
    assert_eq!(text.len(), RECORD_LEN);
    assert!(text.trim_end().ends_with(" fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff%em0"), "{text}");
}

#[test]
fn a_child_process_leaves_the_parents_connection_alone() {
    let mut sys = Fake::new(Server::deciding(|_| refusal(550, "no")));
    let mut session = session();
    session.connect(&mut sys);
    let requests = sys.daemon.requests.len();
    sys.pid += 1;
    assert!(session.mail(&mut sys, b"x", b"").is_none());
    session.queued(&mut sys, 1, Some(b""));
    session.close(&mut sys, false);
    assert_eq!(sys.daemon.requests.len(), requests);
    assert_eq!(sys.records.len(), 0);
}

#[test]
fn a_second_session_has_another_name() {
    let mut sys = Fake::new(Server::deciding(|_| go_on()));
    let mut session = session();
    session.connect(&mut sys);
    session.connect(&mut sys);
    let id = |number: usize| {
        let message = sys.daemon.requests[number].message.as_slice();
        v1::ConnectRequest::decode(message).unwrap().session.unwrap()
    };
    assert_ne!(id(0).session_id, id(1).session_id);
    assert_eq!(id(1).seq, 1);
}

#[test]
fn the_library_begins_without_connect() {
    let mut sys = Fake::new(Server::deciding(|_| refusal(550, "no")));
    let mut session = session();
    assert_eq!(session.rcpt(&mut sys, b"x", 1), Some(c"550 no\r\n"));
    let message = sys.daemon.requests[0].message.as_slice();
    assert_eq!(v1::RcptRequest::decode(message).unwrap().session.unwrap().session_id.len(), 16);
}
