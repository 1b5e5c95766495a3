//! Whom do we ask, how long do we wait, and how much is kept? The section `[dns]`.

use super::super::{Upstream, spf_answers::Bounds};
use crate::config::{Document, Fault, Field, Kind, Section, Tables};
use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// The section's keys.
pub const FIELDS: &[Field] = &[
    Field {
        name: "servers",
        kind: Kind::Texts(&[]),
        doc: "Addresses of the resolvers, such as \"127.0.0.1\" or \"[::1]:5353\". Empty = those of /etc/resolv.conf as it \
              stands at the start.",
    },
    Field {
        name: "timeout_ms",
        kind: Kind::Integer { default: 2_000, min: 50, max: 30_000 },
        doc: "How long one attempt waits for an answer. Within it the question is sent again after a third and after two thirds of it.",
    },
    Field {
        name: "attempts",
        kind: Kind::Integer { default: 2, min: 1, max: 5 },
        doc: "Attempts before a look-up has failed: it ends after attempts x timeout_ms at the latest. A decision does \
              not wait that long; its answer then serves the next one.",
    },
    Field {
        name: "in_flight_max",
        kind: Kind::Integer { default: 1_000, min: 1, max: 100_000 },
        doc: "Look-ups under way at once; further ones fail at once. Each may hold 18 sockets: the process's limit of \
              open files lowers the number.",
    },
    Field {
        name: "cache_entries",
        kind: Kind::Integer { default: 200_000, min: 1_000, max: 10_000_000 },
        doc: "Answers kept at most. Those not used lately go first.",
    },
    Field {
        name: "cache_mib",
        kind: Kind::Integer { default: 64, min: 4, max: 16_384 },
        doc: "Memory for answers in MiB (2^20 bytes), whichever bound is met first.",
    },
    Field {
        name: "ttl_min_seconds",
        kind: Kind::Integer { default: 30, min: 0, max: 3_600 },
        doc: "Records found are kept at least this long, whatever their TTL says.",
    },
    Field {
        name: "ttl_max_seconds",
        kind: Kind::Integer { default: 3_600, min: 1, max: 604_800 },
        doc: "Records found are kept at most this long.",
    },
    Field {
        name: "negative_ttl_min_seconds",
        kind: Kind::Integer { default: 30, min: 0, max: 3_600 },
        doc: "\"Does not exist\" is kept at least this long, and just this long where the zone does not say (RFC 2308 §5).",
    },
    Field {
        name: "negative_ttl_max_seconds",
        kind: Kind::Integer { default: 900, min: 1, max: 86_400 },
        doc: "\"Does not exist\" is kept at most this long: a newly listed client is noticed after it.",
    },
    Field {
        name: "failure_ttl_seconds",
        kind: Kind::Integer { default: 5, min: 1, max: 300 },
        doc: "A failed look-up is not repeated for this long, so that a dead list does not cost every session \
              (RFC 2308 §7 allows up to 300).",
    },
    Field {
        name: "stale_max_seconds",
        kind: Kind::Integer { default: 3_600, min: 0, max: 604_800 },
        doc: "When a resolver or list does not answer, what it said before stands in, if that has expired this long ago \
              at most (RFC 8767); `tollgate explain` shows it as stale. 0 = never: the question has failed.",
    },
    Field {
        name: "session_lookups_max",
        kind: Kind::Integer { default: 200, min: 0, max: 1_000_000 },
        doc: "New look-ups that one SMTP session may cause. Beyond, what is not in the cache is not asked: the question \
              fails at once as `capped` (so counted in `tollgate_dns_lookups_total`), and the mail is judged without \
              its answer. 0 = any number.",
    },
    Field {
        name: "net_lookups_per_minute",
        kind: Kind::Integer { default: 600, min: 0, max: 10_000_000 },
        doc: "New look-ups a minute that the clients of one IPv4 network (/24) may cause together; beyond, `capped` as \
              above. So nobody can use up what your lists allow you in a day. 0 = any number.",
    },
    Field {
        name: "net6_lookups_per_minute",
        kind: Kind::Integer { default: 120, min: 0, max: 10_000_000 },
        doc: "The same for one IPv6 network (/48): a spammer there has a new address, and so a new look-up, for every \
              session. 0 = any number.",
    },
    Field {
        name: "spf_cache_entries",
        kind: Kind::Integer { default: 100_000, min: 1_000, max: 10_000_000 },
        doc: "SPF results kept at most, each for as long as the records it rests on. Those not used lately go first.",
    },
    Field {
        name: "spf_cache_mib",
        kind: Kind::Integer { default: 32, min: 4, max: 16_384 },
        doc: "Memory for SPF results in MiB, whichever bound is met first.",
    },
    Field {
        name: "session_spf_max",
        kind: Kind::Integer { default: 20, min: 0, max: 1_000_000 },
        doc: "SPF evaluations that one SMTP session may cause. Beyond, what is not at hand is not evaluated: nothing is \
              found, and the decision is marked as degraded. 0 = any number.",
    },
];

/// Resolvers for single lists, besides the default one: `[dns.resolver.NAME]`.
pub const TABLES: Tables = &[("resolver.NAME", RESOLVER_FIELDS)];

const RESOLVER_FIELDS: &[Field] = &[Field {
    name: "servers",
    kind: Kind::Texts(&[]),
    doc: "Its addresses, such as \"127.0.0.1:5353\"; at least one. Checks refer to it by its name.",
}];

/// Resolvers beyond the default one.
pub const RESOLVERS_MAX: usize = 64;
/// Addresses of one resolver; resolv.conf knows three.
pub const SERVERS_MAX: usize = 16;

const PORT: u16 = 53;

/// A resolver that checks may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What checks call it.
    pub name: String,
    /// At least one.
    pub servers: Vec<SocketAddr>,
}

/// The section as read. It holds for the life of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Empty = /etc/resolv.conf.
    pub servers: Vec<SocketAddr>,
    /// In file order.
    pub named: Vec<Named>,
    /// Of one attempt.
    pub timeout: Duration,
    /// 1 = no second one.
    pub attempts: u32,
    /// Look-ups under way at once.
    pub in_flight_max: usize,
    /// Cached answers.
    pub cache_entries: usize,
    /// Bytes they may take, by our own estimate.
    pub cache_octets: usize,
    /// How long answers are kept.
    pub lifetimes: Lifetimes,
    /// How long after it has expired an answer may stand in for one that does not come.
    pub stale_max: Duration,
    /// New look-ups that clients may cause.
    pub rations: Rations,
    /// SPF results that are kept, and evaluations that a session may cause.
    pub spf: Bounds,
}

/// New look-ups that clients may cause; 0 = any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rations {
    /// In one SMTP session.
    pub session: u32,
    /// By one /24 of IPv4 in a minute.
    pub net_per_minute: u32,
    /// By one /48 of IPv6 in a minute.
    pub net6_per_minute: u32,
}

/// Bounds on the time an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Floor and ceiling for records found.
    pub found: (Duration, Duration),
    /// Floor and ceiling for "does not exist".
    pub not_found: (Duration, Duration),
    /// Failures.
    pub failed: Duration,
}

impl Config {
    /// Reads `[dns]`. Every fault is added; with a fault the result is not to be used.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, "dns", &[FIELDS], TABLES, faults);
        let number = |name| usize::try_from(section.integer(name)).unwrap_or_default();
        let count = |name| u32::try_from(section.integer(name)).unwrap_or(u32::MAX);
        let time = |name| Duration::from_secs(number(name) as u64);
        let bounds = |floor, ceiling| {
            let (low, high) = (time(floor), time(ceiling));
            if low > high {
                section.fault(floor, format!("{} is more than {ceiling} = {}", low.as_secs(), high.as_secs()));
            }
            (low, high)
        };
        Self {
            servers: servers(&section),
            named: named(&section),
            timeout: Duration::from_millis(number("timeout_ms") as u64),
            attempts: count("attempts"),
            in_flight_max: number("in_flight_max"),
            cache_entries: number("cache_entries"),
            cache_octets: number("cache_mib") * 1024 * 1024,
            lifetimes: Lifetimes {
                found: bounds("ttl_min_seconds", "ttl_max_seconds"),
                not_found: bounds("negative_ttl_min_seconds", "negative_ttl_max_seconds"),
                failed: time("failure_ttl_seconds"),
            },
            stale_max: time("stale_max_seconds"),
            rations: Rations {
                session: count("session_lookups_max"),
                net_per_minute: count("net_lookups_per_minute"),
                net6_per_minute: count("net6_lookups_per_minute"),
            },
            spf: Bounds {
                results: number("spf_cache_entries"),
                octets: number("spf_cache_mib") * 1024 * 1024,
                session: count("session_spf_max"),
            },
        }
    }

    /// Names of the resolvers beyond the default one: [`crate::config::Build::resolvers`].
    pub fn names(&self) -> Vec<String> {
        self.named.iter().map(|named| named.name.clone()).collect()
    }

    /// The resolvers in use, by their names; the default one's is empty.
    pub fn upstreams(&self) -> Vec<(String, Upstream)> {
        let names = std::iter::once(String::new()).chain(self.names());
        names.map(|name| (name.clone(), Upstream::named(&name))).collect()
    }
}

impl Default for Config {
    /// The section without a line in it.
    fn default() -> Self {
        Self::read(&Document::default(), &RefCell::default())
    }
}

fn servers(section: &Section<'_>) -> Vec<SocketAddr> {
    let texts = section.texts("servers");
    if texts.len() > SERVERS_MAX {
        section.fault("servers", format!("{} addresses: expected at most {SERVERS_MAX}", texts.len()));
    }
    let parse = |text: &String| {
        let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT)));
        if address.is_err() {
            let expected = "expected an address such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53";
            section.fault("servers", format!("\"{text}\": {expected}"));
        }
        address.ok()
    };
    texts.iter().take(SERVERS_MAX).filter_map(parse).collect()
}

fn named(section: &Section<'_>) -> Vec<Named> {
    let tables = section.named_tables("resolver");
    if tables.len() > RESOLVERS_MAX {
        section.fault("resolver", format!("{} resolvers: expected at most {RESOLVERS_MAX}", tables.len()));
    }
    let one = |(name, table): (String, Section<'_>)| {
        if table.texts("servers").is_empty() {
            table.fault("servers", "missing: expected at least one address");
        }
        Named { name, servers: servers(&table) }
    };
    tables.into_iter().take(RESOLVERS_MAX).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Config, Vec<String>) {
        let document = Document::parse("t.toml", text).expect("TOML");
        let faults = RefCell::default();
        let config = Config::read(&document, &faults);
        (config, faults.into_inner().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_servers_and_named_resolvers() {
        let (config, faults) = read(
            "[dns]\nservers = [\"127.0.0.1\", \"[::1]:5353\"]\ntimeout_ms = 700\nattempts = 3\n\
             [dns.resolver.paid]\nservers = [\"192.0.2.1:54\"]\n[dns.resolver.local]\nservers = [\"::1\"]\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(config.servers, ["127.0.0.1:53", "[::1]:5353"].map(|text| text.parse().expect("an address")));
        assert_eq!(config.names(), ["paid", "local"]);
        let upstreams = ["", "paid", "local"].map(|name| (name.to_owned(), Upstream::named(name)));
        assert_eq!(config.upstreams(), upstreams);
        assert_eq!(config.named[1].servers, ["[::1]:53".parse().expect("an address")]);
        assert_eq!((config.timeout, config.attempts), (Duration::from_millis(700), 3));
    }

    #[test]
    fn reads_how_much_clients_may_cause_and_what_stands_in() {
        let (config, faults) = read(
            "[dns]\nstale_max_seconds = 0\nsession_lookups_max = 7\nnet_lookups_per_minute = 8\n\
             net6_lookups_per_minute = 9\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(config.stale_max, Duration::ZERO);
        assert_eq!(config.rations, Rations { session: 7, net_per_minute: 8, net6_per_minute: 9 });
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let (_, faults) = read(
            "[dns]\nservers = [\"ns.example\"]\nttl_min_seconds = 60\nttl_max_seconds = 30\n\
             [dns.resolver.none]\nservers = []\n[dns.resolver.odd]\nservers = [\"::1\", \"::1:53:\"]\n",
        );
        let expected = "expected an address such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53";
        assert_eq!(
            faults,
            [
                &format!("t.toml:2: [dns] servers: \"ns.example\": {expected}"),
                "t.toml:6: [dns.resolver.none] servers: missing: expected at least one address",
                &format!("t.toml:8: [dns.resolver.odd] servers: \"::1:53:\": {expected}"),
                "t.toml:3: [dns] ttl_min_seconds: 60 is more than ttl_max_seconds = 30",
            ]
        );
    }
}
