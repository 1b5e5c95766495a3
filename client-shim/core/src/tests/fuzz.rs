//! Servers that say anything: 20,000 mutated transcripts (more by `TOLLGATE_TRANSCRIPTS`), in pieces of any size.
//!
//! Whatever comes, each call ends in its deadline, nothing panics (arithmetic is checked in tests), and every reply is
//! one. The numbers are pseudo-random and the same in every run; `TOLLGATE_SEED` chooses others.

use super::{
    fake::{Daemon, Fake},
    number,
    server::{Request, Server, block, data, frame, go_away, head, prefixed, refusal, reply, settings, trailers},
};
use crate::{
    Session,
    http2::frame::{flag, kind, setting},
};
use prost::Message;
use std::{cell::RefCell, rc::Rc};
use tollgate_proto::v1::Verdict;

/// A small generator (xorshift64*): fast, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 32) as usize % bound.max(1)
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        (0..self.below(longest)).map(|_| self.next() as u8).collect()
    }
}

/// Says prepared bytes, some after each thing it hears, and may hang up at the end.
struct Player {
    script: Vec<u8>,
    said: usize,
    step: usize,
    hangs_up: bool,
}

impl Daemon for Player {
    fn hear(&mut self, _: &[u8]) -> Vec<u8> {
        let end = self.script.len().min(self.said + self.step);
        let part = self.script[self.said..end].to_vec();
        self.said = end;
        part
    }

    fn is_gone(&mut self) -> bool {
        self.hangs_up && self.said == self.script.len()
    }
}

type Dialect = fn(&Request) -> Vec<u8>;

/// How servers put the same answers.
const DIALECTS: [Dialect; 4] = [plain, in_pieces, with_goodbyes, refusing];

fn verdict(request: &Request) -> Vec<u8> {
    match request.number % 3 {
        0 => refusal(550, "5.7.1 no\nreally (#5.7.1) id"),
        1 => Verdict {
            headers: vec!["X-A: b\n c".to_string()],
            session_state: vec![1; 300].into(),
            authserv_id: "mx.example".to_string(),
            spf_result: "neutral".to_string(),
            ..Verdict::default()
        },
        _ => Verdict { delay_ms: 5, degraded: vec!["dns".into()], ..Verdict::default() },
    }
    .encode_to_vec()
}

fn plain(request: &Request) -> Vec<u8> {
    reply(request, &verdict(request))
}

fn in_pieces(request: &Request) -> Vec<u8> {
    let id = request.stream;
    let early = frame(kind::HEADERS, flag::END_HEADERS, id, &block(&[(":status", "100")]));
    let status = block(&[(":status", "200"), ("server", "x")]);
    let start = frame(kind::HEADERS, flag::PADDED, id, &[&[2][..], &status[..4], &[0; 2]].concat());
    let rest = frame(kind::CONTINUATION, flag::END_HEADERS, id, &status[4..]);
    let ping = frame(kind::PING, 0, 0, b"12345678");
    let body: Vec<u8> = prefixed(&verdict(request)).chunks(9).flat_map(|part| frame(kind::DATA, 0, id, part)).collect();
    let more = settings(&[(setting::INITIAL_WINDOW_SIZE, 70_000), (setting::MAX_CONCURRENT_STREAMS, 2)]);
    [early, start, rest, ping, body, more, trailers(id, "0")].concat()
}

fn with_goodbyes(request: &Request) -> Vec<u8> {
    let id = request.stream;
    // grpc-status: 0, both Huffman-coded, with indexing.
    let coded = [&[0x40, 0x88][..], &[0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f], &[0x81, 0x07]].concat();
    let end = frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, id, &coded);
    [go_away(id, b"bye"), head(id), data(id, &verdict(request)), end, frame(kind::RST_STREAM, 0, id, &[0; 4])].concat()
}

fn refusing(request: &Request) -> Vec<u8> {
    if request.number.is_multiple_of(2) {
        frame(kind::RST_STREAM, 0, request.stream, &7u32.to_be_bytes())
    } else {
        plain(request)
    }
}

fn hello() -> Vec<u8> {
    settings(&[
        (setting::INITIAL_WINDOW_SIZE, 1 << 20),
        (setting::MAX_CONCURRENT_STREAMS, 128),
        (setting::MAX_FRAME_SIZE, 1 << 14),
    ])
}

/// A server of one dialect that says one thing in `rarity` wrongly. It still reads what we say as the RFC has it: a
/// client led astray must not become one that breaks the protocol.
fn astray(dice: &Rc<RefCell<Dice>>, dialect: Dialect, rarity: usize) -> Server {
    let own = dice.clone();
    let mut server = Server::new(move |request| {
        let said = dialect(request);
        let dice = &mut *own.borrow_mut();
        if dice.below(rarity) == 0 { mutated(dice, &said) } else { said }
    });
    let dice = &mut *dice.borrow_mut();
    server.hello = if dice.below(20) == 0 { mutated(dice, &hello()) } else { hello() };
    server.hangs_up_after = (dice.below(4) == 0).then(|| 1 + dice.below(8));
    server
}

type Ask<'a, D> = &'a dyn Fn(&mut Session, &mut Fake<D>) -> Option<Vec<u8>>;

/// A whole session; checks what comes out. Returns how many stages were answered.
fn run<D: Daemon>(sys: &mut Fake<D>, session: &mut Session) -> usize {
    let mut answered = 0;
    let mut stage = |sys: &mut Fake<D>, session: &mut Session, ask: Ask<'_, D>| {
        let before = sys.now;
        let reply = ask(session, sys);
        assert!(sys.now - before <= 2000 + 30_000, "a call took {} ms", sys.now - before);
        answered += usize::from(session.is_answered());
        if let Some(reply) = reply {
            check(&reply);
        }
    };
    let owned = |reply: Option<&core::ffi::CStr>| reply.map(|reply| reply.to_bytes().to_vec());
    stage(sys, session, &|session, sys| owned(session.connect(sys)));
    stage(sys, session, &|session, sys| owned(session.helo(sys, b"mail.example", true)));
    for _ in 0..2 {
        stage(sys, session, &|session, sys| owned(session.mail(sys, b"a@example.org", b"SIZE=5")));
        stage(sys, session, &|session, sys| owned(session.rcpt(sys, b"b@example.net", 1)));
        session.recipient(true);
        stage(sys, session, &|session, sys| owned(session.data(sys)));
        check_fields(session.headers().to_bytes());
        check_message(session);
        let before = sys.now;
        session.queued(sys, 7, Some(b""));
        assert_eq!(sys.now, before);
    }
    let before = sys.now;
    session.close(sys, true);
    assert!(sys.now - before <= 100);
    assert!(!sys.is_open);
    answered
}

fn check(reply: &[u8]) {
    assert!(reply.len() <= 4096 && reply.ends_with(b"\r\n"));
    for line in reply.split_inclusive(|byte| *byte == b'\n') {
        assert!(line.len() <= 512 && matches!(line[0], b'4' | b'5'));
        let (text, end) = line.split_at(line.len() - 2);
        assert_eq!(end, b"\r\n");
        assert!(text.iter().all(|byte| (b' '..=b'~').contains(byte)));
    }
}

fn check_fields(fields: &[u8]) {
    assert!(fields.is_empty() || fields.ends_with(b"\n"));
    for line in fields.split_inclusive(|byte| *byte == b'\n') {
        assert!(
            line.len() > 1 && line[..line.len() - 1].iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t')
        );
    }
}

/// Whatever name is ours, nothing but the one field may go, and nothing else changes.
fn check_message(session: &mut Session) {
    let word = session.spf_result().to_bytes();
    assert!(word.len() <= 16 && word.iter().all(u8::is_ascii_lowercase));
    let (field, rest) = (&b"Authentication-Results: mx.example\n"[..], &b"A: b\n\nbody"[..]);
    let mut left = Vec::new();
    let is_forged = session.is_forged(field);
    session.filter(&[field, rest].concat(), &mut |bytes| left.extend_from_slice(bytes));
    session.end_filter(&mut |bytes| left.extend_from_slice(bytes));
    assert_eq!(left, if is_forged { rest.to_vec() } else { [field, rest].concat() });
}

fn mutated(dice: &mut Dice, original: &[u8]) -> Vec<u8> {
    let mut script = original.to_vec();
    for _ in 0..=dice.below(8) {
        let at = dice.below(script.len());
        match dice.below(8) {
            0 | 1 if at < script.len() => script[at] = dice.next() as u8,
            2 if at < script.len() => script[at] ^= 1 << dice.below(8),
            3 => script.truncate(at),
            4 => {
                let more = dice.bytes(40);
                script.splice(at..at, more);
            }
            5 => {
                let end = script.len().min(at + dice.below(60));
                script.drain(at..end);
            }
            6 => {
                let end = script.len().min(at + dice.below(200));
                let copy = script[at..end].to_vec();
                script.splice(at..at, copy);
            }
            _ => {
                let stream = [0, 1, 3, 5, dice.next() as u32 & 0x7fff_ffff][dice.below(5)];
                let frame = frame(dice.below(12) as u8, dice.next() as u8, stream, &dice.bytes(60));
                script.splice(at..at, frame);
            }
        }
    }
    script
}

#[test]
fn whatever_a_server_says_calls_end_and_replies_are_replies() {
    let dice = Rc::new(RefCell::new(Dice(u64::from(number("TOLLGATE_SEED", 1)) * 0x9e37_79b9_7f4a_7c15 + 1)));
    let mut session = Box::new(Session::new());
    let mut answered = 0;
    let rounds = number("TOLLGATE_TRANSCRIPTS", 20_000);
    for round in 0..rounds {
        let chunk = 1 + dice.borrow_mut().below(300);
        if round % 8 == 0 {
            let mut sys = Fake::new(player(&mut dice.borrow_mut()));
            sys.chunk = chunk;
            run(&mut sys, &mut session);
        } else {
            let mut sys = Fake::new(astray(&dice, DIALECTS[round as usize % DIALECTS.len()], 4));
            sys.chunk = chunk;
            answered += run(&mut sys, &mut session);
        }
    }
    assert!(answered > rounds as usize, "too little was understood: nothing was tested");
}

/// Bytes that have nothing to do with our requests.
fn player(dice: &mut Dice) -> Player {
    let request =
        Request { stream: 1, number: dice.below(3), method: String::new(), timeout: String::new(), message: vec![] };
    let said = DIALECTS[dice.below(3)](&request);
    let script = match dice.below(3) {
        0 => dice.bytes(500),
        _ => [hello(), mutated(dice, &said), dice.bytes(100)].concat(),
    };
    Player { step: 1 + dice.below(script.len() + 10), script, said: 0, hangs_up: dice.below(2) == 0 }
}

#[test]
fn servers_that_go_astray_nowhere_are_understood() {
    let dice = Rc::new(RefCell::new(Dice(1)));
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        let mut server = astray(&dice, dialect, usize::MAX);
        server.hello = hello();
        server.hangs_up_after = None;
        assert_eq!(run(&mut Fake::new(server), &mut Session::new()), 8, "{number}");
    }
}
