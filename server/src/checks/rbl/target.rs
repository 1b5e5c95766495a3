//! What is looked up in a list about this session? The client's address, or names that it gave.
//!
//! Only what the world may be asked about: no private, loopback or own address, no name of ours, nothing that cannot
//! be a public name.

use super::list::{List, Subject};
use crate::{
    ask::{DnsQuestion, RecordType, is_public, reversed},
    session::{Connection, Facts},
};
use std::net::IpAddr;

/// Names of hosts that are nobody's in the public DNS (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`) or are mail
/// servers' own: asking about them tells strangers about a net, and no list holds them.
const NOT_PUBLIC: &[&str] =
    &["localhost", "localdomain", "local", "internal", "lan", "home", "corp", "invalid", "onion"];
/// Longest name that still goes in front of the longest zone.
const NAME_OCTETS_MAX: usize = 253;
/// Names one list is asked about: sender and HELO.
pub(super) const TARGETS_MAX: usize = 2;

/// One thing that is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// What stands in front of the zone.
    front: String,
    /// As replies and logs show it.
    pub(super) shown: String,
}

/// What a session offers to be looked up; made once a decision.
pub(super) struct Targets {
    client: Option<(IpAddr, Target)>,
    sender: Option<Target>,
    helo: Option<Target>,
    client_name: Option<Target>,
}

impl Targets {
    /// As far as it is known. `ours` are our domains; a leading dot means all below.
    pub(super) fn of(facts: &Facts, ours: &[String]) -> Self {
        let name = |octets: &[u8]| public_name(octets, ours);
        Self {
            client: client(&facts.connection).map(|ip| (ip, Target { front: reversed(ip), shown: ip.to_string() })),
            sender: facts.sender.as_ref().and_then(|sender| name(sender.address.domain()?.0)),
            helo: facts.helo.as_ref().and_then(|helo| name(&helo.name)),
            client_name: facts.connection.client_name.as_ref().and_then(|client_name| name(client_name)),
        }
    }

    /// What is looked up in `list`: at most [`TARGETS_MAX`].
    pub(super) fn in_list(&self, list: &List) -> impl Iterator<Item = &Target> {
        let address = self.client.as_ref().filter(|(ip, _)| {
            let family = if ip.is_ipv4() { list.declared.ipv4 } else { list.declared.ipv6 };
            family && list.subject == Subject::Client
        });
        let sender = self.sender.as_ref().filter(|_| matches!(list.subject, Subject::Sender | Subject::Names));
        let helo = self.helo.as_ref().filter(|_| matches!(list.subject, Subject::Helo | Subject::Names));
        // The same name twice is one question.
        let helo = helo.filter(|helo| sender != Some(*helo));
        let client_name = self.client_name.as_ref().filter(|_| list.subject == Subject::ClientName);
        address.map(|(_, target)| target).into_iter().chain(sender).chain(helo).chain(client_name).take(TARGETS_MAX)
    }
}

impl List {
    pub(super) fn question(&self, target: &Target, kind: RecordType) -> DnsQuestion {
        self.declared.about(&target.front, kind)
    }
}

/// The client's address, where strangers may be asked about it.
fn client(connection: &Connection) -> Option<IpAddr> {
    connection.client_ip.filter(|&ip| is_public(ip) && connection.server_ip != Some(ip))
}

/// A host or domain name of the public DNS, in lower case without the final dot, that is none of ours.
fn public_name(octets: &[u8], ours: &[String]) -> Option<Target> {
    let name = std::str::from_utf8(octets).ok()?.trim_end_matches('.').to_ascii_lowercase();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    let (_, last) = name.rsplit_once('.')?;
    let is_name = name.len() <= NAME_OCTETS_MAX && name.split('.').all(label);
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours =
        ours.iter().any(|own| name == own.trim_start_matches('.') || below(&name, own.trim_start_matches('.')));
    (is_name && !is_address && !NOT_PUBLIC.contains(&last) && !is_ours)
        .then(|| Target { front: name.clone(), shown: name })
}

fn below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(name: &str) -> Option<String> {
        public_name(name.as_bytes(), &["here.example".to_owned(), ".own.example".to_owned()]).map(|target| target.front)
    }

    #[test]
    fn names_of_the_public_dns_are_looked_up() {
        assert_eq!(named("Mail.Spam.Example.").as_deref(), Some("mail.spam.example"));
        assert_eq!(named("xn--bcher-kva.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(named("_a.b-c.example").as_deref(), Some("_a.b-c.example"));
    }

    #[test]
    fn nothing_else_is() {
        let long = format!("{}.example", ["a"; 130].join("."));
        for name in [
            "",
            ".",
            "localhost",
            "pc.localdomain",
            "printer.local",
            "db.internal",
            "host",
            "1.2.3.4",
            "[1.2.3.4]",
            "a..example",
            "a b.example",
            "b\u{fc}cher.example",
            "a%00.example",
            "here.example",
            "mx.here.example",
            "own.example",
            "x.own.example",
            "a/b.example",
            &long,
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }

    proptest! {
        /// Whatever a client says, what stands in front of the zone is a name, and never ours.
        #[test]
        fn any_octets_are_a_name_or_nothing(octets in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(target) = public_name(&octets, &["here.example".to_owned()]) {
                let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
                prop_assert!(target.front.bytes().all(good) && target.front.contains('.'));
            }
        }
    }
}
