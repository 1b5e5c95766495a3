//! Which known word was meant by an unknown one?

/// Edits that may lie between a word and the one that was meant: a swap, a letter too many and one too few.
const EDITS_MAX: usize = 2;

/// Letters of a word's beginning that tell what was meant: `stage_deadline` for `stage_deadline_ms`.
const BEGINNING_MIN: usize = 4;

/// The word that was probably meant: the nearest one, if it is near enough for the word's length.
pub fn meant<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let edits = |candidate: &str| strsim::osa_distance(word, candidate);
    let nearest = known.iter().copied().min_by_key(|candidate| edits(candidate))?;
    // A short word is near to everything: `ip` and `to` differ by two edits and have nothing to do with each other.
    if edits(nearest) <= EDITS_MAX.min(nearest.len() / 2) {
        return Some(nearest);
    }
    let mut begun = known.iter().copied().filter(|candidate| candidate.starts_with(word));
    if word.len() >= BEGINNING_MIN { begun.next().filter(|_| begun.next().is_none()) } else { None }
}

/// Ends a fault about an unknown word: the word that was meant, else all that are known.
pub fn expected(word: &str, known: &[&str]) -> String {
    match meant(word, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => "expected no key here".to_owned(),
        None => format!("expected {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["mode", "voice", "deadline_ms", "to"];
        assert_eq!(meant("moed", &known), Some("mode"));
        assert_eq!(meant("dedline_ms", &known), Some("deadline_ms"));
        assert_eq!(meant("deadline", &known), Some("deadline_ms"), "the unit was forgotten");
        assert_eq!(meant("dead", &["dead_letters", "deadline_ms"]), None, "which one?");
        assert_eq!(meant("ip", &known), None);
        assert_eq!(meant("x", &[]), None);
        assert_eq!(expected("greylist", &known), "expected mode, voice, deadline_ms, to");
    }
}
