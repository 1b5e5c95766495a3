//! Who is worst, what is remembered of everybody, and how is it forgotten or taken in? What is remembered, as the wire
//! writes it.
//!
//! Memory is looked through a page at a time: no lock is held while anything is sent, and calls of mail servers that
//! need this thread come in between.

mod export;
mod import;
#[cfg(test)]
mod tests;

pub(super) use export::Export;
pub(super) use import::import;

use crate::{
    app::Running,
    ask::{Answer, Answered, StateAnswer, StateQuestion},
    pipeline::KillSwitch,
    recall::{Recall, Table},
    state::{Experience, Standing, Subject},
};
use std::{cmp::Ordering, collections::BinaryHeap, time::Duration};
use tollgate_proto::v1;
use tonic::Status;

/// Rows of one message, and of one list of the worst.
pub(super) const ROWS_MAX: usize = 1_000;

/// How long the store may take to say what it holds.
const STORE: Duration = Duration::from_secs(5);

/// What is remembered of a subject, as of now.
pub(super) fn row(subject: &Subject, standing: &Standing, now: u64) -> v1::Reputation {
    let count = |(kind, count): (Experience, f32)| v1::ExperienceCount { kind: kind.name().to_owned(), count };
    v1::Reputation {
        subject: subject.to_string(),
        kind: subject.kind().to_owned(),
        reputation: standing.reputation(now),
        at: standing.at.into(),
        epoch: standing.epoch.into(),
        events: standing.events,
        good: standing.good.to_vec(),
        bad: standing.bad.to_vec(),
        experiences: Experience::ALL.into_iter().zip(standing.counts).filter(|(_, n)| *n > 0.0).map(count).collect(),
        witnesses: standing.witnesses.into_iter().filter(|&mark| mark != 0).map(u32::from).collect(),
    }
}

/// A kind that is asked for; `None` = all.
pub(super) fn kind(word: &str) -> Result<Option<&str>, Status> {
    match word {
        "" => Ok(None),
        "ip" | "net" | "helo" | "domain" => Ok(Some(word)),
        _ => Err(Status::invalid_argument("kind: expected ip, net, helo or domain")),
    }
}

/// Somebody in the list of the worst; `badness` is negative there for the best.
struct Ranked {
    badness: f32,
    subject: Subject,
    standing: Standing,
}

impl Ord for Ranked {
    /// The least bad is the greatest: it stands on top of the heap, and goes first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.badness.total_cmp(&self.badness).then_with(|| self.subject.cmp(&other.subject))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

/// The worst, or the best.
pub(super) async fn top(
    recall: &Recall,
    request: &v1::ReputationTopRequest,
    now: u64,
) -> Result<v1::ReputationTopReply, Status> {
    let (kind, best) = (kind(&request.kind)?, request.best);
    let count = usize::try_from(request.count).ok().filter(|count| (1..=ROWS_MAX).contains(count));
    let count = count.ok_or_else(|| Status::invalid_argument(format!("count: expected 1 to {ROWS_MAX}")))?;
    let mut heap = BinaryHeap::with_capacity(count + 1);
    for page in 0..Table::<Standing>::PAGES {
        for (subject, standing) in recall.standings.page(page) {
            let reputation = standing.reputation(now);
            let badness = if best { reputation } else { -reputation };
            // Who is neutral is neither.
            if badness <= 0.0 || kind.is_some_and(|kind| subject.kind() != kind) {
                continue;
            }
            heap.push(Ranked { badness, subject, standing });
            if heap.len() > count {
                heap.pop();
            }
        }
        tokio::task::yield_now().await;
    }
    let rows = heap.into_sorted_vec().iter().map(|ranked| row(&ranked.subject, &ranked.standing, now)).collect();
    Ok(v1::ReputationTopReply { rows })
}

/// Forgets what is remembered of somebody.
pub(super) async fn reset(
    running: &Running,
    request: v1::ReputationResetRequest,
) -> Result<v1::ReputationResetReply, Status> {
    let v1::ReputationResetRequest { subject, reason, by } = request;
    let subject: Subject = subject.parse().map_err(Status::invalid_argument)?;
    check_words(&reason, &by)?;
    let (recall, now) = (running.engine.recall(), running.clock.now());
    let Some(known) = known(recall, &subject).await else {
        return Err(Status::unavailable("what is remembered could not be read: nothing was changed, try again"));
    };
    let before = known.map(|standing| row(&subject, &standing, now.unix_seconds()));
    if let Some(before) = &before {
        recall.standings.change(subject.clone(), now.unix_seconds(), |own, others| {
            own.epoch = own.epoch.max(others.map_or(0, |others| others.epoch));
            *own = own.wiped(now.unix_seconds());
        });
        let was = format!("{:+.0}", before.reputation);
        let words = vec![("subject", subject.to_string()), ("reputation", was), ("by", by), ("reason", reason)];
        running.ring.notice(now, "reputation_reset", words);
    }
    Ok(v1::ReputationResetReply { before })
}

/// Who changes what others rely on says so, and why.
fn check_words(reason: &str, by: &str) -> Result<(), Status> {
    for (key, text) in [("reason", reason), ("by", by)] {
        if text.trim().is_empty() || text.len() > KillSwitch::TEXT_OCTETS_MAX {
            let expected = KillSwitch::TEXT_OCTETS_MAX;
            return Err(Status::invalid_argument(format!("{key}: expected 1 to {expected} octets: others will ask")));
        }
    }
    Ok(())
}

/// What is remembered, here or in the store: only then may it be changed by more than an experience. `None` = nobody can
/// say at the moment.
async fn known(recall: &Recall, subject: &Subject) -> Option<Option<Standing>> {
    let question = StateQuestion::Standing(subject.clone());
    let answered: Answered = match recall.at_hand(&question) {
        Some(answered) => answered,
        None => tokio::time::timeout(STORE, recall.ask(question)).await.ok()?.ok()?,
    };
    match answered.answer {
        Answer::State(StateAnswer::Standing(standing)) => Some(Some(*standing)),
        Answer::State(StateAnswer::Nothing) => Some(None),
        _ => None,
    }
}
