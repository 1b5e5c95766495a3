//! When does a list's return code say "I do not answer you" instead of "listed"?

use std::net::Ipv4Addr;

/// What a return code says that is no listing, for people; `None` = it is one. `named` are the codes that the
/// configuration says are listings, though most lists refuse with them.
pub fn refusal(code: Ipv4Addr, named: &[Ipv4Addr]) -> Option<&'static str> {
    match code.octets() {
        // RFC 5782 §5: no list may hold it, so this one answers to everything.
        [127, 0, 0, 1] => Some("lists everybody"),
        // Spamhaus and others: misspelt zone, public resolver, over quota.
        [127, 255, 255, _] => Some("refused"),
        // dnswl.org; domain lists when they are asked about an address.
        [127, 0, 0 | 1, 255] => (!named.contains(&code)).then_some("refused"),
        [127, ..] => None,
        // RFC 5782 §2.1: a parked domain, a resolver that rewrites.
        _ => Some("no DNS list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_no_listings() {
        for (code, expected) in [
            ([127, 0, 0, 2], None),
            ([127, 0, 1, 2], None),
            ([127, 0, 0, 1], Some("lists everybody")),
            ([127, 255, 255, 252], Some("refused")),
            ([127, 0, 0, 255], Some("refused")),
            ([127, 0, 1, 255], Some("refused")),
            ([192, 0, 2, 1], Some("no DNS list")),
        ] {
            assert_eq!(refusal(Ipv4Addr::from(code), &[]), expected, "{code:?}");
        }
        let named = [Ipv4Addr::new(127, 0, 0, 255)];
        assert_eq!(refusal(named[0], &named), None);
        assert_eq!(refusal(Ipv4Addr::new(127, 0, 1, 255), &named), Some("refused"));
    }
}
