//! What may be typed as an exception's clients, sender and recipient? What could never match is refused in one line.

use super::scope::{NULL, SUFFIX_LABELS_MAX};
use crate::{config::Network, state::Exception};

/// Smallest prefixes of a client net, IPv4 and IPv6: whoever means more of the Internet means another policy.
const PREFIX_MIN: (u8, u8) = (8, 16);

/// Reads a client net. `Err` is one line.
pub fn clients(text: &str) -> Result<Network, String> {
    let net: Network = text.trim().parse()?;
    let least = if net.address.is_ipv4() { PREFIX_MIN.0 } else { PREFIX_MIN.1 };
    if net.prefix < least {
        return Err(format!("clients {net}: expected a net of /{least} or smaller"));
    }
    Ok(net)
}

/// Reads a sender. `Err` is one line.
pub fn sender(text: &str) -> Result<String, String> {
    if text.trim() == NULL { Ok(NULL.to_owned()) } else { pattern("sender", text) }
}

/// Reads a recipient. `Err` is one line.
pub fn recipient(text: &str) -> Result<String, String> {
    pattern("recipient", text)
}

/// What people paste has brackets; the mail server hands on addresses without.
fn pattern(what: &str, text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(&text);
    let shown: String = text.chars().take(80).map(|char| if char.is_control() { '?' } else { char }).collect();
    if let Some(meant) = meant(text) {
        return Err(format!("{what} \"{shown}\" would never match: expected {meant}"));
    }
    if is_pattern(text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{what} \"{shown}\": expected user@host, @host or .suffix in printable ASCII, without blanks and * < > \" ( ) ,"
    ))
}

/// What does somebody mean who writes patterns as shells and other mail servers do?
fn meant(text: &str) -> Option<String> {
    let host = text.strip_prefix("*@").or_else(|| text.strip_prefix('@').filter(|host| !is_hosts(host)));
    let suffixes = [text.strip_prefix('*'), host, host.and_then(|host| host.strip_prefix('*'))];
    let is_meant = |suffix: &&str| suffix.starts_with('.') && is_pattern(suffix);
    let suffix = suffixes.into_iter().flatten().find(is_meant).map(str::to_owned);
    suffix.or_else(|| host.map(|host| format!("@{host}")).filter(|host| is_pattern(host)))
}

/// Can it match what a mail server hands on?
fn is_pattern(text: &str) -> bool {
    let never = |byte: u8| !byte.is_ascii_graphic() || b"*<>\"(),".contains(&byte);
    if text.len() > Exception::TEXT_OCTETS_MAX || text.bytes().any(never) {
        return false;
    }
    match text.split_once('@') {
        // What begins with a dot is a suffix.
        Some((local, host)) => !local.starts_with('.') && is_hosts(host),
        None => text.strip_prefix('.').is_some_and(is_hosts) && text.matches('.').count() <= SUFFIX_LABELS_MAX,
    }
}

/// Is it a host's name (or an address literal), as it stands behind the `@`?
fn is_hosts(host: &str) -> bool {
    !host.contains(['@', '*']) && host.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{
        super::scope::{Form, covers},
        *,
    };
    use crate::session::Address;
    use bytes::Bytes;
    use proptest::prelude::*;

    #[test]
    fn what_is_typed_is_read_or_refused_in_one_line() {
        assert_eq!(sender(" Ann@There.Example "), Ok("ann@there.example".to_owned()));
        assert_eq!(sender("<>"), Ok(NULL.to_owned()));
        assert_eq!(recipient(".here.example"), Ok(".here.example".to_owned()));
        let deep = ".a".repeat(SUFFIX_LABELS_MAX + 1);
        for wrong in ["", "ann", "@", ".", "ann@", "@a@b", "a b@c", "ä@b.example", "a\n@b", deep.as_str()] {
            let said = recipient(wrong).expect_err(wrong);
            assert!(said.contains("expected user@host") && !said.contains('\n'), "{said}");
        }
        assert!(recipient("<>").is_err() && recipient("< >").is_err(), "no recipient is null");
        assert!(clients("192.0.2.9").is_ok() && clients("10.0.0.0/8").is_ok());
        for wrong in ["0.0.0.0/0", "::/0", "10.0.0.0/7", "2000::/3", "192.0.2.9/24", "client.example"] {
            assert!(clients(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_would_never_match_is_refused_and_brackets_are_taken_off() {
        for (typed, read) in [
            ("<Ann@There.Example>", "ann@there.example"),
            (" <@there.example> ", "@there.example"),
            ("o'brien+list=x.example@there.example", "o'brien+list=x.example@there.example"),
            ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
            ("ann@localhost", "ann@localhost"),
        ] {
            assert_eq!(sender(typed), Ok(read.to_owned()));
        }
        for (wrong, expected) in [
            ("*@x.example", "would never match: expected @x.example"),
            ("<*@x.example>", "would never match: expected @x.example"),
            ("*.x.example", "would never match: expected .x.example"),
            ("*@*.x.example", "would never match: expected .x.example"),
            ("@*.x.example", "would never match: expected .x.example"),
            ("@.x.example", "would never match: expected .x.example"),
            ("ann*@x.example", "expected user@host"),
            ("ann@*", "expected user@host"),
            ("*", "expected user@host"),
            ("*@*", "expected user@host"),
            ("*@x.example,*@y.example", "expected user@host"),
            ("<<ann@x.example>>", "expected user@host"),
            ("<ann@x.example", "expected user@host"),
            ("\"ann\"@x.example", "expected user@host"),
            ("ann@x.example,bob@x.example", "expected user@host"),
            ("ann@x.example (Ann)", "expected user@host"),
            ("Ann <ann@x.example>", "expected user@host"),
            ("ann@b@x.example", "expected user@host"),
            ("ann@x.example.", "expected user@host"),
            ("ann@x..example", "expected user@host"),
            (".a@b", "expected user@host"),
        ] {
            for said in [sender(wrong), recipient(wrong)] {
                let said = said.expect_err(wrong);
                assert!(said.contains(expected) && !said.contains('\n'), "{wrong}: {said}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_covers_an_address_and_reads_as_itself(typed in "[<@.*\"ab ]{0,3}[ab@.]{0,6}[>.,]{0,1}") {
            if let Ok(read) = recipient(&typed) {
                prop_assert_eq!(recipient(&read), Ok(read.clone()));
                let one = match Form::of(&read) {
                    Some(Form::Host) => format!("x{read}"),
                    Some(Form::Suffix) => format!("x@y{read}"),
                    Some(Form::Whole) | None => read.clone(),
                };
                prop_assert!(covers(&read, Some(&Address::new(Bytes::from(one.clone())))), "{} {}", read, one);
            }
        }
    }
}
