//! Which load is put on a server? qmail's way (a connection for each session), and the cheapest way for comparison.

use super::wire::{PREFACE, Reader, header_block, request};
use prost::Message;
use std::{
    io::{self, Write},
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};
use tollgate_proto::v1::{
    ConnectRequest, Connection, DataRequest, Ending, Helo, HeloRequest, Mail, MailRequest, RcptRequest, Rcpthosts,
    ReportRequest, Session, Verdict,
};

/// SMTP sessions at the same time.
const CLIENTS: u32 = 16;
/// Sessions on a multiplexed connection before it is replaced.
const SESSIONS_PER_CONNECTION: u32 = 500;

/// How connections are used.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// One connection for each session.
    FreshConnections,
    /// Many sessions in a row on one connection.
    Multiplexed,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FreshConnections => "a fresh Unix connection for each session of six calls, 16 sessions at a time",
            Self::Multiplexed => "16 lasting connections, six calls a session",
        }
    }

    fn sessions(self) -> u32 {
        match self {
            Self::FreshConnections => 1,
            Self::Multiplexed => SESSIONS_PER_CONNECTION,
        }
    }
}

/// Runs sessions for `time`; calls made and time taken.
pub(crate) fn run(socket: &Path, mode: Mode, time: Duration) -> io::Result<(u64, Duration)> {
    let start = now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let socket = socket.to_owned();
            thread::spawn(move || -> io::Result<u64> {
                let mut calls = 0;
                while now() - start < time {
                    calls += connection(&socket, mode.sessions(), client, start + time)?;
                }
                Ok(calls)
            })
        })
        .collect();
    let mut calls = 0;
    for client in clients {
        calls += client.join().map_err(|_| io::Error::other("a client died"))??;
    }
    Ok((calls, now() - start))
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

fn connection(socket: &Path, sessions: u32, client: u32, end: Instant) -> io::Result<u64> {
    let mut reader = Reader::new(UnixStream::connect(socket)?);
    reader.stream.write_all(PREFACE)?;
    let (mut stream, mut calls) = (1, 0);
    for number in 0..sessions {
        calls += session(&mut reader, &mut stream, client, number)?;
        if now() > end {
            break;
        }
    }
    Ok(calls)
}

/// The six calls of one accepted message, each after the reply to the one before.
fn session(reader: &mut Reader<UnixStream>, stream: &mut u32, client: u32, number: u32) -> io::Result<u64> {
    let mut facts = Facts::new(client, number);
    let (mut out, mut reply) = (Vec::with_capacity(1024), Vec::new());
    for (seq, method) in ["Connect", "Helo", "Mail", "Rcpt", "Data", "Report"].into_iter().enumerate() {
        facts.session.seq = seq as u32 + 1;
        out.clear();
        request(&mut out, *stream, &header_block(method), &facts.message(method));
        reader.stream.write_all(&out)?;
        if reader.reply(&mut reply)? != *stream {
            return Err(io::Error::other("a reply to another call"));
        }
        *stream += 2;
        if method != "Report" {
            let verdict = Verdict::decode(reply.as_slice()).map_err(io::Error::other)?;
            if verdict.action != 0 || !verdict.degraded.is_empty() {
                return Err(io::Error::other(format!("a clean session was not answered cleanly: {verdict:?}")));
            }
            facts.session.session_state = verdict.session_state;
        }
    }
    Ok(6)
}

struct Facts {
    session: Session,
    connection: Connection,
    helo: Helo,
    mail: Mail,
}

impl Facts {
    fn new(client: u32, number: u32) -> Self {
        let mut id = [9; 16];
        id[..4].copy_from_slice(&client.to_be_bytes());
        id[4..8].copy_from_slice(&number.to_be_bytes());
        let connection = Connection {
            client_ip: format!("198.51.100.{}", client % 200 + 1).into(),
            client_port: 40_000,
            server_ip: "203.0.113.1".into(),
            server_port: 25,
            server_name: "mx.example.org".into(),
            smtpd_pid: 4_711,
            ..Connection::default()
        };
        Self {
            session: Session { session_id: id.to_vec().into(), ..Session::default() },
            connection,
            helo: Helo { helo: "mail.example.net".into(), esmtp: true },
            mail: Mail { sender: "someone@example.net".into(), declared_size: 4_096 },
        }
    }

    fn message(&self, method: &str) -> Vec<u8> {
        let session = Some(self.session.clone());
        let connection = Some(self.connection.clone());
        let (helo, mail) = (Some(self.helo.clone()), Some(self.mail.clone()));
        match method {
            "Connect" => ConnectRequest { session, connection }.encode_to_vec(),
            "Helo" => HeloRequest { session, connection, helo }.encode_to_vec(),
            "Mail" => MailRequest { session, connection, helo, mail }.encode_to_vec(),
            "Rcpt" => {
                let (recipient, rcpthosts) = ("user@example.org".into(), Rcpthosts::Allowed.into());
                RcptRequest { session, connection, helo, mail, recipient, rcpthosts }.encode_to_vec()
            }
            "Data" => DataRequest { session, connection, helo, mail, recipients_accepted: 1, recipients_refused: 0 }
                .encode_to_vec(),
            _ => ReportRequest {
                session,
                connection,
                helo,
                mail,
                ending: Ending::Accepted.into(),
                recipients_accepted: 1,
                message_bytes: 4_000,
                qp: 4_712,
                ..ReportRequest::default()
            }
            .encode_to_vec(),
        }
    }
}

/// Leaves the first processor to the server.
pub(crate) fn pin_to_second_processor() {
    let pid = std::process::id().to_string();
    let pinned = std::process::Command::new("taskset").args(["-a", "-cp", "1", &pid]).output();
    if !pinned.is_ok_and(|output| output.status.success()) {
        eprintln!("not pinned: the client shares the server's processor");
    }
}
