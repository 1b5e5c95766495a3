//! What does an administrator add to what domains say? Rules of their own, and a guess where a domain says nothing: the
//! control files `spfrules` and `spfguess` of the SPF patch for qmail.

use super::record::{Mechanism, ParseError, Qualifier, Record, Term};

/// Terms without `v=spf1`; without modifiers they would have no use for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalPolicy {
    /// Put before the failing end of the record that is asked about; behind the guess where there is no record.
    pub rules: Record,
    /// Stands in for a record where there is none.
    pub guess: Record,
}

/// A term, and whether it is of local policy.
pub(super) type Placed<'a> = (&'a Term, bool);

impl LocalPolicy {
    /// Both as the control files have them; empty = none.
    ///
    /// # Errors
    /// The name of the part that is wrong, and what is wrong.
    pub fn read(rules: &str, guess: &str) -> Result<Self, (&'static str, ParseError)> {
        let part = |name, text: &str| {
            let record = Record::parse_terms(text.trim().as_bytes()).map_err(|error| (name, error))?;
            match record.terms.iter().find(|term| matches!(term, Term::Modifier(_))) {
                Some(modifier) => Err((name, ParseError::new(0, format!("{modifier}: expected mechanisms only")))),
                None => Ok(record),
            }
        };
        Ok(Self { rules: part("rules", rules)?, guess: part("guess", guess)? })
    }

    /// The terms to go through, and whether they are of this policy.
    ///
    /// The rules come right before the last run of equally qualified `-`, `~` or `?` directives that ends in `all`, if
    /// anything precedes it. So they do not rescue anybody from `v=spf1 -all`, nor change a record that fails nobody.
    pub(super) fn merged<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = Placed<'a>> + Send {
        let at = if self.rules.terms.is_empty() { None } else { place(record) };
        let own = || record.terms.iter().map(|term| (term, false));
        let rules = at.map(|_| self.own_rules()).into_iter().flatten();
        own().take(at.unwrap_or(usize::MAX)).chain(rules).chain(own().skip(at.unwrap_or(usize::MAX)))
    }

    /// What stands in for a missing record.
    pub(super) fn instead(&self) -> impl Iterator<Item = Placed<'_>> + Send {
        self.guess.terms.iter().map(|term| (term, true)).chain(self.own_rules())
    }

    /// There is something to stand in for a missing record.
    pub(super) fn stands_in(&self) -> bool {
        !(self.guess.terms.is_empty() && self.rules.terms.is_empty())
    }

    fn own_rules(&self) -> impl Iterator<Item = Placed<'_>> + Send {
        self.rules.terms.iter().map(|term| (term, true))
    }
}

/// Where rules go: before the run of failing directives that the first `all` of a qualifier other than `+` ends.
fn place(record: &Record) -> Option<usize> {
    let mut run: Option<(usize, Qualifier)> = None;
    for (at, term) in record.terms.iter().enumerate() {
        let Term::Directive(directive) = term else {
            run = None;
            continue;
        };
        let qualifier = directive.qualifier;
        let goes_on = run.is_some_and(|(_, of_run)| of_run == qualifier);
        if !goes_on {
            run = (qualifier != Qualifier::Pass).then_some((at, qualifier));
        }
        if let Some((start, _)) = run
            && start > 0
            && directive.mechanism == Mechanism::All
        {
            return Some(start);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(record: &str) -> String {
        let policy = LocalPolicy::read("include:forwarder.example", "").expect("terms");
        let record = Record::parse(record.as_bytes()).expect("a record");
        policy.merged(&record).map(|(term, _)| term.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rules_come_before_the_failing_end() {
        for (record, with_rules) in [
            ("v=spf1 a -all", "a include:forwarder.example -all"),
            ("v=spf1 a -ip4:192.0.2.1 -all", "a include:forwarder.example -ip4:192.0.2.1 -all"),
            ("v=spf1 a ~mx -all", "a ~mx include:forwarder.example -all"),
            ("v=spf1 exp=x.example ?all", "exp=x.example include:forwarder.example ?all"),
            ("v=spf1 -all", "-all"),
            ("v=spf1 ~ptr ~all", "~ptr ~all"),
            ("v=spf1 a", "a"),
            ("v=spf1 a all", "a all"),
            ("v=spf1 a redirect=b.example", "a redirect=b.example"),
        ] {
            assert_eq!(merged(record), with_rules, "{record}");
        }
    }

    #[test]
    fn wrong_terms_are_named() {
        let error = LocalPolicy::read("a", "a/24 mxx").expect_err("no mechanism");
        assert_eq!((error.0, error.1.at), ("guess", 5));
        for rules in ["v=spf1 a", "redirect=a.example", "a exp=a.example"] {
            let error = LocalPolicy::read(rules, "").expect_err("a modifier");
            assert!(error.0 == "rules" && error.1.what.ends_with("expected mechanisms only"), "{rules}");
        }
    }
}
