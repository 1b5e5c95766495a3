//! How does a request become facts, and a verdict a reply? The only file that takes the wire's types apart.
//!
//! What a client of the mail server can influence never makes a request invalid: values are cut and repaired. Only
//! what a mail server itself must get right is refused (`Invalid`), and then its failure mode decides.

use crate::{
    pipeline::{Action, Verdict},
    session::{
        Address, Connection, Ending, Facts, Helo, Rcpthosts, ReplyStyle, Report, Sender, SessionId, Tried, parse_ip,
    },
};
use bytes::Bytes;
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
        helo: helo.map(|helo| Helo { name: value(helo.helo), esmtp: helo.esmtp }),
        sender: mail.map(|mail| Sender { address: Address::new(mail.sender), declared_size: mail.declared_size }),
        ..Facts::default()
    };
    Ok((facts, session.session_state))
}

/// An imagined connection, for `tollgate check`.
pub fn connection(known: v1::Connection) -> Connection {
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
    }
}

/// The relay test's answer.
pub fn rcpthosts(answer: v1::Rcpthosts) -> Rcpthosts {
    match answer {
        v1::Rcpthosts::Unknown => Rcpthosts::Unknown,
        v1::Rcpthosts::Allowed => Rcpthosts::Allowed,
        v1::Rcpthosts::Refused => Rcpthosts::Refused,
    }
}

/// The reply to a stage call.
pub fn verdict(verdict: &Verdict) -> v1::Verdict {
    v1::Verdict {
        action: match verdict.action {
            Action::Continue => v1::Action::Continue,
            Action::Defer => v1::Action::Defer,
            Action::Reject => v1::Action::Reject,
        }
        .into(),
        code: verdict.code.into(),
        enhanced_status: verdict.status.clone(),
        text: verdict.text.clone(),
        decision_id: verdict.decision_id.to_string(),
        delay_ms: verdict.delay_ms,
        headers: verdict.headers.clone(),
        degraded: verdict.degraded.iter().map(|&what| what.to_owned()).collect(),
        close: verdict.close,
        session_state: verdict.session_state.clone(),
    }
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
