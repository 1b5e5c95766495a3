//! What does every DNS list say about one address or domain? All are asked at once, and each is told as it comes; at
//! last the verdict that would follow.
//!
//! `said` asks one list; this file asks all of them, and knows what a listing would do.

mod said;
#[cfg(test)]
mod tests;

use super::subject::Subject;
use crate::{
    ask::{Answer, Answered, Ask, DnsAnswer, Health, ListId, Question, RecordType, reversed},
    check::{Check, Def, Finding},
    checks,
    clock::Now,
    dns_lists::{Declared, LISTS_MAX},
    pipeline::{Engine, Judged},
    rpc::convert,
    session::{Address, Facts, Helo, Sender, Stage},
};
use bytes::Bytes;
use said::Said;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::task::JoinSet;
use tokio_stream::Stream;
use tollgate_proto::v1;
use tonic::Status;

/// With 64 octets of IPv6 nibbles in front, a name still fits into the DNS (RFC 1035 §2.3.4).
const ZONE_OCTETS_MAX: usize = 253 - 64;

/// Answers of lists in the order in which they come, then the decision. Dropping it ends its tasks; look-ups under way
/// go into the cache.
pub(super) struct Lookup {
    /// At most [`LISTS_MAX`] lists, then the decision.
    tasks: JoinSet<v1::LookupReply>,
    last: Option<(Arc<Engine>, Facts)>,
}

impl Lookup {
    /// Asks the lists of the policy in force or, if there are any, the `zones`.
    pub(super) fn start(engine: Arc<Engine>, subject: &Subject, zones: &[String], now: Now) -> Result<Self, String> {
        let policy = engine.policy();
        let lists = if zones.is_empty() { policy.dns_lists().to_vec() } else { one_off(zones, policy.dns_lists())? };
        let mut tasks = JoinSet::new();
        for list in lists {
            let (engine, policy, subject) = (engine.clone(), policy.clone(), subject.clone());
            tasks.spawn(async move {
                let ask = engine.asks();
                let mut said = Said::of(&list, &subject, &*ask).await;
                let checks = checks::ALL.iter().filter_map(|&def| Some((def, policy.check(def.name)?)));
                let found = findings(checks, &said, policy.dns_lists(), &subject, now);
                said.health = health(list.id, &*ask);
                reply(v1::lookup_reply::Part::List(Box::new(said.into_wire(&found))))
            });
        }
        let last = zones.is_empty().then(|| (engine, mail_from(subject)));
        Ok(Self { tasks, last })
    }
}

impl Stream for Lookup {
    type Item = Result<v1::LookupReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.tasks.poll_join_next(context)) {
                Some(Ok(reply)) => return Poll::Ready(Some(Ok(reply))),
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(Status::internal(format!("a look-up broke: {error}")))));
                }
                None => {}
            }
            // By now the caches know what the rehearsal asks.
            let Some((engine, facts)) = self.last.take() else { return Poll::Ready(None) };
            self.tasks.spawn(async move {
                let decision = engine.rehearse(Stage::Rcpt, facts).await;
                reply(v1::lookup_reply::Part::Decision(Box::new(convert::decision(&decision))))
            });
        }
    }
}

fn reply(part: v1::lookup_reply::Part) -> v1::LookupReply {
    v1::LookupReply { part: Some(part) }
}

/// Zones that somebody gives once. One that is configured is asked as it is configured, and on its account.
fn one_off(zones: &[String], configured: &[Declared]) -> Result<Vec<Declared>, String> {
    let mut lists: Vec<Declared> = Vec::new();
    for written in zones {
        let zone = written.strip_suffix('.').unwrap_or(written).to_ascii_lowercase();
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
        if zone.len() > ZONE_OCTETS_MAX || !zone.split('.').all(label) {
            let shown: String = written.chars().take(ZONE_OCTETS_MAX).collect();
            return Err(format!("\"{shown}\" is no zone of a DNS list: expected such as zen.spamhaus.org"));
        }
        if lists.iter().any(|list| list.zone.expose() == zone) {
            continue;
        }
        let known = configured.iter().find(|list| list.zone.secret().is_none() && list.zone.expose() == zone);
        lists.push(known.cloned().unwrap_or_else(|| unconfigured(&zone)));
    }
    if lists.len() > LISTS_MAX {
        return Err(format!("{} zones: expected at most {LISTS_MAX}", lists.len()));
    }
    Ok(lists)
}

fn unconfigured(zone: &str) -> Declared {
    Declared { id: ListId::NONE, ..Declared::new(zone) }
}

/// What a listing would do by itself: what the checks find when every other list holds nobody.
fn findings<'a>(
    checks: impl Iterator<Item = (&'static Def, &'a dyn Check)>,
    said: &Said,
    lists: &[Declared],
    subject: &Subject,
    now: Now,
) -> Vec<(Judged, Finding)> {
    if said.list.id == ListId::NONE || said.standing != said::LISTED {
        return Vec::new();
    }
    let facts = named_everywhere(subject);
    let mut answers = said.answers.clone();
    let others = lists.iter().filter(|list| list.id != said.list.id);
    for question in
        others.flat_map(|list| [RecordType::A, RecordType::Txt].map(|kind| list.about(&front(subject), kind)))
    {
        let answer = Answer::Dns(DnsAnswer::NotFound);
        answers.insert(Question::Dns(question), Answered { answer, ..Answered::health(Arc::default()) });
    }
    let mut judged = Vec::new();
    for (def, check) in checks {
        let mut found = Vec::new();
        check.decide(Stage::Rcpt, &facts, &answers, now, &mut found);
        for finding in found.into_iter().filter(|finding| finding.list == Some(said.list.id)) {
            let rule = def.rules.get(finding.rule).map_or("", |rule| rule.name);
            let Finding { outcome, mode, ref detail, .. } = finding;
            let detail = detail.clone();
            judged.push((
                Judged { check: def.name, rule, outcome, mode, detail, excused: None, despite_allowed: false },
                finding,
            ));
        }
    }
    judged
}

/// What stands in front of a zone.
fn front(subject: &Subject) -> String {
    match subject {
        Subject::Address(ip) => reversed(*ip),
        Subject::Domain(name) => name.clone(),
    }
}

/// A session in which the subject stands wherever a list may look for it.
fn named_everywhere(subject: &Subject) -> Facts {
    let mut facts = mail_from(subject);
    if let Subject::Domain(name) = subject {
        let name = Bytes::copy_from_slice(name.as_bytes());
        facts.helo = Some(Helo { name: name.clone(), esmtp: true });
        facts.connection.client_name = Some(name);
    }
    facts
}

/// A mail from the subject, as far as that alone says anything.
fn mail_from(subject: &Subject) -> Facts {
    let mut facts = Facts::default();
    match subject {
        Subject::Address(ip) => {
            facts.connection.client_ip = Some(*ip);
            // With its own literal for a HELO (RFC 5321 §4.1.3), which is no fault: nothing but the address is judged.
            let literal = if ip.is_ipv4() { format!("[{ip}]") } else { format!("[IPv6:{ip}]") };
            facts.helo = Some(Helo { name: literal.into(), esmtp: true });
        }
        Subject::Domain(name) => {
            let address = Address::new(Bytes::from(format!("postmaster@{name}")));
            facts.sender = Some(Sender { address, declared_size: 0 });
        }
    }
    facts
}

fn health(list: ListId, ask: &dyn Ask) -> Health {
    match ask.cached(&Question::ListHealth).map(|answered| answered.answer) {
        Some(Answer::ListHealth(board)) => board.health(list),
        _ => Health::Healthy,
    }
}
