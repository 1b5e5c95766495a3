//! Whom does an evaluation ask? The one trait it needs of the world, and the three outcomes of a question.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

/// Record types that SPF reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Mail exchanger.
    Mx,
    /// Text.
    Txt,
    /// Name of an address.
    Ptr,
}

impl Kind {
    /// As the DNS writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Ptr => "PTR",
        }
    }
}

/// One record's data. Names are lower case, without the final dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// A.
    A(Ipv4Addr),
    /// AAAA.
    Aaaa(Ipv6Addr),
    /// Preference and exchange; empty = the root (a null MX, RFC 7505).
    Mx(u16, Arc<str>),
    /// The strings of one TXT record, joined without separator.
    Txt(Arc<[u8]>),
    /// The name.
    Ptr(Arc<str>),
}

/// Why nothing is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its name servers, or the way to them.
    Theirs(&'static str),
    /// We did not ask, or whom we ask is not well.
    Ours(&'static str),
}

impl Trouble {
    /// A word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Theirs(word) | Self::Ours(word) => word,
        }
    }
}

/// What came of a question: found, not found (NXDOMAIN, NODATA), failed (all else).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// At least one record of the type.
    Found(Vec<Data>),
    /// The name or the type does not exist.
    NotFound,
    /// Nothing is known.
    Failed(Trouble),
}

/// An answer with its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The answer.
    pub said: Said,
    /// How long it holds.
    pub ttl: Duration,
    /// It was known before.
    pub is_cached: bool,
    /// How long it took to learn.
    pub took: Duration,
}

impl Looked {
    /// An answer that was at hand and holds for `ttl`.
    pub const fn at_hand(said: Said, ttl: Duration) -> Self {
        Self { said, ttl, is_cached: true, took: Duration::ZERO }
    }
}

/// The DNS as an evaluation sees it. Caches, deadlines and the sharing of questions are the implementation's.
pub trait Dns: Sync {
    /// Looks a name up: absolute, ASCII, no final dot, not empty, labels of 1 to 63 octets, 253 in all. Always ends.
    fn look_up(&self, name: &str, kind: Kind) -> impl Future<Output = Looked> + Send;
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(ip) => write!(f, "{ip}"),
            Self::Aaaa(ip) => write!(f, "{ip}"),
            Self::Mx(preference, exchange) => write!(f, "{preference} {exchange}."),
            Self::Txt(text) => write!(f, "\"{}\"", text.escape_ascii()),
            Self::Ptr(name) => write!(f, "{name}"),
        }
    }
}
