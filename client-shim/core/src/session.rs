//! What happens at each stage of an SMTP session, and what happens when nobody answers?

use crate::{
    Fact, NoAnswer, Stage,
    buffer::{Buffer, after, decimal, first, last},
    call::Target,
    facts::Facts,
    http2::Connection,
    known::{Ending, Known},
    record::{FILE_MAX, Record, push_reason},
    reply::{self, Answer},
    request::{ARGUMENT_MAX, Addition, Report, Request},
    settings::Settings,
    sys::Sys,
    verdict::{Action, Verdict},
};
use core::ffi::CStr;

/// How long the end of a session may be held up, in milliseconds.
const CLOSE_MS: u64 = 100;
/// Failed calls after which the daemon is not asked again in this session.
const FAILURES_MAX: u32 = 2;

/// One SMTP session of this process.
pub struct Session {
    settings: Settings,
    facts: Facts,
    pub(crate) known: Known,
    connection: Connection,
    /// What the newest stage call returned, or the header fields of `data`.
    answer: Answer,
    is_begun: bool,
    is_answered: bool,
    /// A RCPT was asked about and the mail server has not said how it ended.
    is_recipient_open: bool,
    /// Calls that failed in this session.
    failures: u32,
    /// A call failed in this transaction: the daemon is not asked before the next MAIL.
    is_waiting_for_mail: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session that has not begun. All zeros, so that a static one costs nothing in the file.
    pub const fn new() -> Self {
        Session {
            settings: Settings::new(),
            facts: Facts::new(),
            known: Known::new(),
            connection: Connection::new(),
            answer: Answer::new(),
            is_begun: false,
            is_answered: false,
            is_recipient_open: false,
            failures: 0,
            is_waiting_for_mail: false,
        }
    }

    /// The mail server says a fact; `None` = unset.
    pub fn set(&mut self, fact: Fact, value: Option<&[u8]>) {
        self.facts.set(fact, value);
    }

    /// A client connected. Begins the session; an older one is forgotten.
    pub fn connect<S: Sys>(&mut self, sys: &mut S) -> Option<&CStr> {
        self.is_begun = false;
        self.begin(sys);
        if !self.settings.is_off {
            self.known.has_talked_early = sys.watch_client(true, 0);
        }
        self.ask(sys, Stage::Connect, Addition::Stage(Stage::Connect))
    }

    /// HELO or EHLO. Ends a transaction, if there is one.
    pub fn helo<S: Sys>(&mut self, sys: &mut S, helo: &[u8], is_esmtp: bool) -> Option<&CStr> {
        self.begin(sys);
        self.known.end_transaction();
        self.known.has_helo = true;
        self.known.is_esmtp = is_esmtp;
        self.known.helo.set(helo);
        self.ask(sys, Stage::Helo, Addition::Stage(Stage::Helo))
    }

    /// MAIL FROM. Begins a transaction; `parameters` may hold `SIZE=`.
    pub fn mail<S: Sys>(&mut self, sys: &mut S, sender: &[u8], parameters: &[u8]) -> Option<&CStr> {
        self.begin(sys);
        self.known.end_transaction();
        self.known.has_mail = true;
        self.known.sender.set(last(sender, ARGUMENT_MAX));
        self.known.declared_size = declared_size(parameters);
        self.is_waiting_for_mail = false;
        self.ask(sys, Stage::Mail, Addition::Stage(Stage::Mail))
    }

    /// RCPT TO, and what rcpthosts says of it: 0 unknown, 1 allowed, 2 refused.
    pub fn rcpt<S: Sys>(&mut self, sys: &mut S, recipient: &[u8], rcpthosts: u32) -> Option<&CStr> {
        let is_refused = self.ask(sys, Stage::Rcpt, Addition::Recipient { recipient, rcpthosts }).is_some();
        self.is_recipient_open = true;
        if is_refused {
            self.recipient(false);
        }
        self.reply_if(is_refused)
    }

    /// How the mail server answered the newest RCPT.
    pub fn recipient(&mut self, is_accepted: bool) {
        if !self.is_recipient_open {
            return;
        }
        self.is_recipient_open = false;
        let known = &mut self.known;
        let (now, ever) = if is_accepted {
            (&mut known.accepted, &mut known.accepted_ever)
        } else {
            (&mut known.refused, &mut known.refused_ever)
        };
        *now = now.saturating_add(1);
        *ever = ever.saturating_add(1);
    }

    /// DATA. Without a refusal `headers` has the fields to put on top, and the message goes through `filter`.
    pub fn data<S: Sys>(&mut self, sys: &mut S) -> Option<&CStr> {
        self.known.message_bytes = 0;
        self.known.treatment.clear();
        self.ask(sys, Stage::Data, Addition::Stage(Stage::Data))
    }

    /// RSET. Nobody is asked.
    pub fn rset(&mut self) {
        self.known.end_transaction();
    }

    /// The daemon answered the newest stage call.
    pub fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// The header fields that came with the answer to DATA; empty if there are none.
    pub fn headers(&self) -> &CStr {
        match self.reply_if(true) {
            // A refusal is no header field.
            Some(text) if !text.to_bytes().ends_with(b"\r\n") => text,
            _ => c"",
        }
    }

    /// Bytes of the message were received.
    pub fn count(&mut self, bytes: u64) {
        self.known.message_bytes = self.known.message_bytes.saturating_add(bytes);
    }

    /// The queue answered. Reports it without waiting.
    pub fn queued<S: Sys>(&mut self, sys: &mut S, qp: u32, queue_reply: Option<&[u8]>) {
        let ending = match queue_reply.map(<[u8]>::first) {
            Some(None) => Ending::Accepted,
            Some(Some(b'D')) => Ending::Rejected,
            _ => Ending::Deferred,
        };
        if ending == Ending::Accepted {
            self.known.messages_accepted = self.known.messages_accepted.saturating_add(1);
        }
        let report = Report { ending, qp, queue_reply: queue_reply.unwrap_or(b""), has_quit: false };
        if self.is_begun && !self.settings.is_off && !self.is_waiting_for_mail {
            self.post(sys, report);
        }
        self.known.end_message();
    }

    /// The session is over. Reports it and waits a moment for the answer. A second call does nothing.
    pub fn close<S: Sys>(&mut self, sys: &mut S, has_quit: bool) {
        if self.is_begun && !self.settings.is_off && self.known.pid == sys.pid() && self.failures < FAILURES_MAX {
            let until = sys.now_ms() + CLOSE_MS;
            let report = Report { ending: Ending::Closed, qp: 0, queue_reply: b"", has_quit };
            if self.encode(sys, Addition::Report(report))
                && let Some(address) = self.settings.address()
            {
                let target = Target { address, path: REPORT_PATH, until };
                let _ = self.connection.call(sys, target);
                self.connection.settle(sys, until);
            }
        }
        self.connection.close(sys);
        self.is_begun = false;
        self.is_answered = false;
        self.answer.clear();
        self.known.treatment.clear();
        self.facts.clear();
    }

    /// Starts a session if there is none: its id, its settings, no connection yet.
    fn begin<S: Sys>(&mut self, sys: &mut S) {
        if self.is_begun {
            return;
        }
        self.connection.close(sys);
        self.known.restart();
        self.known.pid = sys.pid();
        self.settings.load(sys);
        if !self.settings.is_off {
            sys.random(&mut self.known.session_id);
        }
        self.failures = 0;
        self.is_waiting_for_mail = false;
        self.is_recipient_open = false;
        self.is_begun = true;
    }

    /// One stage call.
    fn ask<S: Sys>(&mut self, sys: &mut S, stage: Stage, addition: Addition<'_>) -> Option<&CStr> {
        self.begin(sys);
        self.answer.clear();
        self.is_answered = false;
        self.is_recipient_open = false;
        if self.settings.is_off {
            return None;
        }
        let result = if self.known.pid != sys.pid() {
            // A child that inherited our socket: the connection is its parent's.
            self.failures = FAILURES_MAX;
            None
        } else if self.failures >= FAILURES_MAX || self.is_waiting_for_mail {
            None
        } else {
            Some(self.call(sys, stage, addition))
        };
        let is_refused = match result {
            Some(Ok(is_refused)) => is_refused,
            Some(Err(reason)) => self.failed(sys, stage, Some(reason)),
            None => self.failed(sys, stage, None),
        };
        self.reply_if(is_refused)
    }

    /// Asks and acts on the answer. True if there is a refusal in `answer`.
    fn call<S: Sys>(&mut self, sys: &mut S, stage: Stage, addition: Addition<'_>) -> Result<bool, NoAnswer> {
        let until = sys.now_ms() + self.settings.timeout_ms;
        if !self.encode(sys, addition) {
            return Err(NoAnswer::Malformed);
        }
        let address = self.settings.address().ok_or(NoAnswer::Connect)?;
        self.connection.call(sys, Target { address, path: stage.path(), until })?;
        let message = self.connection.exchange.message()?;
        let Ok(verdict) = Verdict::decode(message) else {
            return Err(NoAnswer::Malformed);
        };
        self.is_answered = true;
        self.known.state.set(verdict.state);
        let is_refused = verdict.action != Action::Continue;
        if is_refused {
            reply::write(&mut self.answer, verdict.code, verdict.text);
        } else if stage == Stage::Data {
            verdict.headers(|field| reply::push_field(&mut self.answer, field));
            self.answer.push(&[0]);
            self.known.treatment.begin(&verdict);
        }
        if verdict.delay_ms > 0 {
            // Who speaks before the greeting need not be waited for; later on only the client's leaving ends the wait.
            self.known.has_talked_early |= sys.watch_client(stage == Stage::Connect, verdict.delay_ms);
        }
        Ok(is_refused)
    }

    /// Nobody answered this stage, for a `reason` or because nobody was asked. True if the client gets a 451.
    fn failed<S: Sys>(&mut self, sys: &mut S, stage: Stage, reason: Option<NoAnswer>) -> bool {
        self.known.unanswered = self.known.unanswered.saturating_add(1);
        // What is found at connect, HELO and MAIL is voiced at RCPT, and so is this. Our own people are never kept out.
        let is_ours = self.facts.is_set(sys, Fact::RelayClient) || self.facts.is_set(sys, Fact::User);
        let is_voiced = matches!(stage, Stage::Rcpt | Stage::Data);
        let is_deferred = self.settings.defers_on_failure && is_voiced && !is_ours;
        if let Some(reason) = reason {
            self.failures += 1;
            self.is_waiting_for_mail = true;
            self.leave_record(sys, stage, reason, is_deferred);
        }
        if is_deferred {
            let is_rfc = self.facts.get(sys, Fact::ReplyStyle) == Some(b"rfc");
            let text: &[u8] = if is_rfc { b"4.3.0 " } else { b"" };
            let mut line = Buffer::<64>::new();
            line.push(text);
            line.push(b"policy service unavailable, please try again later");
            line.push(if is_rfc { b"" } else { b" (#4.3.0)" });
            reply::write(&mut self.answer, 451, line.as_slice());
        }
        is_deferred
    }

    fn leave_record<S: Sys>(&mut self, sys: &mut S, stage: Stage, reason: NoAnswer, is_deferred: bool) {
        let unix_seconds = sys.unix_seconds();
        let record = Record {
            unix_seconds,
            stage,
            reason,
            is_deferred,
            pid: self.known.pid,
            session_id: &self.known.session_id,
            client_ip: self.facts.ip(sys, Fact::ClientIp),
        }
        .to_bytes();
        if let Some(path) = self.settings.failure_file() {
            sys.append(path, record.as_slice(), FILE_MAX);
        }
        if self.settings.logs {
            let mut line = Buffer::<64>::new();
            line.push(b"tollgate: ");
            line.push(stage.name());
            line.push(b": no answer: ");
            push_reason(&mut line, reason);
            line.push(b"\n");
            sys.log(line.as_slice());
        }
    }

    fn post<S: Sys>(&mut self, sys: &mut S, report: Report<'_>) {
        if self.failures >= FAILURES_MAX || self.known.pid != sys.pid() || !self.encode(sys, Addition::Report(report)) {
            return;
        }
        if let Some(address) = self.settings.address() {
            let until = sys.now_ms() + self.settings.timeout_ms;
            self.connection.post(sys, Target { address, path: REPORT_PATH, until });
        }
    }

    fn encode<S: Sys>(&mut self, sys: &S, addition: Addition<'_>) -> bool {
        self.known.seq = self.known.seq.wrapping_add(1);
        let request = Request { sys, settings: &self.settings, facts: &self.facts, known: &self.known };
        request.encode(&mut self.connection.body, addition)
    }

    fn reply_if(&self, is_wanted: bool) -> Option<&CStr> {
        if is_wanted { CStr::from_bytes_until_nul(self.answer.as_slice()).ok() } else { None }
    }
}

const REPORT_PATH: &[u8] = b"/tollgate.v1.Policy/Report";

/// The number behind `SIZE=` (RFC 1870); 0 = none.
fn declared_size(parameters: &[u8]) -> u64 {
    parameters
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| first(word, 5).eq_ignore_ascii_case(b"SIZE="))
        .find_map(|word| decimal(after(word, 5)))
        .unwrap_or(0)
}
