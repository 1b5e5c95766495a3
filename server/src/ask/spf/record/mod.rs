//! What is a record (RFC 7208 §4.6)? Directives and modifiers in the order in which they are written; `parse` reads one.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::ParseError;
pub(super) use parse::VERSION;

use super::{result::SpfResult, text::MacroText};
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

/// A record. Printing it gives what [`Record::parse`] reads as the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// In the order of the record.
    pub terms: Vec<Term>,
}

/// One word of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// May match the client.
    Directive(Directive),
    /// Tells something else.
    Modifier(Modifier),
}

/// The result of a directive that matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or nothing.
    #[default]
    Pass,
    /// `-`
    Fail,
    /// `~`
    SoftFail,
    /// `?`
    Neutral,
}

impl Qualifier {
    /// What a match leads to.
    pub const fn result(self) -> SpfResult {
        match self {
            Self::Pass => SpfResult::Pass,
            Self::Fail => SpfResult::Fail,
            Self::SoftFail => SpfResult::SoftFail,
            Self::Neutral => SpfResult::Neutral,
        }
    }
}

/// A mechanism with its qualifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// What a match means.
    pub qualifier: Qualifier,
    /// What matches.
    pub mechanism: Mechanism,
}

/// Bits that have to agree. Without `v4` it is 32, without `v6` 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// Of IPv4 addresses, 0-32.
    pub v4: u8,
    /// Of IPv6 addresses, 0-128.
    pub v6: u8,
}

impl Cidr {
    /// The address alone.
    pub const EXACT: Self = Self { v4: 32, v6: 128 };
}

/// A target: a macro-string that ends like a domain, or in a macro. `None` of it stands for the domain of the record.
pub type DomainSpec = MacroText;

/// Who is meant (RFC 7208 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Everybody.
    All,
    /// Whoever passes by another domain's record.
    Include(DomainSpec),
    /// The addresses of a name.
    A(Option<DomainSpec>, Cidr),
    /// The addresses of a domain's mail exchangers.
    Mx(Option<DomainSpec>, Cidr),
    /// Clients whose confirmed name lies within a domain.
    Ptr(Option<DomainSpec>),
    /// A network.
    Ip4(Ipv4Addr, u8),
    /// A network.
    Ip6(Ipv6Addr, u8),
    /// Everybody for whom a name has an A record.
    Exists(DomainSpec),
}

impl Mechanism {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Include(_) => "include",
            Self::A(..) => "a",
            Self::Mx(..) => "mx",
            Self::Ptr(_) => "ptr",
            Self::Ip4(..) => "ip4",
            Self::Ip6(..) => "ip6",
            Self::Exists(_) => "exists",
        }
    }
}

/// What a record says besides (RFC 7208 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Where nothing matches, another domain's record decides.
    Redirect(DomainSpec),
    /// Where to find the explanation of a fail.
    Exp(DomainSpec),
    /// Something of which SPF knows nothing.
    Unknown {
        /// Its name, as written.
        name: String,
        /// Its value.
        value: MacroText,
    },
}

impl Record {
    /// The directives, in order.
    pub fn directives(&self) -> impl Iterator<Item = &Directive> {
        self.terms.iter().filter_map(|term| if let Term::Directive(directive) = term { Some(directive) } else { None })
    }

    /// Where `redirect=` points.
    pub fn redirect(&self) -> Option<&DomainSpec> {
        self.modifiers().find_map(|modifier| if let Modifier::Redirect(to) = modifier { Some(to) } else { None })
    }

    /// Where `exp=` points.
    pub fn exp(&self) -> Option<&DomainSpec> {
        self.modifiers().find_map(|modifier| if let Modifier::Exp(at) = modifier { Some(at) } else { None })
    }

    fn modifiers(&self) -> impl Iterator<Item = &Modifier> {
        self.terms.iter().filter_map(|term| if let Term::Modifier(modifier) = term { Some(modifier) } else { None })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        self.terms.iter().try_for_each(|term| write!(f, " {term}"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directive(directive) => write!(f, "{directive}"),
            Self::Modifier(modifier) => write!(f, "{modifier}"),
        }
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.qualifier {
            Qualifier::Pass => "",
            Qualifier::Fail => "-",
            Qualifier::SoftFail => "~",
            Qualifier::Neutral => "?",
        })?;
        write!(f, "{}", self.mechanism)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::All | Self::A(None, _) | Self::Mx(None, _) | Self::Ptr(None) => {}
            Self::Include(target) | Self::Exists(target) => write!(f, ":{target}")?,
            Self::A(Some(target), _) | Self::Mx(Some(target), _) | Self::Ptr(Some(target)) => write!(f, ":{target}")?,
            Self::Ip4(network, _) => write!(f, ":{network}")?,
            Self::Ip6(network, _) => write!(f, ":{network}")?,
        }
        match self {
            Self::A(_, cidr) | Self::Mx(_, cidr) => write!(f, "{cidr}"),
            Self::Ip4(_, bits) if *bits != Cidr::EXACT.v4 => write!(f, "/{bits}"),
            Self::Ip6(_, bits) if *bits != Cidr::EXACT.v6 => write!(f, "/{bits}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.v4 != Self::EXACT.v4 {
            write!(f, "/{}", self.v4)?;
        }
        if self.v6 != Self::EXACT.v6 {
            write!(f, "//{}", self.v6)?;
        }
        Ok(())
    }
}

impl fmt::Display for Modifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(target) => write!(f, "redirect={target}"),
            Self::Exp(target) => write!(f, "exp={target}"),
            Self::Unknown { name, value } => write!(f, "{name}={value}"),
        }
    }
}
