//! Which domains are there, who asks about them, and what must come out? Made from a seed: the same for everybody.
//!
//! `zone` is everything a name server needs, as one zone (the root's, so that all else does not exist); `queries` has a
//! query for each domain. Addresses are data only: nothing is ever sent to them.

use super::{random::Random, shape::Shape};
use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// More would not fit into the addresses of the domains' own hosts.
pub(crate) const DOMAINS_MAX: usize = 10_000;
/// Mail providers, whom domains include.
const PROVIDERS: usize = 20;
/// Every tenth provider's networks do not fit into 512 octets: whoever asks without EDNS has to ask again by TCP.
const LARGE_EVERY: usize = 10;
/// Octets of one string of a TXT record; 255 is the format's limit.
const STRING_MAX: usize = 250;
/// Hosts a domain may have.
const HOSTS_MAX: usize = 4;
/// What is in a hundred queries: clients that may send, and bounces.
const KNOWN_PERCENT: usize = 60;
const BOUNCE_PERCENT: usize = 5;
/// Domains whose hosts have IPv6 addresses. Only these see IPv6 clients, half the time: elsewhere each host without
/// such an address would be a void look-up, and RFC 7208 leaves it open whether those are counted by term or by question.
const DUAL_PERCENT: usize = 30;
/// A day: nothing expires while it is measured.
const TTL: u32 = 86_400;

/// One evaluation.
pub(crate) struct Query {
    ip: IpAddr,
    helo: String,
    sender: String,
    pub(crate) shape: Shape,
    /// What RFC 7208 says.
    pub(crate) expected: &'static str,
}

pub(crate) struct World {
    pub(crate) zone: String,
    pub(crate) queries: Vec<Query>,
}

impl World {
    pub(crate) fn new(domains: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let soa =
            format!("@ {TTL} IN SOA ns.example. root.example. 1 3600 900 604800 {TTL}\n@ {TTL} IN NS ns.example.\n");
        let mut world = Self { zone: soa, queries: Vec::new() };
        world.record("ns.example", "A", "127.0.0.1");
        for provider in 0..PROVIDERS {
            world.provider(provider);
        }
        for number in 0..domains.min(DOMAINS_MAX) {
            let domain = Domain::new(number, &mut random);
            world.domain(&domain);
            world.queries.push(domain.query(&mut random));
        }
        world
    }

    /// The queries as the peers read them: client, HELO name and sender, with tabs between them.
    pub(crate) fn query_file(&self) -> String {
        let mut text = String::new();
        for Query { ip, helo, sender, .. } in &self.queries {
            let _infallible = writeln!(text, "{ip}\t{helo}\t{sender}");
        }
        text
    }

    fn record(&mut self, name: &str, kind: &str, data: &str) {
        let _infallible = writeln!(self.zone, "{name}. {TTL} IN {kind} {data}");
    }

    fn address(&mut self, name: &str, ip: IpAddr) {
        self.record(name, if ip.is_ipv4() { "A" } else { "AAAA" }, &ip.to_string());
    }

    fn txt(&mut self, name: &str, text: &str) {
        let strings = text.as_bytes().chunks(STRING_MAX).map(|part| format!("\"{}\"", String::from_utf8_lossy(part)));
        self.record(name, "TXT", &strings.collect::<Vec<_>>().join(" "));
    }

    /// One record that includes up to three with the networks.
    fn provider(&mut self, number: usize) {
        let (parts, networks) = (1 + number % 3, if number.is_multiple_of(LARGE_EVERY) { 40 } else { 20 });
        let name = provider_name(number);
        let includes: Vec<_> = (0..parts).map(|part| format!("include:_net{part}.{name}")).collect();
        self.txt(&name, &format!("v=spf1 {} ~all", includes.join(" ")));
        for part in 0..parts {
            let mut text = "v=spf1".to_owned();
            for network in 0..networks {
                let _infallible = write!(text, " ip4:{}/28", provider_ip4(number, part, network, 0));
            }
            if part == 0 {
                let _infallible = write!(text, " ip6:{}/48", provider_ip6(number, 0));
            }
            self.txt(&format!("_net{part}.{name}"), &format!("{text} ~all"));
        }
    }

    fn domain(&mut self, domain: &Domain) {
        let name = &domain.name;
        for (at, host) in domain.hosts().enumerate() {
            let host_name = format!("mx{at}.{name}");
            self.record(name, "MX", &format!("{} {host_name}.", 10 * (at + 1)));
            for ip in host {
                self.address(&host_name, ip);
                if at == 0 {
                    self.address(name, ip);
                    self.address(&format!("mail.{name}"), ip);
                }
                if domain.shape == Shape::Exists {
                    self.record(&format!("{}._ok.{name}", reversed(ip)), "A", "127.0.0.2");
                }
            }
        }
        for text in domain.records() {
            self.txt(name, &text);
        }
        if domain.shape == Shape::ManyLookups {
            for part in 0..11 {
                self.txt(&format!("l{part}.{name}"), "v=spf1 ip4:192.0.2.1 -all");
            }
        }
    }
}

/// A domain that sends mail.
struct Domain {
    name: String,
    number: usize,
    shape: Shape,
    hosts: usize,
    dual: bool,
    /// Whom it includes, if it does.
    providers: [usize; 2],
}

impl Domain {
    fn new(number: usize, random: &mut Random) -> Self {
        let first = random.below(PROVIDERS);
        let second = (first + 1 + random.below(PROVIDERS - 1)) % PROVIDERS;
        Self {
            name: format!("d{number:04}.example"),
            number,
            // 37 and 100 have no common divisor: neighbours differ, and each hundred has its shares.
            shape: Shape::of(number * 37),
            hosts: [1, 1, 2, HOSTS_MAX][random.below(4)],
            dual: random.percent(DUAL_PERCENT),
            providers: [first, second],
        }
    }

    /// The addresses of each host.
    fn hosts(&self) -> impl Iterator<Item = Vec<IpAddr>> {
        (0..self.hosts).map(|at| if self.dual { vec![self.ip4(at), self.ip6(at)] } else { vec![self.ip4(at)] })
    }

    fn ip4(&self, host: usize) -> IpAddr {
        let [.., high, low] = ((self.number * HOSTS_MAX + host) as u32).to_be_bytes();
        Ipv4Addr::new(198, 18, high, low).into()
    }

    fn ip6(&self, host: usize) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, 0x8000, self.number as u16, 0, 0, 0, host as u16 + 1).into()
    }

    /// Its TXT records.
    fn records(&self) -> Vec<String> {
        let own: Vec<_> =
            self.hosts().flatten().map(|ip| format!("ip{}:{ip}", if ip.is_ipv4() { 4 } else { 6 })).collect();
        let own = own.join(" ");
        let [first, second] = self.providers.map(provider_name);
        let one = match self.shape {
            Shape::Ip4 => format!("v=spf1 {own} ip4:203.0.113.0/28 -all"),
            Shape::Include => format!("v=spf1 include:{first} ~all"),
            Shape::Mx => "v=spf1 mx -all".to_owned(),
            Shape::AMxInclude => format!("v=spf1 a mx include:{first} -all"),
            Shape::TwoIncludes => format!("v=spf1 a mx ip4:{} include:{first} include:{second} -all", self.ip4(0)),
            Shape::Redirect => format!("v=spf1 redirect={first}"),
            Shape::None => format!("some-verification={:08x}", self.number),
            Shape::ManyLookups => {
                let more: Vec<_> = (0..11).map(|part| format!("include:l{part}.{}", self.name)).collect();
                format!("v=spf1 a mx {} -all", more.join(" "))
            }
            Shape::VoidLookups => format!("v=spf1 a:nx1.{0} a:nx2.{0} a:nx3.{0} {own} -all", self.name),
            Shape::Exists => "v=spf1 exists:%{ir}.%{v}._ok.%{d} -all".to_owned(),
            Shape::Neutral => format!("v=spf1 {own} ?all"),
            Shape::Duplicate => return vec![format!("v=spf1 {own} -all"), "v=spf1 mx ~all".to_owned()],
            Shape::SyntaxError => format!("v=spf1 {own} ipv4:192.0.2.1 mx -all"),
        };
        vec![one]
    }

    fn query(&self, random: &mut Random) -> Query {
        let (known, v6) = (random.percent(KNOWN_PERCENT), self.dual && random.percent(50));
        let ip = if known { self.known(v6, random) } else { stranger(v6, random) };
        // A bounce is judged by its HELO name.
        let (helo, sender) = if random.percent(BOUNCE_PERCENT) {
            (self.name.clone(), String::new())
        } else {
            (format!("mail.{}", self.name), format!("user{}@{}", random.below(1_000), self.name))
        };
        Query { ip, helo, sender, shape: self.shape, expected: self.shape.result(known) }
    }

    /// A client that may send.
    fn known(&self, v6: bool, random: &mut Random) -> IpAddr {
        let half = matches!(self.shape, Shape::AMxInclude | Shape::TwoIncludes) && random.percent(50);
        if self.shape.by_provider() || half {
            // Of two providers, the last one asked.
            let provider = self.providers[usize::from(self.shape == Shape::TwoIncludes)];
            let (part, network, host) = (random.below(1 + provider % 3), random.below(20), random.below(16));
            return if v6 { provider_ip6(provider, host) } else { provider_ip4(provider, part, network, host) };
        }
        // `ip4:` in the shape with two includes names the first host only; `a` and `mx` name them all.
        let host = random.below(self.hosts);
        if v6 { self.ip6(host) } else { self.ip4(host) }
    }
}

fn provider_name(number: usize) -> String {
    format!("_spf.prov{number:02}.example")
}

fn provider_ip4(provider: usize, part: usize, network: usize, host: usize) -> IpAddr {
    let [.., high, low] = ((((provider * 3 + part) * 40 + network) * 16 + host) as u32).to_be_bytes();
    Ipv4Addr::new(198, 19, high, low).into()
}

fn provider_ip6(provider: usize, host: usize) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, provider as u16, 0, 0, 0, 0, host as u16).into()
}

fn stranger(v6: bool, random: &mut Random) -> IpAddr {
    // 192.0.2.1 is in records that are never reached.
    let host = random.below(250) + 2;
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, host as u16).into()
    } else {
        Ipv4Addr::new(192, 0, 2, host as u8).into()
    }
}

/// As `%{ir}.%{v}` writes it.
fn reversed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr")
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6"
        }
    }
}
