//! What is odd about a record as it is written? Nobody is asked.

use super::{
    super::{
        limits::{NARROW_V4, NARROW_V6},
        record::{Cidr, Directive, DomainSpec, Mechanism, Modifier, Qualifier, Term},
    },
    report::Level::{self, Error, Note, Warning},
    walk::Here,
    words::Word,
};

/// Names of a mechanism with what follows it: in the middle of a word a space is missing before it. `a:` is not among
/// them, for IPv6 addresses may hold it.
const BEGINNINGS: [&str; 8] = ["include:", "ip4:", "ip6:", "mx:", "ptr:", "exists:", "redirect=", "exp="];
/// What records end with: at the end of a longer word a space is missing before it.
const ENDS: [&str; 4] = ["-all", "~all", "?all", "+all"];

/// A level, the term, what is odd about it.
type Odd = (Level, String, String);

/// What is odd about a record that stands here.
pub(super) fn judge(words: &[Word], here: &Here) -> Vec<Odd> {
    let mut odd = Vec::new();
    let mut add = |level, term: &str, text: &str| odd.push((level, term.to_owned(), text.to_owned()));
    let end = end(words);
    for (number, word) in words.iter().enumerate() {
        if is_joined(word) {
            add(Warning, &word.text, "is a space missing in it? The strings of a record are joined without one");
        }
        if words[..number].iter().any(|before| before.text.eq_ignore_ascii_case(&word.text)) {
            add(Note, &word.text, "stands twice");
        }
        match &word.term {
            Some(Term::Directive(directive)) => {
                if end.is_some_and(|end| number > end) {
                    add(Warning, &word.text, "never reached: it stands behind all");
                }
                judge_directive(directive, here).into_iter().for_each(|(level, text)| add(level, &word.text, text));
            }
            Some(Term::Modifier(Modifier::Redirect(_))) if end.is_some() => {
                add(Warning, &word.text, "never used: all decides before it (RFC 7208 6.1)");
            }
            Some(Term::Modifier(Modifier::Unknown { name, .. })) => add(Warning, &word.text, &unknown(name)),
            _ => {}
        }
        if targets(word).any(DomainSpec::wants_name) {
            add(Warning, &word.text, "the macro p is slow and often finds nothing: RFC 7208 7.2 advises against it");
        }
    }
    let is_open = end.is_none() && !words.iter().any(|word| is_redirect(word) || word.term.is_none());
    if here.decides && is_open {
        add(Note, "", "ends without all and redirect: whoever is not named is neutral");
    }
    odd
}

/// Where the first `all` stands: what is behind it is dead.
pub(super) fn end(words: &[Word]) -> Option<usize> {
    let is_all = |word: &Word| matches!(&word.term, Some(Term::Directive(Directive { mechanism: Mechanism::All, .. })));
    words.iter().position(is_all)
}

fn is_redirect(word: &Word) -> bool {
    matches!(word.term, Some(Term::Modifier(Modifier::Redirect(_))))
}

fn judge_directive(directive: &Directive, here: &Here) -> Vec<(Level, &'static str)> {
    let mut odd = Vec::new();
    let passes = here.passes && directive.qualifier == Qualifier::Pass;
    match &directive.mechanism {
        Mechanism::All if passes => odd.push((Error, "everybody in the world passes")),
        Mechanism::All if directive.qualifier == Qualifier::Neutral && here.decides => {
            odd.push((Note, "says nothing about all others: ~all or -all would"));
        }
        Mechanism::Ptr(_) => {
            odd.push((Warning, "ptr is slow, and receivers may skip it: RFC 7208 5.5 says not to use it"));
        }
        _ => {}
    }
    match range(&directive.mechanism).filter(|_| passes) {
        Some(Cidr { v4: 0, .. } | Cidr { v6: 0, .. }) => odd.push((Error, "everybody in the world passes: /0")),
        Some(cidr) if cidr.v4 < NARROW_V4 || cidr.v6 < NARROW_V6 => {
            odd.push((Warning, "very wide: are all of these addresses yours?"));
        }
        _ => {}
    }
    odd
}

/// Bits of the networks that a mechanism names.
fn range(mechanism: &Mechanism) -> Option<Cidr> {
    match mechanism {
        Mechanism::Ip4(_, bits) => Some(Cidr { v4: *bits, ..Cidr::EXACT }),
        Mechanism::Ip6(_, bits) => Some(Cidr { v6: *bits, ..Cidr::EXACT }),
        Mechanism::A(_, cidr) | Mechanism::Mx(_, cidr) => Some(*cidr),
        _ => None,
    }
}

fn unknown(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if ["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"].contains(&lower.as_str()) {
        return format!("everybody ignores it: a mechanism takes a colon, {lower}:");
    }
    "an unknown modifier: everybody ignores it".to_owned()
}

/// Were two words made one by mistake? What unknown modifiers say is their own affair.
fn is_joined(word: &Word) -> bool {
    if matches!(word.term, Some(Term::Modifier(Modifier::Unknown { .. }))) {
        return false;
    }
    let lower = word.text.to_ascii_lowercase();
    let start = lower.trim_start_matches(['+', '-', '~', '?']);
    let is_inside = |begin: &str| start.rfind(begin).is_some_and(|at| at > 0);
    BEGINNINGS.iter().any(|begin| is_inside(begin))
        || ENDS.iter().any(|end| start.len() > end.len() && start.ends_with(end))
}

/// The macro-strings of a term.
fn targets(word: &Word) -> impl Iterator<Item = &DomainSpec> {
    let target = match &word.term {
        Some(Term::Directive(directive)) => match &directive.mechanism {
            Mechanism::Include(target) | Mechanism::Exists(target) => Some(target),
            Mechanism::A(target, _) | Mechanism::Mx(target, _) | Mechanism::Ptr(target) => target.as_ref(),
            Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..) => None,
        },
        Some(Term::Modifier(Modifier::Redirect(target) | Modifier::Exp(target))) => Some(target),
        Some(Term::Modifier(Modifier::Unknown { .. })) | None => None,
    };
    target.into_iter()
}
