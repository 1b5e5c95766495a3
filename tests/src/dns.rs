//! Who answers DNS questions? unbound, as on a mail host; behind it rbldnsd serves the lists of the test, and nothing else
//! in the world exists. A silent list is a socket that never answers.

use crate::{ports, process::Process, scratch::Scratch, wait};
use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::Command,
    time::Duration,
};

/// How long one try of a question waits for its answer.
const TRY: Duration = Duration::from_millis(200);

/// One DNS list: its zone and its entries, in rbldnsd's words.
#[derive(Clone, Debug, Default)]
pub struct List {
    zone: String,
    v4: String,
    v6: String,
    silent: bool,
}

impl List {
    /// A list that lists nobody yet but the test addresses of RFC 5782 §5, as every list does. `reply` is what a listed
    /// address gets: `127.0.0.2:Listed, see …`; `$` stands for the address.
    pub fn new(zone: &str, reply: &str) -> Self {
        let head = format!("$SOA 60 ns.{zone} root.{zone} 0 600 300 86400 60\n$NS 60 ns.{zone}\n:{reply}\n");
        let empty = Self { zone: zone.to_owned(), v4: head.clone(), v6: head, silent: false };
        empty.with("127.0.0.2").with("::ffff:7f00:2")
    }

    /// A list whose server never answers.
    pub fn silent(zone: &str) -> Self {
        Self { zone: zone.to_owned(), silent: true, ..Self::default() }
    }

    /// Lists an IPv4 or IPv6 address or net.
    #[must_use]
    pub fn with(mut self, entry: &str) -> Self {
        let entries = if entry.contains(':') { &mut self.v6 } else { &mut self.v4 };
        entries.push_str(entry);
        entries.push('\n');
        self
    }
}

/// A running resolver.
#[derive(Debug)]
pub struct Dns {
    /// Where it answers, by UDP and TCP.
    pub address: SocketAddr,
    /// Where rbldnsd answers, by UDP only; `None` = every list is silent.
    pub lists: Option<SocketAddr>,
    unbound: Process,
    _rbldnsd: Option<Process>,
    _silence: UdpSocket,
}

impl Dns {
    /// Starts resolver and lists, and waits until both answer.
    ///
    /// # Panics
    /// When one of them does not start.
    pub fn start(scratch: &Scratch, lists: &[List]) -> Self {
        Self::start_with(scratch, lists, "")
    }

    /// The same; the resolver has these records of its own, too: one a line, as zone files have them, with absolute names.
    ///
    /// # Panics
    /// When one of them does not start.
    pub fn start_with(scratch: &Scratch, lists: &[List], records: &str) -> Self {
        let silence = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap_or_else(|error| panic!("a UDP socket: {error}"));
        let silent_port = silence.local_addr().map_or(0, |address| address.port());
        let served: Vec<&List> = lists.iter().filter(|list| !list.silent).collect();
        let rbldnsd = (!served.is_empty()).then(|| start_rbldnsd(scratch, &served));
        let list_port = rbldnsd.as_ref().map_or(silent_port, |(_, port)| *port);
        let port = ports::free();
        let config = unbound_config(lists, records, port, [list_port, silent_port]);
        let config = scratch.write("unbound.conf", config);
        let unbound =
            Process::start(Command::new("unbound").args(["-d", "-p", "-c"]).arg(config), &scratch.path("unbound.log"));
        wait::until("unbound to answer", wait::SOON, || answers(port, "nothing.invalid"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let lists = rbldnsd.as_ref().map(|(_, port)| SocketAddr::from((Ipv4Addr::LOCALHOST, *port)));
        Self { address, lists, unbound, _rbldnsd: rbldnsd.map(|(process, _)| process), _silence: silence }
    }

    /// The resolver's process.
    pub fn process(&self) -> &Process {
        &self.unbound
    }
}

fn start_rbldnsd(scratch: &Scratch, lists: &[&List]) -> (Process, u16) {
    let mut zones = Vec::new();
    for list in lists {
        scratch.write(&format!("{}.v4", list.zone), &list.v4);
        scratch.write(&format!("{}.v6", list.zone), &list.v6);
        zones.push(format!("{zone}:ip4set:{zone}.v4", zone = list.zone));
        zones.push(format!("{zone}:ip6trie:{zone}.v6", zone = list.zone));
    }
    rbldnsd(scratch, &zones)
}

/// rbldnsd over zones as its command line has them, `NAME:TYPE:FILE`, with files in the scratch folder; and its port. It
/// ends when a file cannot be read.
///
/// # Panics
/// When it does not answer.
pub fn rbldnsd(scratch: &Scratch, zones: &[String]) -> (Process, u16) {
    let port = ports::free();
    // As root it insists on another user; the files are readable for everybody. Who changes the user forgets to die with
    // its parent, so it is told again.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--pdeathsig", "KILL", "--", "rbldnsd"]);
    command.args(["-n", "-f", "-w"]).arg(scratch.folder()).args(["-b", &format!("127.0.0.1/{port}")]).args(zones);
    let process = Process::start(&mut command, &scratch.path("rbldnsd.log"));
    let zone = zones.first().and_then(|zone| zone.split(':').next()).unwrap_or("invalid");
    wait::until("rbldnsd to answer", wait::SOON, || answers(port, zone));
    (process, port)
}

fn unbound_config(lists: &[List], records: &str, port: u16, [list_port, silent_port]: [u16; 2]) -> String {
    let mut config = format!(
        "server:\n interface: 127.0.0.1\n port: {port}\n access-control: 127.0.0.0/8 allow\n do-daemonize: no\n \
         use-syslog: no\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n num-threads: 1\n do-not-query-localhost: no\n \
         module-config: \"iterator\"\n do-ip6: no\n local-zone: \".\" static\n"
    );
    for list in lists {
        let _infallible = writeln!(config, " local-zone: \"{}.\" transparent", list.zone);
    }
    for record in records.lines().filter(|line| !line.is_empty()) {
        let _infallible = writeln!(config, " local-data: '{record}'");
    }
    config.push_str("remote-control:\n control-enable: no\n");
    for list in lists {
        let port = if list.silent { silent_port } else { list_port };
        let _infallible = writeln!(config, "forward-zone:\n name: \"{}.\"\n forward-addr: 127.0.0.1@{port}", list.zone);
    }
    config
}

/// Does the server on this port of 127.0.0.1 answer an A question at all?
pub fn answers(port: u16, name: &str) -> bool {
    reply(port, name).is_some()
}

/// The last octet of the first A record that comes back, such as 2 of 127.0.0.2; `None` = there is none.
pub fn listed(port: u16, name: &str) -> Option<u8> {
    let reply = reply(port, name)?;
    let count = u16::from_be_bytes([*reply.get(6)?, *reply.get(7)?]);
    // The question comes back as it was sent; the name of the first answer points into it (RFC 1035 §4.1.4).
    let answer = reply.get(question(name).len()..)?;
    let is_address = count > 0 && answer.first()? & 0xc0 == 0xc0 && answer.get(2..4)? == [0, 1];
    answer.get(15).copied().filter(|_| is_address)
}

fn reply(port: u16, name: &str) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    socket.set_read_timeout(Some(TRY)).ok()?;
    socket.send_to(&question(name), (Ipv4Addr::LOCALHOST, port)).ok()?;
    let mut reply = vec![0; 512];
    let octets = socket.recv(&mut reply).ok()?;
    reply.truncate(octets);
    Some(reply)
}

/// A question for the A records of `name`, recursion desired (RFC 1035 §4.1).
fn question(name: &str) -> Vec<u8> {
    let mut bytes = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap_or(63));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
    bytes
}
