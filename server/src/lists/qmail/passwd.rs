//! Which accounts has a host? `/etc/passwd`, or what `getent passwd` prints.

use std::collections::HashMap;

/// What qmail wants to know of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// 0 = root, who gets no mail.
    pub uid: u32,
    /// The home folder, as it is written down.
    pub home: Vec<u8>,
}

/// Accounts by name.
#[derive(Clone, Debug, Default)]
pub struct Passwd(HashMap<Vec<u8>, Account>);

impl Passwd {
    /// Lines of `name:password:uid:gid:gecos:home:shell`. Of two with one name the first counts, as for getpwnam; a line of
    /// another form says nothing.
    pub fn parse(content: &[u8]) -> Self {
        let mut accounts = HashMap::new();
        for line in content.split(|&octet| octet == b'\n') {
            if let Some((name, account)) = account(line) {
                accounts.entry(name.to_owned()).or_insert(account);
            }
        }
        Self(accounts)
    }

    /// Who has this name, in its very letters?
    pub fn get(&self, name: &[u8]) -> Option<&Account> {
        self.0.get(name)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Account)> {
        self.0.iter().map(|(name, account)| (name.as_slice(), account))
    }
}

fn account(line: &[u8]) -> Option<(&[u8], Account)> {
    let mut fields = line.split(|&octet| octet == b':');
    let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(b"#"))?;
    let uid = str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
    Some((name, Account { uid, home: fields.nth(2)?.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_account() {
        let passwd = Passwd::parse(
            b"root:x:0:0:root:/root:/bin/sh\n# ann:x:1:1::/x:\nann:x:1001:100:Ann:/home/ann:/bin/sh\nann:x:7:7::/other:\n+::::::\nbob:x:-1:1::/b:\nshort:x:3\n",
        );
        assert_eq!(passwd.get(b"ann"), Some(&Account { uid: 1001, home: b"/home/ann".to_vec() }));
        assert_eq!(passwd.get(b"root").map(|account| account.uid), Some(0));
        assert_eq!(passwd.iter().count(), 2);
        assert_eq!(passwd.get(b"Ann"), None);
    }
}
