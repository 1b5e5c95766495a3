//! Good-byes, refused streams, servers that hang up or are busy: when a call is put on the wire again, and when not.

use super::{
    fake::Fake,
    protocol::ask,
    server::{Request, Server, frame, go_away, go_on, refusal, reply, settings},
};
use crate::{
    Connect, Session,
    http2::frame::{kind, setting},
};
use prost::Message;

#[test]
fn a_goodbye_before_our_request_was_seen_means_another_connection() {
    for hello in [false, true] {
        let (is_answered, sys) = ask(
            Server::new(move |request| {
                if request.number == 0 {
                    [go_away(0, b"bye"), if hello { frame(kind::PING, 0, 0, &[0; 8]) } else { vec![] }].concat()
                } else {
                    reply(request, b"")
                }
            }),
            usize::MAX,
        );
        assert!(is_answered);
        assert_eq!(sys.connects, 2);
        let seqs: Vec<u32> = sys.daemon.requests.iter().map(seq).collect();
        assert_eq!(seqs, [1, 1], "a retry bears the number of the call it repeats");
    }
}

fn seq(request: &Request) -> u32 {
    tollgate_proto::v1::ConnectRequest::decode(request.message.as_slice()).unwrap().session.unwrap().seq
}

#[test]
fn a_goodbye_after_our_request_lets_it_finish() {
    let mut sys =
        Fake::new(Server::new(|request| [go_away(request.stream, &[b'x'; 300]), reply(request, b"")].concat()));
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    assert!(session.is_answered());
    assert_eq!(sys.connects, 1);
    session.helo(&mut sys, b"x", true);
    assert!(session.is_answered());
    assert_eq!(sys.connects, 2, "no further stream on a connection that was said good-bye");
    assert_eq!(sys.daemon.requests[1].stream, 1);
}

#[test]
fn servers_that_never_take_a_request_are_not_asked_for_ever() {
    let refusals: Vec<fn(u32) -> Vec<u8>> =
        vec![|_| go_away(0, b""), |id| frame(kind::RST_STREAM, 0, id, &7u32.to_be_bytes())];
    for refuse in refusals {
        let (is_answered, sys) = ask(Server::new(move |request| refuse(request.stream)), usize::MAX);
        assert!(!is_answered);
        assert_eq!(sys.daemon.requests.len(), 3);
    }
}

#[test]
fn a_refused_stream_is_tried_again_on_the_same_connection() {
    let (is_answered, sys) = ask(
        Server::new(|request| {
            if request.number == 0 {
                frame(kind::RST_STREAM, 0, request.stream, &7u32.to_be_bytes())
            } else {
                reply(request, b"")
            }
        }),
        usize::MAX,
    );
    assert!(is_answered);
    assert_eq!(sys.connects, 1);
    assert_eq!(sys.daemon.requests[1].stream, 3);
}

#[test]
fn another_reset_is_no_answer() {
    let (is_answered, sys) =
        ask(Server::new(|request| frame(kind::RST_STREAM, 0, request.stream, &2u32.to_be_bytes())), usize::MAX);
    assert!(!is_answered);
    assert_eq!(sys.daemon.requests.len(), 1);
}

#[test]
fn a_server_that_hangs_up_is_asked_again() {
    let mut server = Server::deciding(|_| go_on());
    server.hangs_up_after = Some(2);
    let mut sys = Fake::new(server);
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    session.helo(&mut sys, b"x", true);
    assert!(session.is_answered(), "what was said before hanging up counts");
    session.mail(&mut sys, b"a@b", b"");
    assert!(session.is_answered());
    assert_eq!(sys.connects, 2);

    let mut server = Server::new(|request| if request.number == 1 { vec![] } else { reply(request, b"") });
    server.hangs_up_after = Some(2);
    let mut sys = Fake::new(server);
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    session.helo(&mut sys, b"x", true);
    assert!(session.is_answered(), "hung up in mid-call: the call is repeated");
    assert_eq!(sys.connects, 2);
    assert_eq!(sys.daemon.requests.len(), 3);
}

#[test]
fn streams_are_opened_only_as_many_as_the_server_allows() {
    // It allows none: the first request was out before we knew.
    let mut server = Server::deciding(|_| go_on());
    server.hello = settings(&[(setting::MAX_CONCURRENT_STREAMS, 0)]);
    let mut sys = Fake::new(server);
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    assert!(session.is_answered());
    session.helo(&mut sys, b"x", true);
    assert!(!session.is_answered());
    assert_eq!(sys.now, 1_002_000);
    assert_eq!(sys.daemon.requests.len(), 1);

    // It allows one, and the report before is not answered yet when MAIL comes.
    let mut server = Server::new(|request| match request.number {
        0 => reply(request, b""),
        1 => vec![],
        _ => reply(request, b""),
    });
    server.hello = settings(&[(setting::MAX_CONCURRENT_STREAMS, 1)]);
    let mut sys = Fake::new(server);
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    session.queued(&mut sys, 1, Some(b""));
    assert!(sys.daemon.requests[1].is("Report"));
    session.mail(&mut sys, b"", b"");
    assert!(!session.is_answered());
    assert_eq!(sys.daemon.requests.len(), 2);
}

#[test]
fn answers_of_reports_are_read_later() {
    let mut sys = Fake::new(Server::deciding(|request| if request.is("Mail") { refusal(550, "no") } else { go_on() }));
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    for number in 0..50 {
        session.queued(&mut sys, number, Some(b""));
        let reply = session.mail(&mut sys, b"x", b"").unwrap();
        assert_eq!(reply, c"550 no\r\n");
    }
    assert_eq!(sys.connects, 1);
}

#[test]
fn a_busy_listener_is_knocked_at_again() {
    let mut server = Server::deciding(|_| go_on());
    server.accepts = vec![Connect::Busy, Connect::Busy, Connect::Started];
    let (is_answered, sys) = ask(server, usize::MAX);
    assert!(is_answered);
    assert_eq!(sys.now, 1_000_020);

    let mut server = Server::deciding(|_| go_on());
    server.accepts = vec![Connect::Busy; 1000];
    let (is_answered, sys) = ask(server, usize::MAX);
    assert!(!is_answered);
    assert_eq!(sys.now, 1_002_000);
    assert!(!sys.is_open);
}

#[test]
fn the_timeout_says_what_is_left() {
    let mut server = Server::deciding(|_| go_on());
    server.accepts = vec![Connect::Busy; 3];
    let (_, sys) = ask(server, usize::MAX);
    assert_eq!(sys.daemon.requests[0].timeout, "1970");
}
