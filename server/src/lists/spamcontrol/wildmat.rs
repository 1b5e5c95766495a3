//! Does a text match a shell-like pattern? `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a byte that is meant as it is: wildmat,
//! as INN and SpamControl have it.

/// Does the whole text match? Its cost is bounded by the product of both lengths.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Behind the last star, and the text that it has not yet swallowed.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            retry = Some((at, read));
            continue;
        }
        match (text.get(read), one(&pattern[at..])) {
            (None, None) => return true,
            (Some(&byte), Some((holds, octets))) if holds.of(byte) => {
                at += octets;
                read += 1;
                continue;
            }
            (None, Some(_)) => return false,
            _ => {}
        }
        // The last star swallows one octet more.
        let Some((behind, swallowed)) = retry else { return false };
        (at, read) = (behind, swallowed + 1);
        retry = Some((behind, read));
    }
}

/// What one octet of the text must be.
enum One<'a> {
    Any,
    This(u8),
    Set { members: &'a [u8], negated: bool },
}

impl One<'_> {
    fn of(&self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::This(wanted) => *wanted == byte,
            Self::Set { members, negated } => is_member(members, byte) != *negated,
        }
    }
}

/// The first element of a pattern that is no star, and its octets; `None` = the pattern is over.
fn one(pattern: &[u8]) -> Option<(One<'_>, usize)> {
    match pattern {
        [] => None,
        [b'?', ..] => Some((One::Any, 1)),
        [b'\\', byte, ..] => Some((One::This(*byte), 2)),
        [b'[', rest @ ..] => Some(set(rest).unwrap_or((One::This(b'['), 1))),
        [byte, ..] => Some((One::This(*byte), 1)),
    }
}

/// The set behind a bracket; `None` = it does not end, so that the bracket means itself.
fn set(rest: &[u8]) -> Option<(One<'_>, usize)> {
    let negated = rest.first() == Some(&b'^');
    let members = &rest[usize::from(negated)..];
    // A bracket that stands first is a member.
    let end = 1 + members.get(1..)?.iter().position(|&byte| byte == b']')?;
    Some((One::Set { members: &members[..end], negated }, 1 + usize::from(negated) + end + 1))
}

fn is_member(mut members: &[u8], byte: u8) -> bool {
    loop {
        match members {
            [] => return false,
            [from, b'-', to, ..] if (*from..=*to).contains(&byte) => return true,
            [_, b'-', _, rest @ ..] => members = rest,
            [member, ..] if *member == byte => return true,
            [_, rest @ ..] => members = rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_wildmat_has_it() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*@x.test", "u@x.test", true),
            ("*@x.test", "u@y.x.test", false),
            ("*@*x.test", "u@y.x.test", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-cx]@*", "b@y", true),
            ("[a-cx]@*", "x@y", true),
            ("[^a-c]@*", "b@y", false),
            ("[]x]", "]", true),
            ("[x", "[x", true),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*a*b", "xaxxab", true),
            ("*a*b", "xaxxac", false),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("x\\", "x\\", true),
            ("[a-]", "-", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} against {text}");
        }
    }

    /// By its definition, at any cost.
    fn slowly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|from| slowly(rest, &text[from..])),
            ([b'?', rest @ ..], [_, more @ ..]) => slowly(rest, more),
            ([byte, rest @ ..], [first, more @ ..]) => byte == first && slowly(rest, more),
            (_, []) => false,
        }
    }

    proptest! {
        #[test]
        fn stars_swallow_whatever_fits(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), slowly(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn any_bytes_match_or_do_not(pattern in prop::collection::vec(
            prop_oneof![Just(b'*'), Just(b'['), Just(b']'), Just(b'^'), Just(b'-'), Just(b'\\'), any::<u8>()], 0..30),
            text in prop::collection::vec(any::<u8>(), 0..30),
        ) {
            let _ = matches(&pattern, &text);
        }
    }
}
