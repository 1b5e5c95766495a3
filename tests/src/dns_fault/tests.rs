//! Does each fault do what it says? One proxy that invents answers is the server behind the one that is watched.

use super::{
    message::{A, NAME_ERROR, TXT, answers, code, wire_name},
    *,
};
use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// An id for questions whose answers a test looks at, and one for those that show that nothing came before.
const ID: u8 = 7;
const LATER: u8 = 8;
const PATIENCE: Duration = Duration::from_secs(20);
const LISTED: [u8; 4] = [127, 0, 0, 2];

/// Nobody is there.
fn nobody() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 9))
}

/// The watched proxy, a server behind it that lists everybody below `example`, and a client.
struct Scene {
    behind: Faults,
    watched: Faults,
    client: UdpSocket,
}

impl Scene {
    fn new() -> Self {
        let behind = Faults::start(nobody());
        behind.set("example", Fault::Says(LISTED.into()));
        let watched = Faults::start(behind.address);
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        client.connect(watched.address).expect("an address");
        client.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self { behind, watched, client }
    }

    fn send(&self, question: &[u8]) {
        self.client.send(question).expect("a datagram leaves");
    }

    fn receive(&self) -> Vec<u8> {
        let mut datagram = vec![0; 65_536];
        let length = self.client.recv(&mut datagram).expect("an answer");
        datagram.truncate(length);
        datagram
    }

    /// The answer under `fault`.
    fn under(&self, fault: Fault, kind: u16) -> Vec<u8> {
        self.watched.set("bl.example", fault);
        self.send(&question(ID, "x.bl.example", kind));
        self.receive()
    }

    /// The next datagram answers a question sent after all others: they were not answered.
    fn assert_nothing(&self) {
        self.send(&question(LATER, "y.well.example", A));
        assert_eq!(self.receive()[1], LATER);
    }

    /// By TCP; empty = the connection ended.
    fn by_tcp(&self, kind: u16) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.watched.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let question = question(ID, "x.bl.example", kind);
        stream.write_all(&[&[0, question.len() as u8], &question[..]].concat()).expect("a question leaves");
        let mut length = [0; 2];
        if stream.read_exact(&mut length).is_err() {
            return Vec::new();
        }
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message).expect("an answer");
        message
    }
}

fn question(id: u8, name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend(wire_name(name));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message
}

fn is_truncated(message: &[u8]) -> bool {
    message[2] & 2 != 0
}

#[test]
fn what_is_silent_lost_or_strange_is_no_answer() {
    let scene = Scene::new();
    scene.watched.set("bl.example", Fault::Silent);
    scene.send(&question(ID, "x.bl.example", A));
    scene.assert_nothing();
    scene.watched.set("bl.example", Fault::LosesFirst);
    scene.send(&question(ID, "x.bl.example", A));
    scene.assert_nothing();
    scene.send(&question(ID, "x.bl.example", A));
    assert_eq!(answers(&scene.receive(), A), [LISTED]);
    let wrong = scene.under(Fault::WrongId { right_follows: false }, A);
    assert!(wrong[1] != ID && answers(&wrong, A) == [LISTED], "{wrong:?}");
    scene.assert_nothing();
    let wrong = scene.under(Fault::WrongId { right_follows: true }, A);
    assert_eq!((wrong[1] == ID, scene.receive()[1]), (false, ID), "the right one comes second");
    let noise = scene.under(Fault::Garbage, A);
    assert!(noise[1] == ID && answers(&noise, A).is_empty(), "{noise:?}");
    assert_eq!(scene.watched.asked("bl.example"), 6);
}

#[test]
fn truncated_answers_are_whole_by_tcp_or_not_there() {
    let scene = Scene::new();
    for (rest, tcp) in [(false, false), (false, true), (true, false), (true, true)] {
        let cut = scene.under(Fault::Truncated { rest, tcp }, A);
        assert_eq!((is_truncated(&cut), answers(&cut, A).len()), (true, usize::from(rest)));
        let whole = scene.by_tcp(A);
        assert_eq!(answers(&whole, A), if tcp { vec![LISTED.to_vec()] } else { Vec::new() });
        assert!(!tcp || !is_truncated(&whole));
    }
    let cut = scene.under(Fault::Texts(100), TXT);
    assert!(is_truncated(&cut) && answers(&cut, TXT).is_empty());
    assert_eq!(answers(&scene.by_tcp(TXT), TXT).len(), 100);
}

#[test]
fn answers_are_invented_rewritten_and_delayed() {
    let scene = Scene::new();
    assert_eq!(code(&scene.under(Fault::Code(5), A)), 5);
    assert_eq!(answers(&scene.under(Fault::Says([10, 0, 0, 1].into()), A), A), [[10, 0, 0, 1]]);
    assert_eq!(answers(&scene.under(Fault::Rewrites([203, 0, 113, 7].into()), A), A), [LISTED], "it exists");
    scene.behind.set("bl.example", Fault::Code(NAME_ERROR));
    assert_eq!(answers(&scene.under(Fault::Rewrites([203, 0, 113, 7].into()), A), A), [[203, 0, 113, 7]]);
    let alias = |target: &str| scene.under(Fault::Alias(target.to_owned()), A);
    assert_eq!(answers(&alias("z.well.example"), A), [LISTED]);
    let nowhere = alias("z.bl.example");
    assert_eq!((code(&nowhere), answers(&nowhere, A).len()), (NAME_ERROR, 0));
    let started = crate::wait::now();
    let late = scene.under(Fault::Slow(Duration::from_millis(300)), A);
    assert!(code(&late) == NAME_ERROR && started.elapsed() >= Duration::from_millis(300));
    scene.watched.clear("bl.example");
    assert_eq!(code(&scene.by_tcp(A)), NAME_ERROR, "as the server behind says");
}

#[test]
fn the_longest_zone_counts_and_every_zone_above_it_is_asked() {
    let faults = Faults::start(nobody());
    let meet = |name: &str| faults.shared.meet(name, A, true);
    faults.set("bl.example", Fault::Silent);
    faults.set("2.0.192.bl.example", Fault::LosesFirst);
    assert_eq!(meet("2.0.0.127.bl.example"), Some(Fault::Silent));
    assert_eq!(meet("notbl.example"), None);
    assert_eq!([meet("9.2.0.192.bl.example"), meet("9.2.0.192.bl.example")], [Some(Fault::Silent), None]);
    assert_eq!([faults.asked("bl.example"), faults.asked("2.0.192.bl.example"), faults.asked("x")], [3, 2, 0]);
    faults.clear("bl.example");
    assert_eq!(meet("bl.example"), None);
    faults.set("", Fault::Silent);
    assert_eq!([meet("notbl.example"), meet("bl.example")], [Some(Fault::Silent), None]);
    faults.set("bl.example", Fault::LosesEvery(2));
    let met: Vec<bool> = (0..4).map(|_| meet("bl.example").is_some()).collect();
    assert_eq!(met, [true, false, true, false], "five were asked, four follow");
}
