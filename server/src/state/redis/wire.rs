//! How is a Redis spoken to? One connection, logged in: requests go out whole, and are answered whole or not at all.
//!
//! A connection answers in the order of its questions, so one whose answers were not all read would answer later
//! questions with earlier answers. Asking takes the connection away and gives it back with the answers only: what failed
//! in between is closed. Each request ends with an ECHO of a number of its own, so that a server which answers too much
//! or too little is found out at once. (Not PING: a Redis that cannot save refuses it, and could still be read.)

use super::{
    Node,
    failure::Failure,
    socket::{Naming, Socket},
};
use crate::{
    clock::Clock,
    config::Secret,
    state::{RedisSettings, Trouble},
};
use redis::{Cmd, Parser, Value, cmd};
use std::{
    io::{self, Read, Write},
    sync::Arc,
    time::Instant,
};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

/// What it takes to be let in.
pub(super) struct Access {
    user: Option<String>,
    password: Option<Secret>,
    database: u16,
    tls: Option<Arc<ClientConfig>>,
    naming: Naming,
    pub(super) clock: Clock,
}

impl Access {
    pub(super) fn new(settings: &RedisSettings, clock: Clock) -> Self {
        Self {
            user: settings.user.clone(),
            password: settings.password.clone(),
            database: settings.database,
            tls: settings.tls.clone(),
            naming: Naming::default(),
            clock,
        }
    }
}

enum Line {
    Plain(Socket),
    Encrypted(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Line {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Encrypted(stream) => &mut stream.sock,
        }
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Encrypted(stream) => stream.read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(from),
            Self::Encrypted(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}

/// Keeps what went wrong while the parser read: it tells others of it in words only.
struct Noting<'a> {
    line: &'a mut Line,
    failure: Option<Failure>,
}

impl Read for Noting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.line.read(into).inspect_err(|error| self.failure = Some(Failure::of_io(error)))
    }
}

/// An open connection that owes no answer.
pub(super) struct Wire {
    line: Line,
    parser: Parser,
    requests: u64,
}

/// A connection that owes answers: lost unless they are read.
pub(super) struct Asked {
    wire: Wire,
    answers: usize,
}

impl Wire {
    /// Connects and logs in, until `end` at most.
    pub(super) fn open(node: &Node, access: &Access, end: Instant) -> Result<Self, Failure> {
        let socket =
            Socket::connect(node, &access.naming, &access.clock, end).map_err(|error| Failure::of_io(&error))?;
        let line = match (&access.tls, node) {
            (Some(tls), Node::Tcp(host, _)) => Line::Encrypted(Box::new(encrypted(socket, host, tls)?)),
            _ => Line::Plain(socket),
        };
        let wire = Self { line, parser: Parser::new(), requests: 0 };
        let mut setup = Vec::new();
        if let Some(password) = &access.password {
            let mut log_in = cmd("AUTH");
            if let Some(user) = &access.user {
                log_in.arg(user);
            }
            setup.push(log_in.arg(password.expose()).to_owned());
        }
        if access.database != 0 {
            setup.push(cmd("SELECT").arg(access.database).to_owned());
        }
        if setup.is_empty() {
            return Ok(wire);
        }
        let packed: Vec<u8> = setup.iter().flat_map(Cmd::get_packed_command).collect();
        let (wire, answers) = wire.ask(&packed, setup.len(), end)?.answers()?;
        for (place, answer) in answers.iter().enumerate() {
            match answer {
                Value::ServerError(error) if place == 0 && access.password.is_some() => {
                    return Err(Failure::said_at_log_in(error));
                }
                Value::ServerError(error) => return Err(Failure::said(error)),
                _ => {}
            }
        }
        Ok(wire)
    }

    /// Sends packed commands, with so many answers.
    pub(super) fn ask(mut self, packed: &[u8], answers: usize, end: Instant) -> Result<Asked, Failure> {
        self.requests += 1;
        let mut request = packed.to_vec();
        cmd("ECHO").arg(self.requests).write_packed_command(&mut request);
        self.line.socket().begin(end);
        let sent = self.line.write_all(&request).and_then(|()| self.line.flush());
        sent.map_err(|error| Failure::of_io(&error))?;
        Ok(Asked { wire: self, answers })
    }
}

impl Asked {
    /// All answers, and the connection.
    pub(super) fn answers(mut self) -> Result<(Wire, Vec<Value>), Failure> {
        let mut next = || {
            let mut line = Noting { line: &mut self.wire.line, failure: None };
            let parsed = self.wire.parser.parse_value(&mut line);
            parsed.map_err(|error| line.failure.take().unwrap_or_else(|| Failure::of_parser(&error)))
        };
        let answers = (0..self.answers).map(|_| next()).collect::<Result<Vec<_>, _>>()?;
        let expected = self.wire.requests.to_string();
        match next()? {
            Value::BulkString(mark) if mark == expected.as_bytes() => Ok((self.wire, answers)),
            // Who is not logged in, or has not the right, is told so before.
            Value::ServerError(error) => Err(Failure::said(super::failure::first_error(&answers).unwrap_or(&error))),
            _ => Err(Failure::odd()),
        }
    }
}

fn encrypted(
    socket: Socket,
    host: &str,
    tls: &Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, Socket>, Failure> {
    let odd = |error: &dyn std::fmt::Display| Failure::new(Trouble::Protocol, format!("TLS: {error}"));
    let name = ServerName::try_from(host.to_owned()).map_err(|error| odd(&error))?;
    let connection = ClientConnection::new(Arc::clone(tls), name).map_err(|error| odd(&error))?;
    let mut stream = StreamOwned::new(connection, socket);
    // Now, and not with the first request: what is wrong with a certificate is told as that.
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => odd(&error),
            _ => Failure::of_io(&error),
        })?;
    }
    Ok(stream)
}
