//! Is a decision explained as it was made, and made again in the same way from what was recorded of it?

use super::*;
use crate::{
    ask::{Ailing, Answer, Existence, Failure, Health, HealthBoard, ListId, Looked, Record, spf},
    decisions::record,
    pipeline::{Action, Explained, PathStep, explain},
};

/// Down to the disk and back.
fn recorded(decision: &Decision) -> Decision {
    let octets = Bytes::from(record::encode(decision));
    record::decode(&octets, decision.at.steady).expect("it can be read").decision
}

fn step<'a>(explained: &'a Explained, name: &str) -> &'a PathStep {
    explained.path.iter().find(|step| step.step == name).expect("the step is on the path")
}

fn changes(explained: &Explained) -> Vec<(&str, Action, &str)> {
    explained.changes.iter().map(|change| (change.without.as_str(), change.action, change.by)).collect()
}

#[test]
fn the_path_says_who_decided_and_who_was_not_heard() {
    let scene = Scene::new(
        "[check.alpha]\nsays = \"reject\"\nmode = \"monitor\"\n[check.beta]\nsays = \"reject\"\n[check.gamma]\nsays = \"defer\"",
    );
    let explained = explain(&recorded(&scene.rcpt()));
    let told: Vec<_> =
        explained.path.iter().map(|step| (step.step, step.did, step.detail.as_str(), step.won)).collect();
    assert_eq!(
        told,
        [
            ("alpha", "found", "first: reject, only rehearsed", false),
            ("beta", "found", "first: reject", true),
            ("rcpthosts", "passed", "the mail server takes the recipient", false),
            ("gamma", "found", "first: defer, not heard: beta spoke", false),
            ("score", "passed", "0; defers at 50, rejects at 100 (monitor)", false),
        ]
    );
    let expected = [("beta.first (it)", Action::Defer, "gamma"), ("gamma.first (it)", Action::Continue, "")];
    assert_eq!(changes(&explained), expected);
}

#[test]
fn points_are_counted_down_to_the_next_threshold() {
    let scene = Scene::new(
        "[policy]\nscore_mode = \"enforce\"\n[check.alpha]\nsays = \"score\"\npoints = 80\n[check.gamma]\nsays = \"score\"\npoints = 25\n\
         [check.beta]\nsays = \"score\"\npoints = 9\nmode = \"monitor\"",
    );
    let decision = recorded(&scene.rcpt());
    let explained = explain(&decision);
    assert_eq!(decision.verdict.action, Action::Reject);
    let score = explained.score.expect("scores are weighed");
    assert_eq!((score.sum, score.rehearsed, score.defer_at, score.reject_at), (105, 114, 50, 100));
    assert!(step(&explained, "score").won);
    let expected =
        [("6 points of the score", Action::Defer, "score"), ("50 points of the score", Action::Continue, "")];
    assert_eq!(changes(&explained), expected);
}

#[test]
fn what_an_allowance_held_back_is_told() {
    let scene = Scene::new("[check.alpha]\nsays = \"allow\"\n[check.beta]\nsays = \"reject\"");
    let explained = explain(&recorded(&scene.rcpt()));
    assert_eq!(step(&explained, "beta").detail, "first: reject, passed over: an earlier step allowed");
    assert!(step(&explained, "alpha").won);
    let expected = [("alpha.first (it)", Action::Reject, "beta"), ("beta.first (it)", Action::Continue, "")];
    assert_eq!(changes(&explained), expected);
}

#[test]
fn those_who_had_no_part_are_told_too() {
    let scene = Scene::new("[check.alpha]\nmode = \"off\"\n[check.gamma]\nsays = \"reject\"");
    let mut relaying = to("x@elsewhere.example", Rcpthosts::Refused);
    relaying.connection.relayclient = Some(Bytes::new());
    let explained = explain(&recorded(&scene.decide(Stage::Rcpt, relaying, &[])));
    assert_eq!(step(&explained, "alpha").did, "excused");
    let explained = explain(&recorded(&scene.decide(Stage::Rcpt, to("x@elsewhere.example", Rcpthosts::Refused), &[])));
    assert_eq!((step(&explained, "alpha").did, step(&explained, "rcpthosts").won), ("off", true));
    assert_eq!(step(&explained, "gamma").detail, "first: reject, not heard: the mail server refuses");
    assert!(explained.changes.is_empty(), "no change of ours would let it pass");
}

#[test]
fn a_missed_deadline_names_what_was_missing() {
    let scene =
        Scene::new("[policy]\nstage_deadline_ms = 20\n[check.alpha]\nsays = \"reject\"\nasks = [\"slow.example\"]");
    let decision = recorded(&scene.rcpt());
    assert!(explain(&decision).out_of_time);
    let missing: Vec<bool> =
        decision.evidence.iter().map(|(_, answered)| crate::pipeline::is_missing(&decision, answered)).collect();
    assert_eq!(missing, [true]);
}

const LISTS: &str = "\
[check.rdns]
mode = 'enforce'
none_action = 'score'
[[check.rbl.list]]
zone = '%{key}.keyed.example'
key = 'planted0key1'
action = 'reject'
[[check.rbl.list]]
zone = 'ailing.example'
action = 'reject'
[[check.rbl.list]]
zone = 'failed.example'
action = 'defer'
[check.spf]
mode = 'enforce'
[check.sender_domain]
mode = 'enforce'
[check.recipient]
mode = 'enforce'
source = 'live'
";

fn found(record: Record) -> DnsAnswer {
    DnsAnswer::Found(Arc::new([record]))
}

/// Answers everything at once, as a world with a listed client and a strict sender would.
struct World;

impl Ask for World {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let answer = match question {
            Question::Dns(dns) => Answer::Dns(match (dns.name.expose(), dns.kind) {
                (name, RecordType::A) if name.ends_with("keyed.example") => found(Record::A([127, 0, 0, 2].into())),
                (name, RecordType::A) if name.ends_with("ailing.example") => found(Record::A([127, 0, 0, 2].into())),
                (name, _) if name.ends_with("failed.example") => DnsAnswer::Failed(Failure::Servfail),
                (name, RecordType::Txt) if name.ends_with("example") => found(Record::Txt(b"listed".as_slice().into())),
                _ => DnsAnswer::NotFound,
            }),
            Question::ListHealth => {
                let list = ListId::named("ailing.example");
                let ailing = Ailing { list, name: "ailing.example".into(), health: Health::Suspect, cause: "refused" };
                Answer::ListHealth(Arc::new(HealthBoard::new([ailing])))
            }
            Question::Spf(_) => Answer::Spf(Arc::new(spf::Evaluation::bare(spf::SpfResult::Fail))),
            Question::Mailbox(_) => Answer::Mailbox(Arc::new(Looked::new(Existence::Missing, "no .qmail file"))),
            // The engine's own memory answers.
            Question::State(_) | Question::Exceptions => return None,
        };
        let ttl = Duration::from_secs(300);
        Some(Answered { answer, cached: true, ttl, ..Answered::failed(Failure::Timeout, Duration::ZERO) })
    }

    fn ask(&self, _question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        panic!("everything is known")
    }
}

#[test]
fn what_was_recorded_is_decided_again_in_the_same_way() {
    let build = || {
        let built = Policy::build(&Document::parse("t.toml", LISTS).expect("TOML"), 1);
        built.map_err(|faults| format!("{faults:?}")).expect("a policy")
    };
    let key = StateKey::new(&[1; 32]).expect("long enough");
    let engine = Engine::new(build(), Arc::new(World), Clock::manual(1_000), Arc::default(), key, LogRing::new(16));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut facts = facts();
    facts.connection.client_ip = Some([198, 51, 100, 9].into());
    for stage in [Stage::Connect, Stage::Helo, Stage::Mail, Stage::Rcpt, Stage::Data] {
        let decided = runtime.block_on(engine.decide(stage, facts.clone(), &[], None));
        let octets = record::encode(&decided);
        assert!(!octets.windows(12).any(|window| window == b"planted0key1"));
        let back = recorded(&decided);
        let again = build().decide_again(&back);
        assert_eq!(format!("{:?}", again.findings), format!("{:?}", decided.findings), "{stage}");
        assert_eq!((again.verdict.action, again.verdict.code), (decided.verdict.action, decided.verdict.code));
        assert_eq!((again.decided_by, &again.would_have), (decided.decided_by, &decided.would_have));
        assert_eq!((again.course, explain(&back)), (decided.course.clone(), explain(&decided)));
        if stage == Stage::Rcpt {
            let checks: Vec<&str> = decided.findings.iter().map(|judged| judged.check).collect();
            assert!(["rbl", "rdns", "spf"].iter().all(|check| checks.contains(check)), "{checks:?}");
            assert_eq!(decided.decided_by, "rbl");
        }
    }
}
