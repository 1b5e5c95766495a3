//! What do qmail's small control files say? `rcpthosts` with `morercpthosts.cdb`, single lines such as `me` and
//! `envnoathost`, numbers such as `databytes`; read as netqmail reads them.

use super::{Cdb, KeyList, Keys, control, keys::Sorted};
use crate::session::{Address, Domain};
use std::sync::Arc;

/// The first line without blanks, tabs and CR at its end; `None` = there is nothing in it, and the file's default holds.
pub fn single_line(content: &[u8]) -> Option<&[u8]> {
    let line = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Some(line.trim_ascii_end()).filter(|line| !line.is_empty())
}

/// A number as `control_readint` reads it: the digits that the first line begins with; `None` = there are none, and the
/// default holds.
pub fn number(content: &[u8]) -> Option<u64> {
    let line = single_line(content)?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = line[..digits].iter();
    let value = |value: u64, digit: &u8| value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    (digits.len() > 0).then(|| digits.fold(0, value))
}

/// For which domains is mail taken? `control/rcpthosts` and `control/morercpthosts.cdb`.
#[derive(Clone, Debug, Default)]
pub struct RcptHosts(KeyList);

impl RcptHosts {
    /// From the content of the one, and the other if it is there. The second counts only where the first exists.
    pub fn new(rcpthosts: &[u8], more: Option<Cdb>) -> Self {
        let lines = Keys::Sorted(Sorted::new(control::entries(rcpthosts).map(|entry| entry.text)));
        Self(KeyList::new(std::iter::once(lines).chain(more.map(Keys::Cdb)).map(Arc::new).collect()))
    }

    /// Is it one of the domains, or below one that is written with a dot in front?
    pub fn holds(&self, domain: &[u8]) -> bool {
        let lower = domain.to_ascii_lowercase();
        self.0.first(std::iter::once(&lower[..]).chain(Domain(&lower).dot_suffixes())).is_some()
    }

    /// Would qmail-smtpd take mail for this address? One without `@` it always takes.
    pub fn allows(&self, address: &Address) -> bool {
        address.domain().is_none_or(|domain| self.holds(domain.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_digits_in_front() {
        for (content, expected) in [
            ("1000000\n", Some(1_000_000)),
            ("10M\n", Some(10)),
            ("12\n34\n", Some(12)),
            ("\n34\n", None),
            (" 5\n", None),
            ("none\n", None),
            ("", None),
            ("99999999999999999999999\n", Some(u64::MAX)),
        ] {
            assert_eq!(number(content.as_bytes()), expected, "{content:?}");
        }
        assert_eq!(single_line(b"mx.example \t\r\nmore\n"), Some(b"mx.example".as_slice()));
    }

    #[test]
    fn rcpthosts_cover_domains_and_with_a_dot_what_is_below() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut maker = ::cdb::CDBMake::new(file.reopen().expect("a handle")).expect("a writer");
        maker.add(b"more.example", b"").expect("a record");
        maker.add(b".below.example", b"").expect("a record");
        maker.finish().expect("tables");
        let more = Cdb::new(std::fs::read(file.path()).expect("the file")).expect("a cdb");
        let hosts = RcptHosts::new(b"Here.example\n.there.example\n# no.example\n", Some(more));
        for (address, expected) in [
            ("u@here.EXAMPLE", true),
            ("u@a.here.example", false),
            ("u@a.b.there.example", true),
            ("u@there.example", false),
            ("u@more.example", true),
            ("u@x.below.example", true),
            ("u@no.example", false),
            ("u", true),
            ("u@", false),
        ] {
            assert_eq!(hosts.allows(&Address::new(address.to_owned().into())), expected, "{address}");
        }
    }
}
