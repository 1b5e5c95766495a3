//! Where does the daemon listen, and where does it keep things? The `[server]` section.
//!
//! These values hold until a restart: sockets and state survive every reload.

use super::{group, tls};
use crate::{
    config::{Document, Fault, Field, Kind, Section},
    failures::FailureFile,
    paths,
};
use std::{cell::RefCell, fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio_rustls::rustls::ServerConfig;

/// Name of the section.
pub const SECTION: &str = "server";

/// The keys of `[server]`.
pub const FIELDS: &[Field] = &[
    Field {
        name: "socket",
        kind: Kind::Path(""),
        doc: "Unix socket that mail servers ask. Not set: `tollgate.sock` in `/run/tollgate`, or in a folder of the \
              user's own where that is not writable.",
    },
    Field {
        name: "group",
        kind: Kind::Text(""),
        doc: "Group that may connect to `socket` (mode 0660). Not set: the group of the user `qmaild` if the daemon \
              runs as root and there is one, else the daemon's own.",
    },
    Field {
        name: "tcp",
        kind: Kind::Text(""),
        doc: "Address and port that mail servers on other hosts may ask, such as `192.0.2.1:4310`. Needs the three \
              `tls_` keys, or `insecure` on a loopback address. Not set: no TCP.",
    },
    Field {
        name: "insecure",
        kind: Kind::Bool(false),
        doc: "Serve `tcp` without TLS. Loopback addresses only: whoever connects may ask.",
    },
    Field { name: "tls_certificate", kind: Kind::Path(""), doc: "The daemon's certificate chain in PEM, for `tcp`." },
    Field { name: "tls_key", kind: Kind::Path(""), doc: "The private key of `tls_certificate` in PEM." },
    Field {
        name: "tls_client_ca",
        kind: Kind::Path(""),
        doc: "Certificates in PEM, one of which must have signed a client's certificate.",
    },
    Field {
        name: "admin_socket",
        kind: Kind::Path(""),
        doc: "Unix socket that the command `tollgate` asks. Not set: `admin.sock` beside `socket`.",
    },
    Field {
        name: "admin_group",
        kind: Kind::Text(""),
        doc: "Group that may connect to `admin_socket` (mode 0660 then). Not set: the daemon's user only (0600).",
    },
    Field {
        name: "metrics",
        kind: Kind::Text("127.0.0.1:9464"),
        doc: "Address and port of `/metrics`, `/ready` and `/alive` over plain HTTP. Empty: none.",
    },
    Field {
        name: "state",
        kind: Kind::Path(""),
        doc: "Folder for what must survive a restart. Not set: `/var/lib/tollgate`, or a folder of the user's own \
              where that is not writable.",
    },
    Field {
        name: "key_file",
        kind: Kind::Path(""),
        doc: "File with the pool's key, 64 hexadecimal digits, the same on every server that one mail host may ask. \
              It seals `session_state`. Not set: `pool.key` in the state folder. Made at the first start.",
    },
    Field {
        name: "failure_file",
        kind: Kind::Path(""),
        doc: "File to which mail servers append what they had to decide without us; it is counted and emptied. \
              Not set: `failures` in the state folder.",
    },
    Field {
        name: "cores",
        kind: Kind::Integer { default: 0, min: 0, max: 256 },
        doc: "Threads that answer calls. 0: one for each processor.",
    },
    Field {
        name: "connections_max",
        kind: Kind::Integer { default: 16_384, min: 1, max: 1_000_000 },
        doc: "Connections served at once; further ones are closed at once. One SMTP session holds one. About 30 KiB \
              of memory each.",
    },
    Field {
        name: "calls_max",
        kind: Kind::Integer { default: 8_192, min: 1, max: 1_000_000 },
        doc: "Calls under way at once. Further ones fail with RESOURCE_EXHAUSTED without being read, and the mail \
              server's failure mode decides.",
    },
    Field {
        name: "drain_seconds",
        kind: Kind::Integer { default: 10, min: 0, max: 300 },
        doc: "How long calls that are under way may take when the daemon is told to end.",
    },
];

/// A Unix socket: where, and who may connect.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Path of the socket file.
    pub path: PathBuf,
    /// Group that may connect; `None` leaves the daemon's own.
    pub group: Option<u32>,
    /// File mode: 0o660 or 0o600.
    pub mode: u32,
}

/// A TCP listener for mail servers.
#[derive(Clone)]
pub struct Tcp {
    /// Address and port.
    pub address: SocketAddr,
    /// Mutual TLS; `None` = insecure, on loopback.
    pub tls: Option<Arc<ServerConfig>>,
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, if self.tls.is_some() { "mutual TLS" } else { "insecure" })
    }
}

/// The `[server]` section, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For mail servers.
    pub socket: Socket,
    /// For mail servers on other hosts.
    pub tcp: Option<Tcp>,
    /// For `tollgate`.
    pub admin: Socket,
    /// For Prometheus.
    pub metrics: Option<SocketAddr>,
    /// Survives restarts.
    pub state_folder: PathBuf,
    /// The pool's key.
    pub key_file: PathBuf,
    /// What mail servers decided alone.
    pub failures: FailureFile,
    /// Threads that answer calls, at least 1.
    pub cores: usize,
    /// Connections at once, over all cores.
    pub connections_max: usize,
    /// Calls at once, over all cores.
    pub calls_max: usize,
    /// Bound of the drain.
    pub drain: Duration,
}

impl Settings {
    /// Reads the section; what is wrong goes to `faults`, and the result is not to be used then.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, SECTION, &[FIELDS], &[], faults);
        let path = section.path("socket").unwrap_or_else(|| paths::run_folder().join(paths::POLICY_SOCKET));
        let beside = |name: &str| path.with_file_name(name);
        let state_folder = section.path("state").unwrap_or_else(paths::state_folder);
        let group = named_group(&section, "group").or_else(group::of_qmaild);
        let admin_group = named_group(&section, "admin_group");
        Self {
            tcp: tcp(&section),
            admin: Socket {
                path: section.path("admin_socket").unwrap_or_else(|| beside(paths::ADMIN_SOCKET)),
                group: admin_group,
                mode: if admin_group.is_some() { 0o660 } else { 0o600 },
            },
            metrics: address(&section, "metrics"),
            key_file: section.path("key_file").unwrap_or_else(|| state_folder.join("pool.key")),
            failures: FailureFile {
                path: section.path("failure_file").unwrap_or_else(|| state_folder.join("failures")),
                group,
            },
            state_folder,
            cores: match whole(&section, "cores") {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                cores => cores,
            },
            connections_max: whole(&section, "connections_max"),
            calls_max: whole(&section, "calls_max"),
            drain: Duration::from_secs(section.integer("drain_seconds").unsigned_abs()),
            socket: Socket { group, mode: 0o660, path },
        }
    }
}

fn whole(section: &Section<'_>, name: &str) -> usize {
    usize::try_from(section.integer(name)).unwrap_or(usize::MAX)
}

fn named_group(section: &Section<'_>, name: &str) -> Option<u32> {
    let group = section.text(name);
    if group.is_empty() {
        return None;
    }
    let found = group::by_name(&group);
    if found.is_none() {
        section.fault(name, format!("there is no group \"{group}\" on this host"));
    }
    found
}

fn address(section: &Section<'_>, name: &str) -> Option<SocketAddr> {
    let text = section.text(name);
    if text.is_empty() {
        return None;
    }
    let parsed = text.parse();
    if parsed.is_err() {
        section.fault(name, format!("\"{text}\": expected an address and a port such as 127.0.0.1:4310 or [::1]:4310"));
    }
    parsed.ok()
}

fn tcp(section: &Section<'_>) -> Option<Tcp> {
    let address = address(section, "tcp")?;
    let files = ["tls_certificate", "tls_key", "tls_client_ca"].map(|name| section.path(name));
    let insecure = section.bool("insecure");
    let loopback = address.ip().is_loopback();
    match files {
        [None, None, None] if insecure && loopback => Some(Tcp { address, tls: None }),
        [None, None, None] if insecure => {
            section.fault("insecure", format!("{} is no loopback address: expected the three tls_ keys", address.ip()));
            None
        }
        [Some(certificate), Some(key), Some(ca)] if !insecure => match tls::mutual(&certificate, &key, &ca) {
            Ok(tls) => Some(Tcp { address, tls: Some(tls) }),
            Err(error) => {
                section.fault("tcp", error);
                None
            }
        },
        _ => {
            let expected = "tls_certificate, tls_key and tls_client_ca, or insecure = true on a loopback address";
            section.fault("tcp", format!("expected {expected}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str) -> Vec<String> {
        let document = Document::parse("t.toml", text).expect("TOML");
        let faults = RefCell::new(Vec::new());
        let _ = Settings::read(&document, &faults);
        faults.into_inner().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_written_is_nothing_wrong() {
        assert_eq!(faults_of(""), Vec::<String>::new());
    }

    #[test]
    fn tcp_wants_mutual_tls_or_loopback() {
        assert!(faults_of("[server]\ntcp = '127.0.0.1:0'\ninsecure = true").is_empty());
        assert!(faults_of("[server]\ntcp = '[::1]:0'\ninsecure = true").is_empty());
        for (text, expected) in [
            ("tcp = '127.0.0.1:0'", "tls_certificate, tls_key and tls_client_ca"),
            ("tcp = '192.0.2.1:1'\ninsecure = true", "192.0.2.1 is no loopback address"),
            ("tcp = '0.0.0.0:1'\ninsecure = true", "0.0.0.0 is no loopback address"),
            ("tcp = '127.0.0.1:0'\ntls_key = 'x'", "tls_certificate, tls_key and tls_client_ca"),
            ("tcp = 'mail.example:4310'", "expected an address and a port"),
            ("metrics = '9464'", "expected an address and a port"),
            ("admin_group = 'no such group'", "there is no group"),
        ] {
            let found = faults_of(&format!("[server]\n{text}"));
            assert!(found.len() == 1 && found[0].contains(expected), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_missing_certificate_is_named() {
        let text = "[server]\ntcp = '127.0.0.1:0'\ntls_certificate = '/nonexistent/c'\ntls_key = '/nonexistent/k'\n\
                    tls_client_ca = '/nonexistent/a'";
        let found = faults_of(text);
        assert!(found.len() == 1 && found[0].contains("/nonexistent/c"), "{found:?}");
    }
}
