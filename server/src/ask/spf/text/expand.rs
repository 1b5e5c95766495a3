//! What does a macro-string come to? Values, their transformation, and what URLs make of them.

use super::{
    super::{limits::EXPANDED_OCTETS_MAX, query::Query},
    Letter, Macro, MacroText, Part,
};
use std::{borrow::Cow, net::IpAddr};

/// In place of a name that nobody knows (RFC 7208 §7.3).
pub(in super::super) const UNKNOWN: &str = "unknown";

/// What macros are filled in from.
#[derive(Clone, Copy, Debug)]
pub struct Macros<'a> {
    /// Who asks to be believed.
    pub query: &'a Query,
    /// The domain whose record the text stands in.
    pub domain: &'a str,
    /// The client's confirmed name; `None` = it has none, or nobody looked.
    pub name: Option<&'a str>,
    /// The name of the host that checks; empty = unknown.
    pub receiver: &'a str,
    /// Seconds since 1970.
    pub unix_seconds: u64,
}

impl MacroText {
    /// Fills the macros in. Local part and HELO argument may hold any octets, and so may this. What would grow too long is
    /// cut.
    pub fn expand(&self, macros: &Macros<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Macro(wanted) => wanted.expand(macros, &mut out),
                Part::Percent => out.push(b'%'),
                Part::Space => out.push(b' '),
                Part::UrlSpace => out.extend_from_slice(b"%20"),
            }
            if out.len() > EXPANDED_OCTETS_MAX {
                out.truncate(EXPANDED_OCTETS_MAX);
                break;
            }
        }
        out
    }
}

impl Macro {
    fn expand(&self, macros: &Macros<'_>, out: &mut Vec<u8>) {
        let value = value(self.letter, macros);
        let delimiters = if self.delimiters.is_empty() { "." } else { &self.delimiters };
        let is_delimiter = |octet: &u8| delimiters.as_bytes().contains(octet);
        let is_plain = self.keep == 0 && !self.is_reversed && self.delimiters.is_empty();
        let transformed = if is_plain {
            value
        } else {
            let mut parts: Vec<&[u8]> = value.split(is_delimiter).collect();
            if self.is_reversed {
                parts.reverse();
            }
            let keep = if self.keep == 0 { parts.len() } else { usize::from(self.keep).min(parts.len()) };
            Cow::Owned(parts[parts.len() - keep..].join(&b'.'))
        };
        if self.is_escaped {
            transformed.iter().for_each(|&octet| escape(octet, out));
        } else {
            out.extend_from_slice(&transformed);
        }
    }
}

fn value<'a>(letter: Letter, macros: &Macros<'a>) -> Cow<'a, [u8]> {
    let query = macros.query;
    let sender_domain = query.domain().unwrap_or_default();
    match letter {
        Letter::Sender => Cow::Owned(query.sender()),
        Letter::LocalPart => Cow::Borrowed(query.local_part()),
        Letter::SenderDomain => Cow::Borrowed(sender_domain.as_bytes()),
        Letter::Domain => Cow::Borrowed(macros.domain.as_bytes()),
        Letter::Ip => Cow::Owned(dotted(query.ip).into_bytes()),
        Letter::ValidatedName => Cow::Borrowed(macros.name.unwrap_or(UNKNOWN).as_bytes()),
        Letter::Family => Cow::Borrowed(if query.ip.is_ipv4() { b"in-addr" } else { b"ip6" }),
        Letter::Helo => Cow::Borrowed(query.helo()),
        Letter::ReadableIp => Cow::Owned(query.ip.to_string().into_bytes()),
        Letter::Receiver if macros.receiver.is_empty() => Cow::Borrowed(UNKNOWN.as_bytes()),
        Letter::Receiver => Cow::Borrowed(macros.receiver.as_bytes()),
        Letter::Time => Cow::Owned(macros.unix_seconds.to_string().into_bytes()),
    }
}

/// IPv4 as it is; IPv6 as 32 nibbles with dots between them (RFC 7208 §7.3).
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            let nibbles = v6.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let mut out = String::with_capacity(63);
            for nibble in nibbles {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push(char::from(HEX[usize::from(nibble)]));
            }
            out
        }
    }
}

/// All but the unreserved characters of RFC 3986 §2.3 as `%HH`.
fn escape(octet: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
        out.push(octet);
    } else {
        out.extend_from_slice(&[b'%', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
    }
}
