//! What is a check? The contract between the engine and the files in `checks/`.
//!
//! A check answers one question about a session. It is synchronous and pure: it says what it needs to know, and
//! decides from facts and recorded answers. It does no I/O, reads no clock, counts no metric, writes no SMTP text and
//! does not know its neighbours. The engine asks, times, measures, records, applies modes and precedence, and speaks.

use crate::{
    ask::{Answers, ListId, Question, StateAnswer, StateQuestion},
    clock::Now,
    config::{Build, Field, Section},
    dns_lists::Heard,
    mode::Mode,
    session::{Facts, Stage},
    state::{Digest, Experience, Pace, Subject, Triplet},
};
use std::sync::Arc;

/// One kind of refusal or praise a check can utter: a closed set, so that the engine can count them.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// snake_case, unique within the check; metric label, log word and configuration key.
    pub name: &'static str,
    /// Reply code when it rejects, 500-599. Deferring (and soft mode) uses `code_defer`.
    pub code: u16,
    /// Reply code when it defers, 400-499.
    pub code_defer: u16,
    /// RFC 3463 status of the rejection, such as `5.7.1`. Its first digit follows the reply's class. Empty = the reply
    /// bears none: rblsmtpd's replies never had one.
    pub status: &'static str,
    /// The reply's text without code and status. `%{client_ip}`, `%{helo}`, `%{sender}`, `%{recipient}` and the
    /// finding's own variables are filled in by `pipeline/reply.rs`. May be replaced by the configuration.
    pub text: &'static str,
    /// One sentence for the reference page.
    pub doc: &'static str,
}

impl Rule {
    /// A rule with the usual codes of a policy refusal: 553 and 451, status 5.7.1.
    pub const fn policy(name: &'static str, text: &'static str, doc: &'static str) -> Self {
        Self { name, code: 553, code_defer: 451, status: "5.7.1", text, doc }
    }
}

/// What a finding wants. Where one check finds several things, its allowance goes first, then its rejection, then its
/// deferral, whatever their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Trusted: no later step refuses, except the steps that say so (`Def::despite`).
    Allow,
    /// Adds to the sum that is compared with `defer_at` and `reject_at`; negative is praise.
    Score(i32),
    /// Let the client wait so many milliseconds before the answer, whatever it is. The engine bounds how long and how many.
    Delay(u32),
    /// Ask again later (4xx).
    Defer,
    /// Refuse (5xx).
    Reject,
}

/// What a check found. No finding means: nothing to say.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Index into `Def::rules`.
    pub rule: usize,
    /// What it wants.
    pub outcome: Outcome,
    /// Mode of the grains that only the check knows: list, return code, entry. The engine adds the others.
    pub mode: Mode,
    /// Which list, line or code: for evidence and log. Bounded by the engine, escaped by the log.
    pub detail: String,
    /// Text in place of the rule's and of the configured reply, when the configuration gives a list or line its own.
    /// Same variables. What comes from outside goes into `vars` instead: then a configured reply can replace it.
    pub text: Option<Arc<str>>,
    /// Variables for the text, `%{name}` each.
    pub vars: Vec<(&'static str, String)>,
    /// The DNS list it rests on, for that list's report card.
    pub list: Option<ListId>,
}

impl Finding {
    /// A finding in enforce mode, without variables.
    pub fn new(rule: usize, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { rule, outcome, mode: Mode::Enforce, detail: detail.into(), text: None, vars: Vec::new(), list: None }
    }
}

/// Reasons for which the engine passes a check over; a check lists those that do not hold for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// RELAYCLIENT or AUTH.
    Relay,
    /// An earlier step said [`Outcome::Allow`].
    Allowed,
    /// The recipient is postmaster or abuse.
    ExemptRecipient,
    /// The client is one of `trusted_relays`, loopback or our own address: it does not stand for the sender's side.
    TrustedClient,
}

/// Everything about one check but its rule: what the registry lists.
pub struct Def {
    /// File name = module name = configuration section = metric label.
    pub name: &'static str,
    /// What it asks, in a sentence or two, for the reference page and `tollgate pipeline`.
    pub doc: &'static str,
    /// Stages at which one of its facts becomes known, ascending. The first decides its place before or after
    /// rcpthosts (a check of RCPT comes after). Findings of Connect, Helo, Mail and Rcpt are voiced at RCPT.
    pub stages: &'static [Stage],
    /// All it can find.
    pub rules: &'static [Rule],
    /// Its configuration, besides `mode`, `voice` and `reply`, which every check has.
    pub fields: &'static [Field],
    /// Tables of its configuration that may stand several times (`[[check.NAME.TABLE]]`), with their fields.
    pub tables: &'static [(&'static str, &'static [Field])],
    /// Mode without configuration.
    pub mode: Mode,
    /// Exemptions that do not hold for it.
    pub despite: &'static [Exemption],
    /// Makes the check from its section. Faults go into the section; on a fault the result is not used.
    pub build: fn(&Section<'_>, &mut Build<'_>) -> Box<dyn Check>,
}

/// Something that outlives the connection. The engine applies it; a check never touches a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What a DNS list said about this connection.
    ListHeard(ListId, Heard),
    /// Somebody tried, or came through: merged with what is remembered ([`crate::state::Record::newer`]).
    Tried(Digest, Triplet),
    /// A mail waited, or begins to, for a reason of this class (of a closed set of the check's).
    Waited {
        /// What its sender was known by.
        class: &'static str,
        /// How long it did, in seconds; `None` = it begins.
        seconds: Option<u64>,
    },
    /// Tokens of a limit are spent.
    Spent {
        /// Whose limit.
        key: Digest,
        /// The limit.
        pace: Pace,
        /// How many.
        tokens: u32,
    },
    /// An exception spoke.
    Excepted {
        /// Which.
        id: Digest,
        /// The decision would have been another without it.
        changed: bool,
    },
    /// Somebody is remembered for something. What one mail host says of one subject is rationed by the engine.
    Experienced {
        /// Who.
        subject: Subject,
        /// For what.
        experience: Experience,
        /// Worth so many hundredths of a point; positive = good, negative = bad. A net bears a share of its addresses'.
        hundredths: i32,
        /// Of a net: counts only once enough different addresses of it did the same; this is the mark of one.
        witness: Option<u16>,
    },
}

impl Effect {
    /// The same in the namespace of what is only rehearsed; `None` = it is no rehearsal, but happened.
    #[must_use]
    pub fn rehearsed(self) -> Option<Self> {
        match self {
            Self::Tried(key, triplet) => Some(Self::Tried(key.rehearsed(), triplet)),
            Self::Spent { key, pace, tokens } => Some(Self::Spent { key: key.rehearsed(), pace, tokens }),
            Self::Waited { .. } | Self::ListHeard(..) | Self::Experienced { .. } | Self::Excepted { .. } => None,
        }
    }
}

/// What came of a stage, as far as a check may learn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// The mail goes on; in rehearsal: it would, as far as this check goes.
    pub goes_on: bool,
    /// This check spoke; in rehearsal: it would have.
    pub by_me: bool,
    /// The step that refused for good (5xx), whichever it was; empty = nothing was, or only for now.
    pub rejected_by: &'static str,
    /// Without what this check found, the mail would have been treated otherwise: told of checks that allow or that spoke.
    pub changed: bool,
    /// The check is only rehearsed.
    pub rehearsed: bool,
}

/// Memory, when an administrator looks at it.
pub trait Memory {
    /// What is remembered, as far as it is at hand.
    fn look(&self, question: &StateQuestion) -> StateAnswer;

    /// How long mail waited, by the class of its sender.
    fn waits(&self) -> Vec<Waits>;

    /// The present moment.
    fn now(&self) -> Now;
}

/// How long mail of one class waited, since the start of the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// What its senders were known by.
    pub class: &'static str,
    /// Mails that began to wait.
    pub begun: u64,
    /// Mails that came through.
    pub passed: u64,
    /// Seconds that half of those waited at most, and that 95 of 100 did.
    pub p50_p95: (u64, u64),
}

/// What a message that goes on is marked with. The engine makes header fields of it: nothing in it can break out of its
/// field, whatever a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A header field of its own. It may be folded between its words.
    Field {
        /// Its name.
        name: &'static str,
        /// Its body; what is not printable ASCII comes out as `?`.
        words: Vec<String>,
    },
    /// A result for Authentication-Results (RFC 8601).
    Authentication(Authenticated),
    /// `SPFRESULT` of qmail-queue's environment, in the words of the old patch.
    SpfResult(&'static str),
}

/// One result of one method (RFC 8601 §2.2): `spf=pass smtp.mailfrom=example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The method (RFC 8601 §2.7), such as `spf`.
    pub method: &'static str,
    /// Its result.
    pub result: &'static str,
    /// Why, for people; empty = nothing is said.
    pub reason: String,
    /// What was looked at, as ptype.property, and its value.
    pub property: (&'static str, String),
}

/// Rows that a check shows an administrator: `tollgate CHECK OP`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Column names.
    pub columns: Vec<String>,
    /// Cells, one for each column.
    pub rows: Vec<Vec<String>>,
}

/// The rule itself, built from configuration; immutable.
pub trait Check: Send + Sync + 'static {
    /// What it wants to know at `stage`. Called again with the answers so far until it asks nothing new, at most
    /// `pipeline::ROUNDS_MAX` times. The default asks nothing.
    fn needs(&self, _stage: Stage, _facts: &Facts, _answers: &Answers, _ask: &mut Vec<Question>) {}

    /// What it finds at `stage`. At RCPT it speaks for all earlier stages too: their facts are all there.
    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, now: Now, found: &mut Vec<Finding>);

    /// What should be remembered of a connection: called once for each, when the engine has its answers. Changes nothing
    /// about the decision.
    fn observe(&self, _facts: &Facts, _answers: &Answers, _effects: &mut Vec<Effect>) {}

    /// What is to be remembered of a stage that has been judged, and at Outcome of how a message or connection ended (then
    /// `answers` is empty). Not called for a repeated call. Changes nothing about the decision.
    #[allow(clippy::too_many_arguments, reason = "one more than `decide`, and each is another's")]
    fn learn(
        &self,
        _stage: Stage,
        _facts: &Facts,
        _answers: &Answers,
        _came: Came,
        _now: Now,
        _effects: &mut Vec<Effect>,
    ) {
    }

    /// What is to be remembered when an administrator takes a refusal back: `facts` and `answers` are those of the decision.
    fn pardon(&self, _facts: &Facts, _answers: &Answers, _effects: &mut Vec<Effect>) {}

    /// Does an allowance by this rule (an index into [`Def::rules`]) speak for the client? One that is about the recipient
    /// alone does not.
    fn vouches(&self, _rule: usize) -> bool {
        true
    }

    /// Does what this rule (an index into [`Def::rules`]) found count whoever is allowed, by this check or an earlier one?
    /// For rules about the recipient alone; [`Def::despite`] says it of a whole check.
    fn counts_despite_allowed(&self, _rule: usize) -> bool {
        false
    }

    /// Does its allowance hold before RCPT too, where other checks are voiced at once?
    fn spares_early(&self) -> bool {
        false
    }

    /// How strongly it is meant in this session where the configuration does not say; `None` = as [`Def::mode`] says.
    fn usual_mode(&self, _facts: &Facts) -> Option<Mode> {
        None
    }

    /// What a message shall be marked with: asked at DATA, of checks that speak there and are meant, not only rehearsed.
    fn mark(&self, _facts: &Facts, _answers: &Answers, _marks: &mut Vec<Mark>) {}

    /// Operations of [`Check::inspect`], name and one line of help each.
    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Shows what it knows. `Err` is one line for the administrator.
    fn inspect(&self, op: &str, _args: &[String]) -> Result<Rows, String> {
        Err(format!("there is no operation \"{op}\""))
    }

    /// The same for operations that show what is remembered.
    fn inspect_memory(&self, op: &str, args: &[String], _memory: &dyn Memory) -> Result<Rows, String> {
        self.inspect(op, args)
    }
}
