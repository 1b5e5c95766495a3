//! Are the worst found, is everything exported once, and is only what can be right taken in?

use super::*;
use crate::{clock::Clock, recall::Bounds};
use std::{collections::BTreeSet, sync::Arc};
use tokio_stream::StreamExt;

const NOW: u64 = 1_800_000_000;

fn recall(lessons: &[(&str, f32)]) -> Arc<Recall> {
    let recall = Recall::alone(Bounds::default(), Clock::manual(NOW));
    for (subject, points) in lessons {
        let subject = subject.parse().expect("a subject");
        recall.standings.change(subject, NOW, |own, _| own.learn(Experience::Refused, *points, NOW));
    }
    Arc::new(recall)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn asked(recall: &Recall, kind: &str, best: bool, count: u32) -> Result<Vec<String>, Status> {
    let request = v1::ReputationTopRequest { kind: kind.to_owned(), best, count };
    let reply = runtime().block_on(top(recall, &request, NOW))?;
    Ok(reply.rows.into_iter().map(|row| row.subject).collect())
}

#[test]
fn the_worst_and_the_best_are_found() {
    let recall = recall(&[
        ("192.0.2.1", -5.0),
        ("192.0.2.2", -50.0),
        ("192.0.2.0/24", -20.0),
        ("helo:mx.example", 10.0),
        ("example.org", 30.0),
    ]);
    let of = |kind, best, count| asked(&recall, kind, best, count).expect("an answer");
    assert_eq!(of("", false, 2), ["192.0.2.2", "192.0.2.0/24"]);
    assert_eq!(of("ip", false, 1_000), ["192.0.2.2", "192.0.2.1"]);
    assert_eq!(of("", true, 10), ["domain:example.org", "helo:mx.example"]);
    for (kind, count) in [("host", 1), ("", 0), ("", 1_001)] {
        assert!(asked(&recall, kind, false, count).is_err(), "{kind} {count}");
    }
}

fn exported(recall: &Arc<Recall>, kind: &str, below: Option<i32>) -> Vec<v1::Reputation> {
    let request = v1::ReputationExportRequest { kind: kind.to_owned(), below };
    let pieces = Export::start(recall.clone(), &request, NOW).expect("a stream");
    let pieces: Vec<_> = runtime().block_on(pieces.collect());
    pieces.into_iter().flat_map(|piece| piece.expect("a piece").rows).collect()
}

#[test]
fn everything_is_exported_once() {
    let names: Vec<String> = (0..5_000).map(|number| format!("helo:h{number}.example")).collect();
    let lessons: Vec<(&str, f32)> = names.iter().map(|name| (name.as_str(), -1.0)).collect();
    let recall = recall(&[lessons, vec![("192.0.2.1", -50.0)]].concat());
    let rows = exported(&recall, "", None);
    let subjects: BTreeSet<&str> = rows.iter().map(|row| row.subject.as_str()).collect();
    assert_eq!((rows.len(), subjects.len()), (5_001, 5_001));
    assert_eq!(exported(&recall, "ip", None).len(), 1);
    let bad = exported(&recall, "", Some(-50));
    assert_eq!(bad.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["192.0.2.1"]);
    assert_eq!(bad[0].experiences[0].kind, "refused");
}

#[test]
fn what_is_exported_can_be_read() {
    let recall = recall(&[("2001:db8::/48", -5.0)]);
    recall.standings.change("2001:db8::/48".parse().expect("a net"), NOW, |own, _| {
        own.witness(7);
    });
    let row = exported(&recall, "", None).remove(0);
    let (subject, standing) = import::read(row.clone(), NOW).expect("it can be right");
    assert_eq!((subject.to_string(), standing.witnesses), ("2001:db8::/48".to_owned(), [7, 0, 0]));
    let wrong: [&dyn Fn(&mut v1::Reputation); 8] = [
        &|row| row.subject = "a b".to_owned(),
        &|row| row.at = NOW + 86_400,
        &|row| row.at = 1,
        &|row| row.bad = vec![1.0],
        &|row| row.bad[0] = f32::NAN,
        &|row| row.good[0] = -1.0,
        &|row| row.experiences[0].kind = "loved".to_owned(),
        &|row| row.witnesses = vec![1, 2, 3, 4],
    ];
    for (at, spoil) in wrong.into_iter().enumerate() {
        let mut row = row.clone();
        spoil(&mut row);
        assert!(import::read(row, NOW).is_none(), "{at}");
    }
}
