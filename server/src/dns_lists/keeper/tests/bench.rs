//! A keeper whose lists and resolvers are a table, and whose time is moved by hand.

use super::super::{Keeper, KeeperHandle, ListStore, Parts, Standing};
use crate::{
    ask::{Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, ListId, Question, Record, Upstream},
    clock::Clock,
    decision_log::{Event, LogRing},
    dns_lists::{Declared, DnsLists, ListEvent, Settings},
    state::Memory,
};
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::oneshot;

pub(super) const NOON: u64 = 20_000 * 86_400 + 43_200;

/// What a list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Its test entry is there and nothing else.
    Well,
    /// It never answers.
    Dead,
    /// It refuses everybody.
    Refusing,
    /// It lists everything.
    Wildcard,
}

/// The lists, the resolver, and the I/O thread that tells of look-ups.
pub(super) struct World {
    lists: Arc<DnsLists>,
    clock: Clock,
    doing: Mutex<HashMap<ListId, Doing>>,
    /// The default resolver invents answers.
    pub(super) resolver_lies: Mutex<bool>,
    pub(super) asked: Mutex<Vec<DnsQuestion>>,
}

fn code(last: [u8; 4]) -> DnsAnswer {
    DnsAnswer::Found([Record::A(Ipv4Addr::from(last))].into())
}

impl World {
    fn answer(&self, question: &DnsQuestion) -> DnsAnswer {
        let lies = *self.resolver_lies.lock().expect("sound") && question.upstream == Upstream::default();
        let missing = if lies { code([192, 0, 2, 80]) } else { DnsAnswer::NotFound };
        if question.list == ListId::NONE {
            return missing;
        }
        let account = self.lists.account(question.list).expect("declared");
        if !account.spend(self.clock.now().unix_seconds()) {
            return DnsAnswer::Failed(Failure::Budget);
        }
        match self.doing.lock().expect("sound").get(&question.list).unwrap_or(&Doing::Well) {
            Doing::Dead => DnsAnswer::Failed(Failure::Timeout),
            Doing::Refusing => code([127, 255, 255, 254]),
            Doing::Wildcard => code([127, 0, 0, 2]),
            Doing::Well if question.name.expose().starts_with("2.0.0.127.") => code([127, 0, 0, 2]),
            Doing::Well => missing,
        }
    }

    fn put(&self, question: DnsQuestion) -> Answered {
        let answer = self.answer(&question);
        if question.list != ListId::NONE {
            let (list, took) = (question.list, Duration::from_millis(20));
            self.lists.tell(ListEvent::LookedUp { list, answer: answer.clone(), took });
        }
        self.asked.lock().expect("sound").push(question);
        Answered { answer: Answer::Dns(answer), ..Answered::failed(Failure::Timeout, Duration::ZERO) }
    }
}

impl Ask for World {
    fn cached(&self, _question: &Question) -> Option<Answered> {
        None
    }

    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered> {
        assert_eq!(asker, Asker::default(), "probes are not rationed");
        let (answer, receiver) = oneshot::channel();
        if let Question::Dns(question) = question {
            assert!(answer.send(self.put(question)).is_ok(), "somebody waits");
        }
        receiver
    }
}

pub(super) struct Bench {
    pub(super) clock: Clock,
    pub(super) lists: Arc<DnsLists>,
    pub(super) world: Arc<World>,
    pub(super) ring: LogRing,
    pub(super) keeper: Keeper,
    pub(super) handle: KeeperHandle,
}

impl Bench {
    pub(super) fn new(lists: &[Declared]) -> Self {
        Self::started(lists, Arc::new(Memory::default()), NOON)
    }

    /// A daemon that starts at `unix_seconds` on what the store holds.
    pub(super) fn started(declared: &[Declared], store: Arc<dyn ListStore>, unix_seconds: u64) -> Self {
        let (clock, lists, ring) = (Clock::manual(unix_seconds), Arc::new(DnsLists::default()), LogRing::default());
        lists.declare(declared);
        let world = Arc::new(World {
            lists: lists.clone(),
            clock: clock.clone(),
            doing: Mutex::default(),
            resolver_lies: Mutex::default(),
            asked: Mutex::default(),
        });
        let parts = Parts {
            lists: lists.clone(),
            ask: world.clone(),
            store,
            clock: clock.clone(),
            ring: ring.clone(),
            resolvers: vec![("default".to_owned(), Upstream::default()), ("paid".to_owned(), Upstream::named("paid"))],
            settings: Settings::default(),
        };
        let (keeper, handle) = Keeper::new(parts).expect("the store reads");
        Self { clock, lists, world, ring, keeper, handle }
    }

    pub(super) fn does(&self, list: &Declared, doing: Doing) {
        self.world.doing.lock().expect("sound").insert(list.id, doing);
    }

    /// A session asks about a client, unless the board says not to.
    pub(super) fn session(&self, list: &Declared, number: usize) {
        if self.lists.board().health(list.id) != crate::ask::Health::Off {
            let octet = u8::try_from(number % 200).expect("an octet");
            let question = list.about_address([192, 0, 2, octet].into(), crate::ask::RecordType::A);
            self.world.put(question);
        }
    }

    /// Seconds go by, in each of which `each` sessions ask every one of `lists`; one turn a second.
    pub(super) fn seconds(&mut self, seconds: usize, each: usize, lists: &[&Declared]) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            for list in lists {
                (0..each).for_each(|number| self.session(list, number));
            }
            self.keeper.turn();
        }
    }

    /// The notices since the last call, as words.
    pub(super) fn notices(&self) -> Vec<String> {
        let events = std::iter::from_fn(|| self.ring.pop());
        let notices = events.filter_map(|event| match event {
            Event::Notice(notice) => Some(notice),
            Event::Decision(_) | Event::Report(_) => None,
        });
        let text = |notice: Box<crate::decision_log::Notice>| {
            let words: Vec<&str> = notice.words.iter().map(|(_, value)| value.as_str()).collect();
            format!("{}: {}", notice.event, words.join(" "))
        };
        notices.map(text).collect()
    }

    pub(super) fn standing(&self, list: &Declared) -> Standing {
        let standings = self.handle.standings();
        standings.into_iter().find(|standing| standing.list == list.id).expect("watched")
    }

    pub(super) fn board(&self) -> String {
        self.lists.board().to_string()
    }
}
