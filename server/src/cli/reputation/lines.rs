//! How does a reputation stand in a line of JSON? The names of `admin.proto`, written and read.

use crate::cli::{Failure, exit};
use serde_json::{Map, Value, json};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};
use tollgate_proto::v1::{ExperienceCount, Reputation};

/// Longest line, in octets: a name and some twenty numbers.
const LINE_OCTETS_MAX: u64 = 4_096;

/// Lines of a file: what a daemon has in memory with room to spare, and what this command can hold.
const LINES_MAX: usize = 5_000_000;

/// Every field of the message.
pub(super) fn json(row: &Reputation) -> Value {
    let counts = row.experiences.iter().map(|told| (told.kind.clone(), json!(told.count)));
    json!({
        "subject": row.subject,
        "kind": row.kind,
        "reputation": row.reputation,
        "at": row.at,
        "epoch": row.epoch,
        "events": row.events,
        "good": row.good,
        "bad": row.bad,
        "experiences": counts.collect::<Map<_, _>>(),
        "witnesses": row.witnesses,
    })
}

/// All lines of an export. `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<Reputation>, Failure> {
    let wrong = |text: String| Failure::new(exit::USAGE, format!("{}: {text}", path.display()));
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| wrong(error.to_string()))?)
    };
    let (mut source, mut rows, mut line) = (BufReader::new(source), Vec::new(), Vec::new());
    for number in 1_usize.. {
        line.clear();
        let mut bounded = (&mut source).take(LINE_OCTETS_MAX + 1);
        let octets = bounded.read_until(b'\n', &mut line).map_err(|error| wrong(error.to_string()))?;
        if octets == 0 {
            break;
        }
        if octets as u64 > LINE_OCTETS_MAX {
            return Err(wrong(format!("line {number}: expected at most {LINE_OCTETS_MAX} octets")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row = serde_json::from_slice(&line).ok().as_ref().and_then(row);
        rows.push(row.ok_or_else(|| wrong(format!("line {number}: expected what `reputation export` writes")))?);
        if rows.len() > LINES_MAX {
            return Err(wrong(format!("expected at most {LINES_MAX} lines")));
        }
    }
    Ok(rows)
}

/// What stands in a line; keys that are not known are passed over, those that are have to be there.
fn row(value: &Value) -> Option<Reputation> {
    let number = |key: &str| value.get(key)?.as_u64();
    let small = |key: &str| u32::try_from(number(key)?).ok();
    let points = |key: &str| -> Option<Vec<f32>> {
        value.get(key)?.as_array()?.iter().map(|sum| sum.as_f64().map(|sum| sum as f32)).collect()
    };
    let count =
        |(kind, count): (&String, &Value)| Some(ExperienceCount { kind: kind.clone(), count: count.as_f64()? as f32 });
    let mark = |mark: &Value| u32::try_from(mark.as_u64()?).ok();
    Some(Reputation {
        subject: value.get("subject")?.as_str()?.to_owned(),
        kind: String::new(),
        reputation: 0.0,
        at: number("at")?,
        epoch: small("epoch")?,
        events: small("events")?,
        good: points("good")?,
        bad: points("bad")?,
        experiences: value.get("experiences")?.as_object()?.iter().map(count).collect::<Option<_>>()?,
        witnesses: value.get("witnesses")?.as_array()?.iter().map(mark).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let written = Reputation {
            subject: "192.0.2.1".to_owned(),
            at: 1_800_000_000,
            epoch: 2,
            events: 7,
            good: vec![0.1, 0.25, 1e-8],
            bad: vec![20.0, 0.3, 3.3],
            experiences: vec![ExperienceCount { kind: "trap".to_owned(), count: 1.5 }],
            witnesses: vec![7, 65_535],
            ..Reputation::default()
        };
        let line = json(&written).to_string();
        assert_eq!(serde_json::from_str(&line).ok().as_ref().and_then(row), Some(written));
        assert!(!line.contains('\n') && line.len() < 4_096);
    }
}
