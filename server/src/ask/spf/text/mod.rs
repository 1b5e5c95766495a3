//! What is a macro-string (RFC 7208 §7)? Literal text with macros; `parse` reads one, `expand` fills one in.

mod expand;
mod parse;
#[cfg(test)]
pub(super) mod tests;

pub use expand::Macros;
pub use parse::Place;

use super::result::Input;
use std::fmt;

/// What a macro stands for (RFC 7208 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// `s`: the sender.
    Sender,
    /// `l`: its local part.
    LocalPart,
    /// `o`: its domain.
    SenderDomain,
    /// `d`: the domain whose record this is.
    Domain,
    /// `i`: the client's address, dotted.
    Ip,
    /// `p`: the client's name, if the DNS confirms it.
    ValidatedName,
    /// `v`: `in-addr` or `ip6`.
    Family,
    /// `h`: the HELO argument.
    Helo,
    /// `c`: the client's address as people write it. Explanations only, as the next two.
    ReadableIp,
    /// `r`: the name of the host that checks.
    Receiver,
    /// `t`: seconds since 1970.
    Time,
}

impl Letter {
    const ALL: [(u8, Self); 11] = [
        (b's', Self::Sender),
        (b'l', Self::LocalPart),
        (b'o', Self::SenderDomain),
        (b'd', Self::Domain),
        (b'i', Self::Ip),
        (b'p', Self::ValidatedName),
        (b'v', Self::Family),
        (b'h', Self::Helo),
        (b'c', Self::ReadableIp),
        (b'r', Self::Receiver),
        (b't', Self::Time),
    ];

    fn of(octet: u8) -> Option<Self> {
        let lower = octet.to_ascii_lowercase();
        Self::ALL.iter().find(|(known, _)| *known == lower).map(|&(_, letter)| letter)
    }

    fn octet(self) -> u8 {
        Self::ALL.iter().find(|(_, letter)| *letter == self).map_or(b's', |&(octet, _)| octet)
    }

    fn is_for_explanations(self) -> bool {
        matches!(self, Self::ReadableIp | Self::Receiver | Self::Time)
    }

    /// What has to be known for it, beyond the domain.
    fn input(self) -> Option<Input> {
        match self {
            Self::Sender | Self::LocalPart => Some(Input::LocalPart),
            Self::Ip | Self::ValidatedName | Self::Family | Self::ReadableIp => Some(Input::Ip),
            Self::Helo => Some(Input::Helo),
            Self::SenderDomain | Self::Domain | Self::Receiver | Self::Time => None,
        }
    }
}

/// `%{l2r+-}`: what, how much of it, in which order, split where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macro {
    /// What it stands for.
    pub letter: Letter,
    /// Written as a capital: the result is escaped for a URL.
    pub is_escaped: bool,
    /// Parts kept, counted from the right; 0 = all. 255 means so many or more.
    pub keep: u8,
    /// The parts change their order before that.
    pub is_reversed: bool,
    /// At any of these it is split; empty = at dots.
    pub delimiters: String,
}

/// A piece of a macro-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Itself; never empty, never next to another one.
    Literal(String),
    /// `%{...}`
    Macro(Macro),
    /// `%%`: a percent sign.
    Percent,
    /// `%_`: a space.
    Space,
    /// `%-`: a space as URLs write it, `%20`.
    UrlSpace,
}

/// A macro-string. Printing it gives what [`MacroText::parse`] reads as the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MacroText(Vec<Part>);

impl MacroText {
    /// Its parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Does it want the client's confirmed name, which takes look-ups?
    pub fn wants_name(&self) -> bool {
        self.letters().any(|letter| letter == Letter::ValidatedName)
    }

    /// What has to be known for it, beyond the domain, in order; maybe the same thing twice.
    pub(super) fn inputs(&self) -> impl Iterator<Item = Input> {
        self.letters().filter_map(Letter::input)
    }

    fn letters(&self) -> impl Iterator<Item = Letter> {
        self.0.iter().filter_map(|part| if let Part::Macro(wanted) = part { Some(wanted.letter) } else { None })
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = char::from(self.letter.octet());
        let letter = if self.is_escaped { letter.to_ascii_uppercase() } else { letter };
        write!(f, "%{{{letter}")?;
        if self.keep > 0 {
            write!(f, "{}", self.keep)?;
        }
        if self.is_reversed {
            f.write_str("r")?;
        }
        write!(f, "{}}}", self.delimiters)
    }
}

impl fmt::Display for MacroText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Macro(wanted) => write!(f, "{wanted}")?,
                Part::Percent => f.write_str("%%")?,
                Part::Space => f.write_str("%_")?,
                Part::UrlSpace => f.write_str("%-")?,
            }
        }
        Ok(())
    }
}
