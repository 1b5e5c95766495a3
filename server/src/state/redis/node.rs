//! Where is a Redis? A host and port, or a Unix socket.

use std::{fmt, path::PathBuf};

/// The port that is meant where none is written.
const PORT: u16 = 6379;

/// Longest host name, in octets (RFC 1035 §2.3.4).
const HOST_OCTETS_MAX: usize = 255;

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// Over TCP: a name or an address, and a port.
    Tcp(String, u16),
    /// A socket file.
    Unix(PathBuf),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Node {
    /// Server, number of the database and whether TLS is spoken. `Err` says what was expected.
    pub(in crate::state) fn of_url(url: &str) -> Result<(Self, u16, bool), String> {
        let shown = url.escape_default();
        if let Some(path) = url.strip_prefix("unix://") {
            let fits = path.len() > 1 && path.starts_with('/') && !path.contains(['?', '\0']);
            let node = Self::Unix(PathBuf::from(path));
            return if fits { Ok((node, 0, false)) } else { Err(format!("\"{shown}\": expected unix:///PATH")) };
        }
        let (tls, rest) = match (url.strip_prefix("rediss://"), url.strip_prefix("redis://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => {
                return Err(format!("\"{shown}\": expected redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH"));
            }
        };
        if rest.contains('@') {
            // Not shown: there is a password in it.
            return Err("a user or password in the URL: expected redis_user and redis_password_file".to_owned());
        }
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let number = if database.is_empty() { Ok(0) } else { database.parse() };
        let database =
            number.map_err(|_| format!("\"{shown}\": {} is no database number", database.escape_default()))?;
        Ok((Self::of_place(place).map_err(|wrong| format!("\"{shown}\": {wrong}"))?, database, tls))
    }

    /// `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`.
    fn of_place(place: &str) -> Result<Self, String> {
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').unwrap_or((rest, "?")),
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|&port| port != 0),
            None => port.is_empty().then_some(PORT),
        };
        let known = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b':' | b'%');
        if host.is_empty() || host.len() > HOST_OCTETS_MAX || !host.bytes().all(known) {
            return Err(format!("\"{}\" is no host", host.escape_default()));
        }
        let port = port.ok_or_else(|| format!("what follows {} is no port: expected 1 to 65535", host))?;
        Ok(Self::Tcp(host.to_owned(), port))
    }

    /// As a server of the cluster announces one: an empty host is that of the server that was asked.
    pub(super) fn announced(host: &str, port: u16, asked: &Self) -> Option<Self> {
        let host = match (host, asked) {
            ("" | "?", Self::Tcp(asked, _)) => asked,
            ("" | "?", Self::Unix(_)) => return None,
            _ => host,
        };
        let fits = port != 0 && host.len() <= HOST_OCTETS_MAX && host.bytes().all(|octet| octet.is_ascii_graphic());
        fits.then(|| Self::Tcp(host.to_owned(), port))
    }
}
