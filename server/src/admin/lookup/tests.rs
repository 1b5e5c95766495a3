//! Is every list asked, is each told as it comes, and is nothing but a listing called one?

use super::*;
use crate::{
    ask::{Asker, DnsName, Failure, Record},
    check::{Outcome, Rule},
    clock::Clock,
    config::{Document, Section},
    decision_log::LogRing,
    mode::Mode,
    pipeline::{KillSwitch, Policy},
    session::StateKey,
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Mutex,
    time::Duration,
};
use tokio::sync::oneshot;
use tokio_stream::StreamExt;
use v1::lookup_reply::Part;

const LABELS: [(u8, &str); 2] = [(2, "spam"), (4, "bot")];

/// Answers from a table, at once; what is not in it waits until the test lets go of it, unless `rest` is its answer.
#[derive(Default)]
struct Table {
    cached: HashMap<String, DnsAnswer>,
    known: HashMap<String, DnsAnswer>,
    rest: Option<DnsAnswer>,
    waiting: Mutex<Vec<oneshot::Sender<Answered>>>,
    asked: Mutex<Vec<String>>,
}

fn answered(answer: &DnsAnswer, cached: bool) -> Answered {
    let age = if cached { Duration::from_secs(12) } else { Duration::ZERO };
    Answered {
        answer: Answer::Dns(answer.clone()),
        cached,
        stale: false,
        age,
        ttl: Duration::from_secs(300),
        took: age,
    }
}

impl Ask for Table {
    fn cached(&self, question: &Question) -> Option<Answered> {
        self.cached.get(&question.to_string()).map(|answer| answered(answer, true))
    }

    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered> {
        assert_eq!(asker, Asker::default(), "an administrator is not rationed");
        let (sender, receiver) = oneshot::channel();
        self.asked.lock().expect("no panic").push(question.to_string());
        match self.known.get(&question.to_string()).or(self.rest.as_ref()) {
            Some(answer) => sender.send(answered(answer, false)).expect("somebody waits"),
            None => self.waiting.lock().expect("no panic").push(sender),
        }
        receiver
    }
}

fn codes(last: &[u8]) -> DnsAnswer {
    DnsAnswer::Found(last.iter().map(|&last| Record::A(Ipv4Addr::new(127, 0, 0, last))).collect())
}

fn list(zone: &str) -> Declared {
    Declared { id: ListId::named(zone), ..unconfigured(zone) }
}

fn address() -> Subject {
    Subject::Address(IpAddr::from([192, 0, 2, 1]))
}

const FRONT: &str = "1.2.0.192";

fn table(rows: &[(&str, DnsAnswer)]) -> Table {
    let known = rows.iter().map(|(question, answer)| ((*question).to_owned(), answer.clone())).collect();
    Table { known, ..Table::default() }
}

async fn said(list: &Declared, subject: &Subject, table: &Table) -> v1::ListAnswer {
    Said::of(list, subject, table).await.into_wire(&[])
}

#[tokio::test]
async fn a_listing_has_codes_and_text() {
    let text = DnsAnswer::Found([Record::Txt(b"see \x1b[31m"[..].into()), Record::Txt(b"also"[..].into())].into());
    let table = table(&[("A 1.2.0.192.bl.example", codes(&[4, 2, 2])), ("TXT 1.2.0.192.bl.example", text.clone())]);
    let found = said(&list("bl.example"), &address(), &table).await;
    assert_eq!((found.standing.as_str(), found.text.as_str()), ("listed", "also / see \\x1b[31m"));
    assert_eq!(found.codes.iter().map(|code| code.code.as_str()).collect::<Vec<_>>(), ["127.0.0.2", "127.0.0.4"]);
    assert_eq!((found.ttl_seconds, found.cached), (300, false));
    let texts = Declared { txt_only: true, ..list("bl.example") };
    let found = said(&texts, &address(), &table).await;
    assert_eq!((found.standing.as_str(), found.codes.len()), ("listed", 0));
    assert_eq!(table.asked.lock().expect("no panic").len(), 3, "no A for a list of texts");
}

#[tokio::test]
async fn failed_is_neither_listed_nor_not_listed() {
    let refusal =
        |code: [u8; 4]| DnsAnswer::Found([Record::A(Ipv4Addr::new(127, 0, 0, 2)), Record::A(code.into())].into());
    for (answer, standing, reason) in [
        (DnsAnswer::NotFound, "not_listed", ""),
        (DnsAnswer::Failed(Failure::Servfail), "failed", "servfail"),
        (DnsAnswer::Failed(Failure::Budget), "failed", "budget"),
        (refusal([127, 255, 255, 254]), "failed", "refused (127.255.255.254)"),
        (refusal([127, 0, 0, 255]), "failed", "refused (127.0.0.255)"),
        (refusal([127, 0, 0, 1]), "failed", "lists everybody (127.0.0.1)"),
        (refusal([192, 0, 2, 9]), "failed", "no DNS list (192.0.2.9)"),
    ] {
        let table = table(&[("A 1.2.0.192.bl.example", answer)]);
        let found = said(&list("bl.example"), &address(), &table).await;
        assert_eq!((found.standing.as_str(), found.reason.as_str(), found.codes.len()), (standing, reason, 0));
        assert_eq!(table.asked.lock().expect("no panic").len(), 1, "only a listing has a text");
    }
}

#[tokio::test]
async fn an_answer_in_the_cache_is_shown_with_its_age() {
    let cached = HashMap::from([("A 1.2.0.192.bl.example".to_owned(), DnsAnswer::NotFound)]);
    let table = Table { cached, ..Table::default() };
    let found = said(&list("bl.example"), &address(), &table).await;
    assert_eq!((found.cached, found.age_seconds, found.ttl_seconds), (true, 12, 300));
    assert!(table.asked.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_list_is_not_asked_what_it_cannot_hold() {
    let domain = Subject::Domain("mail.example".to_owned());
    let v6 = Subject::Address("2001:db8::1".parse().expect("an address"));
    let domains = Declared { subject: crate::dns_lists::Subject::Domain, ..list("dbl.example") };
    let long = Subject::Domain(["a"; 125].join("."));
    for (list, subject, reason) in [
        (&domains, &address(), "it holds domains"),
        (&list("bl.example"), &domain, "it holds addresses"),
        (&Declared { ipv6: false, ..list("bl.example") }, &v6, "it is not asked about IPv6"),
        (&Declared { ipv4: false, ..list("bl.example") }, &address(), "it is not asked about IPv4"),
        (&domains, &long, "no name of the DNS is so long"),
    ] {
        let found = said(list, subject, &Table::default()).await;
        assert_eq!((found.standing.as_str(), found.reason.as_str()), ("not_asked", reason));
    }
    let table = table(&[("A mail.example.dbl.example", DnsAnswer::NotFound)]);
    assert_eq!(said(&domains, &domain, &table).await.standing, "not_listed");
    assert_eq!(said(&unconfigured("dbl.example"), &domain, &table).await.standing, "not_listed", "who knows");
}

/// A check over two lists, which refuses by what is labelled.
struct Two;

static DEF: Def = Def {
    name: "two",
    doc: "for tests",
    stages: &[Stage::Connect],
    rules: &[Rule::policy("listed", "no", "for tests")],
    fields: &[],
    tables: &[],
    mode: Mode::Enforce,
    despite: &[],
    build: |_: &Section<'_>, _| Box::new(Two),
};

impl Check for Two {
    fn decide(&self, _: Stage, facts: &Facts, answers: &crate::ask::Answers, _: Now, found: &mut Vec<Finding>) {
        assert_eq!(facts.connection.client_ip, Some(IpAddr::from([192, 0, 2, 1])));
        for list in [list("bl.example"), list("other.example")] {
            match answers.dns(&list.about(FRONT, RecordType::A)) {
                DnsAnswer::Found(records) => {
                    for (code, label) in LABELS {
                        let code = Ipv4Addr::new(127, 0, 0, code);
                        if records.contains(&Record::A(code)) {
                            let mut finding = Finding::new(0, Outcome::Reject, label);
                            finding.vars = vec![("code", code.to_string()), ("label", label.to_owned())];
                            found.push(Finding { list: Some(list.id), ..finding });
                        }
                    }
                }
                DnsAnswer::NotFound => {}
                DnsAnswer::Failed(_) => panic!("another list's silence must not change what this one would do"),
            }
        }
        found.push(Finding::new(0, Outcome::Reject, "of no list"));
    }
}

#[tokio::test]
async fn labels_and_what_would_follow_come_from_the_checks() {
    let table =
        table(&[("A 1.2.0.192.bl.example", codes(&[2, 3, 4])), ("TXT 1.2.0.192.bl.example", DnsAnswer::NotFound)]);
    let lists = [list("bl.example"), list("other.example")];
    let said = Said::of(&lists[0], &address(), &table).await;
    let now = Clock::manual(1_000).now();
    let checks: [(&'static Def, &dyn Check); 1] = [(&DEF, &Two)];
    let found = findings(checks.into_iter(), &said, &lists, &address(), now);
    let shown = said.into_wire(&found);
    let labels: Vec<_> = shown.codes.iter().map(|code| (code.code.as_str(), code.label.as_str())).collect();
    assert_eq!(labels, [("127.0.0.2", "spam"), ("127.0.0.3", ""), ("127.0.0.4", "bot")]);
    let found: Vec<_> = shown.findings.iter().map(|found| (found.check.as_str(), found.detail.as_str())).collect();
    assert_eq!(found, [("two", "spam"), ("two", "bot")]);
}

fn engine(table: Arc<Table>) -> Arc<Engine> {
    let policy = Policy::build(&Document::default(), 1).expect("the defaults");
    let key = StateKey::new(&[1; 32]).expect("long enough");
    Arc::new(Engine::new(policy, table, Clock::manual(1_000), Arc::new(KillSwitch::default()), key, LogRing::new(16)))
}

fn zones(zones: &[&str]) -> Vec<String> {
    zones.iter().map(|&zone| zone.to_owned()).collect()
}

async fn next(lookup: &mut Lookup) -> Option<Part> {
    lookup.next().await.map(|reply| reply.expect("no failure").part.expect("a part"))
}

#[tokio::test]
async fn each_answer_is_told_as_it_comes() {
    let table = Arc::new(table(&[("A 1.2.0.192.fast.example", DnsAnswer::NotFound)]));
    let now = Clock::manual(1_000).now();
    let wanted = zones(&["slow.example", "fast.example", "Fast.example."]);
    let mut lookup = Lookup::start(engine(table.clone()), &address(), &wanted, now).expect("zones");
    let Some(Part::List(first)) = next(&mut lookup).await else { panic!("an answer") };
    assert_eq!((first.name.as_str(), first.standing.as_str()), ("fast.example", "not_listed"));
    let waiting = table.waiting.lock().expect("no panic").pop().expect("the slow one is asked at the same time");
    drop(waiting);
    let Some(Part::List(second)) = next(&mut lookup).await else { panic!("an answer") };
    assert_eq!((second.name.as_str(), second.standing.as_str()), ("slow.example", "failed"));
    assert_eq!(next(&mut lookup).await, None, "zones of no policy have no verdict");
}

#[tokio::test]
async fn the_verdict_comes_last() {
    let now = Clock::manual(1_000).now();
    let table = Arc::new(Table { rest: Some(DnsAnswer::NotFound), ..Table::default() });
    for subject in [address(), Subject::Domain("mail.example".to_owned())] {
        let mut lookup = Lookup::start(engine(table.clone()), &subject, &[], now).expect("the policy's lists");
        let Some(Part::Decision(decision)) = next(&mut lookup).await else { panic!("a decision") };
        let expected = if subject == address() { ("192.0.2.1", "") } else { ("", "postmaster@mail.example") };
        assert_eq!((decision.client_ip.as_str(), decision.sender.as_str()), expected);
        assert_eq!(next(&mut lookup).await, None);
    }
}

#[test]
fn zones_are_those_that_the_dns_holds() {
    let secret = Declared { zone: DnsName::with_secret("k.zen.example", 0..1), ..list("zen.example") };
    let configured = [list("bl.example"), secret];
    let names = |wanted: &[&str]| {
        one_off(&zones(wanted), &configured).map(|lists| lists.iter().map(|list| list.id).collect::<Vec<_>>())
    };
    let known = ListId::named("bl.example");
    assert_eq!(names(&["BL.example.", "x.example", "k.zen.example"]), Ok(vec![known, ListId::NONE, ListId::NONE]));
    for wrong in ["", "a..b", "a b", "b\u{fc}.example", &["a"; 96].join(".")] {
        assert!(names(&[wrong]).is_err_and(|error| error.contains("is no zone")), "{wrong}");
    }
    let many: Vec<String> = (0..=LISTS_MAX).map(|at| format!("z{at}.example")).collect();
    assert!(one_off(&many, &[]).is_err_and(|error| error.starts_with("49 zones: expected at most 48")));
}
