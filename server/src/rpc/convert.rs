//! How does a request become facts, and a verdict a reply? The only file that takes the wire's types apart.
//!
//! What a client of the mail server can influence never makes a request invalid: values are cut and repaired. Only
//! what a mail server itself must get right is refused (`Invalid`), and then its failure mode decides.

use crate::{
    admin::Imagined,
    ask::{Answer, Answered, DnsAnswer, Question, Record},
    check::{Exemption, Outcome, Rows},
    decision_log::hex,
    decisions::Recorded,
    files::LoadedFile,
    pipeline::{Action, Change, Decision, Judged, PathStep, Score, SwitchState, Verdict, explain, is_missing},
    session::{
        Address, Connection, Ending, Facts, Helo, Rcpthosts, ReplyStyle, Report, Sender, SessionId, Tried, parse_ip,
    },
};
use bytes::Bytes;
use std::time::Duration;
use tollgate_proto::v1;

/// Longest value that is kept of a name, a HELO or a policy variable, in octets: qmail's own lines are as long.
const VALUE_OCTETS_MAX: usize = 1000;

/// Longest host label, in octets: the longest domain name.
const HOST_OCTETS_MAX: usize = 255;

/// Longest answer of the queue that is kept, in octets.
const QUEUE_REPLY_OCTETS_MAX: usize = 200;

/// Host label when the mail server gave neither label nor name.
const HOST_UNKNOWN: &str = "unknown";

/// Why a request is refused: the mail server's mistake, never its client's. Goes back as INVALID_ARGUMENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

/// Facts, and the state that came with them.
pub type Asked = (Facts, Bytes);

/// Connect.
pub fn connect(request: v1::ConnectRequest) -> Result<Asked, Invalid> {
    asked(request.session, request.connection, None, None)
}

/// Helo.
pub fn helo(request: v1::HeloRequest) -> Result<Asked, Invalid> {
    asked(request.session, request.connection, request.helo, None)
}

/// Mail.
pub fn mail(request: v1::MailRequest) -> Result<Asked, Invalid> {
    asked(request.session, request.connection, request.helo, request.mail.or_else(|| Some(v1::Mail::default())))
}

/// Rcpt.
pub fn rcpt(request: v1::RcptRequest) -> Result<Asked, Invalid> {
    let rcpthosts = rcpthosts(request.rcpthosts());
    let (mut facts, state) = asked(request.session, request.connection, request.helo, request.mail)?;
    facts.recipient = Some(Tried { address: Address::new(request.recipient), rcpthosts });
    Ok((facts, state))
}

/// Data.
pub fn data(request: v1::DataRequest) -> Result<Asked, Invalid> {
    let (mut facts, state) = asked(request.session, request.connection, request.helo, request.mail)?;
    facts.recipients = Some((request.recipients_accepted, request.recipients_refused));
    Ok((facts, state))
}

/// Report.
pub fn report(request: v1::ReportRequest) -> Result<Asked, Invalid> {
    let ending = match request.ending() {
        v1::Ending::Closed => Ending::Closed,
        v1::Ending::Accepted => Ending::Accepted,
        v1::Ending::Rejected => Ending::Rejected,
        v1::Ending::Deferred => Ending::Deferred,
    };
    let (mut facts, state) = asked(request.session, request.connection, request.helo, request.mail)?;
    facts.report = Some(Report {
        ending,
        recipients_accepted: request.recipients_accepted,
        recipients_refused: request.recipients_refused,
        message_bytes: request.message_bytes,
        qp: request.qp,
        queue_reply: cut(request.queue_reply, QUEUE_REPLY_OCTETS_MAX),
        quit: request.quit,
        messages_accepted: request.messages_accepted,
        unanswered: request.unanswered,
    });
    Ok((facts, state))
}

fn asked(
    session: Option<v1::Session>,
    known: Option<v1::Connection>,
    helo: Option<v1::Helo>,
    mail: Option<v1::Mail>,
) -> Result<Asked, Invalid> {
    let session = session.ok_or(Invalid("session is missing"))?;
    let id = <[u8; 16]>::try_from(session.session_id.as_ref()).map_err(|_| Invalid("session_id: expected 16 bytes"))?;
    let facts = Facts {
        session_id: SessionId(id),
        seq: session.seq,
        connection: connection(known.ok_or(Invalid("connection is missing"))?),
        helo: helo.map(said),
        sender: mail.map(sender),
        ..Facts::default()
    };
    Ok((facts, session.session_state))
}

fn connection(known: v1::Connection) -> Connection {
    let reply_style = match known.reply_style() {
        v1::ReplyStyle::Qmail => ReplyStyle::Qmail,
        v1::ReplyStyle::Rfc => ReplyStyle::Rfc,
    };
    Connection {
        client_ip: parse_ip(&known.client_ip),
        client_port: port(known.client_port),
        client_name: known.client_name.map(value),
        client_ident: known.client_ident.map(value),
        server_ip: parse_ip(&known.server_ip),
        server_port: port(known.server_port),
        host: host(&known.host, &known.server_name),
        server_name: value(known.server_name),
        smtpd_pid: known.smtpd_pid,
        tls: known.tls,
        authenticated_user: known.authenticated_user.map(value),
        relayclient: known.relayclient.map(value),
        early_talk: known.early_talk,
        rblsmtpd: known.rblsmtpd.map(value),
        spfbehavior: known.spfbehavior.map(value),
        qmailrrtdenyall: known.qmailrrtdenyall.map(value),
        databytes: known.databytes.map(value),
        via_proxy: known.via_proxy,
        reply_style,
        auth_offered: known.auth_offered,
        removes_forged: known.removes_forged,
    }
}

fn rcpthosts(answer: v1::Rcpthosts) -> Rcpthosts {
    match answer {
        v1::Rcpthosts::Unknown => Rcpthosts::Unknown,
        v1::Rcpthosts::Allowed => Rcpthosts::Allowed,
        v1::Rcpthosts::Refused => Rcpthosts::Refused,
    }
}

/// An imagined transaction, for `tollgate check`.
pub fn imagined(request: v1::CheckRequest) -> Result<Imagined, Invalid> {
    let rcpthosts = rcpthosts(request.rcpthosts());
    let known = connection(request.connection.ok_or(Invalid("connection is missing"))?);
    if known.client_ip.is_none() {
        return Err(Invalid("client_ip: expected an address such as 192.0.2.1 or 2001:db8::1"));
    }
    if request.recipients.len() > Imagined::RECIPIENTS_MAX {
        return Err(Invalid("too many recipients: expected at most 100"));
    }
    let tried = |address| Tried { address: Address::new(address), rcpthosts };
    Ok(Imagined {
        connection: known,
        helo: request.helo.map(said),
        sender: request.mail.map(sender),
        recipients: request.recipients.into_iter().map(tried).collect(),
    })
}

fn said(helo: v1::Helo) -> Helo {
    Helo { name: value(helo.helo), esmtp: helo.esmtp }
}

fn sender(mail: v1::Mail) -> Sender {
    Sender { address: Address::new(mail.sender), declared_size: mail.declared_size }
}

/// The reply to a stage call.
pub fn verdict(verdict: &Verdict) -> v1::Verdict {
    v1::Verdict {
        action: action(verdict.action).into(),
        code: verdict.code.into(),
        enhanced_status: verdict.status.clone(),
        text: verdict.text.clone(),
        decision_id: verdict.decision_id.to_string(),
        delay_ms: verdict.delay_ms,
        headers: verdict.headers.clone(),
        degraded: verdict.degraded.iter().map(|&what| what.to_owned()).collect(),
        close: verdict.close,
        session_state: verdict.session_state.clone(),
        authserv_id: verdict.authserv_id.clone(),
        spf_result: verdict.spf_result.to_owned(),
    }
}

fn action(action: Action) -> v1::Action {
    match action {
        Action::Continue => v1::Action::Continue,
        Action::Defer => v1::Action::Defer,
        Action::Reject => v1::Action::Reject,
    }
}

/// A decision with its evidence, for `tollgate check` and `explain`.
pub fn decision(decision: &Decision) -> v1::Decision {
    let Decision { facts, verdict: said, .. } = decision;
    let explained = explain(decision);
    let evidence = |(question, answered): &(Question, Answered)| v1::Evidence {
        missing: is_missing(decision, answered),
        ..evidence(question, answered)
    };
    let (would_have, would_have_by) = decision.would_have.unwrap_or_default();
    v1::Decision {
        stage: decision.stage.name().to_owned(),
        recipient: facts
            .recipient
            .as_ref()
            .map(|tried| Bytes::copy_from_slice(tried.address.raw()))
            .unwrap_or_default(),
        verdict: Some(verdict(said)),
        findings: decision.findings.iter().map(finding).collect(),
        evidence: decision.evidence.iter().map(evidence).collect(),
        took_us: micros(decision.took),
        decided_by: decision.decided_by.to_owned(),
        generation: decision.generation,
        time_ms: decision.at.unix_millis(),
        session_id: hex(&facts.session_id.0),
        host: facts.connection.host.clone(),
        client_ip: facts.connection.client_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        helo: facts.helo.as_ref().map(|helo| printable(&helo.name)).unwrap_or_default(),
        sender: facts.sender.as_ref().map(|sender| printable(sender.address.raw())).unwrap_or_default(),
        would_have: action(would_have).into(),
        would_have_by: would_have_by.to_owned(),
        off: decision.off,
        path: explained.path.into_iter().map(path_step).collect(),
        score: explained.score.map(score),
        deadline: Some(v1::Deadline { budget_us: micros(decision.course.budget), missed: explained.out_of_time }),
        changes: explained.changes.into_iter().map(change).collect(),
        evidence_left_out: 0,
    }
}

/// The same, as it was recorded.
pub fn recorded(recorded: &Recorded) -> v1::Decision {
    let evidence_left_out = u32::try_from(recorded.left_out).unwrap_or(u32::MAX);
    v1::Decision { evidence_left_out, ..decision(&recorded.decision) }
}

fn path_step(step: PathStep) -> v1::PathStep {
    let PathStep { step, did, detail, won } = step;
    v1::PathStep { step: step.to_owned(), did: did.to_owned(), detail: printable(detail.as_bytes()), won }
}

fn score(score: Score) -> v1::ScoreSum {
    let Score { sum, rehearsed, defer_at, reject_at, mode } = score;
    v1::ScoreSum { sum, rehearsed, defer_at, reject_at, mode: mode.to_string() }
}

fn change(change: Change) -> v1::Change {
    let Change { without, action: then, by } = change;
    v1::Change { without: printable(without.as_bytes()), action: action(then).into(), by: by.to_owned() }
}

/// What one check found.
pub fn finding(judged: &Judged) -> v1::Finding {
    let (outcome, score) = match judged.outcome {
        Outcome::Allow => ("allow", 0),
        Outcome::Score(score) => ("score", score),
        Outcome::Delay(_) => ("delay", 0),
        Outcome::Defer => ("defer", 0),
        Outcome::Reject => ("reject", 0),
    };
    v1::Finding {
        check: judged.check.to_owned(),
        rule: judged.rule.to_owned(),
        outcome: outcome.to_owned(),
        mode: judged.mode.to_string(),
        score,
        detail: printable(judged.detail.as_bytes()),
        excused: match judged.excused {
            None => "",
            Some(Exemption::Relay) => "relay",
            Some(Exemption::Allowed) => "allowed",
            Some(Exemption::ExemptRecipient) => "exempt_recipient",
            Some(Exemption::TrustedClient) => "trusted_client",
        }
        .to_owned(),
    }
}

fn evidence(question: &Question, answered: &Answered) -> v1::Evidence {
    let answer = match &answered.answer {
        Answer::Dns(DnsAnswer::Found(records)) => records.iter().map(record).collect::<Vec<_>>().join(", "),
        Answer::Dns(DnsAnswer::NotFound) => "not found".to_owned(),
        Answer::Dns(DnsAnswer::Failed(failure)) => format!("failed: {}", failure.name()),
        Answer::ListHealth(board) => printable(board.to_string().as_bytes()),
        Answer::Spf(evaluation) => printable(evaluation.to_string().as_bytes()),
        Answer::State(answer) => printable(answer.to_string().as_bytes()),
        Answer::Exceptions(excepted) => {
            let all: Vec<String> = excepted.iter().map(ToString::to_string).collect();
            printable(all.join("; ").as_bytes())
        }
        Answer::Mailbox(looked) => printable(looked.to_string().as_bytes()),
    };
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    v1::Evidence {
        question: printable(question.to_string().as_bytes()),
        answer,
        cached: answered.cached,
        age_seconds: seconds(answered.age),
        ttl_seconds: seconds(answered.ttl),
        took_us: micros(answered.took),
        stale: answered.stale,
        missing: false,
    }
}

fn record(record: &Record) -> String {
    match record {
        Record::A(ip) => ip.to_string(),
        Record::Aaaa(ip) => ip.to_string(),
        Record::Txt(text) => format!("\"{}\"", printable(text)),
        Record::Mx(preference, exchange) => format!("{preference} {}", printable(exchange.as_bytes())),
        Record::Ptr(name) => printable(name.as_bytes()),
    }
}

/// Who threw the switch, why and until when.
pub fn switch(state: &SwitchState) -> v1::SwitchState {
    v1::SwitchState {
        until: state.until,
        reason: printable(state.reason.as_bytes()),
        by: printable(state.by.as_bytes()),
    }
}

/// A list as `tollgate status` shows it. A file that does not exist is no error: no entries.
pub fn list_file(file: &LoadedFile) -> v1::ListFile {
    v1::ListFile {
        check: file.check.to_owned(),
        path: file.path.display().to_string(),
        entries: file.entries.try_into().unwrap_or(u64::MAX),
        modified_at: file.modified_at,
        error: file.warnings.join("; "),
        generation: file.generation,
        checksum: file.shown_checksum().to_owned(),
        loaded_at: file.loaded_at,
        refused: file.error.clone().unwrap_or_default(),
    }
}

/// What a check shows of itself.
pub fn rows(rows: Rows) -> v1::InspectReply {
    let Rows { columns, rows } = rows;
    v1::InspectReply { columns, rows: rows.into_iter().map(|cells| v1::InspectRow { cells }).collect() }
}

/// Whole microseconds.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Printable ASCII for a terminal: everything else as `\xHH`.
pub fn printable(bytes: &[u8]) -> String {
    let escape = |&byte: &u8| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(escape).collect()
}

/// A label of printable ASCII without spaces, because it becomes a configuration key and a word of the log.
fn host(label: &[u8], server_name: &[u8]) -> String {
    let given = [label, server_name].into_iter().find(|name| !name.is_empty()).unwrap_or(HOST_UNKNOWN.as_bytes());
    given
        .iter()
        .take(HOST_OCTETS_MAX)
        .map(|&byte| if byte.is_ascii_graphic() { char::from(byte.to_ascii_lowercase()) } else { '?' })
        .collect()
}

fn port(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(0)
}

fn value(bytes: Bytes) -> Bytes {
    cut(bytes, VALUE_OCTETS_MAX)
}

/// A copy if it had to be cut, so that a short value does not keep a long request alive.
fn cut(bytes: Bytes, octets_max: usize) -> Bytes {
    match bytes.get(..octets_max) {
        Some(front) if front.len() < bytes.len() => Bytes::copy_from_slice(front),
        _ => bytes,
    }
}
