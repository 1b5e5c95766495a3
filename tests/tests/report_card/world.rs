//! Who connects, and what do the lists say? A world made from a seed: the same at every run.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::oneshot;
use tollgate::{
    ask::{
        Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, ListId, Question, Record, SpfQuestion,
        spf::{Evaluation, SpfResult},
    },
    dns_lists::{DnsLists, ListEvent},
};

/// Name, action, and what share of bad and of good clients it lists, in thousandths.
pub(crate) const LISTS: [(&str, &str, u64, u64); 6] = [
    ("alpha", "action = \"reject\"", 700, 5),
    ("bravo", "action = \"reject\"\nmode = \"monitor\"", 500, 10),
    ("charlie", "action = \"score\"\nweight = 30", 600, 20),
    ("delta", "action = \"score\"\nweight = 40", 400, 2),
    ("echo", "action = \"score\"\nweight = -25", 10, 300),
    ("foxtrot", "action = \"defer\"", 200, 3),
];

/// Clients that the allow list knows.
pub(crate) const ALLOWED: &str = "198.51.100.0/24";

/// Every answer of the world, from its seed.
pub(crate) struct World {
    seed: u64,
    asked: Mutex<HashSet<String>>,
    lookups: Mutex<HashMap<ListId, u64>>,
    lists: Arc<DnsLists>,
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", the mixing function.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl World {
    pub(crate) fn new(seed: u64, lists: Arc<DnsLists>) -> Self {
        Self { seed, asked: Mutex::default(), lookups: Mutex::default(), lists }
    }

    /// The client of a connection: one of some 20,000, one in fifty of them on the allow list.
    pub(crate) fn client(&self, connection: u64) -> Ipv4Addr {
        let random = mixed(self.seed ^ connection.wrapping_mul(31));
        let [.., c, d] = random.to_be_bytes();
        match random % 50 {
            0 => Ipv4Addr::new(198, 51, 100, d),
            _ => Ipv4Addr::new(203, 0, c % 80, d),
        }
    }

    /// Does the client send a message, if it may?
    pub(crate) fn sends(&self, connection: u64) -> bool {
        !mixed(self.seed ^ connection ^ 0xabcd).is_multiple_of(10)
    }

    fn says(&self, client: Ipv4Addr, list: usize) -> DnsAnswer {
        let bits = u64::from(u32::from(client));
        let random = mixed(self.seed ^ bits << 8 ^ list as u64);
        let bad = mixed(self.seed ^ bits) % 100 < 60;
        let (_, _, of_bad, of_good) = LISTS[list];
        let share = if bad { of_bad } else { of_good };
        match (random % 100, random / 100 % 1_000) {
            (0, _) => DnsAnswer::Failed(Failure::Servfail),
            (_, thousandth) if thousandth < share => DnsAnswer::Found([Record::A([127, 0, 0, 2].into())].into()),
            _ => DnsAnswer::NotFound,
        }
    }

    fn answer(&self, question: &DnsQuestion) -> Answered {
        let mut labels = question.name.expose().splitn(5, '.');
        let mut octet = || labels.next().and_then(|label| label.parse::<u8>().ok()).expect("an octet");
        let (d, c, b, a) = (octet(), octet(), octet(), octet());
        let zone = labels.next().expect("a zone");
        let list = LISTS.iter().position(|(name, ..)| *name == zone).expect("a list of this world");
        let answer = Answer::Dns(self.says(Ipv4Addr::new(a, b, c, d), list));
        Answered { answer, ..Answered::failed(Failure::Timeout, Duration::ZERO) }
    }

    /// Every other client may send for its sender.
    fn evaluated(&self, question: &SpfQuestion) -> Answered {
        let IpAddr::V4(client) = question.query.ip else { panic!("the world has IPv4 only") };
        let passes = mixed(self.seed ^ u64::from(u32::from(client)) << 16).is_multiple_of(2);
        let result = if passes { SpfResult::Pass } else { SpfResult::Neutral };
        Answered::spf(Arc::new(Evaluation { is_identity: passes, ..Evaluation::bare(result) }), Duration::ZERO)
    }

    /// Look-ups that reached a list, by the world's own count.
    pub(crate) fn lookups(&self, list: ListId) -> u64 {
        self.lookups.lock().expect("no panic").get(&list).copied().unwrap_or(0)
    }
}

impl Ask for World {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let question = match question {
            Question::Dns(question) => question,
            Question::Spf(question) => return Some(self.evaluated(question)),
            Question::ListHealth | Question::State(_) | Question::Mailbox(_) | Question::Exceptions => {
                return Some(Answered::health(self.lists.board()));
            }
        };
        let known = self.asked.lock().expect("no panic").contains(question.name.expose());
        known.then(|| Answered { cached: true, ..self.answer(question) })
    }

    fn ask(&self, question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        let (reply, receiver) = oneshot::channel();
        let Question::Dns(question) = question else { return receiver };
        let answered = self.answer(&question);
        self.asked.lock().expect("no panic").insert(question.name.expose().to_owned());
        *self.lookups.lock().expect("no panic").entry(question.list).or_default() += 1;
        if let Answer::Dns(answer) = &answered.answer {
            let took = Duration::from_millis(1 + mixed(question.name.len() as u64) % 20);
            self.lists.tell(ListEvent::LookedUp { list: question.list, answer: answer.clone(), took });
        }
        // The engine is waiting.
        let _ = reply.send(answered);
        receiver
    }
}
