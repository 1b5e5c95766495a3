//! What does a decision look like to somebody who was woken by it? Verdict first, then who spoke, why, and on what evidence.

use super::{
    text::{columns, escaped, one_line},
    units::{took, utc},
};
use std::io::{self, Write};
use tollgate_proto::v1::{Action, Decision, Evidence, Finding, Verdict};

/// The word of configuration, logs and metrics.
pub(super) fn action_name(action: Action) -> &'static str {
    match action {
        Action::Continue => "continue",
        Action::Defer => "defer",
        Action::Reject => "reject",
    }
}

/// The verdict of a decision; an absent one is the empty one: continue.
pub(super) fn verdict(decision: &Decision) -> Verdict {
    decision.verdict.clone().unwrap_or_default()
}

/// Who spoke to whom, for a decision that stands alone.
pub(super) fn session(out: &mut dyn Write, decision: &Decision) -> io::Result<()> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    row("decision_id", one_line(&verdict(decision).decision_id));
    row("time", utc(decision.time_ms / 1_000));
    row("host", one_line(&decision.host));
    row("session_id", one_line(&decision.session_id));
    row("client_ip", one_line(&decision.client_ip));
    row("helo", one_line(&decision.helo));
    row("sender", one_line(&decision.sender));
    write!(out, "{}", columns("", &rows))
}

/// Stage, verdict, findings and evidence.
pub(super) fn print(out: &mut dyn Write, decision: &Decision) -> io::Result<()> {
    let verdict = verdict(decision);
    let whom = if decision.recipient.is_empty() { String::new() } else { format!(" {}", escaped(&decision.recipient)) };
    let stage = format!("{}{whom}", one_line(&decision.stage));
    writeln!(out, "{stage}: {}  ({})", outcome(&verdict), took(decision.took_us))?;
    for (name, value) in remarks(decision, &verdict) {
        writeln!(out, "    {name}: {value}")?;
    }
    table(out, "found", decision.findings.iter().map(finding))?;
    table(out, "evidence", decision.evidence.iter().map(evidence))
}

/// `REJECT 553 text`, so that it stands out among those that pass.
fn outcome(verdict: &Verdict) -> String {
    match verdict.action() {
        Action::Continue => "continue".to_owned(),
        _ => format!(
            "{} {} {}",
            action_name(verdict.action()).to_uppercase(),
            verdict.code,
            verdict.text.replace('\n', " / ")
        ),
    }
}

/// What is worth a line only when it is there.
fn remarks(decision: &Decision, verdict: &Verdict) -> Vec<(&'static str, String)> {
    let would_have = match decision.would_have() {
        Action::Continue => String::new(),
        action => format!("{} by {}, if everything were enforced", action_name(action), decision.would_have_by),
    };
    let mut remarks = vec![
        (
            "off",
            if decision.off { "the checks are switched off: nothing was evaluated".to_owned() } else { String::new() },
        ),
        ("decided by", one_line(&decision.decided_by)),
        ("would have", one_line(&would_have)),
        ("degraded", one_line(&verdict.degraded.join(", "))),
        ("delay", if verdict.delay_ms == 0 { String::new() } else { format!("{} ms", verdict.delay_ms) }),
        ("then", if verdict.close { "the connection is closed".to_owned() } else { String::new() }),
    ];
    remarks.extend(verdict.headers.iter().map(|header| ("header", escaped(header.as_bytes()))));
    // Somebody who asks about mail that passes does not need the name of a decision that was never logged.
    remarks
        .retain(|(name, value)| !value.is_empty() && (*name != "decision id" || verdict.action() != Action::Continue));
    remarks
}

/// Check, rule, outcome, what keeps it from counting, detail.
pub(super) fn finding(finding: &Finding) -> Vec<String> {
    let outcome = match finding.outcome.as_str() {
        "score" => format!("score {:+}", finding.score),
        other => other.to_owned(),
    };
    // Only what does not count in full needs saying.
    let mode = match (finding.excused.as_str(), finding.mode.as_str()) {
        ("", "enforce") => String::new(),
        ("", mode) => format!("({mode} only)"),
        (reason, _) => format!("(passed over: {reason})"),
    };
    [&finding.check, &finding.rule, &outcome, &mode, &finding.detail].map(|cell| one_line(cell)).to_vec()
}

/// Seconds of an answer that holds for ever, such as an SPF result for which nothing of the DNS was needed.
pub(super) const NO_EXPIRY: u32 = u32::MAX;

fn evidence(evidence: &Evidence) -> Vec<String> {
    let Evidence { age_seconds, ttl_seconds, .. } = evidence;
    let source = match evidence {
        Evidence { missing: true, .. } => format!("no answer within {}", took(evidence.took_us)),
        Evidence { stale: true, .. } => format!("stale: cached {age_seconds} s ago, expired"),
        // What is remembered does not expire like an answer of the DNS.
        Evidence { cached: true, ttl_seconds: 0, age_seconds: 0, .. } => "at hand".to_owned(),
        Evidence { cached: true, ttl_seconds: 0, .. } => format!("at hand, {age_seconds} s old"),
        Evidence { cached: true, ttl_seconds: NO_EXPIRY, .. } => format!("cached {age_seconds} s ago, no expiry"),
        Evidence { cached: true, .. } => format!("cached {age_seconds} s ago, {ttl_seconds} s left"),
        Evidence { ttl_seconds: 0, .. } => format!("asked, {}", took(evidence.took_us)),
        Evidence { ttl_seconds: NO_EXPIRY, .. } => format!("asked, {}, no expiry", took(evidence.took_us)),
        Evidence { .. } => format!("asked, {}, valid {ttl_seconds} s", took(evidence.took_us)),
    };
    vec![one_line(&evidence.question), one_line(&evidence.answer), source]
}

/// A title and rows below it; nothing where there are none.
pub(super) fn table(out: &mut dyn Write, title: &str, rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    write!(out, "    {title}:\n{}", columns("        ", &rows))
}
