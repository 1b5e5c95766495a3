//! Which tcpserver rule holds for a client? `tcp.smtp` and `tcp.smtp.cdb`, with ucspi-tcp's parsing and precedence.
//!
//! One rule holds, the first key that exists: `info@ip`, `info@=host`, `ip`, `=host`, shorter prefixes of the address
//! that end in a dot, `=.suffix` longest first, `=`, and the empty key. Nothing is merged: a rule for an address
//! replaces all variables of the default rule. Keys compare byte by byte, case included.

mod line;

use super::{Cdb, NameList};
use std::{collections::HashMap, sync::Arc};

/// The rules of one file.
#[derive(Clone, Debug)]
pub struct TcpRules(Source);

#[derive(Clone, Debug)]
enum Source {
    Text(HashMap<Box<[u8]>, Arc<[u8]>>),
    Cdb(Cdb),
}

/// What tcpserver knows of a client.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// TCPREMOTEIP.
    pub ip: &'a [u8],
    /// TCPREMOTEHOST; absent = not looked up.
    pub host: Option<&'a [u8]>,
    /// TCPREMOTEINFO; absent = not asked.
    pub info: Option<&'a [u8]>,
}

/// The rule that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The key, as written in the rules.
    pub key: Vec<u8>,
    /// What the key goes by.
    pub by: KeyedBy,
    data: &'a [u8],
}

/// What a rule's key goes by: how easily it is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyedBy {
    /// The address, or nothing (the default rule).
    Address,
    /// The host name (`=host`, `=.suffix`, `=`): whoever has the address writes any name beside it.
    Name,
    /// What the client says of itself (`info@…`).
    Ident,
}

impl<'a> Hit<'a> {
    /// tcpserver closes the connection.
    pub fn denies(&self) -> bool {
        self.items().any(|item| item.first() == Some(&b'D'))
    }

    /// The value of a variable that the rule sets; the last one counts.
    pub fn variable(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.variables().filter(|(set, _)| *set == name).last().map(|(_, value)| value)
    }

    /// All variables that the rule sets, in order.
    pub fn variables(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.items().filter_map(|item| {
            let assignment = item.strip_prefix(b"+")?;
            let equals = assignment.iter().position(|&byte| byte == b'=')?;
            Some((&assignment[..equals], &assignment[equals + 1..]))
        })
    }

    /// Leading bits of an IPv4 address that the key fixes; a key that is no address fixes none.
    pub fn prefix_bits(&self) -> u8 {
        let dots = self.key.iter().filter(|&&byte| byte == b'.').count().min(4);
        match self.key.last() {
            _ if self.by != KeyedBy::Address => 0,
            None => 0,
            Some(b'.') => u8::try_from(dots * 8).unwrap_or(32),
            Some(_) if self.key.contains(&b':') => 128,
            Some(_) => 32,
        }
    }

    /// Items end in NUL; what follows the last NUL does not count.
    fn items(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.data.split_inclusive(|&byte| byte == 0).filter_map(|item| item.strip_suffix(b"\0"))
    }
}

/// One line that makes rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// What stands before the colon.
    pub address: Vec<u8>,
    /// The keys it makes: one, or one for each number of a range.
    pub keys: Vec<Vec<u8>>,
    /// Its instructions, as in the cdb.
    pub data: Vec<u8>,
}

impl RuleLine {
    /// Reads a line. `None` = a comment, or no rule; the error is what `tcprules` refuses.
    pub fn read(text: &[u8]) -> Result<Option<Self>, String> {
        let Some(line) = line::rule(text)? else { return Ok(None) };
        let keys = line::expanded(line.address)?;
        Ok(Some(Self { address: line.address.to_vec(), keys, data: line.data }))
    }

    /// What its keys go by.
    pub fn by(&self) -> KeyedBy {
        if self.address.contains(&b'@') {
            KeyedBy::Ident
        } else if self.address.starts_with(b"=") {
            KeyedBy::Name
        } else {
            KeyedBy::Address
        }
    }

    /// tcpserver closes the connection.
    pub fn denies(&self) -> bool {
        self.hit().denies()
    }

    /// The value of a variable that it sets.
    pub fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        self.hit().variable(name)
    }

    fn hit(&self) -> Hit<'_> {
        Hit { key: Vec::new(), by: self.by(), data: &self.data }
    }
}

impl TcpRules {
    /// Keys that one file may define after its ranges are expanded.
    pub const KEYS_MAX: usize = 10_000_000;

    /// Reads a rules file. The error is the first line that `tcprules` refuses, with what is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, (usize, String)> {
        let mut rules = HashMap::new();
        for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let Some(line) = line::rule(line).map_err(|wrong| (at + 1, wrong))? else { continue };
            let data: Arc<[u8]> = line.data.into();
            for key in line::expanded(line.address).map_err(|wrong| (at + 1, wrong))? {
                // The first line wins.
                rules.entry(key.into_boxed_slice()).or_insert_with(|| Arc::clone(&data));
            }
            if rules.len() > Self::KEYS_MAX {
                return Err((at + 1, format!("more than {} addresses", Self::KEYS_MAX)));
            }
        }
        Ok(Self(Source::Text(rules)))
    }

    /// Takes what `tcprules` made.
    pub fn from_cdb(cdb: Cdb) -> Self {
        Self(Source::Cdb(cdb))
    }

    /// Addresses with a rule.
    pub fn len(&self) -> usize {
        match &self.0 {
            Source::Text(rules) => rules.len(),
            Source::Cdb(cdb) => cdb.len(),
        }
    }

    /// No rules.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rule that holds for a client; without one, tcpserver allows and sets nothing.
    pub fn find(&self, client: &Client<'_>) -> Option<Hit<'_>> {
        let Client { ip, info, .. } = *client;
        // A longer name did not come from the DNS; bounding it bounds the number of suffixes.
        let host = client.host.filter(|host| host.len() <= NameList::OCTETS_MAX);
        let found = |key: Vec<u8>, by| self.data(&key).map(|data| Hit { key, by, data });
        let named = |key: &[&[u8]]| found(key.concat(), KeyedBy::Name);
        let said = |key: &[&[u8]]| found(key.concat(), KeyedBy::Ident);
        let after_dots = |text: &'_ [u8]| {
            (1..=text.len()).rev().find_map(|end| {
                text[..end].ends_with(b".").then(|| found(text[..end].to_vec(), KeyedBy::Address)).flatten()
            })
        };
        let from_dots = |host: &'_ [u8]| {
            (0..host.len())
                .find_map(|start| host[start..].starts_with(b".").then(|| named(&[b"=", &host[start..]])).flatten())
        };
        info.and_then(|info| said(&[info, b"@", ip]))
            .or_else(|| info.zip(host).and_then(|(info, host)| said(&[info, b"@=", host])))
            .or_else(|| found(ip.to_vec(), KeyedBy::Address))
            .or_else(|| host.and_then(|host| named(&[b"=", host])))
            .or_else(|| after_dots(ip))
            .or_else(|| host.and_then(from_dots))
            .or_else(|| host.and_then(|_| named(&[b"="])))
            .or_else(|| found(Vec::new(), KeyedBy::Address))
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let (text, cdb) = match &self.0 {
            Source::Text(rules) => (Some(rules), None),
            Source::Cdb(cdb) => (None, Some(cdb)),
        };
        let of_text = text.into_iter().flat_map(|rules| rules.keys().map(|key| &key[..]));
        of_text.chain(cdb.into_iter().flat_map(|cdb| cdb.iter().map(|(key, _)| key)))
    }

    /// The instructions under a key, as in the cdb.
    pub fn data(&self, key: &[u8]) -> Option<&[u8]> {
        match &self.0 {
            Source::Text(rules) => rules.get(key).map(|data| &data[..]),
            Source::Cdb(cdb) => cdb.find(key),
        }
    }
}

#[cfg(test)]
mod tests;
