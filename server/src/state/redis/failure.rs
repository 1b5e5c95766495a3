//! What went wrong between us and a Redis? Its word, and one line without secrets.

use super::Node;
use crate::state::{StateError, Trouble};
use redis::{ErrorKind as RedisKind, RedisError, ServerError, Value};
use std::io::{self, ErrorKind};

/// Characters kept of what a server says.
const TEXT_MAX: usize = 200;

/// Why a request failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(trouble: Trouble, text: impl Into<String>) -> Self {
        Self { trouble, text: text.into() }
    }

    /// The answer is of another shape than the command's.
    pub(super) fn odd() -> Self {
        Self::new(Trouble::Protocol, "an answer that does not belong to its question")
    }

    pub(super) fn at(self, node: &Node) -> StateError {
        StateError::Shared { at: node.to_string(), trouble: self.trouble, text: self.text }
    }

    /// An error that the server answered with.
    pub(super) fn said(error: &ServerError) -> Self {
        let said = [error.code(), error.details().unwrap_or_default()].join(" ");
        Self::new(trouble_of(error.code()), printable(&said))
    }

    /// The same, of a log-in: its words may quote the password.
    pub(super) fn said_at_log_in(error: &ServerError) -> Self {
        Self::new(Trouble::Auth, format!("the log-in was refused ({})", printable(error.code())))
    }

    pub(super) fn of_io(error: &io::Error) -> Self {
        let trouble = match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => return Self::new(Trouble::Timeout, "no answer in time"),
            ErrorKind::UnexpectedEof => return Self::new(Trouble::Refused, "the server hung up"),
            ErrorKind::InvalidData => Trouble::Protocol,
            ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotFound
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable => Trouble::Refused,
            ErrorKind::PermissionDenied => Trouble::Auth,
            _ => Trouble::Other,
        };
        Self::new(trouble, printable(&error.to_string()))
    }

    /// What the parser made of answers that could be read.
    pub(super) fn of_parser(error: &RedisError) -> Self {
        match error.kind() {
            RedisKind::Io => Self::new(Trouble::Refused, "the server hung up"),
            _ => Self::new(Trouble::Protocol, "the answer is no Redis's"),
        }
    }
}

/// The first error among answers, at any depth that our commands have.
pub(super) fn first_error(answers: &[Value]) -> Option<&ServerError> {
    let of_one = |answer: &'_ Value| match answer {
        Value::ServerError(_) => true,
        Value::Array(inner) => inner.iter().any(|inner| matches!(inner, Value::ServerError(_))),
        _ => false,
    };
    match answers.iter().find(|answer| of_one(answer))? {
        Value::ServerError(error) => Some(error),
        Value::Array(inner) => inner.iter().find_map(|inner| match inner {
            Value::ServerError(error) => Some(error),
            _ => None,
        }),
        _ => None,
    }
}

fn trouble_of(code: &str) -> Trouble {
    match code {
        "READONLY" => Trouble::ReadOnly,
        "NOAUTH" | "WRONGPASS" | "NOPERM" => Trouble::Auth,
        "OOM" | "MISCONF" => Trouble::Full,
        "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" => Trouble::Moved,
        "LOADING" | "BUSY" | "NOREPLICAS" => Trouble::Refused,
        _ => Trouble::Other,
    }
}

/// One line, bounded: what a server says goes into our log.
fn printable(text: &str) -> String {
    let clean = text.trim().chars().take(TEXT_MAX);
    clean.map(|letter| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: &str) -> ServerError {
        match redis::parse_redis_value(format!("-{line}\r\n").as_bytes()) {
            Ok(Value::ServerError(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_servers_say_has_a_word() {
        for (line, expected) in [
            ("READONLY You can't write against a read only replica.", Trouble::ReadOnly),
            ("NOAUTH Authentication required.", Trouble::Auth),
            ("WRONGPASS invalid username-password pair or user is disabled.", Trouble::Auth),
            ("NOPERM User t has no permissions to run the 'hset' command", Trouble::Auth),
            ("OOM command not allowed when used memory > 'maxmemory'.", Trouble::Full),
            ("MISCONF Redis is configured to save RDB snapshots", Trouble::Full),
            ("MOVED 3999 127.0.0.1:6381", Trouble::Moved),
            ("CLUSTERDOWN The cluster is down", Trouble::Moved),
            ("LOADING Redis is loading the dataset in memory", Trouble::Refused),
            ("ERR unknown command", Trouble::Other),
            ("", Trouble::Other),
        ] {
            let failure = Failure::said(&error(line));
            assert_eq!((failure.trouble, failure.text.as_str()), (expected, line));
        }
        let long = Failure::said(&error(&format!("ERR \u{1b}[31m\u{e9}{}", "x".repeat(9_000))));
        assert!(long.text.len() <= TEXT_MAX && long.text.starts_with("ERR ?[31m?x"), "{}", long.text);
    }

    #[test]
    fn a_log_in_is_not_quoted() {
        let failure = Failure::said_at_log_in(&error("ERR unknown command 'AUTH', with args: 'u' 'hunter2'"));
        assert_eq!((failure.trouble, failure.text.as_str()), (Trouble::Auth, "the log-in was refused (ERR)"));
    }

    #[test]
    fn errors_are_found_within_transactions() {
        let inner = Value::Array(vec![Value::Okay, Value::ServerError(error("WRONGTYPE x"))]);
        let answers = [Value::Okay, Value::Nil, inner];
        assert_eq!(first_error(&answers).map(ServerError::code), Some("WRONGTYPE"));
        assert!(first_error(&[Value::Okay, Value::Array(vec![Value::Int(1)])]).is_none());
    }
}
