//! What does an administrator see of what is remembered? `tollgate reputation show SUBJECT`, and which trap covers whom.

use super::{
    Reputation,
    formula::{Combined, Part},
};
use crate::{
    ask::{StateAnswer, StateQuestion},
    check::{Memory, Rows},
    session::Address,
    state::{Experience, Horizon, Standing, Subject},
};
use bytes::Bytes;

pub(super) const OPERATIONS: &[(&str, &str)] = &[
    ("show", "SUBJECT: what is remembered of an address, net, helo:NAME or domain, and for what"),
    ("trap", "ADDRESS: which entry makes this recipient a trap"),
];

const COLUMNS: [&str; 8] = ["subject", "reputation", "hour", "day", "month", "good", "bad", "remembered for"];

pub(super) fn without_memory(check: &Reputation, op: &str, args: &[String]) -> Result<Rows, String> {
    match (op, args) {
        ("trap", [address]) => {
            let asked = Address::new(Bytes::copy_from_slice(address.as_bytes()));
            let entry = check.traps.covers(&asked);
            let shown = entry.map_or_else(|| "no".to_owned(), |entry| String::from_utf8_lossy(entry).into_owned());
            let columns = ["address", "entry"].map(str::to_owned).to_vec();
            Ok(Rows { columns, rows: vec![vec![address.clone(), shown]] })
        }
        ("trap", _) => Err("expected one address: trap ADDRESS".to_owned()),
        ("show", _) => Err("what is remembered is known to the daemon only".to_owned()),
        _ => Err(format!("there is no operation \"{op}\": expected show or trap")),
    }
}

pub(super) fn with_memory(check: &Reputation, op: &str, args: &[String], memory: &dyn Memory) -> Result<Rows, String> {
    let ("show", [subject]) = (op, args) else {
        return match op {
            "show" => Err("expected one of address, net, helo:NAME and domain: show SUBJECT".to_owned()),
            _ => without_memory(check, op, args),
        };
    };
    let subject: Subject = subject.parse()?;
    let mut about = vec![subject.clone()];
    if let Subject::Ip(ip) = subject {
        about.extend(Subject::nets_of(ip));
    }
    let now = memory.now().unix_seconds();
    let (mut rows, mut parts) = (Vec::new(), Vec::new());
    for subject in about {
        let answer = memory.look(&StateQuestion::Standing(subject.clone()));
        rows.push(row(&subject, &answer, now));
        if let StateAnswer::Standing(standing) = answer {
            parts.push(Part { subject, standing: *standing });
        }
    }
    if rows.len() > 1 {
        let combined = Combined::of(parts.into_iter(), now);
        let points = combined.points(check.weight, check.neutral);
        let mut last = vec!["together".to_owned(), format!("{:+.0}", combined.reputation)];
        last.resize(COLUMNS.len() - 1, String::new());
        last.push(format!("score {points}"));
        rows.push(last);
    }
    Ok(Rows { columns: COLUMNS.map(str::to_owned).to_vec(), rows })
}

fn row(subject: &Subject, answer: &StateAnswer, now: u64) -> Vec<String> {
    let mut cells = vec![subject.to_string()];
    match answer {
        StateAnswer::Standing(standing) => cells.extend(figures(standing, now)),
        StateAnswer::Unknown => cells.push("not at hand: ask again".to_owned()),
        _ => cells.push("unknown".to_owned()),
    }
    cells.resize(COLUMNS.len(), String::new());
    cells
}

/// As of now: reputation, each horizon, the points of the longest, and experiences with the time since the latest.
fn figures(standing: &Standing, now: u64) -> Vec<String> {
    let ago = now.saturating_sub(standing.at.into());
    let standing = standing.at(now);
    let mut cells = vec![format!("{:+.0}", standing.reputation(now))];
    cells.extend(Horizon::ALL.map(|horizon| format!("{:+.0}", 100.0 * standing.balance(horizon))));
    let month = Horizon::Month as usize;
    cells.extend([standing.good[month], standing.bad[month]].map(|points| format!("{points:.1}")));
    let told = Experience::ALL.iter().zip(standing.counts).filter(|(_, count)| *count >= 0.05);
    let mut what_for: Vec<String> =
        told.map(|(experience, count)| format!("{} {count:.1}", experience.name())).collect();
    what_for.push(format!("latest {ago} s ago"));
    cells.push(what_for.join(", "));
    cells
}
