//! Who is the user the mail server runs as? Read from `/etc/passwd` and `/etc/group`.

use crate::config::Fault;
use std::{collections::BTreeSet, fs, path::Path};

/// A user and the groups it may act with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Account {
    pub(in crate::cli) uid: u32,
    /// The primary group: the only one tcpserver gives to the programs it starts.
    pub(in crate::cli) gid: u32,
    /// Groups that name the user as a member.
    pub(in crate::cli) groups: Vec<u32>,
}

/// `Ok(None)` = there is no such user.
pub(in crate::cli) fn find(user: &str) -> Result<Option<Account>, Fault> {
    Ok(parse(user, &read(Path::new("/etc/passwd"))?, &read(Path::new("/etc/group"))?))
}

/// Names of all users.
pub(in crate::cli) fn names() -> Result<BTreeSet<String>, Fault> {
    let passwd = read(Path::new("/etc/passwd"))?;
    Ok(passwd.lines().filter_map(|line| line.split(':').next()).map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<String, Fault> {
    fs::read(path)
        .map(|content| String::from_utf8_lossy(&content).into_owned())
        .map_err(|error| Fault::of_file(path, error.to_string()))
}

/// `name:x:uid:gid:…` and `name:x:gid:member,member`.
fn parse(user: &str, passwd: &str, group: &str) -> Option<Account> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(user))?;
    let (uid, gid) = (fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?);
    let member = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let number = fields.next()?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == user).then_some(number)
    };
    Some(Account { uid, gid, groups: group.lines().filter_map(member).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_and_other_groups_are_told_apart() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nqmaild:x:64011:64010::/var/qmail:/bin/false\n";
        let group = "nofiles:x:64010:\ntollgate:x:900:ann,qmaild\nother:x:901:qmaild2\nbroken\n";
        let expected = Account { uid: 64_011, gid: 64_010, groups: vec![900] };
        assert_eq!(parse("qmaild", passwd, group), Some(expected));
        assert_eq!(parse("qmail", passwd, group), None);
    }
}
