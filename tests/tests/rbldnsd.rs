//! Do we read zones as rbldnsd does? Random zones, beside what rbldnsd answers. (Its own dump of a trie is
//! not complete.)

#![allow(clippy::expect_used, reason = "a test program: what cannot be run or read is a failure")]

use proptest::prelude::*;
use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tollgate::lists::{KeyList, Keys, NameList, domain_zone, network_zone};
use tollgate_tests::ports;

/// Zones tried; each costs a process.
const ZONES: u32 = 200;
/// How long one try of a question waits, and how many there are: rbldnsd has to start first.
const TRY: Duration = Duration::from_millis(50);
const TRIES: usize = 200;

/// Held until a server answers at its port: the kernel may name a port twice that nobody has bound yet, rbldnsd shares
/// one, and a zone would be held against another's.
static STARTING: Mutex<()> = Mutex::new(());

/// rbldnsd with one zone.
struct Server {
    child: Child,
    socket: UdpSocket,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Server {
    fn start(folder: &Path, kind: &str, zone: &str) -> Self {
        fs::write(folder.join("zone"), zone).expect("a zone");
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.connect(address).expect("an address");
        socket.set_read_timeout(Some(TRY)).expect("a timeout");
        let mut rbldnsd = Command::new("rbldnsd");
        rbldnsd.current_dir(folder).args(["-n", "-b", &format!("127.0.0.1/{}", address.port())]);
        rbldnsd.arg(format!("x.test:{kind}:zone")).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { child: rbldnsd.spawn().expect("rbldnsd runs"), socket };
        server.lists("anything");
        server
    }

    /// Is there an A record for this name below `x.test`?
    fn lists(&self, name: &str) -> bool {
        let mut question = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.').chain(["x", "test"]) {
            question.push(u8::try_from(label.len()).expect("a label"));
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        let mut answer = [0; 512];
        for _ in 0..TRIES {
            // Before it listens the host says so, at once or at the next question.
            let _refused = self.socket.send(&question);
            match self.socket.recv(&mut answer) {
                Ok(octets) if octets > 12 && answer[12..].starts_with(&question[12..]) => return answer[7] > 0,
                Ok(_) => {}
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
        panic!("rbldnsd does not answer");
    }
}

fn reversed(ip: IpAddr) -> String {
    let labels: Vec<String> = match ip {
        IpAddr::V4(v4) => v4.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(v6) => {
            v6.octets().iter().flat_map(|octet| [octet >> 4, octet & 15]).map(|half| format!("{half:x}")).collect()
        }
    };
    labels.into_iter().rev().collect::<Vec<_>>().join(".")
}

fn is_there() -> bool {
    let there = Command::new("rbldnsd").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        tollgate_tests::skip::say("rbldnsd", "it is not installed");
    }
    there
}

fn run<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { cases: ZONES, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config).run(strategy, test).unwrap_or_else(|wrong| panic!("{wrong}"));
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", " ", " :127.0.0.4:text", " :3:", " a text", " # remark", ";remark", ":5:text"])
}

/// Lines without exceptions, and other lines.
fn plain_v4() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => ("10\\.[0-2](\\.[0-3](\\.[0-4])?)?", value()).prop_map(|(net, value)| format!("{net}{value}")),
        4 => ("10\\.[0-2]\\.[0-3]\\.(0|4|8|128)/(2[4-9]|3[0-3])", value()).prop_map(|(net, value)| format!("{net}{value}")),
        2 => "10\\.[0-2](\\.0)?/(1[4-9])",
        3 => "10\\.[0-2]\\.[0-3]\\.[0-4]-[0-9]{1,3}",
        2 => "10\\.[0-2]\\.[0-3]-[0-4]",
        2 => "10\\.[0-1]\\.[0-3]\\.7-10\\.1\\.[2-3]\\.9|10\\.[0-1]\\.[0-3]-10\\.1\\.[2-3]",
        1 => prop::sample::select(vec!["", "# remark", ";", ":127.0.0.9:now", "$TTL 10", "#$NS 1 ns.x", "10.0.0.256", "10.1.2.3.4", "x", " 10.0.3.9"])
            .prop_map(str::to_owned),
    ]
}

fn v4_asked() -> impl Iterator<Item = IpAddr> {
    let octets = (0..4_u8)
        .flat_map(|b| (0..5_u8).flat_map(move |c| [0, 1, 3, 4, 5, 7, 9, 10, 99, 128, 255].map(move |d| [10, b, c, d])));
    octets.map(IpAddr::from)
}

#[test]
fn networks_without_exceptions_are_those_of_an_ip4set() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    run(&prop::collection::vec(plain_v4(), 0..9), |lines| {
        let zone = lines.join("\n");
        let server = Server::start(folder.path(), "ip4set", &zone);
        let (set, _) = network_zone(zone.as_bytes());
        for ip in v4_asked() {
            prop_assert_eq!(set.longest(ip).is_some(), server.lists(&reversed(ip)), "{} in {:?}", ip, zone);
        }
        Ok(())
    });
}

#[test]
fn exceptions_are_those_of_an_ip4trie() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // In a trie the first of two equal entries counts, here the exception: each network once.
    let nets = prop::collection::btree_map(
        "10\\.[0-1]\\.[0-1]\\.(0|4|128)/(2[5-9]|30)|10\\.[0-1](\\.[0-2](\\.3)?)?",
        any::<bool>(),
        0..9,
    );
    run(&nets, |nets| {
        let zone: String =
            nets.iter().map(|(net, excluded)| format!("{}{net}\n", if *excluded { "!" } else { "" })).collect();
        let (set, mistakes) = network_zone(zone.as_bytes());
        let mut seen = BTreeSet::new();
        let distinct = nets.keys().all(|net| {
            let (one, _) = network_zone(net.as_bytes());
            let first = v4_asked().find_map(|ip| one.longest(ip));
            first.is_none_or(|network| seen.insert(network))
        });
        if !distinct || !mistakes.is_empty() {
            return Ok(());
        }
        let server = Server::start(folder.path(), "ip4trie", &zone);
        for ip in v4_asked() {
            prop_assert_eq!(set.longest(ip).is_some(), server.lists(&reversed(ip)), "{} in {:?}", ip, zone);
        }
        Ok(())
    });
}

#[test]
fn networks_of_an_ip6trie_are_read() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let line = prop_oneof![
        4 => ("2001:db8:[0-2](:[0-2])?(::)?(/(48|52|64))?", value()).prop_map(|(net, value)| format!("{net} {}", value.trim_start_matches(':'))),
        2 => "2001:db8:[0-2]::[0-3]",
        1 => "2001:db8:1:2:3:4:5:[0-2]",
        1 => prop::sample::select(vec!["::1", ":2:text", "2001:db8::1/32", "2001:db8:g"]).prop_map(str::to_owned),
    ];
    let asked = (0..4_u16).flat_map(|a| {
        (0..4_u16).flat_map(move |b| (0..4_u16).map(move |c| Ipv6Addr::new(0x2001, 0xdb8, a, b, 0, 0, 0, c)))
    });
    let asked: Vec<IpAddr> =
        asked.chain([Ipv6Addr::LOCALHOST, Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, 1)]).map(IpAddr::V6).collect();
    run(&prop::collection::vec(line, 0..7), |lines| {
        let zone = lines.join("\n");
        let server = Server::start(folder.path(), "ip6trie", &zone);
        let (set, _) = network_zone(zone.as_bytes());
        for ip in &asked {
            prop_assert_eq!(set.longest(*ip).is_some(), server.lists(&reversed(*ip)), "{} in {:?}", ip, zone);
        }
        Ok(())
    });
}

#[test]
fn domains_of_a_dnset_are_read() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let nets = prop::collection::btree_set("(\\*\\.|\\.)?([ab]\\.){0,2}(test|Example)", 0..7);
    run(&nets, |entries| {
        let zone: String = entries.iter().map(|entry| format!("{entry} :2:text\n")).collect();
        let server = Server::start(folder.path(), "dnset", &zone);
        let (domains, mistakes) = domain_zone(zone.as_bytes());
        prop_assert_eq!(mistakes, vec![]);
        let list = NameList::new(KeyList::new(vec![Arc::new(Keys::Domains(domains))]));
        for name in [
            "test",
            "example",
            "a.test",
            "b.a.test",
            "a.b.a.test",
            "x.test",
            "a.example",
            "x.a.example",
            "b.b.example",
            "x.b.b.example",
        ] {
            prop_assert_eq!(list.find(name.as_bytes()).is_some(), server.lists(name), "{} in {:?}", name, zone);
        }
        Ok(())
    });
}
