//! Which store keeps what servers remember? The section `[state]`.

use super::{
    Pace,
    redis::{Node, tls},
};
use crate::{
    config::{Document, Fault, Field, Kind, Secret, Section},
    recall::Bounds,
};
use std::{cell::RefCell, fmt, sync::Arc, time::Duration};
use tokio_rustls::rustls::ClientConfig;

/// Name of the section.
const SECTION: &str = "state";

/// Longest prefix and longest name of a server, in octets.
const NAME_OCTETS_MAX: usize = 64;

/// Servers of a cluster that may be named: it tells the others itself.
const SEEDS_MAX: usize = 64;

/// The section's keys.
pub const FIELDS: &[Field] = &[
    Field {
        name: "store",
        kind: Kind::Choice(&["sled", "memory", "redis"]),
        doc: "`sled`: in the state folder, for one server. `redis`: in a Redis (7.0 or later) or Valkey that several \
              servers share. `memory`: nowhere, everything is forgotten at the end.",
    },
    Field {
        name: "reputation_mib",
        kind: Kind::Integer { default: 128, min: 1, max: 1_000_000 },
        doc: "Memory for reputations at hand, in MiB: 8,000 subjects each. What has no room is read from the store again.",
    },
    Field {
        name: "triplets_mib",
        kind: Kind::Integer { default: 64, min: 1, max: 1_000_000 },
        doc: "Memory for triplets of greylisting at hand, in MiB: 13,000 each.",
    },
    Field {
        name: "counters_mib",
        kind: Kind::Integer { default: 32, min: 1, max: 1_000_000 },
        doc: "Memory for limits at hand, in MiB: 18,000 each.",
    },
    Field {
        name: "records_max",
        kind: Kind::Integer { default: 10_000_000, min: 1_000, max: 1_000_000_000 },
        doc: "Records of each kind that the embedded store may hold; beyond that those go that would expire first.",
    },
    Field {
        name: "host_events_per_hour",
        kind: Kind::Integer { default: 120, min: 1, max: 1_000_000 },
        doc: "What one mail host may report of one subject's behaviour in an hour: the rest does not count. So no single \
              host can ruin, or make, anybody's reputation.",
    },
    Field {
        name: "redis_url",
        kind: Kind::Texts(&[]),
        doc: "Where the Redis is: `redis://HOST:PORT`, `rediss://HOST:PORT` (TLS) or `unix:///PATH`, and `/NUMBER` \
              behind the port for another database than 0. Several only with `redis_cluster`.",
    },
    Field {
        name: "redis_cluster",
        kind: Kind::Bool(false),
        doc: "`redis_url` names servers of a cluster; the others are learnt from them.",
    },
    Field {
        name: "redis_user",
        kind: Kind::Text(""),
        doc: "User to log in as. Not set: `default`, if there is a password.",
    },
    Field {
        name: "redis_password_file",
        kind: Kind::Path(""),
        doc: "File with the password in its first line. Not set: no log-in.",
    },
    Field {
        name: "redis_tls_ca",
        kind: Kind::Path(""),
        doc: "Certificates in PEM, one of which must have signed the server's: needed with `rediss://`. In a cluster \
              each server's certificate has to name the address that the cluster announces.",
    },
    Field {
        name: "redis_tls_certificate",
        kind: Kind::Path(""),
        doc: "Our certificate chain in PEM, for a Redis that asks for one (its default). With `redis_tls_key`.",
    },
    Field { name: "redis_tls_key", kind: Kind::Path(""), doc: "The private key of `redis_tls_certificate` in PEM." },
    Field {
        name: "redis_prefix",
        kind: Kind::Text("tollgate"),
        doc: "In front of every key: servers that are to share what they know have the same, others another.",
    },
    Field {
        name: "redis_timeout_ms",
        kind: Kind::Integer { default: 200, min: 10, max: 5_000 },
        doc: "Longest time for a request, connecting included. No decision waits for it.",
    },
    Field {
        name: "redis_server_name",
        kind: Kind::Text(""),
        doc: "Name of this server among those that share the Redis. Not set: the name of the host.",
    },
];

/// Where records are kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In the state folder.
    Sled,
    /// Nowhere.
    Memory,
    /// In a Redis that servers share.
    Redis(RedisSettings),
}

/// How a Redis is reached.
#[derive(Clone)]
pub struct RedisSettings {
    /// One, or some servers of a cluster; at least one.
    pub nodes: Vec<Node>,
    /// It is a cluster.
    pub cluster: bool,
    /// Number of the database; 0 in a cluster.
    pub database: u16,
    /// User to log in as; needs the password.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// TLS over TCP.
    pub tls: Option<Arc<ClientConfig>>,
    /// In front of every key.
    pub prefix: String,
    /// Bound of every request.
    pub timeout: Duration,
    /// This server among others; survives restarts.
    pub server_name: String,
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.cluster { "cluster" } else { "server" };
        let tls = if self.tls.is_some() { " with TLS" } else { "" };
        write!(f, "{kind} {:?}{tls}, prefix {}, {:?}", self.nodes, self.prefix, self.timeout)
    }
}

/// The section as read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where records are kept.
    pub store: Store,
    /// How much is at hand.
    pub bounds: Bounds,
    /// Records of each kind that the embedded store may hold.
    pub records_max: u64,
}

impl Settings {
    /// Reads `[state]`. Every fault is added; with a fault the result is not to be used.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, SECTION, &[FIELDS], &[], faults);
        let redis = redis(&section);
        let store = match section.choice("store") {
            "memory" => Store::Memory,
            "redis" => Store::Redis(redis),
            _ => Store::Sled,
        };
        Self { store, bounds: bounds(&section), records_max: section.integer("records_max").unsigned_abs() }
    }
}

fn bounds(section: &Section<'_>) -> Bounds {
    let octets = |name| usize::try_from(section.integer(name)).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    let events = section.integer("host_events_per_hour").unsigned_abs().max(1);
    Bounds {
        reputation: octets("reputation_mib"),
        triplets: octets("triplets_mib"),
        counters: octets("counters_mib"),
        host_share: Pace { every_ms: 3_600_000 / events, burst: u32::try_from(events).unwrap_or(u32::MAX) },
    }
}

fn redis(section: &Section<'_>) -> RedisSettings {
    let cluster = section.bool("redis_cluster");
    let (nodes, database, encrypted) = nodes(section, cluster);
    let (user, password) = credentials(section);
    RedisSettings {
        nodes,
        cluster,
        database,
        user,
        password,
        tls: encryption(section, encrypted),
        prefix: name(section, "redis_prefix", || "tollgate".to_owned()),
        timeout: Duration::from_millis(section.integer("redis_timeout_ms").unsigned_abs()),
        server_name: name(section, "redis_server_name", || {
            rustix::system::uname().nodename().to_string_lossy().into_owned()
        }),
    }
}

/// Servers, the number of the database, and whether TLS is spoken.
fn nodes(section: &Section<'_>, cluster: bool) -> (Vec<Node>, u16, bool) {
    const URL: &str = "redis_url";
    let urls = section.texts(URL);
    let (mut nodes, mut database, mut encrypted) = (Vec::new(), 0, None);
    for url in urls.iter().take(SEEDS_MAX) {
        match Node::of_url(url) {
            Ok((node, number, tls)) => {
                if encrypted.is_some_and(|before| before != tls) {
                    section.fault(URL, "redis:// and rediss:// side by side: expected all with TLS, or none");
                }
                (database, encrypted) = (number, Some(tls));
                nodes.push(node);
            }
            Err(error) => section.fault(URL, error),
        }
    }
    let is_unix = |node: &Node| matches!(node, Node::Unix(_));
    let wanted = section.choice("store") == "redis";
    match urls.len() {
        0 if wanted => {
            section.fault(URL, "store = \"redis\" without it: expected such as [\"redis://127.0.0.1:6379\"]")
        }
        0 | 1 => {}
        many if many > SEEDS_MAX => section.fault(URL, format!("{many} servers: expected at most {SEEDS_MAX}")),
        many if !cluster => {
            section
                .fault(URL, format!("{many} servers: expected one, or servers of a cluster and redis_cluster = true"));
        }
        _ => {}
    }
    if cluster && (database != 0 || nodes.iter().any(is_unix)) {
        section.fault(URL, "a cluster has neither databases nor Unix sockets: expected redis://HOST:PORT");
    }
    (nodes, database, encrypted == Some(true))
}

fn credentials(section: &Section<'_>) -> (Option<String>, Option<Secret>) {
    let user = Some(section.text("redis_user")).filter(|user| !user.is_empty());
    let password = section.path("redis_password_file").and_then(|path| match Secret::of_file(&path) {
        Ok(secret) => Some(secret),
        Err(error) => {
            section.fault("redis_password_file", error);
            None
        }
    });
    if user.is_some() && section.path("redis_password_file").is_none() {
        section.fault("redis_user", "without a password: expected redis_password_file too");
    }
    (user, password)
}

fn encryption(section: &Section<'_>, wanted: bool) -> Option<Arc<ClientConfig>> {
    let [ca, certificate, key] =
        ["redis_tls_ca", "redis_tls_certificate", "redis_tls_key"].map(|name| section.path(name));
    let ours = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => {
            section.fault("redis_tls_certificate", "expected redis_tls_certificate and redis_tls_key, or neither");
            return None;
        }
    };
    match (wanted, ca) {
        (true, Some(ca)) => match tls::client(&ca, ours.as_ref()) {
            Ok(config) => return Some(config),
            Err(error) => section.fault("redis_tls_ca", error),
        },
        (true, None) => section.fault("redis_tls_ca", "not set: expected the authority of a rediss:// server in PEM"),
        (false, Some(_)) => section.fault("redis_tls_ca", "without TLS: expected rediss:// in redis_url"),
        (false, None) => {}
    }
    None
}

/// A word that may stand in keys: no pattern, no hash tag, no blank. What is not set becomes one whatever the host says.
fn name(section: &Section<'_>, key: &str, default: impl FnOnce() -> String) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let text = section.text(key);
    if text.is_empty() {
        return default().chars().take(NAME_OCTETS_MAX).map(|letter| if fits(letter) { letter } else { '-' }).collect();
    }
    if text.len() > NAME_OCTETS_MAX || !text.chars().all(fits) {
        let shown = text.escape_default();
        section.fault(key, format!("\"{shown}\": expected at most {NAME_OCTETS_MAX} letters, digits, - _ and ."));
    }
    text
}

#[cfg(test)]
mod tests;
