//! Which number has a group? Read from `/etc/group` and `/etc/passwd`, without the C library's look-ups (they may go
//! to the network).

use std::{fs::File, io::Read, path::Path};

/// Largest account file that is read, in octets.
const FILE_OCTETS_MAX: u64 = 4 * 1024 * 1024;

/// The user as whom qmail-smtpd runs.
const QMAIL_USER: &str = "qmaild";

/// The group's number, by its name.
pub(super) fn by_name(name: &str) -> Option<u32> {
    number(&read(Path::new("/etc/group"))?, name, 2)
}

/// The primary group of `qmaild`, if there is that user and we may give files away.
pub(super) fn of_qmaild() -> Option<u32> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    number(&read(Path::new("/etc/passwd"))?, QMAIL_USER, 3)
}

/// The `field`-th field of the line that starts with `name:`.
fn number(file: &str, name: &str, field: usize) -> Option<u32> {
    let mut lines = file.lines().map(|line| line.split(':'));
    let mut fields = lines.find(|fields| fields.clone().next() == Some(name))?;
    fields.nth(field)?.parse().ok()
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(FILE_OCTETS_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line_of_the_name() {
        let group = "root:x:0:\nnofiles:x:2108:qmaild\nnof:x:1:\n";
        assert_eq!(number(group, "nofiles", 2), Some(2108));
        assert_eq!(number(group, "nofile", 2), None);
        assert_eq!(number("qmaild:x:7791:2108::/var/qmail:/bin/false\n", "qmaild", 3), Some(2108));
    }

    #[test]
    fn reads_this_host() {
        assert_eq!(by_name("root").or_else(|| by_name("wheel")), Some(0));
    }
}
