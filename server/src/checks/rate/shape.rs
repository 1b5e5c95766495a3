//! How fast may mail of a block of addresses come? spamthrottle's shaping, as a bucket: each recipient claims some of the
//! block's time, and what comes before that time is over waits for it.
//!
//! spamthrottle kept the last delay and multiplied it by how much too fast a message came. Here the claimed time is
//! added up. Both settle at the same pace, both forget when it is quiet; but this can be shared by servers, and a burst of
//! connections at once grows the delay in proportion, not by powers.

use super::fields::SHAPED;
use crate::{
    ask::{Answers, StateAnswer, StateQuestion},
    check::{Effect, Finding, Outcome},
    clock::Now,
    config::{Network, Section},
    session::Facts,
    state::{Digest, Pace},
};
use std::net::IpAddr;

/// Below this nobody sleeps, and above it for whole seconds.
const SECOND_MS: u64 = 1_000;

/// One `[[check.rate.shape]]`, with what it takes from the entry for all others.
#[derive(Clone, Debug)]
struct Entry {
    networks: Vec<Network>,
    bucket: String,
    prefixes: (u8, u8),
    start_ms: u64,
    max_ms: u64,
    recipients: u32,
}

/// All of them.
#[derive(Default)]
pub(super) struct Shapes(Vec<Entry>);

impl Entry {
    /// What the section does not say, `others` do.
    fn read(section: &Section<'_>, others: Option<&Self>) -> Self {
        let said = |name| others.filter(|_| !section.is_set(name));
        let number = |name| section.integer(name).unsigned_abs();
        let bits = |name| u8::try_from(number(name)).unwrap_or(u8::MAX);
        Self {
            networks: section.networks("networks"),
            bucket: said("bucket").map_or_else(|| section.text("bucket"), |entry| entry.bucket.clone()),
            prefixes: (
                said("prefix").map_or_else(|| bits("prefix"), |entry| entry.prefixes.0),
                said("prefix_ipv6").map_or_else(|| bits("prefix_ipv6"), |entry| entry.prefixes.1),
            ),
            start_ms: said("start_ms").map_or_else(|| number("start_ms"), |entry| entry.start_ms),
            max_ms: said("max_ms").map_or_else(|| number("max_ms"), |entry| entry.max_ms),
            recipients: said("recipients")
                .map_or_else(|| u32::try_from(number("recipients")).unwrap_or(u32::MAX), |entry| entry.recipients),
        }
    }

    fn key(&self, ip: IpAddr) -> Digest {
        let prefix = if ip.is_ipv4() { self.prefixes.0 } else { self.prefixes.1 };
        match self.bucket.as_str() {
            "" => Digest::of(&[b"shape", b"net", Network::around(ip, prefix).to_string().as_bytes()]),
            shared => Digest::of(&[b"shape", b"shared", shared.as_bytes()]),
        }
    }

    /// A bucket that is empty when a client has to wait for as long as it may.
    fn pace(&self) -> Pace {
        let every_ms = self.start_ms.max(1);
        Pace { every_ms, burst: u32::try_from(self.max_ms.div_ceil(every_ms)).unwrap_or(u32::MAX).max(1) }
    }

    /// How many recipients claim time: of few none, of many all.
    fn claims(&self, recipients: u32) -> u32 {
        match recipients.checked_div(self.recipients) {
            None => recipients,
            Some(times) => recipients - recipients.checked_shr(times).unwrap_or(0),
        }
    }
}

impl Shapes {
    pub(super) fn read(sections: &[Section<'_>]) -> Self {
        let is_for_all = |section: &&Section<'_>| section.networks("networks").is_empty();
        let others: Vec<_> = sections.iter().filter(is_for_all).collect();
        match (others.first(), sections.first()) {
            (None, Some(first)) => {
                first.fault("networks", "expected one entry of [[check.rate.shape]] without it, for all other clients");
            }
            _ => others.iter().skip(1).for_each(|section| {
                section.fault("networks", "another entry holds for all other clients: expected networks");
            }),
        }
        let for_all = others.first().map(|section| Entry::read(section, None));
        Self(sections.iter().map(|section| Entry::read(section, for_all.as_ref())).collect())
    }

    /// The entry that counts for a client, and its account.
    fn of(&self, facts: &Facts) -> Option<(&Entry, Digest)> {
        let ip = facts.connection.client_ip?;
        let width = |entry: &Entry| {
            let holding = entry.networks.iter().filter(|network| network.contains(ip));
            if entry.networks.is_empty() { Some(0) } else { holding.map(|network| network.prefix + 1).max() }
        };
        let (entry, _) =
            self.0.iter().filter_map(|entry| Some((entry, width(entry)?))).max_by_key(|(_, width)| *width)?;
        (entry.start_ms > 0).then(|| (entry, entry.key(ip)))
    }

    /// How much of its block's time is claimed?
    pub(super) fn question(&self, facts: &Facts) -> Option<StateQuestion> {
        self.of(facts).map(|(_, key)| StateQuestion::Tokens(key))
    }

    /// For how long DATA is held back.
    pub(super) fn finding(&self, facts: &Facts, answers: &Answers, now: Now) -> Option<Finding> {
        let (entry, key) = self.of(facts)?;
        let StateAnswer::Tokens(tokens) = answers.state(&StateQuestion::Tokens(key)) else { return None };
        let pace = entry.pace();
        let claimed = tokens.wait_ms(pace, pace.burst, now.unix_millis());
        let delay = (claimed.min(entry.max_ms) / SECOND_MS) * SECOND_MS;
        let outcome = Outcome::Delay(u32::try_from(delay).unwrap_or(u32::MAX));
        (delay > 0).then(|| Finding::new(SHAPED, outcome, format!("{claimed} ms are claimed")))
    }

    /// What a message claims.
    pub(super) fn spent(&self, facts: &Facts) -> Option<Effect> {
        let (entry, key) = self.of(facts)?;
        let tokens = entry.claims(facts.recipients.map_or(1, |(accepted, _)| accepted));
        (tokens > 0).then(|| Effect::Spent { key, pace: entry.pace(), tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(recipients: u32) -> Entry {
        let prefixes = (16, 48);
        Entry { networks: Vec::new(), bucket: String::new(), prefixes, start_ms: 1_000, max_ms: 10_000, recipients }
    }

    #[test]
    fn few_recipients_claim_nothing_and_many_all() {
        let claims = |at: u32| [1, 9, 10, 19, 20, 30, 100, 4_000].map(|count| entry(at).claims(count));
        assert_eq!(claims(0), [1, 9, 10, 19, 20, 30, 100, 4_000]);
        assert_eq!(claims(10), [0, 0, 5, 10, 15, 27, 100, 4_000]);
    }

    #[test]
    fn accounts_are_blocks_unless_they_have_a_name() {
        let key = |entry: &Entry, ip: &str| entry.key(ip.parse().expect("an address"));
        let (own, shared) = (entry(0), Entry { bucket: "isp".to_owned(), ..entry(0) });
        assert_eq!(key(&own, "192.0.2.1"), key(&own, "192.0.9.9"));
        assert_ne!(key(&own, "192.0.2.1"), key(&own, "192.1.2.1"));
        assert_eq!(key(&own, "2001:db8:0:1::1"), key(&own, "2001:db8:0:2::1"));
        assert_ne!(key(&own, "2001:db8:0::1"), key(&own, "2001:db8:1::1"));
        assert_eq!(key(&shared, "192.0.2.1"), key(&shared, "198.51.100.1"));
    }
}
