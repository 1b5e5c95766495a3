//! What is written down of an event? One function an event; every key is the name of the protocol's field.

use super::{Line, Notice, Reported};
use crate::{
    ask::Answer,
    check::Outcome,
    clock::Now,
    dns_lists::Remembered,
    pipeline::{Action, Decision, Judged, ListsHeard},
    session::{Ending, Facts, Stage},
};
use std::fmt::Write;

/// Findings that are written into one line; the evidence has all of them.
const FINDINGS_MAX: usize = 8;

/// Is this decision worth a line of its own?
pub(super) fn is_notable(decision: &Decision) -> bool {
    decision.stage == Stage::Rcpt
        || decision.verdict.action != Action::Continue
        || decision.would_have.is_some()
        || !decision.findings.is_empty()
        || !decision.verdict.degraded.is_empty()
}

/// `event=decision`
pub(super) fn decision(mut line: Line<'_>, decision: &Decision) {
    let Decision { verdict, facts, .. } = decision;
    start(&mut line, decision.at, "decision");
    line.text("stage", decision.stage.name()).text("action", verdict.action.name());
    if verdict.action != Action::Continue {
        line.number("code", verdict.code).text("enhanced_status", &verdict.status);
    }
    line.text("decision_id", verdict.decision_id.as_str()).text_if("decided_by", decision.decided_by);
    if let Some((action, step)) = decision.would_have {
        line.text("would_have", action.name()).text_if("would_have_by", step);
    }
    line.flag("off", decision.off);
    session(&mut line, facts);
    line.text_if("findings", &findings(&decision.findings));
    lists(&mut line, decision.lists.as_ref());
    line.text_if("spf", spf(decision));
    line.text_if("degraded", &verdict.degraded.join(","));
    if verdict.delay_ms > 0 {
        line.number("delay_ms", verdict.delay_ms);
    }
    line.flag("close", verdict.close);
    line.number("took_us", u64::try_from(decision.took.as_micros()).unwrap_or(u64::MAX));
    line.number("generation", decision.generation);
    line.finish();
}

/// What SPF says of the sender, which is asked about before the HELO name; from the first recipient on.
fn spf(decision: &Decision) -> &'static str {
    let result = |answer: &Answer| match answer {
        Answer::Spf(evaluation) if evaluation.is_ours => Some("undecided"),
        Answer::Spf(evaluation) => Some(evaluation.result.name()),
        Answer::Dns(_) | Answer::ListHealth(_) | Answer::State(_) | Answer::Mailbox(_) | Answer::Exceptions(_) => None,
    };
    if decision.stage < Stage::Rcpt {
        return "";
    }
    decision.evidence.iter().find_map(|(_, answered)| result(&answered.answer)).unwrap_or_default()
}

/// `event=transaction` or, when the connection is over, `event=connection`.
pub(super) fn report(mut line: Line<'_>, reported: &Reported) {
    let facts = &reported.facts;
    let report = facts.report.clone().unwrap_or_default();
    let over = report.ending == Ending::Closed;
    start(&mut line, reported.at, if over { "connection" } else { "transaction" });
    line.text("ending", report.ending.name());
    if report.qp > 0 {
        line.number("qp", report.qp);
    }
    line.number("recipients_accepted", report.recipients_accepted);
    line.number("recipients_refused", report.recipients_refused);
    if !over {
        line.number("message_bytes", report.message_bytes);
    } else {
        line.number("messages_accepted", report.messages_accepted).flag("quit", report.quit);
    }
    if report.unanswered > 0 {
        line.number("unanswered", report.unanswered);
    }
    session(&mut line, facts);
    lists(&mut line, reported.lists.as_ref());
    if !report.queue_reply.is_empty() {
        line.bytes("queue_reply", &report.queue_reply);
    }
    line.finish();
}

/// What the daemon says of itself: `event=start`, `event=reload`, …
pub(super) fn notice(mut line: Line<'_>, notice: &Notice) {
    start(&mut line, notice.at, notice.event);
    for (key, value) in &notice.words {
        line.text(key, value);
    }
    line.finish();
}

fn start(line: &mut Line<'_>, at: Now, event: &'static str) {
    line.text("time", &utc(at.unix_millis())).text("event", event);
}

fn session(line: &mut Line<'_>, facts: &Facts) {
    let connection = &facts.connection;
    line.text("host", &connection.host);
    if let Some(ip) = connection.client_ip {
        line.text("client_ip", &ip.to_string());
    }
    if let Some(sender) = &facts.sender {
        line.bytes("sender", sender.address.raw());
    }
    if let Some(recipient) = &facts.recipient {
        line.bytes("recipient", recipient.address.raw());
    }
    if let Some(helo) = &facts.helo {
        line.bytes("helo", &helo.name);
    }
    line.text("session_id", &hex(&facts.session_id.0)).number("seq", facts.seq);
    line.number("smtpd_pid", connection.smtpd_pid);
    if let Some(name) = &connection.client_name {
        line.bytes("client_name", name);
    }
    line.flag("relayclient", connection.relayclient.is_some());
    if let Some(user) = &connection.authenticated_user {
        line.bytes("authenticated_user", user);
    }
}

/// What the DNS lists said of a connection: with the line that tells it first.
fn lists(line: &mut Line<'_>, heard: Option<&ListsHeard>) {
    let Some(heard) = heard else { return };
    line.number("lists_heard", u64::try_from(heard.heard).unwrap_or(u64::MAX));
    line.text_if("listed_by", &heard.listed.join(",")).text_if("lists_failed", &heard.failed.join(","));
    let Remembered { good_history, proven_good } = heard.remembered;
    let words = [("good_history", good_history), ("proven_good", proven_good)];
    let words: Vec<&str> = words.into_iter().filter_map(|(word, holds)| holds.then_some(word)).collect();
    line.text_if("remembered", &words.join(","));
}

/// `rbl.listed=reject/enforce(zen) spf.fail=score:30/monitor`
fn findings(findings: &[Judged]) -> String {
    let mut out = String::new();
    for finding in findings.iter().take(FINDINGS_MAX) {
        let Judged { check, rule, mode, detail, .. } = finding;
        let gap = if out.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(out, "{gap}{check}.{rule}={}/{mode}", outcome(finding.outcome));
        if !detail.is_empty() {
            let _ = write!(out, "({detail})");
        }
        if finding.excused.is_some() {
            out.push('!');
        }
    }
    out
}

fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Allow => "allow".to_owned(),
        Outcome::Score(score) => format!("score:{score}"),
        Outcome::Delay(ms) => format!("delay:{ms}"),
        Outcome::Defer => "defer".to_owned(),
        Outcome::Reject => "reject".to_owned(),
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// `2026-11-22T13:05:09.123Z` (RFC 3339), from Unix milliseconds. Days to a date: Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`.
fn utc(millis: u64) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years start in March here, so that the leap day is the last; 719,468 days lie between 0000-03-01 and 1970.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        ask::Answers,
        clock::Clock,
        decision_log::{Format, line::parse_logfmt},
        mode::Mode,
        pipeline::{Course, DecisionId, Verdict},
        session::{Address, Connection, Helo, Report, Sender, SessionId, Tried},
    };
    use bytes::Bytes;
    use std::{net::IpAddr, time::Duration};

    /// What one of the functions above writes.
    fn written(format: Format, write: impl FnOnce(Line<'_>)) -> String {
        let mut out = String::new();
        write(Line::new(format, &mut out));
        out
    }

    fn facts() -> Facts {
        Facts {
            session_id: SessionId([0xab; 16]),
            seq: 4,
            connection: Connection {
                client_ip: Some(IpAddr::from([192, 0, 2, 1])),
                host: "mx1".to_owned(),
                smtpd_pid: 77,
                ..Connection::default()
            },
            helo: Some(Helo { name: Bytes::from_static(b"evil\nevent=decision"), esmtp: true }),
            sender: Some(Sender { address: Address::new(Bytes::from_static(b"a@b.example")), declared_size: 0 }),
            recipient: Some(Tried { address: Address::new(Bytes::from_static(b"c@d.example")), ..Tried::default() }),
            ..Facts::default()
        }
    }

    fn refused() -> Decision {
        let judged = Judged {
            check: "rbl",
            rule: "listed",
            outcome: Outcome::Reject,
            mode: Mode::Enforce,
            detail: "zen.example 127.0.0.2".to_owned(),
            excused: None,
            despite_allowed: false,
        };
        Decision {
            stage: Stage::Rcpt,
            facts: facts(),
            at: Clock::manual(1_795_352_709).now(),
            took: Duration::from_micros(1234),
            verdict: Verdict {
                action: Action::Reject,
                code: 553,
                status: "5.7.1".to_owned(),
                decision_id: DecisionId::default(),
                degraded: vec!["dns"],
                ..Verdict::default()
            },
            findings: vec![judged],
            evidence: Answers::default(),
            decided_by: "rbl",
            would_have: None,
            lists: None,
            off: false,
            generation: 3,
            course: Course::default(),
        }
    }

    /// A decision that says nothing.
    pub(crate) fn quiet() -> Decision {
        Decision { stage: Stage::Helo, findings: vec![], verdict: Verdict::default(), ..refused() }
    }

    #[test]
    fn a_refusal_in_one_line() {
        assert_eq!(
            written(Format::Logfmt, |line| decision(line, &refused())),
            "time=2026-11-22T13:05:09.000Z event=decision stage=rcpt action=reject code=553 enhanced_status=5.7.1 \
             decision_id=0000000000000000 decided_by=rbl host=mx1 client_ip=192.0.2.1 sender=a@b.example \
             recipient=c@d.example helo=\"evil\\x0aevent=decision\" session_id=abababababababababababababababab seq=4 \
             smtpd_pid=77 findings=\"rbl.listed=reject/enforce(zen.example 127.0.0.2)\" degraded=dns took_us=1234 \
             generation=3\n"
        );
        let json: serde_json::Value =
            serde_json::from_str(&written(Format::Json, |line| decision(line, &refused()))).expect("JSON");
        assert_eq!(json["recipient"], "c@d.example");
        assert_eq!(json["code"], 553);
    }

    #[test]
    fn a_transaction_and_a_connection() {
        let mut reported = Reported { at: Clock::manual(0).now(), facts: facts(), lists: None };
        reported.facts.report = Some(Report {
            ending: Ending::Rejected,
            recipients_accepted: 2,
            message_bytes: 4096,
            qp: 4711,
            queue_reply: Bytes::from_static(b"Dmail server permanently rejected message (#5.3.0)"),
            ..Report::default()
        });
        let line = written(Format::Logfmt, |line| report(line, &reported));
        let fields = parse_logfmt(&line).expect("logfmt");
        let get = |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_slice());
        assert_eq!(get("event"), Some(&b"transaction"[..]));
        assert_eq!((get("ending"), get("qp")), (Some(&b"rejected"[..]), Some(&b"4711"[..])));
        assert!(get("queue_reply").is_some_and(|reply| reply.ends_with(b"(#5.3.0)")));
        reported.facts.report = Some(Report { quit: true, ..Report::default() });
        let line = written(Format::Logfmt, |line| report(line, &reported));
        assert!(line.contains(" event=connection ending=closed ") && line.contains(" quit=true "), "{line}");
    }

    #[test]
    fn decisions_that_say_nothing_are_not_notable() {
        let quiet = quiet();
        assert!(!is_notable(&quiet));
        assert!(is_notable(&Decision { stage: Stage::Rcpt, ..quiet.clone() }));
        assert!(is_notable(&Decision { would_have: Some((Action::Reject, "rbl")), ..quiet.clone() }));
        assert!(is_notable(&Decision { verdict: Verdict { degraded: vec!["dns"], ..Verdict::default() }, ..quiet }));
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(seconds * 1000), date);
        }
    }
}
