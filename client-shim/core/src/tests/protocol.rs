//! HTTP/2 and gRPC: whatever a compliant server may do is understood, whatever it may not do is no answer.

use super::{
    fake::Fake,
    server::{Request, Server, block, data, frame, go_on, head, prefixed, reply, settings, trailers},
};
use crate::{
    Session,
    http2::frame::{flag, kind, setting},
};
use prost::Message;
use tollgate_proto::v1::Verdict;

fn encoded(verdict: &Verdict) -> Vec<u8> {
    verdict.encode_to_vec()
}

/// One call at connect: whether it was answered, and the system afterwards.
pub(super) fn ask(server: Server, chunk: usize) -> (bool, Fake<Server>) {
    let mut sys = Fake::new(server);
    sys.chunk = chunk;
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    (session.is_answered(), sys)
}

/// Whether a server whose answers are made by `answer` is understood, however its bytes are cut.
fn is_understood(answer: impl Fn(&Request) -> Vec<u8> + Clone + 'static) -> bool {
    let results: Vec<bool> = [usize::MAX, 1, 7, 64].map(|chunk| ask(Server::new(answer.clone()), chunk).0).to_vec();
    assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
    results[0]
}

#[test]
fn a_plain_answer() {
    assert!(is_understood(|request| reply(request, &encoded(&go_on()))));
}

#[test]
fn the_request_is_grpc() {
    let (_, sys) = ask(Server::deciding(|_| go_on()), usize::MAX);
    let (head, block) = sys.daemon.frames.iter().find(|(head, _)| head.kind == kind::HEADERS).unwrap();
    assert_eq!(head.stream, 1);
    let text = String::from_utf8_lossy(block).into_owned();
    for part in ["application/grpc", "trailers", "grpc-timeout", "2000m", "localhost", "tollgate-shim/"] {
        assert!(text.contains(part), "{part}");
    }
    let (_, payload) = sys.daemon.frames.iter().find(|(head, _)| head.kind == kind::SETTINGS).unwrap();
    assert_eq!(payload[..12], [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0], "no dynamic table, no push");
}

#[test]
fn informational_heads_padding_priority_and_continuations() {
    assert!(is_understood(|request| {
        let id = request.stream;
        let early = frame(kind::HEADERS, flag::END_HEADERS, id, &block(&[(":status", "103"), ("link", "x")]));
        let fields = block(&[(":status", "200"), ("a", "b")]);
        let (first, rest) = fields.split_at(5);
        let mut padded = vec![3, 0x80, 0, 0, 0, 9];
        padded.extend(first);
        padded.extend([0; 3]);
        let head = frame(kind::HEADERS, flag::PADDED | flag::PRIORITY, id, &padded);
        let more = frame(kind::CONTINUATION, 0, id, &rest[..2]);
        let nothing = frame(kind::CONTINUATION, 0, id, &[]);
        let last = frame(kind::CONTINUATION, flag::END_HEADERS, id, &rest[2..]);
        let mut body = vec![200];
        body.extend(prefixed(&encoded(&go_on())));
        body.extend([0; 200]);
        let message = frame(kind::DATA, flag::PADDED, id, &body);
        let empty = frame(kind::DATA, 0, id, &[]);
        [early, head, more, nothing, last, empty, message, trailers(id, "0")].concat()
    }));
}

#[test]
fn frames_that_mean_nothing_to_us() {
    assert!(is_understood(|request| {
        let id = request.stream;
        let unknown = frame(0x42, 0xff, 77, b"whatever");
        let priority = frame(kind::PRIORITY, 0, 99, &[0; 5]);
        let origin = frame(0xc, 0, 0, &[]);
        let ack = frame(kind::SETTINGS, flag::ACK, 0, &[]);
        let pong = frame(kind::PING, flag::ACK, 0, &[1; 8]);
        let more = settings(&[(0x99, 7), (setting::ENABLE_PUSH, 0)]);
        [
            unknown,
            priority,
            origin,
            ack,
            pong,
            more,
            reply(request, &encoded(&go_on())),
            frame(kind::RST_STREAM, 0, id, &[0; 4]),
        ]
        .concat()
    }));
}

#[test]
fn a_message_in_many_frames() {
    assert!(is_understood(|request| {
        let verdict = Verdict { session_state: vec![7; 1000].into(), ..go_on() };
        let mut bytes = head(request.stream);
        for byte in prefixed(&encoded(&verdict)) {
            bytes.extend(frame(kind::DATA, 0, request.stream, &[byte]));
        }
        bytes.extend(trailers(request.stream, "0"));
        bytes
    }));
}

#[test]
fn huffman_coded_answers() {
    // :status 200 as a literal with indexing, grpc-status and its value Huffman-coded.
    let name = [0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f];
    assert!(is_understood(move |request| {
        let mut block = vec![0x40, 0x80 | name.len() as u8];
        block.extend(name);
        block.extend([0x81, 0x07]);
        let end = frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, request.stream, &block);
        [head(request.stream), data(request.stream, &encoded(&go_on())), end].concat()
    }));
}

#[test]
fn answers_that_are_none() {
    let with = |make: fn(u32) -> Vec<u8>| is_understood(move |request| make(request.stream));
    // No message, no trailers, no head, a message cut short, too long, compressed, two of them.
    assert!(!with(|id| [head(id), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), frame(kind::DATA, flag::END_STREAM, id, &prefixed(b""))].concat()));
    assert!(!with(|id| [data(id, b""), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), frame(kind::DATA, 0, id, &[0, 0, 0, 0, 9, 1]), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), frame(kind::DATA, 0, id, &[0, 0, 0, 0, 0, 1]), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), frame(kind::DATA, 0, id, &[1, 0, 0, 0, 0]), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), data(id, b""), data(id, b""), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), data(id, &[0; 9000]), trailers(id, "0")].concat()));
    assert!(!with(|id| [head(id), head(id), data(id, b""), trailers(id, "0")].concat()));
    // Bytes that are no Verdict.
    assert!(!with(|id| [head(id), data(id, &[0xff; 20]), trailers(id, "0")].concat()));
    // The empty Verdict: go on.
    assert!(with(|id| [head(id), data(id, b""), trailers(id, "0")].concat()));
}

#[test]
fn errors_of_grpc_and_of_proxies() {
    for status in ["1", "4", "12", "14", "99", "x"] {
        let mut sys =
            Fake::new(Server::new(move |request| [head(request.stream), trailers(request.stream, status)].concat()));
        let mut session = Box::new(Session::new());
        session.connect(&mut sys);
        assert!(!session.is_answered());
        let expected = if status == "x" { " status-2 " } else { &format!(" status-{status} ") };
        assert!(String::from_utf8_lossy(&sys.records[0]).contains(expected), "{status}");
    }
    // Trailers only.
    assert!(!is_understood(|request| {
        let fields = block(&[(":status", "200"), ("grpc-status", "8"), ("grpc-message", "no")]);
        frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, request.stream, &fields)
    }));
    // A proxy's page.
    let mut sys = Fake::new(Server::new(|request| {
        let fields = block(&[(":status", "502"), ("content-type", "text/html")]);
        let page = frame(kind::DATA, flag::END_STREAM, request.stream, &[b'x'; 16_000]);
        [frame(kind::HEADERS, flag::END_HEADERS, request.stream, &fields), page].concat()
    }));
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    assert!(String::from_utf8_lossy(&sys.records[0]).contains(" connect status-14 "));
}

#[test]
fn what_breaks_the_protocol_ends_the_connection() {
    let breaches: Vec<fn(u32) -> Vec<u8>> = vec![
        |_| frame(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &[0, 0, 0, 2]),
        |_| frame(kind::SETTINGS, 0, 0, &[0; 5]),
        |_| frame(kind::SETTINGS, 0, 1, &[0; 6]),
        |_| frame(kind::SETTINGS, flag::ACK, 0, &[0; 6]),
        |_| settings(&[(setting::INITIAL_WINDOW_SIZE, 0x8000_0000)]),
        |_| settings(&[(setting::MAX_FRAME_SIZE, 16_383)]),
        |_| settings(&[(setting::MAX_FRAME_SIZE, 0x0100_0000)]),
        |_| settings(&[(setting::ENABLE_PUSH, 2)]),
        |_| frame(kind::PING, 0, 0, &[0; 7]),
        |_| frame(kind::PING, 0, 1, &[0; 8]),
        |_| frame(kind::GOAWAY, 0, 0, &[0; 7]),
        |_| frame(kind::GOAWAY, 0, 1, &[0; 8]),
        |_| frame(kind::WINDOW_UPDATE, 0, 0, &[0; 4]),
        |_| frame(kind::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
        |id| frame(kind::WINDOW_UPDATE, 0, id, &[0x7f, 0xff, 0xff, 0xff]),
        |id| frame(kind::WINDOW_UPDATE, 0, id, &[0; 3]),
        |id| frame(kind::RST_STREAM, 0, id, &[0; 5]),
        |id| frame(kind::RST_STREAM, 0, id + 2, &[0; 4]),
        |id| frame(kind::HEADERS, flag::END_HEADERS, id + 2, &[0x88]),
        |_| frame(kind::HEADERS, flag::END_HEADERS, 2, &[0x88]),
        |_| frame(kind::DATA, 0, 0, &[]),
        |id| frame(kind::CONTINUATION, flag::END_HEADERS, id, &[0x88]),
        |id| [frame(kind::HEADERS, 0, id, &[0x88]), frame(kind::PING, 0, 0, &[0; 8])].concat(),
        |id| [frame(kind::HEADERS, 0, id, &[0x88]), frame(kind::CONTINUATION, 0, id + 2, &[])].concat(),
        |id| frame(kind::HEADERS, flag::END_HEADERS | flag::PADDED, id, &[9, 0x88]),
        |id| frame(kind::HEADERS, flag::END_HEADERS | flag::PRIORITY, id, &[0x88]),
        |id| frame(kind::DATA, flag::PADDED, id, &[]),
        |id| frame(kind::HEADERS, flag::END_HEADERS, id, &[0xbe]),
        |id| [0; 3].iter().flat_map(|_| frame(kind::HEADERS, 0, id, &[0; 9])).collect(),
        |_| vec![0, 0x40, 1, 0, 0, 0, 0, 0, 1],
    ];
    for (number, breach) in breaches.into_iter().enumerate() {
        let answer = move |request: &Request| [breach(request.stream), reply(request, b"")].concat();
        assert!(!is_understood(answer), "breach {number}");
    }
    // A block longer than we said we take.
    assert!(!is_understood(|request| {
        let id = request.stream;
        let mut bytes = frame(kind::HEADERS, 0, id, &[0x88]);
        (0..40).for_each(|_| bytes.extend(frame(kind::CONTINUATION, 0, id, &block(&[("x", &"y".repeat(100))]))));
        bytes.extend(frame(kind::CONTINUATION, flag::END_HEADERS, id, &[]));
        [bytes, data(id, b""), trailers(id, "0")].concat()
    }));
}

#[test]
fn the_servers_first_frame_is_its_settings() {
    for hello in [
        frame(kind::PING, 0, 0, &[0; 8]),
        frame(kind::SETTINGS, flag::ACK, 0, &[]),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ] {
        let mut server = Server::deciding(|_| go_on());
        server.hello = hello;
        let (is_answered, sys) = ask(server, usize::MAX);
        assert!(!is_answered);
        assert!(!sys.is_open);
        assert_eq!(sys.now, 1_000_000, "nobody waits for a server that cannot be understood");
    }
}

#[test]
fn pings_are_answered() {
    let mut server = Server::new(|request| {
        let ping = frame(kind::PING, 0, 0, b"12345678");
        [ping, reply(request, b"")].concat()
    });
    server.hello = settings(&[(setting::MAX_CONCURRENT_STREAMS, 100)]);
    let mut sys = Fake::new(server);
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    session.helo(&mut sys, b"x", true);
    assert!(session.is_answered());
    let pong = sys.daemon.frames.iter().find(|(head, _)| head.kind == kind::PING).unwrap();
    assert!(pong.0.has(flag::ACK));
    assert_eq!(pong.1, b"12345678");
    assert!(sys.daemon.frames.iter().any(|(head, _)| head.kind == kind::SETTINGS && head.has(flag::ACK)));
}

#[test]
fn a_flood_of_pings_is_not_answered_for_ever() {
    let (is_answered, sys) = ask(
        Server::new(|request| {
            let mut flood = Vec::new();
            (0..5000).for_each(|_| flood.extend(frame(kind::PING, 0, 0, &[0; 8])));
            [flood, reply(request, b"")].concat()
        }),
        usize::MAX,
    );
    assert!(!is_answered);
    assert!(!sys.is_open);
}

#[test]
fn windows_are_kept() {
    // The server grants 10 bytes to a stream, then a few more at a time.
    let mut server = Server::deciding(|_| go_on());
    server.hello = settings(&[(setting::INITIAL_WINDOW_SIZE, 0)]);
    // The default window counts until the settings are there: the first request fits into it. The second does not.
    let mut sys = Fake::new(server);
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    assert!(session.is_answered());
    let before = sys.daemon.requests.len();
    sys.daemon.windows = Some((65_535, 0));
    let start = sys.now;
    session.helo(&mut sys, b"x", false);
    assert!(!session.is_answered(), "no window, no request");
    assert_eq!(sys.daemon.requests.len(), before);
    assert_eq!(sys.now - start, 2000);
}

#[test]
fn a_window_that_opens_late_is_used() {
    struct Late(Server);
    impl super::fake::Daemon for Late {
        fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
            let headers = self.0.frames.iter().filter(|(head, _)| head.kind == kind::HEADERS).count();
            let mut answer = self.0.hear(bytes);
            let more = self.0.frames.iter().filter(|(head, _)| head.kind == kind::HEADERS).count();
            if more > headers && more == 2 {
                // First a smaller window than what is used already, then single bytes, then enough.
                for _ in 0..30 {
                    answer.extend(frame(kind::WINDOW_UPDATE, 0, 3, &1u32.to_be_bytes()));
                }
                answer.extend(settings(&[(setting::INITIAL_WINDOW_SIZE, 20_000)]));
            }
            answer
        }
    }
    let mut server = Server::deciding(|_| go_on());
    server.hello = settings(&[(setting::INITIAL_WINDOW_SIZE, 0)]);
    for chunk in [usize::MAX, 13, 5] {
        let mut fresh = Server::deciding(|_| go_on());
        fresh.hello.clone_from(&server.hello);
        let mut sys = Fake::new(Late(fresh));
        sys.chunk = chunk;
        let mut session = Box::new(Session::new());
        session.connect(&mut sys);
        session.helo(&mut sys, b"late.example", true);
        assert!(session.is_answered(), "{chunk}");
        let request = sys.daemon.0.requests.last().unwrap();
        let helo = tollgate_proto::v1::HeloRequest::decode(request.message.as_slice()).unwrap();
        assert_eq!(helo.helo.unwrap().helo, "late.example");
    }
}

#[test]
fn our_window_is_refilled() {
    let mut sys = Fake::new(Server::deciding(|_| Verdict { session_state: vec![1; 1000].into(), ..go_on() }));
    let mut session = Box::new(Session::new());
    session.connect(&mut sys);
    for call in 0..200 {
        session.mail(&mut sys, b"a@example.org", b"");
        assert!(session.is_answered(), "{call}");
    }
    assert_eq!(sys.connects, 1);
    let refilled: u32 = sys
        .daemon
        .frames
        .iter()
        .filter(|(head, _)| head.kind == kind::WINDOW_UPDATE && head.stream == 0)
        .map(|(_, payload)| u32::from_be_bytes(payload[..].try_into().unwrap()))
        .sum();
    assert!((180_000..=210_000).contains(&refilled), "{refilled}");
}
