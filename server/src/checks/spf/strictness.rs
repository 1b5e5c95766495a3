//! What does a result lead to? Actions as configured, or a level of the SPF patch for qmail.

use super::fields::{self, ACTIONS};
use crate::{ask::spf::SpfResult, check::Outcome, checks::penalty::Penalties, config::Section};

/// The level above which there is none.
const LEVEL_MAX: u8 = 6;

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// The configured actions.
    Modern,
    /// `control/spfbehavior` or `SPFBEHAVIOR`: 0-6.
    Level(u8),
}

impl Strictness {
    /// A level as the patch reads it (`scan_ulong`): the digits in front count; without any it is 0.
    pub(super) fn level(text: &[u8]) -> Self {
        let digits = text.iter().take_while(|octet| octet.is_ascii_digit());
        let level = digits.fold(0_u8, |level, digit| level.saturating_mul(10).saturating_add(digit - b'0'));
        Self::Level(level.min(LEVEL_MAX))
    }

    /// Nothing is asked, found or written.
    pub(super) fn is_off(self) -> bool {
        self == Self::Level(0)
    }
}

/// What a level makes of a result: the patch's `switch` in `smtp_mail`.
pub(super) fn at_level(level: u8, result: SpfResult) -> Option<Outcome> {
    let refuses_from = match result {
        SpfResult::Pass => return None,
        SpfResult::TempError => return (level >= 2).then_some(Outcome::Defer),
        SpfResult::Fail => 3,
        SpfResult::SoftFail => 4,
        SpfResult::Neutral => 5,
        SpfResult::None | SpfResult::PermError => LEVEL_MAX,
    };
    (level >= refuses_from).then_some(Outcome::Reject)
}

/// The rule of a result of the sender's identity; a pass has none.
pub(super) const fn rule_of(result: SpfResult) -> Option<usize> {
    match result {
        SpfResult::Pass => None,
        SpfResult::Fail => Some(fields::FAIL),
        SpfResult::SoftFail => Some(fields::SOFTFAIL),
        SpfResult::Neutral => Some(fields::NEUTRAL),
        SpfResult::None => Some(fields::NONE),
        SpfResult::PermError => Some(fields::PERMERROR),
        SpfResult::TempError => Some(fields::TEMPERROR),
    }
}

/// The rule of a result of the HELO name.
pub(super) const fn helo_rule_of(result: SpfResult) -> Option<usize> {
    match result {
        SpfResult::Fail => Some(fields::HELO_FAIL),
        SpfResult::SoftFail => Some(fields::HELO_SOFTFAIL),
        _ => None,
    }
}

/// Actions by rule; some sender domains have others.
pub(super) struct Actions {
    usual: Penalties<ACTIONS>,
    domains: Vec<(String, Changes)>,
}

/// What is different for a domain, by rule; the outer `None` = nothing is.
type Changes = [Option<Option<Outcome>>; ACTIONS];

impl Actions {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let usual = Penalties::read(section, fields::KEYS);
        let of_domain = |(domain, text): (String, String)| match changes(&text, section) {
            Ok(changes) => Some((domain.to_ascii_lowercase(), changes)),
            Err(error) => {
                section.fault("sender_domains", format!("{domain} = \"{text}\": {error}"));
                None
            }
        };
        let domains = section.text_map("sender_domains").into_iter().filter_map(of_domain).collect();
        Self { usual, domains }
    }

    /// What a rule wants for this domain.
    pub(super) fn outcome(&self, rule: usize, domain: &str) -> Option<Outcome> {
        // The closest entry counts: the domain's own, else that of the nearest domain above.
        let covers = |entry: &str| match entry.strip_prefix('.') {
            Some(above) => domain.strip_suffix(above).is_some_and(|front| front.ends_with('.')),
            None => entry == domain,
        };
        let covering = self.domains.iter().filter(|(entry, _)| covers(entry));
        let closest = covering.max_by_key(|(entry, _)| (!entry.starts_with('.'), entry.len()));
        let change = closest.and_then(|(_, changes)| changes.get(rule).copied().flatten());
        change.unwrap_or_else(|| self.usual.outcome(rule))
    }

    /// Could any HELO name lead to anything?
    pub(super) fn want_helo(&self) -> bool {
        [fields::HELO_FAIL, fields::HELO_SOFTFAIL].into_iter().any(|rule| self.usual.outcome(rule).is_some())
    }
}

/// `off`, or `RESULT=ACTION` words.
fn changes(text: &str, section: &Section<'_>) -> Result<Changes, String> {
    if text == "off" {
        return Ok([Some(None); ACTIONS]);
    }
    let mut changes: Changes = [None; ACTIONS];
    for word in text.split_ascii_whitespace() {
        let expected = || format!("{word}: expected off, or RESULT=ACTION such as softfail=reject");
        let (result, action) = word.split_once('=').ok_or_else(expected)?;
        let named = |rule: &usize| fields::RULES[*rule].name == result;
        let rule = (0..=fields::TEMPERROR).find(named).ok_or_else(expected)?;
        let outcome = match action {
            "off" => None,
            "reject" => Some(Outcome::Reject),
            "defer" => Some(Outcome::Defer),
            "score" => Some(Outcome::Score(points(section, rule))),
            _ => return Err(format!("{word}: expected reject, defer, score or off behind the =")),
        };
        changes[rule] = Some(outcome);
    }
    Ok(changes)
}

fn points(section: &Section<'_>, rule: usize) -> i32 {
    i32::try_from(section.integer(fields::KEYS[rule].weight)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_the_patch_does() {
        for (text, level) in [("3", 3), ("0", 0), ("", 0), ("x", 0), ("3x", 3), ("9", 6), ("99999999999", 6), ("-1", 0)]
        {
            assert_eq!(Strictness::level(text.as_bytes()), Strictness::Level(level), "{text}");
        }
    }

    /// The table of the patch: what each level does with each result.
    #[test]
    fn levels_are_cumulative() {
        for (result, refused_from, is_deferred) in [
            (SpfResult::Pass, 7, false),
            (SpfResult::TempError, 2, true),
            (SpfResult::Fail, 3, false),
            (SpfResult::SoftFail, 4, false),
            (SpfResult::Neutral, 5, false),
            (SpfResult::None, 6, false),
            (SpfResult::PermError, 6, false),
        ] {
            for level in 0..=LEVEL_MAX {
                let refusal = if is_deferred { Outcome::Defer } else { Outcome::Reject };
                let expected = (level >= refused_from).then_some(refusal);
                assert_eq!(at_level(level, result), expected, "{result} at level {level}");
            }
        }
    }
}
