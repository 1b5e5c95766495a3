//! Is remembered what is to be, and no more?

use super::*;
use crate::{ask::Ask, check::Effect, state::Experience};
use std::sync::Arc;

fn subject() -> Subject {
    Subject::Ip([192, 0, 2, 1].into())
}

fn experienced(hundredths: i32, witness: Option<u16>) -> Effect {
    Effect::Experienced { subject: subject(), experience: Experience::Trap, hundredths, witness }
}

fn standing(recall: &Recall) -> Standing {
    match recall.look(&StateQuestion::Standing(subject())) {
        StateAnswer::Standing(standing) => *standing,
        StateAnswer::Nothing => Standing::default(),
        other => panic!("{other}"),
    }
}

#[test]
fn one_mail_host_cannot_say_all_there_is_to_say() {
    let clock = Clock::manual(1_000_000);
    let share = Pace { every_ms: 1_000, burst: 5 };
    let recall = Recall::alone(Bounds { host_share: share, ..Bounds::default() }, clock.clone());
    (0..50).for_each(|_| recall.apply(experienced(-1, None), "mx1", clock.now()));
    assert_eq!(standing(&recall).events, 5);
    (0..50).for_each(|_| recall.apply(experienced(-1, None), "mx2", clock.now()));
    assert_eq!(standing(&recall).events, 10);
    clock.advance(Duration::from_secs(3));
    (0..50).for_each(|_| recall.apply(experienced(-1, None), "mx1", clock.now()));
    assert_eq!(standing(&recall).events, 13);
    (0..50).for_each(|_| recall.apply(experienced(1, None), "mx1", clock.now()));
    assert_eq!(standing(&recall).events, 18, "praise is rationed apart from blame");
}

#[test]
fn a_net_is_held_to_account_from_its_third_address_on() {
    let clock = Clock::manual(1_000_000);
    let recall = Recall::alone(Bounds::default(), clock.clone());
    for (mark, events) in [(7, 0), (7, 0), (8, 0), (9, 1), (7, 2)] {
        recall.apply(experienced(-20, Some(mark)), "mx1", clock.now());
        assert_eq!(standing(&recall).events, events, "after {mark}");
    }
}

#[test]
fn what_is_rehearsed_is_remembered_apart() {
    let clock = Clock::manual(1_000_000);
    let recall = Recall::alone(Bounds::default(), clock.clone());
    let key = Digest::of(&[b"k"]);
    let tried = Effect::Tried(key, Triplet::begun(1_000_000));
    recall.apply(tried.clone().rehearsed().expect("a namespace of its own"), "mx1", clock.now());
    assert_eq!(recall.look(&StateQuestion::Triplet(key)), StateAnswer::Nothing);
    assert!(matches!(recall.look(&StateQuestion::Triplet(key).rehearsed()), StateAnswer::Triplet(_)));
    assert_eq!(experienced(1, None).rehearsed(), None);
}

#[test]
fn what_nobody_can_say_is_unknown() {
    let clock = Clock::manual(1_000_000);
    let recall = Arc::new(Recall::over_store(Bounds::default(), clock, false));
    let question = StateQuestion::Standing(subject());
    assert_eq!(recall.at_hand(&question), None, "the store has to be asked");
    recall.set_troubled(true);
    let answer = |answered: Option<Answered>| answered.map(|answered| answered.answer);
    let unknown = Some(crate::ask::Answer::State(StateAnswer::Unknown));
    assert_eq!(answer(recall.at_hand(&question)), unknown);
    recall.set_troubled(false);
    let mut waiting: Vec<_> = (0..MISSING_MAX).map(|_| recall.ask(question.clone())).collect();
    assert!(waiting.iter_mut().all(|receiver| receiver.try_recv().is_err()));
    assert_eq!(answer(recall.ask(question).try_recv().ok()), unknown, "too many wait");
}

#[test]
fn what_others_have_changed_is_asked_for_behind() {
    let clock = Clock::manual(1_000_000);
    let recall = Recall::over_store(Bounds::default(), clock.clone(), true);
    let question = StateQuestion::Standing(subject());
    recall.standings.fill(subject(), crate::state::Held::default(), clock.now().unix_seconds());
    assert!(recall.at_hand(&question).is_some() && recall.next_missing().is_none());
    clock.advance(Duration::from_secs(REFRESH_SECONDS + 1));
    assert!(recall.at_hand(&question).is_some(), "nobody waits for it");
    assert!(recall.next_missing().is_some_and(|missing| missing.reply.is_none()));
}

/// Asks nothing of the DNS.
struct Silent;

impl Ask for Silent {
    fn cached(&self, _: &crate::ask::Question) -> Option<Answered> {
        None
    }

    fn ask(&self, _: crate::ask::Question, _: crate::ask::Asker) -> oneshot::Receiver<Answered> {
        oneshot::channel().1
    }
}

#[test]
fn memory_stands_beside_the_dns() {
    let recall = Arc::new(Recall::alone(Bounds::default(), Clock::manual(1_000_000)));
    let answers = WithMemory { others: Arc::new(Silent), recall };
    let state = crate::ask::Question::State(StateQuestion::Standing(subject()));
    assert!(answers.cached(&state).is_some());
    assert!(answers.cached(&crate::ask::Question::ListHealth).is_none());
}
