//! How is a record read? By the grammar of RFC 7208 §12, all of it before anything is evaluated; an error says where.

use super::{
    super::text::{MacroText, Part, Place},
    Cidr, Directive, DomainSpec, Mechanism, Modifier, Qualifier, Record, Term,
};
use std::{borrow::Cow, fmt, net::IpAddr};

/// What a record of ours starts with, in any case (RFC 7208 §4.5).
pub(in super::super) const VERSION: &[u8] = b"v=spf1";

/// Why a text is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Octets of the text before the fault.
    pub at: usize,
    /// What is wrong; one line.
    pub what: Cow<'static, str>,
    /// A word that is neither modifier nor any mechanism there is.
    pub mechanism: Option<String>,
}

impl ParseError {
    pub(in super::super) fn new(at: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { at, what: what.into(), mechanism: None }
    }

    /// The same in a text that has `octets` before this one's.
    fn behind(self, octets: usize) -> Self {
        Self { at: self.at + octets, ..self }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.at + 1, self.what)
    }
}

impl Record {
    /// Is this text meant as a record of SPF (RFC 7208 §4.5)?
    pub fn is_meant(text: &[u8]) -> bool {
        text.split_at_checked(VERSION.len())
            .is_some_and(|(version, rest)| version.eq_ignore_ascii_case(VERSION) && matches!(rest, [] | [b' ', ..]))
    }

    /// Reads a record, version and all.
    ///
    /// # Errors
    /// The first thing that is not as RFC 7208 §12 says, with its place.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        if !Self::is_meant(text) {
            return Err(ParseError::new(0, "expected v=spf1"));
        }
        let terms = Self::parse_terms(&text[VERSION.len()..]).map_err(|error| error.behind(VERSION.len()))?;
        Ok(terms)
    }

    /// Reads terms without a version in front, such as local policy has.
    ///
    /// # Errors
    /// As [`Record::parse`].
    pub fn parse_terms(text: &[u8]) -> Result<Self, ParseError> {
        if let Some(at) = text.iter().position(|octet| !matches!(octet, b' '..=b'~')) {
            return Err(ParseError::new(at, "expected printable ASCII"));
        }
        let text = str::from_utf8(text).unwrap_or_default();
        let (mut record, mut at) = (Self::default(), 0);
        for word in text.split(' ') {
            if !word.is_empty() {
                let term = term(word).map_err(|error| error.behind(at))?;
                if let Term::Modifier(modifier) = &term {
                    record.refuse_second(modifier).map_err(|error| error.behind(at))?;
                }
                record.terms.push(term);
            }
            at += word.len() + 1;
        }
        Ok(record)
    }

    /// `redirect` and `exp` may stand once each (RFC 7208 §6).
    fn refuse_second(&self, modifier: &Modifier) -> Result<(), ParseError> {
        let is_second = match modifier {
            Modifier::Redirect(_) => self.redirect().is_some(),
            Modifier::Exp(_) => self.exp().is_some(),
            Modifier::Unknown { .. } => false,
        };
        if is_second { Err(ParseError::new(0, "a second redirect= or exp=: expected one at most")) } else { Ok(()) }
    }
}

fn term(word: &str) -> Result<Term, ParseError> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'))
    };
    match word.split_once('=').filter(|(name, _)| is_name(name)) {
        Some((name, value)) => modifier(name, value).map(Term::Modifier),
        None => directive(word).map(Term::Directive),
    }
}

fn modifier(name: &str, value: &str) -> Result<Modifier, ParseError> {
    let start = name.len() + 1;
    match name.to_ascii_lowercase().as_str() {
        "redirect" => domain_spec(value, start).map(Modifier::Redirect),
        "exp" => domain_spec(value, start).map(Modifier::Exp),
        _ => {
            let value = MacroText::parse(value, Place::Record).map_err(|error| error.behind(start))?;
            Ok(Modifier::Unknown { name: name.to_owned(), value })
        }
    }
}

fn directive(word: &str) -> Result<Directive, ParseError> {
    let (qualifier, sign) = match word.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, 1),
        Some(b'-') => (Qualifier::Fail, 1),
        Some(b'~') => (Qualifier::SoftFail, 1),
        Some(b'?') => (Qualifier::Neutral, 1),
        _ => (Qualifier::Pass, 0),
    };
    let mechanism = mechanism(&word[sign..]).map_err(|error| error.behind(sign))?;
    Ok(Directive { qualifier, mechanism })
}

fn mechanism(text: &str) -> Result<Mechanism, ParseError> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let argument = Argument { rest, start: end };
    match name.to_ascii_lowercase().as_str() {
        "all" => argument.nothing().map(|()| Mechanism::All),
        "include" => argument.target().map(Mechanism::Include),
        "exists" => argument.target().map(Mechanism::Exists),
        "ptr" => argument.target_if_any().map(Mechanism::Ptr),
        "a" => argument.target_and_cidr().map(|(target, cidr)| Mechanism::A(target, cidr)),
        "mx" => argument.target_and_cidr().map(|(target, cidr)| Mechanism::Mx(target, cidr)),
        "ip4" => argument.network("ip4", 32).and_then(|(ip, bits)| match ip {
            IpAddr::V4(v4) => Ok(Mechanism::Ip4(v4, bits)),
            IpAddr::V6(_) => Err(ParseError::new(end + 1, "an IPv6 address behind ip4: expected ip6")),
        }),
        "ip6" => argument.network("ip6", 128).and_then(|(ip, bits)| match ip {
            IpAddr::V6(v6) => Ok(Mechanism::Ip6(v6, bits)),
            IpAddr::V4(_) => Err(ParseError::new(end + 1, "an IPv4 address behind ip6: expected ip4")),
        }),
        "redirect" | "exp" => Err(ParseError::new(end, format!("{name} is a modifier: expected ="))),
        _ => Err(ParseError {
            mechanism: Some(text.to_owned()),
            ..ParseError::new(0, "no mechanism: expected all, include, a, mx, ptr, ip4, ip6, exists or NAME=")
        }),
    }
}

/// What stands behind a mechanism's name: nothing, `:target`, `/bits` or both.
struct Argument<'a> {
    rest: &'a str,
    start: usize,
}

impl<'a> Argument<'a> {
    fn error<T>(&self, what: &'static str) -> Result<T, ParseError> {
        Err(ParseError::new(self.start, what))
    }

    fn nothing(&self) -> Result<(), ParseError> {
        if self.rest.is_empty() { Ok(()) } else { self.error("expected nothing behind it") }
    }

    fn target(&self) -> Result<DomainSpec, ParseError> {
        match self.rest.strip_prefix(':') {
            Some(target) => domain_spec(target, self.start + 1),
            None => self.error("expected a colon and a domain"),
        }
    }

    fn target_if_any(&self) -> Result<Option<DomainSpec>, ParseError> {
        if self.rest.is_empty() { Ok(None) } else { self.target().map(Some) }
    }

    fn target_and_cidr(&self) -> Result<(Option<DomainSpec>, Cidr), ParseError> {
        let (target, cidr) = self.split_cidr()?;
        let target = Argument { rest: target, start: self.start }.target_if_any()?;
        Ok((target, cidr))
    }

    /// `/24`, `//64` or `/24//64` at the end; a slash before it belongs to the target.
    fn split_cidr(&self) -> Result<(&'a str, Cidr), ParseError> {
        let (rest, mut cidr) = (self.rest, Cidr::EXACT);
        let digits_behind = |text: &str, slash: &str| {
            let at = text.rfind(slash)?;
            let digits = &text[at + slash.len()..];
            (!digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit())).then_some(at)
        };
        let (rest, is_dual) = match digits_behind(rest, "//") {
            Some(at) => {
                cidr.v6 = self.bits(at, &rest[at + 2..], 128)?;
                (&rest[..at], true)
            }
            None => (rest, false),
        };
        match digits_behind(rest, "/") {
            Some(at) => {
                cidr.v4 = self.bits(at, &rest[at + 1..], 32)?;
                Ok((&rest[..at], cidr))
            }
            None if is_dual || !rest.ends_with('/') => Ok((rest, cidr)),
            None => Err(ParseError::new(self.start + rest.len() - 1, "a slash without a number behind it")),
        }
    }

    /// The number behind a slash, which stands `at` octets behind the name.
    fn bits(&self, at: usize, digits: &str, most: u8) -> Result<u8, ParseError> {
        let is_plain = digits == "0" || !digits.starts_with('0');
        match digits.parse::<u8>() {
            Ok(bits) if bits <= most && is_plain => Ok(bits),
            _ => Err(ParseError::new(self.start + at, format!("/{digits}: expected 0 to {most}"))),
        }
    }

    fn network(&self, name: &str, most: u8) -> Result<(IpAddr, u8), ParseError> {
        let Some(text) = self.rest.strip_prefix(':') else {
            return Err(ParseError::new(self.start, format!("expected {name}:ADDRESS or {name}:ADDRESS/BITS")));
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, digits)) => (address, self.bits(1 + address.len(), digits, most)?),
            None => (text, most),
        };
        match address.parse() {
            Ok(ip) => Ok((ip, bits)),
            Err(_) => Err(ParseError::new(self.start + 1, format!("{address} is no address"))),
        }
    }
}

/// A macro-string that ends in a macro, or in a dot and a top label that is not all digits.
fn domain_spec(text: &str, start: usize) -> Result<DomainSpec, ParseError> {
    if text.is_empty() {
        return Err(ParseError::new(start, "expected a domain"));
    }
    let spec = MacroText::parse(text, Place::Record).map_err(|error| error.behind(start))?;
    match spec.parts().last() {
        Some(Part::Literal(end)) if !ends_like_a_domain(end) => {
            let hint = if text.parse::<IpAddr>().is_ok() { " (an address: ip4 or ip6 is meant)" } else { "" };
            let what =
                format!("{text} is no domain: expected one with a dot and a top label, or a macro at the end{hint}");
            Err(ParseError::new(start, what))
        }
        _ => Ok(spec),
    }
}

fn ends_like_a_domain(text: &str) -> bool {
    let Some((_, top)) = text.strip_suffix('.').unwrap_or(text).rsplit_once('.') else { return false };
    let is_alphanumeric = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_alphanumeric);
    is_alphanumeric(top.as_bytes().first())
        && is_alphanumeric(top.as_bytes().last())
        && top.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        && !top.bytes().all(|octet| octet.is_ascii_digit())
}
