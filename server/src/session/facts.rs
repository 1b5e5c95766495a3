//! Which facts are there? One struct a stage; `Facts` holds those that are known at the stage in hand.

use super::{Address, History};
use bytes::Bytes;
use std::net::IpAddr;

/// 16 random bytes chosen by the mail server, the same for every call of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// How the mail server writes enhanced status codes (RFC 2034).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyStyle {
    /// `text (#5.7.1)`
    #[default]
    Qmail,
    /// `5.7.1 text`
    Rfc,
}

/// The connection as the mail server sees it now; AUTH and STARTTLS change parts of it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// `None` = unparsable; then nothing can be said about the client.
    pub client_ip: Option<IpAddr>,
    /// 0 = unknown.
    pub client_port: u16,
    /// PTR name known to the mail server (TCPREMOTEHOST); not forward-confirmed unless it says so.
    pub client_name: Option<Bytes>,
    /// TCPREMOTEINFO.
    pub client_ident: Option<Bytes>,
    /// Address the client connected to.
    pub server_ip: Option<IpAddr>,
    /// 0 = unknown.
    pub server_port: u16,
    /// TCPLOCALHOST.
    pub server_name: Bytes,
    /// Label of the mail host; never empty once converted (falls back to `server_name`, then `unknown`).
    pub host: String,
    /// Process id of the mail server's process.
    pub smtpd_pid: u32,
    /// The session is encrypted.
    pub tls: bool,
    /// Who passed AUTH.
    pub authenticated_user: Option<Bytes>,
    /// RELAYCLIENT: `None` = may not relay; empty = may; else the suffix.
    pub relayclient: Option<Bytes>,
    /// Bytes came before the greeting.
    pub early_talk: bool,
    /// `RBLSMTPD`: unset is not empty.
    pub rblsmtpd: Option<Bytes>,
    /// `SPFBEHAVIOR`.
    pub spfbehavior: Option<Bytes>,
    /// `QMAILRRTDENYALL`.
    pub qmailrrtdenyall: Option<Bytes>,
    /// `DATABYTES`.
    pub databytes: Option<Bytes>,
    /// Came through a proxy on this host.
    pub via_proxy: bool,
    /// How replies are written.
    pub reply_style: ReplyStyle,
    /// The mail server offers AUTH.
    pub auth_offered: bool,
    /// The mail server takes forged Authentication-Results fields out of the message.
    pub removes_forged: bool,
}

impl Connection {
    /// May this client relay, by RELAYCLIENT or by AUTH?
    pub fn is_relay(&self) -> bool {
        self.relayclient.is_some() || self.authenticated_user.is_some()
    }
}

/// HELO or EHLO.
#[derive(Clone, Debug, Default)]
pub struct Helo {
    /// As given; any bytes.
    pub name: Bytes,
    /// EHLO.
    pub esmtp: bool,
}

/// MAIL FROM.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// The null sender is the empty address.
    pub address: Address,
    /// SIZE=; 0 = not given.
    pub declared_size: u64,
}

/// What the mail server's own relay test says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rcpthosts {
    /// It was not asked.
    #[default]
    Unknown,
    /// A domain of ours, or the client may relay.
    Allowed,
    /// The mail server will refuse this recipient itself.
    Refused,
}

/// One recipient under question.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// Unquoted, without the RELAYCLIENT suffix.
    pub address: Address,
    /// The relay test's answer.
    pub rcpthosts: Rcpthosts,
}

/// How a message or connection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// The connection is over.
    #[default]
    Closed,
    /// Queued.
    Accepted,
    /// The queue refused for good.
    Rejected,
    /// The queue refused for now.
    Deferred,
}

impl Ending {
    /// The word in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Deferred => "deferred",
        }
    }
}

/// The report's own facts.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What ended, and how.
    pub ending: Ending,
    /// Accepted by the mail server.
    pub recipients_accepted: u32,
    /// Refused, whoever refused.
    pub recipients_refused: u32,
    /// As received.
    pub message_bytes: u64,
    /// qmail-queue's process id; 0 = unknown.
    pub qp: u32,
    /// The queue's words; empty = accepted.
    pub queue_reply: Bytes,
    /// The client said QUIT.
    pub quit: bool,
    /// Messages accepted on this connection.
    pub messages_accepted: u32,
    /// Stages that went on without our answer.
    pub unanswered: u32,
}

/// All that is known when a stage is judged. What is not known yet is `None`.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The session's name.
    pub session_id: SessionId,
    /// Number of the call within the session.
    pub seq: u32,
    /// Always known.
    pub connection: Connection,
    /// From HELO on, if the client said it at all.
    pub helo: Option<Helo>,
    /// From MAIL on.
    pub sender: Option<Sender>,
    /// At RCPT only.
    pub recipient: Option<Tried>,
    /// At DATA: recipients (accepted, refused) by the mail server's own count.
    pub recipients: Option<(u32, u32)>,
    /// At Outcome only.
    pub report: Option<Report>,
    /// What happened before, as the engine noted it.
    pub history: History,
}
