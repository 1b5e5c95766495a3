//! Does the formula keep its promises, and are lessons learnt once and by the right ones?

use super::{
    formula::{Combined, Part, share},
    lessons::Lessons,
    *,
};
use crate::{
    clock::Clock,
    config::{Document, Network},
    pipeline::common_fields,
    session::{Address, Connection, Ending, Helo, Rcpthosts, Report, Sender, Tried},
    state::{Experience, Standing},
};
use bytes::Bytes;
use proptest::prelude::*;
use std::cell::RefCell;

const NOW: u64 = 1_800_000_000;

fn any_standing() -> impl Strategy<Value = Standing> {
    let lesson = (0..Experience::ALL.len(), -30..30_i32, 0..10_000_000_u64);
    prop::collection::vec(lesson, 0..40).prop_map(|mut lessons| {
        lessons.sort_by_key(|(.., at)| *at);
        let mut standing = Standing::default();
        for (kind, points, at) in lessons {
            standing.learn(Experience::ALL[kind], points as f32, NOW - 10_000_000 + at);
        }
        standing
    })
}

fn everybody(ip: &str) -> Vec<Subject> {
    let ip = ip.parse().expect("an address");
    let mut all = vec![Subject::Ip(ip)];
    all.extend(Subject::nets_of(ip));
    all.extend(Subject::helo(b"mx.example"));
    all.extend(Subject::domain(b"example.org"));
    all
}

fn any_parts() -> impl Strategy<Value = Vec<Part>> {
    (any::<bool>(), prop::collection::vec(any_standing(), 6)).prop_map(|(v6, standings)| {
        let subjects = everybody(if v6 { "2001:db8::1" } else { "192.0.2.1" });
        subjects.into_iter().zip(standings).map(|(subject, standing)| Part { subject, standing }).collect()
    })
}

fn combined(parts: &[Part], now: u64) -> f32 {
    Combined::of(parts.iter().cloned(), now).reputation
}

proptest! {
    #[test]
    fn the_sum_is_bounded(parts in any_parts(), weight in 0..1_000_i32, neutral in 0..100_u8) {
        let sum = Combined::of(parts.into_iter(), NOW);
        prop_assert!((-100.0..=100.0).contains(&sum.reputation));
        let points = sum.points(weight, neutral.into());
        prop_assert!((-weight..=weight).contains(&points));
        prop_assert!(points == 0 || (points > 0) == (sum.reputation < 0.0));
    }

    #[test]
    fn one_more_bad_experience_never_improves(
        parts in any_parts(), whose in any::<prop::sample::Index>(), kind in 0..Experience::ALL.len(), points in 1..50_i32,
    ) {
        let (before, mut worse, mut better) = (combined(&parts, NOW), parts.clone(), parts.clone());
        let at = whose.index(parts.len());
        worse[at].standing.learn(Experience::ALL[kind], -points as f32, NOW);
        better[at].standing.learn(Experience::ALL[kind], points as f32, NOW);
        prop_assert!(combined(&worse, NOW) <= before + 1e-3);
        prop_assert!(combined(&better, NOW) >= before - 1e-3);
        let points = |parts: &[Part]| Combined::of(parts.iter().cloned(), NOW).points(1_000, 25.0);
        prop_assert!(points(&worse) >= points(&parts) - 1);
    }

    #[test]
    fn everything_is_forgotten(parts in any_parts()) {
        prop_assert!(combined(&parts, NOW + 3 * 365 * 86_400).abs() < 1.0);
    }

    #[test]
    fn nobody_contributes_more_than_its_share(parts in any_parts(), whose in any::<prop::sample::Index>()) {
        let at = whose.index(parts.len());
        let mut others = parts.clone();
        let part = others.remove(at);
        let (bad, good) = share(&part.subject);
        let moved = combined(&parts, NOW) - combined(&others, NOW);
        prop_assert!(moved >= -100.0 * bad - 1e-3 && moved <= 100.0 * good + 1e-3);
    }

    #[test]
    fn a_helo_name_never_praises(standing in any_standing()) {
        let subject = Subject::helo(b"mx.example").expect("a name");
        let alone = combined(&[Part { subject, standing }], NOW);
        prop_assert!(alone <= 0.0);
    }
}

fn lessons(text: &str) -> Lessons {
    let document = Document::parse("t.toml", &format!("[check.reputation]\n{text}\n")).expect("TOML");
    let (faults, common) = (RefCell::default(), common_fields(&DEF));
    Lessons::read(&Section::new(&document, "check.reputation", &[&common, DEF.fields], &[], &faults))
}

fn facts(ip: &str) -> Facts {
    let address = |text: &'static str| Address::new(Bytes::from_static(text.as_bytes()));
    Facts {
        connection: Connection { client_ip: ip.parse().ok(), ..Connection::default() },
        helo: Some(Helo { name: "MX.example.".into(), esmtp: true }),
        sender: Some(Sender { address: address("ann@Example.org"), declared_size: 0 }),
        recipient: Some(Tried { address: address("bob@here.example"), rcpthosts: Rcpthosts::Allowed }),
        ..Facts::default()
    }
}

fn came(rejected_by: &'static str) -> Came {
    Came { goes_on: rejected_by.is_empty(), by_me: false, rejected_by, changed: false, rehearsed: false }
}

/// `SUBJECT EXPERIENCE HUNDREDTHS`.
fn shown(effects: &[Effect]) -> Vec<String> {
    let show = |effect: &Effect| match effect {
        Effect::Experienced { subject, experience, hundredths, .. } => {
            format!("{subject} {} {hundredths}", experience.name())
        }
        other => panic!("{other:?}"),
    };
    effects.iter().map(show).collect()
}

#[test]
fn a_pardon_is_worth_more_than_the_refusals_before_it() {
    let pardoned = |identified| {
        let (mut facts, mut effects) = (facts("192.0.2.1"), Vec::new());
        facts.history.identified = identified;
        lessons("net_percent = 20\nhelo_percent = 0").of_pardon(&facts, &Answers::default(), &mut effects);
        shown(&effects)
    };
    assert_eq!(pardoned(false), ["192.0.2.1 pardoned 1000", "192.0.2.0/24 pardoned 200"]);
    assert!(pardoned(true).contains(&"domain:example.org pardoned 1000".to_owned()), "{:?}", pardoned(true));
    let mut effects = Vec::new();
    lessons("points_pardoned = 0").of_pardon(&facts("192.0.2.1"), &Answers::default(), &mut effects);
    assert!(effects.is_empty());
}

#[test]
fn everybody_bears_a_share() {
    let mut facts = facts("192.0.2.1");
    facts.history.connection.add_refusal("rbl");
    let mut effects = Vec::new();
    lessons("").of_recipient(&facts, came("rbl"), &mut effects);
    let of_client = ["192.0.2.1 refused -200", "192.0.2.0/24 refused -50", "helo:mx.example refused -50"];
    assert_eq!(shown(&effects), of_client);
    facts.history.identified = true;
    effects.clear();
    lessons("net_percent = 0\nhelo_percent = 10\npoints_refused = 3").of_recipient(&facts, came("rbl"), &mut effects);
    let proven = ["192.0.2.1 refused -300", "helo:mx.example refused -30", "domain:example.org refused -300"];
    assert_eq!(shown(&effects), proven);
}

#[test]
fn a_refusal_counts_once_for_each_step_and_never_by_what_is_remembered() {
    let mut facts = facts("192.0.2.1");
    let mut learnt = |by: &'static str| {
        facts.history.connection.add_refusal(by);
        let mut effects = Vec::new();
        lessons("").of_recipient(&facts, came(by), &mut effects);
        effects.len()
    };
    assert_eq!([learnt("rbl"), learnt("rbl"), learnt("spf")], [3, 0, 3]);
    for by in ["reputation", "score", "greylist", "rate", "whole_message"] {
        assert_eq!(learnt(by), 0, "{by}");
    }
    let bad: Vec<usize> = ["badrcptto", "recipient", "badrcptto", "recipient"].map(learnt).to_vec();
    assert_eq!(bad, [3, 3, 3, 0], "three a connection");
}

#[test]
fn loopback_and_ourselves_are_nobody() {
    let mut own = facts("192.0.2.1");
    own.connection.server_ip = own.connection.client_ip;
    let unknown = Facts { connection: Connection::default(), ..facts("192.0.2.1") };
    for facts in [facts("127.0.0.1"), facts("::1"), own, unknown] {
        assert_eq!(subjects(&facts, true), []);
    }
}

#[test]
fn endings_teach() {
    let close = |quit, change: &dyn Fn(&mut Facts)| {
        let mut facts = facts("192.0.2.1");
        facts.report = Some(Report { ending: Ending::Closed, quit, ..Report::default() });
        change(&mut facts);
        let mut effects = Vec::new();
        lessons("").of_ending(&facts, &mut effects);
        shown(&effects).first().cloned().unwrap_or_default()
    };
    assert_eq!(close(false, &|_| {}), "192.0.2.1 vanished -100");
    assert_eq!(close(true, &|_| {}), "");
    assert_eq!(close(false, &|facts| facts.history.delayed_ms = 5), "", "we kept it waiting");
    assert_eq!(close(false, &|facts| facts.history.connection.add_refusal("spf")), "", "it was refused");
    let exempt = |facts: &mut Facts| {
        (facts.history.connection.recipients, facts.history.connection.exempt) = (2, 2);
    };
    assert_eq!(close(false, &exempt), "", "only postmaster was asked for");
    assert_eq!(close(true, &|facts| facts.connection.early_talk = true), "192.0.2.1 early_talk -200");
    assert_eq!(close(true, &|facts| facts.history.missing.distinct = vec![1, 2, 3]), "");
    assert_eq!(close(true, &|facts| facts.history.missing.distinct = vec![1, 2, 3, 4]), "192.0.2.1 harvesting -1000");
}

#[test]
fn a_message_that_is_refused_for_its_recipients_counts_as_one_bad_recipient() {
    let learnt = |by: &'static str, sender: &'static str| {
        let mut facts = facts("192.0.2.1");
        facts.sender = Some(Sender { address: Address::new(Bytes::from_static(sender.as_bytes())), declared_size: 0 });
        let mut effects = Vec::new();
        lessons("").of_message(&facts, came(by), &mut effects);
        shown(&effects).first().cloned().unwrap_or_default()
    };
    assert_eq!(learnt("recipient", "ann@example.org"), "192.0.2.1 bad_recipient -100");
    assert_eq!((learnt("recipient", ""), learnt("whole_message", "ann@example.org")), (String::new(), String::new()));
}

#[test]
fn praise_has_its_conditions() {
    let accepted = |change: &dyn Fn(&mut Facts)| {
        let mut facts = facts("192.0.2.1");
        facts.history.transaction.recipients = 2;
        facts.report = Some(Report { ending: Ending::Accepted, messages_accepted: 1, ..Report::default() });
        change(&mut facts);
        let mut effects = Vec::new();
        lessons("").of_ending(&facts, &mut effects);
        !effects.is_empty()
    };
    assert!(accepted(&|_| {}));
    assert!(accepted(&|facts| facts.history.transaction.add_refusal("greylist")), "held up, no more");
    assert!(!accepted(&|facts| facts.history.transaction.add_refusal("badrcptto")));
    assert!(!accepted(&|facts| facts.history.transaction.rcpthosts_refused = 1));
    assert!(!accepted(&|facts| facts.history.transaction.exempt = 2), "mail to postmaster is taken from everybody");
    let report = |facts: &mut Facts, change: &dyn Fn(&mut Report)| change(facts.report.as_mut().expect("a report"));
    assert!(!accepted(&|facts| report(facts, &|report| report.messages_accepted = 4)));
    assert!(!accepted(&|facts| report(facts, &|report| report.unanswered = 1)));
    assert!(!accepted(&|facts| report(facts, &|report| report.ending = Ending::Rejected)));
}

#[test]
fn a_net_hears_of_traps_by_its_hosts() {
    let marks = |ip: &str| {
        let mut effects = Vec::new();
        lessons("").of_trap(&facts(ip), &Answers::default(), Clock::manual(NOW).now(), &mut effects);
        let mark = |effect: &Effect| match effect {
            Effect::Experienced { subject: Subject::Net(Network { prefix, .. }), witness, .. } => {
                Some((*prefix, witness.expect("a mark")))
            }
            _ => None,
        };
        effects.iter().filter_map(mark).collect::<Vec<_>>()
    };
    assert_ne!(marks("192.0.2.1"), marks("192.0.2.2"));
    let (one, other) = (marks("2001:db8::1"), marks("2001:db8::2"));
    assert_eq!(one.iter().map(|(prefix, _)| *prefix).collect::<Vec<_>>(), [64, 56, 48]);
    assert_ne!(one[0], other[0]);
    assert_eq!(one[1..], other[1..], "two addresses of one /64 are one host to the wider nets");
    assert_ne!(one[1..], marks("2001:db8:0:1::1")[1..]);
}
