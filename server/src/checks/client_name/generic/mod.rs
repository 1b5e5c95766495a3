//! Does a host name look like one that a provider made from the address, for a line that is no mail server's?
//!
//! Evidence adds up: the address in the name weighs most, words such as `dyn` or `dsl` less, `customer` least; words
//! such as `mail`, `smtp` or `static` speak against it. Names are judged by themselves: nothing is asked here.

use crate::{ask::host_name, config::Section};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets that are looked at: no name of the DNS is longer (RFC 1035 §2.3.4).
const NAME_OCTETS_MAX: usize = 255;
/// Evidence from which a name is generic.
const GENERIC_AT: i32 = 2;
/// The whole address.
const WHOLE_ADDRESS: i32 = 3;
/// Three octets of four, or the net part of an IPv6 address.
const MOST_OF_ADDRESS: i32 = 2;
/// The last two octets.
const HALF_OF_ADDRESS: i32 = 1;
const LINE_WORD: i32 = 2;
const CUSTOMER_WORD: i32 = 1;
const SERVER_WORD: i32 = -2;

/// Words for lines on which addresses change or nobody runs a mail server.
const LINE_WORDS: &str = "\
    3g 4g 5g adsl bband broadband cable catv cpe dhcp dial dialin dialup dip docsis dsl dslam dyn dynamic \
    dynamicip dynip fibre ftth fttx gprs home hsd kabel lte mobile modem nat pool pools ppp pppoe pptp \
    residential resnet sdsl umts vdsl wifi wimax wireless wlan xdsl";
/// Words for customers, which may have mail servers.
const CUSTOMER_WORDS: &str = "client clientes clients cust customer customers host ip node pc user users";
/// Words for servers and for addresses that do not change.
const SERVER_WORDS: &str = "\
    fix fixed gateway gw mail mailer mailgw mailhost mailout mta mx out outbound outgoing relay sender server \
    smtp smtps sta stat static staticip statip";

fn holds(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// What counts beside the built-in words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    generic: Own,
    not_generic: Own,
}

/// An administrator's own suffixes (with their leading dot) and words.
#[derive(Clone, Debug, Default)]
struct Own {
    suffixes: Vec<String>,
    words: Vec<String>,
}

impl Own {
    fn read(section: &Section<'_>, key: &str) -> Self {
        Self::of(&section.texts(key), |text| {
            let expected = "a suffix such as .dyn.example, or a word of letters and digits";
            section.fault(key, format!("\"{text}\": expected {expected}"));
        })
    }

    fn of(texts: &[String], mut is_wrong: impl FnMut(&str)) -> Self {
        let mut own = Self::default();
        for text in texts {
            let is_word = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric());
            match text.strip_prefix('.').map(|rest| host_name(rest.as_bytes())) {
                Some(Some(name)) => own.suffixes.push(format!(".{name}")),
                None if is_word => own.words.push(text.to_ascii_lowercase()),
                _ => is_wrong(text),
            }
        }
        own
    }

    fn ends(&self, name: &str) -> bool {
        self.suffixes.iter().any(|suffix| name.ends_with(suffix.as_str()))
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }
}

impl Patterns {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self { generic: Own::read(section, "generic"), not_generic: Own::read(section, "not_generic") }
    }

    /// Those of texts that [`Patterns::read`] has read elsewhere, and complained about.
    pub(crate) fn of(generic: &[String], not_generic: &[String]) -> Self {
        Self { generic: Own::of(generic, |_| {}), not_generic: Own::of(not_generic, |_| {}) }
    }

    /// Is this name of this address generic? Depends on nothing but the lower-cased name, the address and the patterns.
    pub(crate) fn is_generic(&self, name: &str, ip: IpAddr) -> bool {
        let end = name.floor_char_boundary(NAME_OCTETS_MAX);
        let name = name[..end].to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if self.not_generic.ends(name) {
            return false;
        }
        self.generic.ends(name) || address_evidence(name, ip) + self.word_evidence(name) >= GENERIC_AT
    }

    /// The strongest word for a line or a customer, and the strongest for a server.
    fn word_evidence(&self, name: &str) -> i32 {
        let (mut line, mut server) = (0, 0);
        for word in below_registered(name).split(['.', '-', '_']) {
            let digit = |octet: char| octet.is_ascii_digit();
            // `dsl12`, `2pool`; and `4g`, which is nothing without its digit.
            for word in [word, word.trim_matches(digit)] {
                let weight = self.weight(word);
                (line, server) = (line.max(weight), server.min(weight));
            }
        }
        line + server
    }

    fn weight(&self, word: &str) -> i32 {
        if self.not_generic.has(word) || (holds(SERVER_WORDS, word) && !self.generic.has(word)) {
            SERVER_WORD
        } else if self.generic.has(word) || holds(LINE_WORDS, word) {
            LINE_WORD
        } else if holds(CUSTOMER_WORDS, word) {
            CUSTOMER_WORD
        } else {
            0
        }
    }
}

/// The labels that the provider chose for the host: all but the registered domain, by the usual shapes `isp.example`
/// and `isp.co.uk`. A provider may be called "Dynamic Cable" and still have mail servers.
fn below_registered(name: &str) -> &str {
    let dots: Vec<usize> = name.match_indices('.').map(|(at, _)| at).collect();
    // A country's own order: `co.uk`, `com.br`, `or.jp`.
    let is_country =
        |second: usize, first: usize| name.len() - first - 1 == 2 && (2..=3).contains(&(first - second - 1));
    let end = match dots[..] {
        [.., third, second, first] if is_country(second, first) => third,
        [second, first] if is_country(second, first) => 0,
        [.., second, _first] => second,
        _ => 0,
    };
    &name[..end]
}

/// The domain that somebody seems to have registered, by the same shapes: all below it is theirs.
pub(crate) fn registered(name: &str) -> &str {
    let below = below_registered(name).len();
    name[below..].trim_start_matches('.')
}

fn address_evidence(name: &str, ip: IpAddr) -> i32 {
    match ip {
        IpAddr::V4(v4) => v4_evidence(name, v4),
        IpAddr::V6(v6) => v6_evidence(name, v6),
    }
}

/// Letters and digits alone.
fn joined(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn v4_evidence(name: &str, ip: Ipv4Addr) -> i32 {
    let octets = ip.octets();
    let [a, b, c, d] = octets;
    let runs: Vec<&str> = name.split(|octet: char| !octet.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    // Octets in any order, one after the other, whatever stands between them: `192-0-2-9`, `h9x2.0.192`, `009.002.000`.
    let numbers: Vec<Option<u8>> =
        runs.iter().map(|run| if run.len() <= 3 { run.parse().ok() } else { None }).collect();
    let stand = |octets: &[u8]| {
        let mut wanted: Vec<Option<u8>> = octets.iter().copied().map(Some).collect();
        wanted.sort_unstable();
        numbers.windows(octets.len()).any(|window| {
            let mut window = window.to_vec();
            window.sort_unstable();
            window == wanted
        })
    };
    if stand(&octets) || is_joined_in(&runs, octets) || is_hex_in(name, octets) {
        WHOLE_ADDRESS
    } else if stand(&[a, b, c]) || stand(&[b, c, d]) {
        MOST_OF_ADDRESS
    } else if stand(&[c, d]) {
        HALF_OF_ADDRESS
    } else {
        0
    }
}

/// `192000002009`, `1920029`, or `3221226001`: as one number, from either end.
fn is_joined_in(runs: &[&str], octets: [u8; 4]) -> bool {
    /// Shorter ones are found in every second name.
    const DIGITS_MIN: usize = 6;
    let [a, b, c, d] = octets;
    let written = [[a, b, c, d], [d, c, b, a]].into_iter().flat_map(|[a, b, c, d]| {
        let number = u32::from_be_bytes([a, b, c, d]);
        [format!("{a:03}{b:03}{c:03}{d:03}"), format!("{a}{b}{c}{d}"), number.to_string()]
    });
    written.filter(|digits| digits.len() >= DIGITS_MIN).any(|digits| runs.contains(&digits.as_str()))
}

/// `c0000209`, `c0-00-02-09`, `x090200c0`.
fn is_hex_in(name: &str, [a, b, c, d]: [u8; 4]) -> bool {
    let name = joined(name);
    let forward = format!("{a:02x}{b:02x}{c:02x}{d:02x}");
    name.contains(&forward) || name.contains(&format!("{d:02x}{c:02x}{b:02x}{a:02x}"))
}

fn v6_evidence(name: &str, ip: Ipv6Addr) -> i32 {
    /// The net of a line: a /64.
    const NET_NIBBLES: usize = 16;
    let plain = joined(name);
    let nibbles: String = ip.octets().iter().map(|octet| format!("{octet:02x}")).collect();
    let reversed: String = nibbles.chars().rev().collect();
    let (net, host) = nibbles.split_at(NET_NIBBLES);
    // `2001-db8--9`, and all groups without leading zeros.
    let short = ip.to_string().replace(':', "-");
    let groups = ip.segments().map(|group| format!("{group:x}")).join("-");
    let whole = plain.contains(&nibbles) || plain.contains(&reversed) || name.contains(&groups);
    // `::9` would be found in names that have nothing to do with it.
    let is_long = short.bytes().filter(u8::is_ascii_hexdigit).count() >= 6;
    if whole || (is_long && name.contains(&short)) || plain.contains(host) {
        WHOLE_ADDRESS
    } else if plain.contains(net) || plain.contains(&reversed[NET_NIBBLES..]) {
        MOST_OF_ADDRESS
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
