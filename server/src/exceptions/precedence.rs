//! Several exceptions are about one mail: which of them speaks? A denial holds unless an allowance names all that it names,
//! each as exactly or more exactly. So a new allowance never keeps a mail out, and a new denial never lets one in.

use super::{Excepted, scope};
use crate::state::Digest;

/// Puts in front what speaks: the first that holds is heard, whether SPF agrees with the sender or not
/// ([`scope::is_forgeable`]). Wants the exceptions about one mail, narrowest first; the rest keeps that order.
pub(super) fn put_speakers_first(about: &mut Vec<Excepted>) {
    for id in speakers(about).into_iter().rev() {
        let Some(at) = about.iter().position(|one| one.id == id) else { continue };
        let speaker = about.remove(at);
        about.insert(0, speaker);
    }
}

/// The names of what speaks where every allowance holds, and then of what speaks where none that could be forged does, as
/// far as that is another one.
fn speakers(about: &[Excepted]) -> Vec<Digest> {
    let is_sure = |one: &Excepted| !scope::is_forgeable(&one.said);
    let proven = speaker(about, |_| true);
    let sure = speaker(about, is_sure);
    let first = match (proven, sure) {
        // What is proven lifts a denial: that is what makes the difference.
        (Some(proven), Some(denial)) if proven.said.allows && !denial.said.allows => {
            about.iter().find(|one| !is_sure(one) && lifts(one, denial)).or(Some(proven))
        }
        _ => proven,
    };
    // A denial holds in either case.
    let second = sure.filter(|_| first.is_some_and(|first| !is_sure(first)));
    first.into_iter().chain(second).map(|one| one.id).collect()
}

/// The narrowest denial that no allowance lifts, else the narrowest allowance; of allowances those that hold.
fn speaker(about: &[Excepted], holds: impl Fn(&Excepted) -> bool) -> Option<&Excepted> {
    let allowances = || about.iter().filter(|one| one.said.allows && holds(one));
    let stands = |denial: &&Excepted| !denial.said.allows && !allowances().any(|one| lifts(one, denial));
    about.iter().find(stands).or_else(|| allowances().next())
}

/// Does this allowance lift the denial? Both are about the same mail.
fn lifts(allowance: &Excepted, denial: &Excepted) -> bool {
    let ((net, sender, recipient), than) = (scope::exactness(&allowance.said), scope::exactness(&denial.said));
    let is_as_exact = net >= than.0 && sender >= than.1 && recipient >= than.2;
    let is_later = || made(allowance) > made(denial);
    allowance.said.allows && is_as_exact && ((net, sender, recipient) != than || is_later())
}

/// Of equal ones the later counts.
pub(super) fn made(one: &Excepted) -> (u64, u32, Digest) {
    (one.said.made_at, one.said.revision, one.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Exception;
    use proptest::prelude::*;
    use std::sync::Arc;

    const NETS: [&str; 4] = ["", "192.0.0.0/8", "192.0.2.0/24", "192.0.2.9"];
    const SENDERS: [&str; 5] = ["", ".example", ".there.example", "@mx.there.example", "ann@mx.there.example"];
    const RECIPIENTS: [&str; 3] = ["", "@here.example", "you@here.example"];

    /// Places in the lists above: all of them are about one mail, and what stands later is narrower.
    type Named = (bool, [usize; 3], u64);

    fn named() -> impl Strategy<Value = Named> {
        (any::<bool>(), (0..NETS.len(), 0..SENDERS.len(), 0..RECIPIENTS.len()), 0..3_u64)
            .prop_filter("a scope", |(_, (net, sender, recipient), _)| net + sender + recipient > 0)
            .prop_map(|(allows, (net, sender, recipient), made_at)| (allows, [net, sender, recipient], made_at))
    }

    fn excepted((allows, [net, sender, recipient], made_at): Named) -> Excepted {
        let said = Exception {
            allows,
            clients: NETS[net].parse().ok(),
            sender: SENDERS[sender].to_owned(),
            recipient: RECIPIENTS[recipient].to_owned(),
            made_at,
            ..Exception::default()
        };
        // One of each scope and action, as the store has it; the id decides nothing else.
        let id = Digest::of(&[scope::told(&said).as_bytes(), &[allows.into()]]);
        Excepted { id, said: Arc::new(said) }
    }

    fn ordered(all: &[Named]) -> Vec<Excepted> {
        let mut about: Vec<Excepted> = all.iter().copied().map(excepted).collect();
        about.sort_by_key(|one| std::cmp::Reverse((scope::narrowness(&one.said), made(one))));
        put_speakers_first(&mut about);
        about
    }

    /// What is done; `proven` = SPF agrees with the sender.
    fn heard(about: &[Excepted], proven: bool) -> Option<bool> {
        about.iter().find(|one| proven || !scope::is_forgeable(&one.said)).map(|one| one.said.allows)
    }

    /// The rule once more, as it is printed.
    fn expected(all: &[Named], proven: bool) -> Option<bool> {
        let holds = |one: &&Named| {
            let [net, sender, _] = one.1;
            one.0 && (proven || sender == 0 || net >= 2)
        };
        let names_all = |allowance: &[usize; 3], denial: &[usize; 3]| (0..3).all(|at| allowance[at] >= denial[at]);
        let later = |allowance: &Named, denial: &Named| made(&excepted(*allowance)) > made(&excepted(*denial));
        let is_lifted = |denial: &Named| {
            all.iter().filter(holds).any(|allowance| {
                names_all(&allowance.1, &denial.1) && (allowance.1 != denial.1 || later(allowance, denial))
            })
        };
        if all.iter().any(|one| !one.0 && !is_lifted(one)) {
            return Some(false);
        }
        all.iter().any(|one| holds(&one)).then_some(true)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_first_that_holds_speaks_as_the_printed_rule_says(all in prop::collection::vec(named(), 0..9)) {
            let about = ordered(&all);
            prop_assert_eq!(about.len(), all.len());
            for proven in [true, false] {
                prop_assert_eq!(heard(&about, proven), expected(&all, proven), "proven: {}", proven);
            }
        }

        #[test]
        fn an_allowance_more_never_denies_and_a_denial_more_never_allows(
            all in prop::collection::vec(named(), 0..8), one in named(), proven in any::<bool>(),
        ) {
            let before = heard(&ordered(&all), proven);
            let after = heard(&ordered(&[all.clone(), vec![one]].concat()), proven);
            if one.0 {
                prop_assert!(after != Some(false) || before == Some(false));
            } else {
                prop_assert!(after != Some(true) || before == Some(true));
            }
        }
    }

    #[test]
    fn a_denial_yields_to_what_names_all_of_it() {
        let (net, host, ann, there) = ([2, 0, 0], [3, 0, 0], [0, 4, 0], [0, 3, 0]);
        for (denial, allowance, wins) in [
            // An allowed net with a denied sender, a denied net with an allowed sender.
            (ann, net, false),
            (net, ann, false),
            // A denied net with an allowed host, and the other way round.
            (net, host, true),
            (host, net, false),
            (there, ann, true),
            // Who is pardoned for a net and a sender goes before either.
            (net, [2, 4, 0], true),
            (ann, [2, 4, 0], true),
            (host, [2, 4, 0], false),
            // A closed recipient opens for whoever is allowed to write to it.
            ([0, 0, 2], [3, 4, 0], false),
            ([0, 0, 2], [3, 0, 1], false),
            ([0, 0, 2], [3, 0, 2], true),
            ([2, 0, 0], [0, 0, 2], false),
        ] {
            for (denied_at, allowed_at) in [(1, 2), (2, 1)] {
                let about = ordered(&[(false, denial, denied_at), (true, allowance, allowed_at)]);
                assert_eq!(heard(&about, true), Some(wins), "{denial:?} {allowance:?}");
            }
        }
    }

    #[test]
    fn several_denials_may_be_lifted_by_several_allowances() {
        let (net, host, there, ann) = ([2, 0, 0], [3, 0, 0], [0, 3, 0], [0, 4, 0]);
        let all = [(false, net, 1), (true, host, 1), (false, there, 1), (true, ann, 1)];
        let about = ordered(&all);
        assert_eq!((heard(&about, true), heard(&about, false)), (Some(true), Some(false)));
        assert_eq!(about[0].said.sender, "ann@mx.there.example", "what SPF proves makes the difference");
        assert_eq!(heard(&ordered(&all[..3]), true), Some(false));
    }
}
