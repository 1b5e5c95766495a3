//! How are a session's facts written as the requests of `tollgate/v1/policy.proto`? Field numbers are that file's.

use crate::{
    Fact, Stage,
    buffer::{Buffer, first, last},
    facts::{Facts, variable},
    http2::{BODY_MAX, PREFIX_LEN},
    known::{Ending, Known},
    protobuf::Writer,
    settings::Settings,
    sys::Sys,
};

/// The longest HELO, sender or recipient that is passed on. Of an address the end is kept: its domain.
pub(crate) const ARGUMENT_MAX: usize = 1000;
/// The most that is passed on of what the queue said.
const QUEUE_REPLY_MAX: usize = 200;

type Message<'a> = Writer<'a, BODY_MAX>;

/// What a request is made from.
pub(crate) struct Request<'a, S: Sys> {
    pub(crate) sys: &'a S,
    pub(crate) settings: &'a Settings,
    pub(crate) facts: &'a Facts,
    pub(crate) known: &'a Known,
}

/// What one stage's request adds.
#[derive(Clone, Copy)]
pub(crate) enum Addition<'a> {
    Stage(Stage),
    Recipient { recipient: &'a [u8], rcpthosts: u32 },
    Report(Report<'a>),
}

/// What a report adds.
#[derive(Clone, Copy)]
pub(crate) struct Report<'a> {
    pub(crate) ending: Ending,
    pub(crate) qp: u32,
    pub(crate) queue_reply: &'a [u8],
    pub(crate) has_quit: bool,
}

impl<S: Sys> Request<'_, S> {
    /// Writes the request with gRPC's prefix. False if it does not fit, which the limits of its parts rule out.
    pub(crate) fn encode(&self, to: &mut Buffer<BODY_MAX>, addition: Addition<'_>) -> bool {
        to.clear();
        to.push(&[0; PREFIX_LEN]);
        let mut message = Writer::new(to);
        message.message(1, |session| self.session(session));
        message.message(2, |connection| self.connection(connection));
        match addition {
            Addition::Stage(Stage::Connect) => {}
            Addition::Stage(Stage::Helo) => self.helo(&mut message),
            Addition::Stage(stage) => {
                self.envelope(&mut message);
                if stage == Stage::Data {
                    message.number(5, u64::from(self.known.accepted));
                    message.number(6, u64::from(self.known.refused));
                }
            }
            Addition::Recipient { recipient, rcpthosts } => {
                self.envelope(&mut message);
                message.bytes(5, last(recipient, ARGUMENT_MAX));
                message.number(6, u64::from(rcpthosts));
            }
            Addition::Report(report) => self.report(&mut message, report),
        }
        let is_whole = !message.is_full;
        let length = to.len().saturating_sub(PREFIX_LEN) as u32;
        to.patch(1, &length.to_be_bytes());
        is_whole
    }

    fn session(&self, to: &mut Message<'_>) {
        to.bytes(1, &self.known.session_id);
        to.number(2, u64::from(self.known.seq));
        to.bytes(3, self.known.state.as_slice());
    }

    fn connection(&self, to: &mut Message<'_>) {
        let Request { sys, facts, settings, .. } = *self;
        to.bytes(1, facts.ip(sys, Fact::ClientIp));
        to.number(2, u64::from(facts.port(sys, Fact::ClientPort)));
        to.optional(3, facts.get(sys, Fact::ClientName));
        to.optional(4, facts.get(sys, Fact::ClientIdent));
        to.bytes(5, facts.ip(sys, Fact::ServerIp));
        to.number(6, u64::from(facts.port(sys, Fact::ServerPort)));
        to.bytes(7, facts.get(sys, Fact::ServerName).unwrap_or(b""));
        to.bytes(8, settings.host.as_slice());
        to.number(9, u64::from(self.known.pid));
        to.number(10, u64::from(facts.is_set(sys, Fact::Tls)));
        to.optional(11, facts.get(sys, Fact::User));
        to.optional(12, facts.get(sys, Fact::RelayClient));
        to.number(13, u64::from(self.known.has_talked_early));
        to.optional(14, variable(sys, c"RBLSMTPD"));
        to.optional(15, variable(sys, c"SPFBEHAVIOR"));
        to.optional(16, variable(sys, c"QMAILRRTDENYALL"));
        to.optional(17, variable(sys, c"DATABYTES"));
        to.number(18, u64::from(settings.is_via_proxy));
        to.number(19, u64::from(facts.get(sys, Fact::ReplyStyle) == Some(b"rfc")));
        to.number(20, u64::from(facts.is_set(sys, Fact::AuthOffered)));
        to.number(21, u64::from(facts.is_set(sys, Fact::RemovesForged)));
    }

    fn helo(&self, to: &mut Message<'_>) {
        if self.known.has_helo {
            to.message(3, |helo| {
                helo.bytes(1, self.known.helo.as_slice());
                helo.number(2, u64::from(self.known.is_esmtp));
            });
        }
    }

    /// HELO and MAIL.
    fn envelope(&self, to: &mut Message<'_>) {
        self.helo(to);
        if self.known.has_mail {
            to.message(4, |mail| {
                mail.bytes(1, self.known.sender.as_slice());
                mail.number(2, self.known.declared_size);
            });
        }
    }

    fn report(&self, to: &mut Message<'_>, report: Report<'_>) {
        let known = self.known;
        let is_over = report.ending == Ending::Closed;
        self.envelope(to);
        to.number(5, report.ending as u64);
        to.number(6, u64::from(if is_over { known.accepted_ever } else { known.accepted }));
        to.number(7, u64::from(if is_over { known.refused_ever } else { known.refused }));
        to.number(8, known.message_bytes);
        to.number(9, u64::from(report.qp));
        to.bytes(10, first(report.queue_reply, QUEUE_REPLY_MAX));
        to.number(11, u64::from(report.has_quit));
        to.number(12, u64::from(known.messages_accepted));
        to.number(13, u64::from(known.unanswered));
    }
}
