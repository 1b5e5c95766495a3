//! When is a text a domain that can be looked up? Names from mail, from records and from macros.

use std::{borrow::Cow, sync::Arc};

/// Octets of a name without the final dot (RFC 1035 §2.3.4; RFC 7208 §7.3).
pub(super) const NAME_OCTETS_MAX: usize = 253;
/// Octets of a label.
const LABEL_OCTETS_MAX: usize = 63;

/// A mail domain or HELO name as something to have a record: several labels, lower case, internationalized ones as
/// A-labels (RFC 7208 §4.3). `None` = malformed, an address literal, or one label only: the result is "none".
pub fn mail_domain(text: &[u8]) -> Option<Arc<str>> {
    folded(text).map(Arc::from)
}

/// The same; most come in lower case already.
pub(super) fn folded(text: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_suffix('.').unwrap_or(text);
    let ascii = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::STD3).ok()?
    };
    let is_label = |label: &str| {
        label.len() <= LABEL_OCTETS_MAX
            && !label.is_empty()
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    let top = ascii.rsplit('.').next().unwrap_or_default();
    let fits = ascii.len() <= NAME_OCTETS_MAX && ascii.contains('.') && ascii.split('.').all(is_label);
    // An address is no domain: no top-level domain has digits only.
    if !fits || top.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let has_capitals = ascii.bytes().any(|octet| octet.is_ascii_uppercase());
    Some(if has_capitals { Cow::Owned(ascii.to_ascii_lowercase()) } else { ascii })
}

/// A name that macros made, as something to be looked up: lower case, without the final dot, from the left cut to 253
/// octets at a label's border (RFC 7208 §7.3). `None` = the DNS has no such name: it does not exist.
pub(super) fn target_name(expanded: &[u8]) -> Option<String> {
    let text = expanded.strip_suffix(b".").unwrap_or(expanded);
    let mut start = 0;
    while text.len() - start > NAME_OCTETS_MAX {
        start += text[start..].iter().position(|&octet| octet == b'.')? + 1;
    }
    let text = std::str::from_utf8(&text[start..]).ok().filter(|text| text.is_ascii())?;
    let is_label = |label: &str| (1..=LABEL_OCTETS_MAX).contains(&label.len());
    text.split('.').all(is_label).then(|| text.to_ascii_lowercase())
}

/// Is `name` the domain itself or below it?
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    let front = name.len().checked_sub(domain.len()).and_then(|at| {
        let (front, back) = name.split_at_checked(at)?;
        back.eq_ignore_ascii_case(domain).then_some(front)
    });
    front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mail_domains_have_labels_and_are_folded() {
        for (text, domain) in [
            ("Example.COM", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("_dmarc.example.com", Some("_dmarc.example.com")),
            ("B\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("example", None),
            ("[192.0.2.1]", None),
            ("192.0.2.1", None),
            ("a..example", None),
            ("", None),
            (".", None),
            ("a b.example", None),
            ("\u{fffd}.example", None),
        ] {
            assert_eq!(mail_domain(text.as_bytes()).as_deref(), domain, "{text}");
        }
        assert_eq!(mail_domain(b"b\xfccher.example"), None);
        assert_eq!(mail_domain(format!("{}.example", "a".repeat(64)).as_bytes()), None);
        assert!(mail_domain(format!("{}.example", "a".repeat(63)).as_bytes()).is_some());
    }

    #[test]
    fn long_names_lose_their_left_labels() {
        let name = "label.".repeat(50) + "example";
        let cut = target_name(name.as_bytes()).expect("a name");
        assert!(cut.len() <= NAME_OCTETS_MAX && cut.len() > NAME_OCTETS_MAX - 6 && name.ends_with(&cut));
        assert_eq!(target_name("a".repeat(300).as_bytes()), None);
    }

    #[test]
    fn below_a_domain_is_below_its_dot() {
        assert!(is_within("example.com", "Example.com") && is_within("mx.example.com", "example.com"));
        assert!(!is_within("badexample.com", "example.com") && !is_within("com", "example.com"));
    }

    proptest! {
        #[test]
        fn what_comes_out_can_be_looked_up(text in prop::collection::vec(any::<u8>(), 0..400)) {
            for name in [target_name(&text), mail_domain(&text).map(|name| name.to_string())].into_iter().flatten() {
                prop_assert!(name.is_ascii() && name.len() <= NAME_OCTETS_MAX);
                prop_assert!(name.split('.').all(|label| (1..=LABEL_OCTETS_MAX).contains(&label.len())));
            }
        }

        #[test]
        fn a_domain_is_one_for_good(text in "\\PC{0,12}\\.\\PC{1,12}") {
            if let Some(domain) = mail_domain(text.as_bytes()) {
                prop_assert_eq!(mail_domain(domain.as_bytes()), Some(domain));
            }
        }
    }
}
