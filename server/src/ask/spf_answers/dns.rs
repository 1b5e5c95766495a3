//! By which way does an evaluation ask the DNS? Over [`Ask`]: our cache, single flight, rations and deadlines.

use super::super::{
    Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Question, Record, RecordType,
    spf::{Data, Dns, Kind, Looked, Said, Trouble},
};
use std::time::Duration;

/// The DNS as [`Ask`] knows it, asked on somebody's behalf.
pub struct OverAsk<'a, A: ?Sized> {
    ask: &'a A,
    asker: Asker,
}

impl<'a, A: Ask + ?Sized> OverAsk<'a, A> {
    /// Asks on behalf of `asker`, who pays for new look-ups.
    pub const fn new(ask: &'a A, asker: Asker) -> Self {
        Self { ask, asker }
    }

    /// Whose trouble is it? A domain's name servers may be silent or broken; but where we did not ask, where the resolver
    /// refuses us, or where it was not well when it was `asked` so long ago, that says nothing about the domain.
    fn trouble(&self, failure: Failure, asked: Duration) -> Trouble {
        let is_theirs = matches!(failure, Failure::Timeout | Failure::Servfail | Failure::Malformed);
        if is_theirs && self.ask.was_well(asked) {
            Trouble::Theirs(failure.name())
        } else {
            Trouble::Ours(failure.name())
        }
    }

    fn looked(&self, answered: Answered) -> Looked {
        let said = match &answered.answer {
            Answer::Dns(DnsAnswer::Found(records)) => Said::Found(records.iter().map(data).collect()),
            Answer::Dns(DnsAnswer::NotFound) => Said::NotFound,
            Answer::Dns(DnsAnswer::Failed(failure)) => {
                Said::Failed(self.trouble(*failure, answered.age + answered.took))
            }
            Answer::ListHealth(_) | Answer::Spf(_) | Answer::State(_) | Answer::Mailbox(_) | Answer::Exceptions(_) => {
                Said::Failed(Trouble::Ours(Failure::Malformed.name()))
            }
        };
        Looked { said, ttl: answered.ttl, is_cached: answered.cached, took: answered.took }
    }
}

impl<A: Ask + ?Sized> Dns for OverAsk<'_, A> {
    async fn look_up(&self, name: &str, kind: Kind) -> Looked {
        let question = Question::Dns(DnsQuestion::new(name, record_type(kind)));
        let answered = match self.ask.cached(&question) {
            Some(answered) => answered,
            // A sender that went away: the I/O thread has stopped.
            None => self.ask.ask(question, self.asker).await.unwrap_or(GONE),
        };
        self.looked(answered)
    }
}

const GONE: Answered = Answered::failed(Failure::Unreachable, Duration::ZERO);

const fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::Aaaa,
        Kind::Mx => RecordType::Mx,
        Kind::Txt => RecordType::Txt,
        Kind::Ptr => RecordType::Ptr,
    }
}

fn data(record: &Record) -> Data {
    match record {
        Record::A(v4) => Data::A(*v4),
        Record::Aaaa(v6) => Data::Aaaa(*v6),
        Record::Txt(text) => Data::Txt(text.clone()),
        Record::Mx(preference, exchange) => Data::Mx(*preference, exchange.clone()),
        Record::Ptr(name) => Data::Ptr(name.clone()),
    }
}
