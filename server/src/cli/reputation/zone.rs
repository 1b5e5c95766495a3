//! How does an export become a zone for rbldnsd? One file of type `combined`: a dataset for each kind, with one address
//! and one text for each entry.

use std::io::{self, Write};
use tollgate_proto::v1::Reputation;

/// Longest text behind an entry: rbldnsd cuts at 255 octets.
const TEXT_OCTETS_MAX: usize = 200;

/// Longest domain name.
const NAME_OCTETS_MAX: usize = 253;

/// How long answers may be kept, "not listed" too.
const HEAD: &[u8] = b"$SOA 300 localhost root.localhost 0 600 300 86400 300\n$NS 300 localhost\n";

/// Entries by dataset.
#[derive(Default)]
pub(super) struct Zone {
    ip4: Vec<String>,
    ip6: Vec<String>,
    names: Vec<String>,
}

impl Zone {
    pub(super) fn add(&mut self, row: &Reputation, what_for: &str) {
        let code = match row.kind.as_str() {
            "ip" => 2,
            "net" => 3,
            "domain" => 4,
            // A HELO name can be forged: whoever publishes it publishes what a spammer wants.
            _ => return,
        };
        let text = text(&format!("reputation {:+.0}: {what_for}", row.reputation));
        let entry = |subject: &str| format!("{subject} :127.0.0.{code}:{text}");
        match row.subject.strip_prefix("domain:") {
            Some(name) if is_host_name(name) => self.names.push(entry(name)),
            Some(_) => {}
            None if row.subject.contains(':') => self.ip6.push(entry(&row.subject)),
            None => self.ip4.push(entry(&row.subject)),
        }
    }

    pub(super) fn write(mut self, out: &mut dyn Write, below: i32) -> io::Result<()> {
        writeln!(out, "# reputations below {below}: rbldnsd ZONE:combined:FILE")?;
        writeln!(out, "# 127.0.0.2 = address, 127.0.0.3 = net, 127.0.0.4 = domain that SPF proved")?;
        out.write_all(HEAD)?;
        for (kind, test, entries) in [
            ("ip4trie", "127.0.0.2 :127.0.0.2", &mut self.ip4),
            ("ip6trie", "::ffff:7f00:2 :127.0.0.2", &mut self.ip6),
            ("dnset", "test :127.0.0.4", &mut self.names),
        ] {
            // The same export gives the same file.
            entries.sort_unstable();
            writeln!(out, "$DATASET {kind} @")?;
            writeln!(out, "{test}:test entry (RFC 5782)")?;
            entries.iter().try_for_each(|entry| writeln!(out, "{entry}"))?;
        }
        Ok(())
    }
}

/// Nothing that rbldnsd would read as more than text: `$` stands for the address there.
fn text(whole: &str) -> String {
    let plain = whole.chars().filter(|char| char.is_ascii_graphic() || *char == ' ').filter(|char| *char != '$');
    plain.take(TEXT_OCTETS_MAX).collect()
}

fn is_host_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= NAME_OCTETS_MAX
        && name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_dataset_and_code() {
        let mut zone = Zone::default();
        for (kind, subject) in [
            ("ip", "192.0.2.1"),
            ("net", "192.0.2.0/24"),
            ("net", "2001:db8::/48"),
            ("domain", "domain:bad.example"),
            ("domain", "domain:a:127.0.0.1:$"),
            ("helo", "helo:forged.example"),
        ] {
            let row =
                Reputation { subject: subject.into(), kind: kind.into(), reputation: -63.4, ..Default::default() };
            zone.add(&row, "trap 1.0, $\n");
        }
        let mut out = Vec::new();
        zone.write(&mut out, -50).expect("memory");
        let text = String::from_utf8(out).expect("a text");
        let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("$DATASET")).collect();
        let expected = [
            "$DATASET ip4trie @",
            "127.0.0.2 :127.0.0.2:test entry (RFC 5782)",
            "192.0.2.0/24 :127.0.0.3:reputation -63: trap 1.0, ",
            "192.0.2.1 :127.0.0.2:reputation -63: trap 1.0, ",
            "$DATASET ip6trie @",
            "::ffff:7f00:2 :127.0.0.2:test entry (RFC 5782)",
            "2001:db8::/48 :127.0.0.3:reputation -63: trap 1.0, ",
            "$DATASET dnset @",
            "test :127.0.0.4:test entry (RFC 5782)",
            "bad.example :127.0.0.4:reputation -63: trap 1.0, ",
        ];
        assert_eq!(lines, expected);
    }
}
