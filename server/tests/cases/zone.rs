//! What does the world of a case answer? The DNS by lines of records; what is not written down does not exist. Mail hosts by
//! a table of addresses; what is not written down is not known.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::oneshot;
use tollgate::ask::{
    Ailing, Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Existence, Failure, Health, HealthBoard, ListId,
    Looked, MailboxQuestion, Question, Record, RecordType, SpfQuestion, mailbox::Trace, spf_answers::OverAsk,
};

/// All answers, and whatever was asked.
#[derive(Default)]
pub(crate) struct Zone {
    records: HashMap<(String, RecordType), (u64, Vec<Record>)>,
    failures: HashMap<String, Failure>,
    health: Arc<HealthBoard>,
    /// By address as it is tested.
    mailboxes: HashMap<String, Existence>,
    asked: Mutex<Vec<String>>,
}

impl Zone {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut zone = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            zone.take(line).ok_or_else(|| {
                format!("zone: {line}: expected NAME TYPE TTL VALUE, NAME FAIL WORD or LIST HEALTH WORD")
            })?;
        }
        Ok(zone)
    }

    /// With what mail hosts say of addresses.
    pub(crate) fn with_mailboxes(self, mailboxes: Vec<(String, String)>) -> Result<Self, String> {
        let read = |(address, word): (String, String)| {
            let existence = Existence::ALL.into_iter().find(|existence| existence.name() == word);
            let wrong = || format!("mailboxes: {address} = \"{word}\": expected exists, missing or unknown");
            existence.ok_or_else(wrong).map(|existence| (address.clone(), existence))
        };
        Ok(Self { mailboxes: mailboxes.into_iter().map(read).collect::<Result<_, String>>()?, ..self })
    }

    /// What is at hand (a snapshot, a list) as it is, else what the case says.
    fn mailbox(&self, question: &MailboxQuestion) -> Answered {
        // The time at which a case begins.
        let at_hand = question.source.at_hand(&question.address, super::play::BEGINS_AT, &mut Trace::default());
        let said = || {
            let address = String::from_utf8_lossy(&question.address).into_owned();
            self.asked.lock().expect("no panic while it was held").push(format!("MAILBOX {address}"));
            let existence = self.mailboxes.get(&address).copied().unwrap_or(Existence::Unknown);
            Looked::new(existence, "so says the case")
        };
        Answered::mailbox(Arc::new(at_hand.unwrap_or_else(said)), Duration::ZERO)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        let (kind, rest) = rest.trim_start().split_once(char::is_whitespace)?;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if kind == "HEALTH" {
            let health = Health::ALL.into_iter().find(|health| health.name() == rest.trim())?;
            let ailing = Ailing { list: ListId::named(&name), name: name.into(), health, cause: "case" };
            self.health = Arc::new(HealthBoard::new(self.health.ailing().iter().cloned().chain([ailing])));
            return Some(());
        }
        if kind == "FAIL" {
            let failure = Failure::ALL.into_iter().find(|failure| failure.name() == rest.trim())?;
            self.failures.insert(name, failure);
            return Some(());
        }
        let (ttl, value) = rest.trim_start().split_once(char::is_whitespace)?;
        let (kind, record) = record(kind, value.trim())?;
        let (known_ttl, records) = self.records.entry((name, kind)).or_default();
        *known_ttl = ttl.parse().ok()?;
        records.push(record);
        Some(())
    }

    /// Everything that was asked, as `TYPE NAME`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while it was held").clone()
    }

    fn answer(&self, question: &DnsQuestion) -> Answered {
        self.asked.lock().expect("no panic while it was held").push(format!(
            "{} {}",
            word(question.kind),
            question.name
        ));
        let name = question.name.expose().to_owned();
        if let Some(failure) = self.failures.get(&name) {
            return Answered::failed(*failure, Duration::ZERO);
        }
        let (ttl, answer) = match self.records.get(&(name, question.kind)) {
            Some((ttl, records)) => (*ttl, DnsAnswer::Found(records.as_slice().into())),
            None => (0, DnsAnswer::NotFound),
        };
        Answered {
            answer: Answer::Dns(answer),
            cached: false,
            stale: false,
            age: Duration::ZERO,
            ttl: Duration::from_secs(ttl),
            took: Duration::ZERO,
        }
    }
}

/// The zone as the engine asks it: never cached, always answered at once.
pub(crate) struct Table(pub(crate) Arc<Zone>);

impl Ask for Table {
    fn cached(&self, question: &Question) -> Option<Answered> {
        (*question == Question::ListHealth).then(|| Answered::health(Arc::clone(&self.0.health)))
    }

    fn ask(&self, question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        let (sender, receiver) = oneshot::channel();
        let answered = match question {
            Question::Dns(question) => self.0.answer(&question),
            Question::Spf(question) => self.evaluated(&question),
            Question::Mailbox(question) => self.0.mailbox(&question),
            // The health of lists is known without asking, and memory is not in the zone.
            Question::ListHealth | Question::State(_) | Question::Exceptions => return receiver,
        };
        // Whoever asked may have gone already: nothing is lost.
        let _ = sender.send(answered);
        receiver
    }
}

impl Table {
    /// Every answer is there at once, so an evaluation ends when it begins.
    fn evaluated(&self, question: &SpfQuestion) -> Answered {
        let dns = OverAsk::new(self, Asker::default());
        let mut evaluation = pin!(question.terms.evaluate(&dns, &question.query, false));
        match evaluation.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(evaluation) => Answered::spf(Arc::new(evaluation), Duration::ZERO),
            Poll::Pending => Answered::failed(Failure::Timeout, Duration::ZERO),
        }
    }
}

fn record(kind: &str, value: &str) -> Option<(RecordType, Record)> {
    Some(match kind {
        "A" => (RecordType::A, Record::A(value.parse().ok()?)),
        "AAAA" => (RecordType::Aaaa, Record::Aaaa(value.parse().ok()?)),
        "TXT" => (RecordType::Txt, Record::Txt(value.strip_prefix('"')?.strip_suffix('"')?.as_bytes().into())),
        "MX" => {
            let (preference, exchange) = value.split_once(' ')?;
            (RecordType::Mx, Record::Mx(preference.parse().ok()?, name(exchange)))
        }
        "PTR" => (RecordType::Ptr, Record::Ptr(name(value))),
        _ => return None,
    })
}

fn name(text: &str) -> Arc<str> {
    text.trim().trim_end_matches('.').to_ascii_lowercase().into()
}

fn word(kind: RecordType) -> &'static str {
    match kind {
        RecordType::A => "A",
        RecordType::Aaaa => "AAAA",
        RecordType::Txt => "TXT",
        RecordType::Mx => "MX",
        RecordType::Ptr => "PTR",
    }
}
