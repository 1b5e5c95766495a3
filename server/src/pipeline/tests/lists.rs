//! What does the engine tell of DNS lists, when, and how often? The real check `rbl` over answers of the test's making.

use super::*;
use crate::{
    ask::{Ailing, Answer, Failure, Health, HealthBoard, ListId, Record},
    dns_lists::{DnsLists, Heard, ListEvent, ListsSeen, Remembered, card::Contradiction},
    pipeline::Action,
    session::{Ending, Report},
    state::{Experience, Standing, Subject},
};

/// An engine over three lists, `a`, `b` and `c`, and what it told.
struct Lists {
    engine: Engine,
    lists: Arc<DnsLists>,
    runtime: tokio::runtime::Runtime,
}

fn listed(zone: &str, code: Option<u8>) -> (Question, Answered) {
    let name = format!("9.2.0.192.{zone}");
    let question = DnsQuestion { list: ListId::named(zone), ..DnsQuestion::new(name, RecordType::A) };
    let found = |code| DnsAnswer::Found([Record::A([127, 0, 0, code].into())].into());
    let answer = Answer::Dns(code.map_or(DnsAnswer::NotFound, found));
    (Question::Dns(question), Answered { answer, ..Answered::failed(Failure::Timeout, Duration::ZERO) })
}

/// `codes` by list, `None` = it does not know the client; a list without an entry never answers.
fn scene(settings: &str, lists: &[(&str, &str)], codes: &[(&str, Option<u8>)]) -> Lists {
    scene_with(
        settings,
        lists,
        Table { cached: codes.iter().map(|(zone, code)| listed(zone, *code)).collect(), ..Table::default() },
    )
}

fn scene_with(settings: &str, lists: &[(&str, &str)], table: Table) -> Lists {
    let list = |(zone, rest): &(&str, &str)| format!("[[check.rbl.list]]\nzone = \"{zone}\"\nquery = \"a\"\n{rest}");
    let lists: String = lists.iter().map(list).collect();
    let off = ["rdns", "helo", "sender_domain", "spf", "reputation"]
        .map(|check| format!("[check.{check}]\nmode = \"off\"\n"))
        .concat();
    let text = format!("[policy]\ncontrol = \"nowhere\"\nstage_deadline_ms = 10\n{settings}\n{lists}{off}");
    let document = Document::parse("t.toml", &text).expect("TOML");
    let policy = Policy::build(&document, 1).expect("a policy");
    let key = StateKey::new(&[1; 32]).expect("long enough");
    let (switch, shared) = (Arc::new(KillSwitch::default()), Arc::new(DnsLists::default()));
    let engine = Engine::new(policy, Arc::new(table), Clock::manual(1_000), switch, key, LogRing::new(16));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    Lists { engine: engine.watching(shared.clone()), lists: shared, runtime }
}

impl Lists {
    fn rcpt(&self, seq: u32, state: &[u8]) -> Arc<Decision> {
        let facts = Facts { seq, ..facts() };
        self.runtime.block_on(self.engine.decide(Stage::Rcpt, facts, state, None))
    }

    fn close(&self, report: Report, state: &[u8]) {
        self.engine.report(Facts { report: Some(report), recipient: None, ..facts() }, state);
    }

    fn seen(&self) -> ListsSeen {
        match self.lists.next() {
            Some(ListEvent::Seen(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }
}

fn ids(names: &[&str]) -> Vec<ListId> {
    let mut ids: Vec<_> = names.iter().map(|name| ListId::named(name)).collect();
    ids.sort_unstable();
    ids
}

const THREE: &[(&str, &str)] = &[("a", ""), ("b", ""), ("c", "mode = \"monitor\"\n")];

#[test]
fn a_connection_is_told_once() {
    let scene = scene("", THREE, &[("a", Some(2)), ("b", None)]);
    let first = scene.rcpt(4, &[]);
    let seen = scene.seen();
    let heard = [("a", Heard::Listed), ("b", Heard::Clean), ("c", Heard::Failed)];
    assert_eq!(seen.heard, heard.map(|(name, heard)| (ListId::named(name), heard)));
    assert_eq!((seen.client_ip, seen.known_good), (Some([192, 0, 2, 9].into()), false));
    let told = first.lists.as_ref().expect("told");
    assert_eq!((told.heard, &*told.listed[0], &*told.failed[0]), (3, "a", "c"));
    let second = scene.rcpt(5, &first.verdict.session_state);
    assert!(scene.lists.next().is_none() && second.lists.is_none());
    assert!(second.facts.history.lists.seen);
}

#[test]
fn a_list_is_needed_where_no_other_refuses() {
    let scene_of = |codes| scene("", THREE, codes);
    let alone = scene_of(&[("a", Some(2)), ("b", None), ("c", None)]);
    assert_eq!(alone.rcpt(4, &[]).verdict.action, Action::Reject);
    assert_eq!(alone.seen().needed, ids(&["a"]));
    let both = scene_of(&[("a", Some(2)), ("b", Some(2)), ("c", Some(2))]);
    both.rcpt(4, &[]);
    let seen = both.seen();
    assert_eq!((seen.needed, seen.would_refuse), (vec![], ids(&["a", "b", "c"])));
    let rehearsed = scene_of(&[("a", None), ("b", None), ("c", Some(2))]);
    assert_eq!(rehearsed.rcpt(4, &[]).verdict.action, Action::Continue);
    let seen = rehearsed.seen();
    assert_eq!((seen.needed, seen.would_refuse), (vec![], ids(&["c"])));
}

#[test]
fn where_weights_add_up_each_that_tips_the_scale_is_needed() {
    let score = |weight| format!("action = \"score\"\nweight = {weight}\n");
    let (heavy, light) = (score(60), score(5));
    let lists: &[(&str, &str)] = &[("a", &heavy), ("b", &heavy), ("c", &light)];
    let all = &[("a", Some(2)), ("b", Some(2)), ("c", Some(2))];
    let summed = scene("score_mode = \"enforce\"\ndefer_at = 100", lists, all);
    assert_eq!(summed.rcpt(4, &[]).verdict.action, Action::Reject);
    let seen = summed.seen();
    assert_eq!((seen.needed, seen.would_refuse), (ids(&["a", "b"]), vec![]));
    let own = scene("defer_at = 100\n[check.rbl]\ndefer_at = 61\nreject_at = 200", lists, all);
    assert_eq!(own.rcpt(4, &[]).verdict.action, Action::Defer);
    let seen = own.seen();
    assert_eq!((seen.needed, seen.would_refuse), (vec![], vec![]), "two of three are enough, none is alone");
}

#[test]
fn a_client_that_an_allow_list_knows_is_told_as_good() {
    let text = "[check.access]\nclients_allow = [\"192.0.2.9\"]";
    let scene = scene(text, THREE, &[("a", Some(2)), ("b", None), ("c", None)]);
    assert_eq!(scene.rcpt(4, &[]).verdict.action, Action::Continue);
    let seen = scene.seen();
    assert!(seen.known_good);
    assert_eq!((seen.would_refuse, seen.needed), (ids(&["a"]), vec![]));
}

#[test]
fn a_client_that_is_remembered_well_is_told() {
    let scene = scene("", THREE, &[("a", Some(2)), ("b", None), ("c", None)]);
    let settings = "[policy]\ncontrol = \"nowhere\"\n[check.reputation]\nweight = 0\n[check.rdns]\nmode = \"off\"\n\
                    [check.helo]\nmode = \"off\"\n[check.sender_domain]\nmode = \"off\"\n\
                    [[check.rbl.list]]\nzone = \"a\"\nquery = \"a\"\n";
    let document = Document::parse("t.toml", settings).expect("TOML");
    scene.engine.swap(Policy::build(&document, 2).expect("a policy"));
    let client = Subject::Ip([192, 0, 2, 9].into());
    let learn = |points: f32| {
        let change = |own: &mut Standing, _: Option<&Standing>| own.learn(Experience::Accepted, points, 1_000);
        scene.engine.recall().standings.change(client.clone(), 1_000, change);
        scene.rcpt(4, &[]);
        scene.seen().remembered
    };
    assert_eq!(learn(20.0), Remembered::default(), "good, but not known well");
    assert_eq!(learn(40.0), Remembered { good_history: true, proven_good: false }, "nobody asked SPF");
    assert_eq!(learn(-60.0), Remembered::default());
}

#[test]
fn a_good_ending_speaks_against_those_that_listed() {
    let praise = "action = \"score\"\nweight = -5\n";
    let lists: &[(&str, &str)] = &[("a", "mode = \"monitor\"\n"), ("b", praise), ("c", "")];
    let scene = scene("", lists, &[("a", Some(2)), ("b", Some(2)), ("c", None)]);
    let decision = scene.rcpt(4, &[]);
    scene.seen();
    let accepted = Report { messages_accepted: 1, ..Report::default() };
    scene.close(Report { ending: Ending::Accepted, ..accepted.clone() }, &decision.verdict.session_state);
    assert!(scene.lists.next().is_none(), "the connection goes on");
    scene.close(accepted, &decision.verdict.session_state);
    let Some(ListEvent::Contradicted { kind: Contradiction::Accepted, listed }) = scene.lists.next() else {
        panic!("not told")
    };
    assert_eq!(listed, ids(&["a"]), "praise is no contradiction");
    scene.close(Report::default(), &decision.verdict.session_state);
    assert!(scene.lists.next().is_none(), "nothing was accepted");
}

#[test]
fn a_refused_recipient_is_no_good_ending() {
    let scene = scene("", THREE, &[("a", Some(2)), ("b", None), ("c", None)]);
    let decision = scene.rcpt(4, &[]);
    scene.seen();
    scene.close(Report { messages_accepted: 1, ..Report::default() }, &decision.verdict.session_state);
    assert!(scene.lists.next().is_none());
}

#[test]
fn a_connection_without_recipients_is_told_at_its_end_as_far_as_caches_know() {
    let complete = scene("", THREE, &[("a", Some(2)), ("b", None), ("c", None)]);
    complete.close(Report::default(), &[]);
    let seen = complete.seen();
    assert_eq!(seen.heard[0], (ListId::named("a"), Heard::Listed));
    assert_eq!((seen.would_refuse, seen.needed), (vec![], vec![]));
    let partly = scene("", THREE, &[("a", Some(2))]);
    partly.close(Report::default(), &[]);
    assert!(partly.lists.next().is_none());
}

#[test]
fn the_health_of_lists_is_evidence() {
    let board =
        HealthBoard::new([Ailing { list: ListId::named("a"), name: "a".into(), health: Health::Off, cause: "silent" }]);
    let mut table =
        Table { cached: [listed("a", Some(2)), listed("b", None), listed("c", None)].into(), ..Table::default() };
    table.cached.insert(Question::ListHealth, Answered::health(board.into()));
    let scene = scene_with("", THREE, table);
    let decision = scene.rcpt(4, &[]);
    assert_eq!(decision.verdict.action, Action::Continue);
    let evidence: Vec<String> = decision.evidence.iter().map(|(question, _)| question.to_string()).collect();
    assert_eq!(evidence, ["health of DNS lists", "A 9.2.0.192.b", "A 9.2.0.192.c"]);
    assert_eq!(scene.seen().heard[0], (ListId::named("a"), Heard::Failed));
}
