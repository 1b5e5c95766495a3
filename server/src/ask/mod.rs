//! What can a check ask, and what comes back? Recorded answers are the evidence of a decision.

mod address;
pub mod dns;
mod failure;
mod health;
mod host;
mod kept;
pub mod mailbox;
pub mod mailbox_answers;
mod name;
mod sessions;
pub mod spf;
pub mod spf_answers;
mod state;

pub use address::{is_public, reversed};
pub use dns::Resolver;
pub use failure::Failure;
pub use health::{Ailing, Health, HealthBoard, ListId};
pub use host::{HostAddresses, host_name};
pub use mailbox::{Existence, Looked, MailboxQuestion};
pub use mailbox_answers::MailboxAnswers;
pub use name::DnsName;
pub(crate) use name::KEY_SHOWN;
pub use spf_answers::{SpfAnswers, SpfQuestion, SpfRole, SpfTerms};
pub use state::{StateAnswer, StateQuestion};

use crate::{
    exceptions::Excepted,
    session::{Facts, SessionId},
};
use spf::{Evaluation, SpfResult};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};
use tokio::sync::oneshot;

/// Which resolver of the configuration is asked: the default one, or one known by its name, whatever others stand
/// beside it. So a reload that adds one can never make another be asked in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upstream(u64);

impl Upstream {
    /// The one of `[dns.resolver.NAME]`; the empty name is the default one.
    pub fn named(name: &str) -> Self {
        // FNV-1a: the names are few, and the administrator's own.
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let hash = name.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        if name.is_empty() { Self::default() } else { Self(hash) }
    }

    /// As a number, for what is recorded.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// The opposite of [`Upstream::number`].
    pub(crate) const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// Record types that checks ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Text.
    Txt,
    /// Mail exchanger.
    Mx,
    /// Name of an address.
    Ptr,
}

impl RecordType {
    /// As the DNS writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Txt => "TXT",
            Self::Mx => "MX",
            Self::Ptr => "PTR",
        }
    }

    /// The type of addresses like this one.
    pub const fn of_family(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::A } else { Self::Aaaa }
    }
}

/// A DNS question. Equal questions share one look-up and one cache entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsQuestion {
    /// Absolute, lower case, without the final dot.
    pub name: DnsName,
    /// What kind of record.
    pub kind: RecordType,
    /// Whom to ask.
    pub upstream: Upstream,
    /// The DNS list it is put to: on its account, with its time-out and by its way. [`ListId::NONE`] = no list's.
    pub list: ListId,
}

impl DnsQuestion {
    /// A question to the default resolver that is no list's.
    pub fn new(name: impl Into<DnsName>, kind: RecordType) -> Self {
        Self { name: name.into(), kind, upstream: Upstream::default(), list: ListId::NONE }
    }
}

/// What a check may ask the engine for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The DNS.
    Dns(DnsQuestion),
    /// Which DNS lists can be believed at the moment? Known at once, always.
    ListHealth,
    /// May this client send for this identity?
    Spf(Arc<SpfQuestion>),
    /// What do we remember?
    State(StateQuestion),
    /// Which exceptions are about this mail? Known at once, always.
    Exceptions,
    /// Is there such a mailbox?
    Mailbox(Arc<MailboxQuestion>),
}

/// One DNS record's data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// A.
    A(Ipv4Addr),
    /// AAAA.
    Aaaa(Ipv6Addr),
    /// The strings of one TXT record, joined without separator.
    Txt(Arc<[u8]>),
    /// Preference and exchange (lower case, no final dot; empty = the root: a null MX, RFC 7505).
    Mx(u16, Arc<str>),
    /// The name, lower case, no final dot.
    Ptr(Arc<str>),
}

/// Three outcomes by response code: found, not found (NXDOMAIN, NODATA), failed (all else).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// At least one record of the type.
    Found(Arc<[Record]>),
    /// The name or the type does not exist.
    NotFound,
    /// Nothing is known.
    Failed(Failure),
}

/// What comes back for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// From the DNS.
    Dns(DnsAnswer),
    /// The lists that are not healthy.
    ListHealth(Arc<HealthBoard>),
    /// An SPF evaluation.
    Spf(Arc<Evaluation>),
    /// From our memory.
    State(StateAnswer),
    /// The exceptions that are about this mail, the one that wins first.
    Exceptions(Arc<[Excepted]>),
    /// From qmail's files on a mail host.
    Mailbox(Arc<Looked>),
}

/// An answer with what `explain` wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// It stood in the cache.
    pub cached: bool,
    /// It has expired, and stands in for one that did not come (RFC 8767).
    pub stale: bool,
    /// Time since it was fetched.
    pub age: Duration,
    /// Time until it expires.
    pub ttl: Duration,
    /// How long the look-up took, when it was made.
    pub took: Duration,
}

impl Answered {
    /// Nothing came before the deadline.
    pub const fn failed(failure: Failure, took: Duration) -> Self {
        Self {
            answer: Answer::Dns(DnsAnswer::Failed(failure)),
            cached: false,
            stale: false,
            age: Duration::ZERO,
            ttl: Duration::ZERO,
            took,
        }
    }

    /// From our memory, as it was `age` ago.
    pub const fn state(answer: StateAnswer, age: Duration) -> Self {
        let known = !matches!(answer, StateAnswer::Unknown);
        Self {
            answer: Answer::State(answer),
            cached: known,
            stale: false,
            age,
            ttl: Duration::ZERO,
            took: Duration::ZERO,
        }
    }

    /// What stands for the answer to a question of which nothing came.
    pub fn nothing(question: &Question, failure: Failure, took: Duration) -> Self {
        match question {
            Question::State(_) => Self::state(StateAnswer::Unknown, Duration::ZERO),
            Question::Mailbox(_) => {
                Self::mailbox(Arc::new(Looked::trouble(format!("no answer ({})", failure.name()))), took)
            }
            Question::Dns(_) | Question::ListHealth | Question::Spf(_) | Question::Exceptions => {
                Self::failed(failure, took)
            }
        }
    }

    /// The health of all lists, as it is at the moment.
    pub const fn health(board: Arc<HealthBoard>) -> Self {
        Self::at_once(Answer::ListHealth(board))
    }

    /// The exceptions that are about a mail, the one that wins first.
    pub const fn exceptions(excepted: Arc<[Excepted]>) -> Self {
        Self::at_once(Answer::Exceptions(excepted))
    }

    const fn at_once(answer: Answer) -> Self {
        Self { answer, cached: true, stale: false, age: Duration::ZERO, ttl: Duration::ZERO, took: Duration::ZERO }
    }
}

/// The questions of one decision with their answers, in the order in which they were asked.
#[derive(Clone, Debug, Default)]
pub struct Answers(Vec<(Question, Answered)>);

/// What was not asked or not answered in time.
const UNKNOWN: DnsAnswer = DnsAnswer::Failed(Failure::Timeout);

impl Answers {
    /// Questions one decision may ask, over all checks and rounds.
    pub const MAX: usize = 256;

    /// The answer to a question, if it was asked.
    pub fn get(&self, question: &Question) -> Option<&Answered> {
        self.0.iter().find(|(asked, _)| asked == question).map(|(_, answered)| answered)
    }

    /// The DNS answer to a question; a question that was not asked or not answered in time counts as timed out.
    pub fn dns(&self, question: &DnsQuestion) -> &DnsAnswer {
        self.0
            .iter()
            .find_map(|(asked, answered)| match (asked, &answered.answer) {
                (Question::Dns(asked), Answer::Dns(answer)) if asked == question => Some(answer),
                _ => None,
            })
            .unwrap_or(&UNKNOWN)
    }

    /// As [`Answers::dns`], of a question to the default resolver that is no list's; it need not be made for that.
    pub fn about(&self, name: &str, kind: RecordType) -> &DnsAnswer {
        let is_it = |asked: &DnsQuestion| {
            let plain = asked.list == ListId::NONE && asked.upstream == Upstream::default();
            plain && asked.kind == kind && asked.name.expose() == name
        };
        self.0
            .iter()
            .find_map(|(asked, answered)| match (asked, &answered.answer) {
                (Question::Dns(asked), Answer::Dns(answer)) if is_it(asked) => Some(answer),
                _ => None,
            })
            .unwrap_or(&UNKNOWN)
    }

    /// How a DNS list is doing, as recorded; healthy where nobody asked.
    pub fn list_health(&self, list: ListId) -> Health {
        let board = self.0.iter().find_map(|(_, answered)| match &answered.answer {
            Answer::ListHealth(board) => Some(board),
            Answer::Dns(_) | Answer::Spf(_) | Answer::State(_) | Answer::Mailbox(_) | Answer::Exceptions(_) => None,
        });
        board.map_or(Health::Healthy, |board| board.health(list))
    }

    /// The exceptions that are about this mail, the one that wins first.
    pub fn exceptions(&self) -> &[Excepted] {
        let found = self.0.iter().find_map(|(_, answered)| match &answered.answer {
            Answer::Exceptions(excepted) => Some(&**excepted),
            Answer::Dns(_) | Answer::Spf(_) | Answer::State(_) | Answer::ListHealth(_) | Answer::Mailbox(_) => None,
        });
        found.unwrap_or_default()
    }

    /// What is remembered, as recorded; not known where nobody asked.
    pub fn state(&self, question: &StateQuestion) -> &StateAnswer {
        self.0
            .iter()
            .find_map(|(asked, answered)| match (asked, &answered.answer) {
                (Question::State(asked), Answer::State(answer)) if asked == question => Some(answer),
                _ => None,
            })
            .unwrap_or(&StateAnswer::Unknown)
    }

    /// The questions about SPF asked for this, with what came of each; `None` = nothing in time.
    pub fn spf(&self, role: SpfRole) -> impl Iterator<Item = (&SpfQuestion, Option<&Evaluation>)> {
        self.0.iter().filter_map(move |(asked, answered)| match (asked, &answered.answer) {
            (Question::Spf(asked), Answer::Spf(evaluation)) if asked.role == role => {
                Some((&**asked, Some(&**evaluation)))
            }
            (Question::Spf(asked), _) if asked.role == role => Some((&**asked, None)),
            _ => None,
        })
    }

    /// Does SPF say who sent this: a pass that is an identity?
    pub fn is_identified(&self) -> bool {
        let proves = |evaluation: &Evaluation| evaluation.result == SpfResult::Pass && evaluation.is_identity;
        self.spf(SpfRole::Sender).any(|(_, evaluation)| evaluation.is_some_and(proves))
    }

    /// What is known of a mailbox; `None` = nobody asked.
    pub fn mailbox(&self, question: &MailboxQuestion) -> Option<&Looked> {
        self.0.iter().find_map(|(asked, answered)| match (asked, &answered.answer) {
            (Question::Mailbox(asked), Answer::Mailbox(looked)) if **asked == *question => Some(&**looked),
            _ => None,
        })
    }

    /// Is the recipient known not to exist?
    pub fn is_mailbox_missing(&self) -> bool {
        let is_missing =
            |answer: &Answer| matches!(answer, Answer::Mailbox(looked) if looked.existence == Existence::Missing);
        self.0.iter().any(|(_, answered)| is_missing(&answered.answer))
    }

    /// Records an answer; a second one for the same question replaces the first. Beyond [`Answers::MAX`] it is dropped.
    pub fn insert(&mut self, question: Question, answered: Answered) {
        if let Some(slot) = self.0.iter_mut().find(|(asked, _)| *asked == question) {
            slot.1 = answered;
        } else if self.0.len() < Self::MAX {
            if self.0.is_empty() {
                // As many as an ordinary decision has: the vector need not grow on its way there.
                self.0.reserve(24);
            }
            self.0.push((question, answered));
        }
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &(Question, Answered)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Recorded answers, in their order. Each question comes once: nobody looks for it again.
impl FromIterator<(Question, Answered)> for Answers {
    fn from_iter<T: IntoIterator<Item = (Question, Answered)>>(recorded: T) -> Self {
        Self(recorded.into_iter().take(Self::MAX).collect())
    }
}

impl IntoIterator for Answers {
    type Item = (Question, Answered);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// On whose behalf a question is asked: new look-ups are rationed by session and by the client's net.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// `None` = our own doing (probes, administrators): not rationed.
    pub session: Option<SessionId>,
    /// Its net is /24 for IPv4, /48 for IPv6.
    pub client_ip: Option<IpAddr>,
}

/// Who answers questions: the caches and the I/O thread, or a test's table.
pub trait Ask: Send + Sync + 'static {
    /// The answer, if it can be had without waiting.
    fn cached(&self, question: &Question) -> Option<Answered>;

    /// Starts (or joins) the look-up. Dropping the receiver does not stop it: the answer goes into the cache.
    /// An answer always comes, at the latest when the resolver's own time-out ends.
    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered>;

    /// An answer that has expired, but may still stand in for one that does not come in time.
    fn stale(&self, _question: &Question) -> Option<Answered> {
        None
    }

    /// The exceptions that are about a mail of which this is known; none where nobody knows any.
    fn exceptions(&self, _facts: &Facts) -> Vec<Excepted> {
        Vec::new()
    }

    /// Is the default resolver within reach, and was it so long ago, and does it tell the truth? If not, what could not be
    /// looked up says nothing about anybody but us.
    fn was_well(&self, _ago: Duration) -> bool {
        true
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(dns) => write!(f, "{} {}", dns.kind.name(), dns.name),
            Self::ListHealth => f.write_str("health of DNS lists"),
            Self::Spf(question) => write!(f, "{question}"),
            Self::State(question) => write!(f, "{question}"),
            Self::Exceptions => f.write_str("exceptions"),
            Self::Mailbox(question) => write!(f, "{question}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unasked_question_is_failed_and_never_not_found() {
        let question = DnsQuestion::new("x.example", RecordType::A);
        assert_eq!(Answers::default().dns(&question), &DnsAnswer::Failed(Failure::Timeout));
        assert_eq!(Answers::default().about("x.example", RecordType::A), &DnsAnswer::Failed(Failure::Timeout));
    }

    #[test]
    fn an_answer_is_found_by_name_unless_it_is_a_lists() {
        let mut answers = Answers::default();
        let plain = DnsQuestion::new("x.example", RecordType::A);
        let of_list = DnsQuestion { list: ListId::named("l"), ..DnsQuestion::new("y.example", RecordType::A) };
        for question in [plain, of_list] {
            let answer = Answer::Dns(DnsAnswer::NotFound);
            let answered = Answered { answer, ..Answered::failed(Failure::Timeout, Duration::ZERO) };
            answers.insert(Question::Dns(question), answered);
        }
        assert_eq!(answers.about("x.example", RecordType::A), &DnsAnswer::NotFound);
        for (name, kind) in [("x.example", RecordType::Aaaa), ("y.example", RecordType::A)] {
            assert_eq!(answers.about(name, kind), &UNKNOWN, "{name}");
        }
    }
}
