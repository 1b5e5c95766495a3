//! What does a stage end with? The verdict the mail server hears, and the decision behind it for log and explain.

use super::{Course, DecisionId};
use crate::{
    ask::Answers,
    check::{Exemption, Outcome},
    clock::Now,
    dns_lists::Remembered,
    mode::Mode,
    session::{Facts, Stage},
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// What the mail server is to do. There is no "accept": nobody gains anything by a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Go on as if nobody had been asked.
    #[default]
    Continue,
    /// Refuse for now (4xx).
    Defer,
    /// Refuse for good (5xx).
    Reject,
}

impl Action {
    /// All of them, mild to hard.
    pub const ALL: [Self; 3] = [Self::Continue, Self::Defer, Self::Reject];

    /// The word in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Defer => "defer",
            Self::Reject => "reject",
        }
    }
}

/// The closed set of reasons for which a decision fell with less knowledge than it should have had.
pub mod degraded {
    /// A resolver failed or refused.
    pub const DNS: &str = "dns";
    /// The stage's time was over before every answer had come.
    pub const DEADLINE: &str = "deadline";
    /// The session's state could not be read: counts start anew.
    pub const SESSION_STATE: &str = "session_state";
    /// Questions were not asked because too many were under way.
    pub const OVERLOAD: &str = "overload";
    /// Expired answers stood in for some that did not come.
    pub const STALE: &str = "stale";
    /// What is remembered could not be read in time.
    pub const STATE: &str = "state";
    /// Whether the recipient exists could not be found out.
    pub const MAILBOX: &str = "mailbox";
    /// All of them.
    pub const ALL: [&str; 7] = [DNS, DEADLINE, SESSION_STATE, OVERLOAD, STALE, STATE, MAILBOX];
}

/// The answer of one stage, as it goes over the wire.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// SMTP reply code, 400-599; 0 with [`Action::Continue`].
    pub code: u16,
    /// RFC 3463 status, also part of `text`; empty with [`Action::Continue`].
    pub status: String,
    /// Reply text without code, lines separated by LF, printable ASCII, each fit for a 512-octet reply line.
    pub text: String,
    /// What `tollgate explain` takes.
    pub decision_id: DecisionId,
    /// Wait before the answer is given to the client, in milliseconds.
    pub delay_ms: u32,
    /// Header fields for the top of the message, folded with LF.
    pub headers: Vec<String>,
    /// What could not be known, from [`degraded::ALL`].
    pub degraded: Vec<&'static str>,
    /// Close the connection after the reply: only with code 421.
    pub close: bool,
    /// Sealed; to be brought back with the next call.
    pub session_state: Bytes,
    /// At DATA: fields of the message's own that bear this name are forged, and go. A token of at most 255 octets;
    /// empty = none goes.
    pub authserv_id: String,
    /// At DATA: what SPFRESULT is to be for qmail-queue, in the old patch's words; empty = unset.
    pub spf_result: &'static str,
}

/// A finding with what the engine made of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The check that found it.
    pub check: &'static str,
    /// Its rule.
    pub rule: &'static str,
    /// What it wants.
    pub outcome: Outcome,
    /// The mildest mode of all grains: `Monitor` means it only would have.
    pub mode: Mode,
    /// Which list, line or code: any characters, at most [`Judged::DETAIL_OCTETS_MAX`] octets.
    pub detail: String,
    /// Why it was passed over, if it was.
    pub excused: Option<Exemption>,
    /// It counts whoever is allowed.
    pub despite_allowed: bool,
}

impl Judged {
    /// Longest detail that is kept, in octets.
    pub const DETAIL_OCTETS_MAX: usize = 200;
}

/// What the DNS lists said about a connection: names, for the log. Told once a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListsHeard {
    /// How many were heard, or should have been.
    pub heard: usize,
    /// Those that list it.
    pub listed: Vec<Arc<str>>,
    /// Those that gave no answer.
    pub failed: Vec<Arc<str>>,
    /// What is remembered of the client.
    pub remembered: Remembered,
}

/// One decision with its evidence.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was judged.
    pub stage: Stage,
    /// What was known. `history` is as it stands after this decision.
    pub facts: Facts,
    /// When it began.
    pub at: Now,
    /// How long it took, waiting included.
    pub took: Duration,
    /// The answer.
    pub verdict: Verdict,
    /// All that was found, in order of precedence.
    pub findings: Vec<Judged>,
    /// Every question with its answer.
    pub evidence: Answers,
    /// The step that spoke: a check, `rcpthosts` or `score`; where none did, why most were passed over: `exempt`,
    /// `relay` or `trusted_client`; else empty.
    pub decided_by: &'static str,
    /// What enforcing everything that is monitored would have led to, and the step, where that differs.
    pub would_have: Option<(Action, &'static str)>,
    /// What the DNS lists said, with the decision that heard them first.
    pub lists: Option<ListsHeard>,
    /// The kill switch was thrown or the mode was `off`: nothing was evaluated.
    pub off: bool,
    /// Generation of the policy that decided.
    pub generation: u64,
    /// By what the findings were weighed.
    pub course: Course,
}
