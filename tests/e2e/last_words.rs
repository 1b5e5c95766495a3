//! Is a mail server heard that hangs up right after its report? On a busy machine its 100 ms are soon over.

use prost::Message;
use std::{io::Write, os::unix::net::UnixStream};
use tollgate_proto::v1::{Connection, Ending, ReportRequest, Session};
use tollgate_tests::gate::Plan;

/// Connections that hang up at once.
const CONNECTIONS: u8 = 100;

#[test]
fn a_mail_server_that_hangs_up_at_once_is_heard() {
    let gate = Plan::new("last-words").start();
    for number in 0..CONNECTIONS {
        let mut stream = UnixStream::connect(gate.daemon.socket()).expect("the daemon's socket");
        stream.write_all(&call("/tollgate.v1.Policy/Report", &report(number))).expect("a report");
    }
    let heard = gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "closed")], f64::from(CONNECTIONS));
    assert!(heard < f64::from(CONNECTIONS) + 0.5, "{heard} reports of {CONNECTIONS}");
}

fn report(number: u8) -> Vec<u8> {
    let session = Session { session_id: vec![number; 16].into(), seq: 1, ..Session::default() };
    let connection = Connection { client_ip: b"192.0.2.10".as_slice().into(), ..Connection::default() };
    let ending = Ending::Closed.into();
    ReportRequest { session: Some(session), connection: Some(connection), ending, ..ReportRequest::default() }
        .encode_to_vec()
}

/// All bytes of a unary call on a fresh connection: preface, SETTINGS, HEADERS with literals, DATA (RFC 9113 §3.4, §6).
fn call(path: &str, message: &[u8]) -> Vec<u8> {
    const SETTINGS: u8 = 4;
    const HEADERS: u8 = 1;
    const END_HEADERS: u8 = 4;
    const DATA: u8 = 0;
    const END_STREAM: u8 = 1;
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0); // literal without indexing, new name (RFC 7541 §6.2.2)
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("a short text"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(message.len()).expect("a short message").to_be_bytes());
    body.extend_from_slice(message);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &block));
    bytes.extend(frame(DATA, END_STREAM, 1, &body));
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}
