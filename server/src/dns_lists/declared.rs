//! What does the configuration say of a DNS list, as far as asking and watching it are concerned?

use crate::ask::{DnsName, DnsQuestion, ListId, RecordType, Upstream, reversed};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

/// DNS lists of one policy.
pub const LISTS_MAX: usize = 48;

/// Which transport its questions take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// UDP, and TCP for what does not fit: as the DNS does.
    #[default]
    Udp,
    /// TCP only.
    Tcp,
}

/// How its questions are asked. `None` = as `[dns]` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Way {
    /// How long one attempt waits.
    pub timeout: Option<Duration>,
    /// Attempts before a look-up has failed.
    pub attempts: Option<u32>,
    /// The transport.
    pub protocol: Protocol,
}

/// What the list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Addresses of clients.
    #[default]
    Address,
    /// Domain names (RHSBL).
    Domain,
}

/// Which of RFC 5782 §5's test entries can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Probe {
    /// 127.0.0.2 (or `TEST`) must be listed; 127.0.0.1 (or `INVALID`) and a random name must not.
    #[default]
    All,
    /// The list has no test entry: only what must not be listed is asked.
    NotListed,
    /// It is not probed at all.
    Off,
}

/// A DNS list as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// By its name.
    pub id: ListId,
    /// What logs, metrics and replies call it: at most 64 printable octets, never with a key.
    pub name: Arc<str>,
    /// Its zone; a key in it is secret.
    pub zone: DnsName,
    /// Whom to ask.
    pub upstream: Upstream,
    /// How.
    pub way: Way,
    /// Addresses or names.
    pub subject: Subject,
    /// Asked about IPv4 clients.
    pub ipv4: bool,
    /// Asked about IPv6 clients.
    pub ipv6: bool,
    /// A TXT record is a listing: no codes are seen.
    pub txt_only: bool,
    /// It holds good clients, as dnswl.org does: that a good client is on it contradicts nothing.
    pub welcomes: bool,
    /// It is only rehearsed: it stops at 70 % of its budget.
    pub monitored: bool,
    /// Look-ups a day (UTC); 0 = no bound.
    pub budget_per_day: u64,
    /// How it may be tested.
    pub probe: Probe,
    /// Return codes that the configuration names although most lists refuse with them (127.0.0.255, 127.0.1.255).
    pub named_codes: Vec<Ipv4Addr>,
}

impl Declared {
    /// A list of addresses called by its zone, with everything as it comes without configuration.
    pub fn new(zone: &str) -> Self {
        Self {
            id: ListId::named(zone),
            name: zone.into(),
            zone: zone.into(),
            upstream: Upstream::default(),
            way: Way::default(),
            subject: Subject::Address,
            ipv4: true,
            ipv6: true,
            txt_only: false,
            welcomes: false,
            monitored: false,
            budget_per_day: 0,
            probe: Probe::All,
            named_codes: Vec::new(),
        }
    }

    /// The question whether an address is listed.
    pub fn about_address(&self, ip: IpAddr, kind: RecordType) -> DnsQuestion {
        self.about(&reversed(ip), kind)
    }

    /// The question whether `subject`, a domain or a reversed address, is listed.
    pub fn about(&self, subject: &str, kind: RecordType) -> DnsQuestion {
        DnsQuestion { name: self.zone.below(subject), kind, upstream: self.upstream, list: self.id }
    }
}
