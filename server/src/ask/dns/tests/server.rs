//! A DNS server of a few lines whose every answer a test writes: on one loopback port, UDP and TCP, counted.

use hickory_resolver::proto::{
    op::{Message, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record,
        rdata::{A, CNAME, NS, SOA, TXT},
    },
};
use std::{
    collections::HashSet,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long a socket waits before it looks whether the test is over.
const TICK: Duration = Duration::from_millis(10);
/// Ports tried until one is free for UDP and TCP alike.
const PORTS_TRIED: usize = 100;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::ask) enum Over {
    Udp,
    Tcp,
}

/// The server; ends when dropped.
pub(in crate::ask) struct Server {
    pub(in crate::ask) address: SocketAddr,
    asked: Arc<Mutex<HashSet<(Query, u16, Over)>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// `say` gives the messages to send back for a question: none, one or several.
    pub(in crate::ask) fn start(say: impl Fn(&Message, Over) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().expect("an address");
        let (asked, over, say) = (Arc::<Mutex<HashSet<_>>>::default(), Arc::<AtomicBool>::default(), Arc::new(say));
        let count = {
            let asked = asked.clone();
            move |message: &Message, over| {
                asked.lock().expect("a lock").insert((query(message).clone(), message.id, over));
                say(message, over)
            }
        };
        let ends = over.clone();
        let also = (over.clone(), count.clone());
        let threads = vec![
            thread::spawn(move || serve_udp(&udp, &ends, &count)),
            thread::spawn(move || serve_tcp(&tcp, &also.0, &also.1)),
        ];
        Self { address, asked, over, threads }
    }

    /// Answers every question over UDP with what `answer` makes of an empty answer to it.
    pub(in crate::ask) fn answering(answer: impl Fn(&mut Message) + Send + Sync + 'static) -> Self {
        Self::start(move |question, _| {
            let mut message = reply(question);
            answer(&mut message);
            vec![octets(&message)]
        })
    }

    /// Questions so far. A repetition has its question's id and is not counted: a busy machine causes them.
    pub(in crate::ask) fn asked(&self) -> usize {
        self.asked.lock().expect("a lock").len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..PORTS_TRIED {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a UDP port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")) {
            udp.set_read_timeout(Some(TICK)).expect("a timeout");
            tcp.set_nonblocking(true).expect("non-blocking");
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn serve_udp(udp: &UdpSocket, over: &AtomicBool, say: &impl Fn(&Message, Over) -> Vec<Vec<u8>>) {
    let mut buffer = [0; 4_096];
    while !over.load(Ordering::SeqCst) {
        let Ok((length, from)) = udp.recv_from(&mut buffer) else { continue };
        let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
        for answer in say(&question, Over::Udp) {
            let _ = udp.send_to(&answer, from);
        }
    }
}

fn serve_tcp(tcp: &TcpListener, over: &AtomicBool, say: &impl Fn(&Message, Over) -> Vec<Vec<u8>>) {
    while !over.load(Ordering::SeqCst) {
        let Ok((mut stream, _)) = tcp.accept() else {
            thread::sleep(TICK);
            continue;
        };
        stream.set_nonblocking(false).expect("blocking");
        stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            if stream.read_exact(&mut question).is_err() {
                break;
            }
            let Ok(question) = Message::from_vec(&question) else { break };
            for answer in say(&question, Over::Tcp) {
                let length = u16::try_from(answer.len()).expect("a DNS message");
                let _ = stream.write_all(&[&length.to_be_bytes()[..], &answer].concat());
            }
        }
    }
}

/// An empty answer to the question.
pub(in crate::ask) fn reply(question: &Message) -> Message {
    let mut message = Message::response(question.id, OpCode::Query);
    message.add_queries(question.queries.iter().cloned());
    message.metadata.recursion_available = true;
    message
}

pub(in crate::ask) fn octets(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a message")
}

pub(in crate::ask) fn name(text: &str) -> Name {
    text.parse::<Name>().expect("a name")
}

/// What was asked for.
pub(in crate::ask) fn query(message: &Message) -> &Query {
    message.queries.first().expect("a question")
}

pub(in crate::ask) fn code(message: &mut Message, code: ResponseCode) {
    message.metadata.response_code = code;
}

pub(in crate::ask) fn add_a(message: &mut Message, owner: &str, ttl: u32, last: u8) {
    let data = RData::A(A::new(127, 0, 0, last));
    message.add_answer(Record::from_rdata(name(owner), ttl, data));
}

pub(in crate::ask) fn add_txt(message: &mut Message, owner: &str, strings: &[&[u8]]) {
    let data = RData::TXT(TXT::from_bytes(strings.to_vec()));
    message.add_answer(Record::from_rdata(name(owner), 300, data));
}

pub(in crate::ask) fn add_cname(message: &mut Message, owner: &str, ttl: u32, target: &str) {
    message.add_answer(Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target)))));
}

/// The zone's SOA, which gives the time "does not exist" holds (RFC 2308 §5).
pub(in crate::ask) fn add_soa(message: &mut Message, ttl: u32, minimum: u32) {
    let soa = SOA::new(name("ns.example."), name("root.example."), 1, 1, 1, 1, minimum);
    message.add_authority(Record::from_rdata(name("example."), ttl, RData::SOA(soa)));
}

pub(in crate::ask) fn add_ns(message: &mut Message) {
    message.add_authority(Record::from_rdata(name("example."), 300, RData::NS(NS(name("ns.example.")))));
}
