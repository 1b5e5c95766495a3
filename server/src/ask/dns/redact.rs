//! How is a list's key kept out of what the DNS says? Lists, and resolvers that mean well, put the name asked for into
//! their texts; with a key in it, that must not reach a reply, a log or a page.

use super::super::name::KEY_SHOWN;

/// The text with every occurrence of the secret, in upper or lower case, replaced. Whole texts only: half a key at
/// the end of one that was cut would pass.
pub(super) fn redacted(text: Vec<u8>, secret: Option<&str>) -> Vec<u8> {
    let Some(secret) = secret.map(str::as_bytes).filter(|secret| !secret.is_empty()) else { return text };
    let Some(mut at) = find(&text, secret) else { return text };
    let mut shown = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    loop {
        shown.extend_from_slice(&rest[..at]);
        shown.extend_from_slice(KEY_SHOWN.as_bytes());
        rest = &rest[at + secret.len()..];
        match find(rest, secret) {
            Some(next) => at = next,
            None => break,
        }
    }
    shown.extend_from_slice(rest);
    shown
}

fn find(text: &[u8], secret: &[u8]) -> Option<usize> {
    text.windows(secret.len()).position(|window| window.eq_ignore_ascii_case(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, secret: &str) -> String {
        String::from_utf8(redacted(text.into(), Some(secret))).expect("UTF-8")
    }

    #[test]
    fn every_occurrence_in_any_case_is_replaced() {
        assert_eq!(shown("see 2.0.0.127.S3cret.zen.example", "s3cret"), "see 2.0.0.127.[key].zen.example");
        assert_eq!(shown("s3crets3cretS3CRET", "s3cret"), "[key][key][key]");
        assert_eq!(shown("s3cre", "s3cret"), "s3cre");
        assert_eq!(shown("", "s3cret"), "");
        assert_eq!(redacted(b"s3cret".into(), None), b"s3cret");
        assert_eq!(redacted(b"\xff\x00s3cret\xfe".into(), Some("s3cret")), b"\xff\x00[key]\xfe");
    }

    proptest! {
        #[test]
        fn nothing_of_the_secret_is_left(text in "[xyXYz.]{0,60}") {
            let left = shown(&text, "xyx").to_ascii_lowercase();
            prop_assert!(!left.contains("xyx"), "{}", left);
            prop_assert_eq!(redacted(text.clone().into(), Some("xyx")).is_empty(), text.is_empty());
        }
    }
}
