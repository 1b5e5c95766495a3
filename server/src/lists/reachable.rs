//! Do postmaster and abuse stay reachable (RFC 5321 §4.5.1, RFC 2142)? No list may refuse them.

use super::Keys;

/// Refuses a list with an entry that names postmaster or abuse at one of our `domains`.
pub fn postmaster_stays_reachable(keys: &Keys, domains: &[String]) -> Result<(), String> {
    keys.find_entry(|entry| names_postmaster(entry, domains)).map_or(Ok(()), |entry| Err(unreachable(entry)))
}

/// What is wrong with such an entry.
pub(super) fn unreachable(entry: &[u8]) -> String {
    format!("the list holds \"{}\": expected postmaster and abuse to stay reachable", entry.escape_ascii())
}

/// Does it name postmaster or abuse at one of our `domains` (a leading dot means all below it), or plain postmaster?
pub fn names_postmaster(entry: &[u8], domains: &[String]) -> bool {
    let is_ours = |domain: &[u8]| {
        domains.iter().any(|ours| match ours.strip_prefix('.') {
            Some(_) => ends_with(domain, ours.as_bytes()),
            None => domain.eq_ignore_ascii_case(ours.as_bytes()),
        })
    };
    let domain = |name: &[u8]| entry.split_at_checked(name.len()).filter(|(user, _)| user.eq_ignore_ascii_case(name));
    let domain = domain(b"postmaster@").or_else(|| domain(b"abuse@"));
    entry.eq_ignore_ascii_case(b"postmaster") || domain.is_some_and(|(_, domain)| is_ours(domain))
}

fn ends_with(name: &[u8], suffix: &[u8]) -> bool {
    let start = name.len().checked_sub(suffix.len());
    start.is_some_and(|start| name[start..].eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::{super::keys::Sorted, *};

    #[test]
    fn entries_against_postmaster_are_found() {
        let ours = ["here.example".to_owned(), ".there.example".to_owned()];
        for (entry, expected) in [
            ("Postmaster@Here.example", true),
            ("abuse@a.there.example", true),
            ("postmaster", true),
            ("abuse", false),
            ("abuse@there.example", false),
            ("postmaster@elsewhere.example", false),
            ("sales@here.example", false),
            ("@here.example", false),
        ] {
            let keys = Keys::Sorted(Sorted::new(["x@here.example", entry].iter().map(|entry| entry.as_bytes())));
            assert_eq!(postmaster_stays_reachable(&keys, &ours).is_err(), expected, "{entry}");
        }
    }
}
