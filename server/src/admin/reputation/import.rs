//! What was exported here or elsewhere, taken in: checked row by row, and counted once however often it comes.

use super::{ROWS_MAX, check_words, known};
use crate::{
    app::Running,
    clock::Now,
    recall::Recall,
    state::{Experience, Horizon, Record, Standing, Subject},
};
use tokio_stream::{Stream, StreamExt};
use tollgate_proto::v1;
use tonic::Status;

/// Rows of one import: more than memory holds.
const ALL_ROWS_MAX: u64 = 10_000_000;

/// Points of one horizon: what years of much mail come to, and no more.
const POINTS_MAX: f32 = 1_000_000.0;

/// How far ahead another server's clock may be, in seconds.
const AHEAD_MAX: u64 = 3_600;

pub(in crate::admin) async fn import(
    running: &Running,
    mut pieces: impl Stream<Item = Result<v1::ReputationImportRequest, Status>> + Unpin,
) -> Result<v1::ReputationImportReply, Status> {
    let (recall, now) = (running.engine.recall(), running.clock.now());
    let (mut reply, mut words) = (v1::ReputationImportReply::default(), None);
    while let Some(piece) = pieces.next().await {
        let v1::ReputationImportRequest { rows, reason, by } = piece?;
        if words.is_none() {
            check_words(&reason, &by)?;
            words = Some((reason, by));
        }
        if rows.len() > ROWS_MAX || total(&reply) + rows.len() as u64 > ALL_ROWS_MAX {
            return Err(Status::invalid_argument(format!(
                "too many rows: expected at most {ROWS_MAX} in a message, and {ALL_ROWS_MAX} in all"
            )));
        }
        for row in rows {
            match take(recall, row, now).await {
                Some(true) => reply.taken += 1,
                Some(false) => reply.known += 1,
                None => reply.refused += 1,
            }
        }
        tokio::task::yield_now().await;
    }
    let Some((reason, by)) = words else { return Err(Status::invalid_argument("nothing came")) };
    let counts = [("taken", reply.taken), ("known", reply.known), ("refused", reply.refused)];
    let mut words: Vec<(&'static str, String)> = counts.map(|(key, count)| (key, count.to_string())).to_vec();
    words.extend([("by", by), ("reason", reason)]);
    running.ring.notice(now, "reputation_import", words);
    Ok(reply)
}

fn total(reply: &v1::ReputationImportReply) -> u64 {
    reply.taken + reply.known + reply.refused
}

/// `true` = something was not known; `None` = the row cannot be taken.
async fn take(recall: &Recall, row: v1::Reputation, now: Now) -> Option<bool> {
    let (subject, standing) = read(row, now.unix_seconds())?;
    // What the store holds has to be here first, or it would come on top.
    known(recall, &subject).await?;
    let mut news = false;
    recall.standings.change(subject, now.unix_seconds(), |own, others| news = own.import(others, &standing));
    Some(news)
}

/// A row that can be right.
pub(super) fn read(row: v1::Reputation, now: u64) -> Option<(Subject, Standing)> {
    let subject: Subject = row.subject.parse().ok()?;
    let mut standing = Standing {
        epoch: u16::try_from(row.epoch).ok()?,
        events: row.events,
        at: u32::try_from(row.at.min(now)).ok().filter(|_| row.at <= now + AHEAD_MAX)?,
        good: points(&row.good)?,
        bad: points(&row.bad)?,
        ..Standing::default()
    };
    for v1::ExperienceCount { kind, count } in &row.experiences {
        let place = Experience::ALL.iter().position(|experience| experience.name() == kind)?;
        standing.counts[place] = *count;
    }
    let sane = standing.counts.iter().all(is_sane);
    if row.witnesses.len() > Standing::WITNESSES || row.experiences.len() > Experience::ALL.len() || !sane {
        return None;
    }
    for mark in row.witnesses {
        standing.witness(u16::try_from(mark).ok()?);
    }
    (standing.expires_at() > now).then_some((subject, standing))
}

fn points(sums: &[f32]) -> Option<[f32; Horizon::ALL.len()]> {
    <[f32; Horizon::ALL.len()]>::try_from(sums).ok().filter(|sums| sums.iter().all(is_sane))
}

fn is_sane(points: &f32) -> bool {
    (0.0..=POINTS_MAX).contains(points)
}
