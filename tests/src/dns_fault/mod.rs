//! What does a DNS server do wrong, and since when? A proxy on loopback, by UDP and TCP, in front of a real server; a
//! test switches its faults at run time, each for the names at or under a zone.
//!
//! `serve` moves messages, `message` knows how they are built.

mod message;
mod serve;
#[cfg(test)]
mod tests;

use crate::ports;
use std::{
    collections::HashSet,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;

/// Zones a test may name.
const ZONES_MAX: usize = 64;
/// Questions remembered by [`Fault::LosesFirst`]; later ones are not lost.
const REMEMBERED_MAX: usize = 10_000;

/// What happens to the questions about a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is answered.
    Silent,
    /// Everything is answered with this response code (RFC 1035 §4.1.1): 2 is SERVFAIL, 5 REFUSED.
    Code(u8),
    /// By UDP the answer is marked as truncated, with (`rest`) or without records; by TCP it is whole, or the
    /// connection ends (`tcp = false`).
    Truncated {
        /// Records stay in the datagram.
        rest: bool,
        /// TCP works.
        tcp: bool,
    },
    /// The answer bears another id than the question; the right answer follows or nothing.
    WrongId {
        /// It follows.
        right_follows: bool,
    },
    /// The answer comes so much later.
    Slow(Duration),
    /// The first datagram of each question (name and type) is lost.
    LosesFirst,
    /// Every n-th datagram is lost.
    LosesEvery(u64),
    /// Every A question gets this address, whatever the name: a list that lists the world, or refuses to be asked.
    Says(Ipv4Addr),
    /// What does not exist gets this address: a resolver that "helps" people who mistype.
    Rewrites(Ipv4Addr),
    /// Every name is an alias of this one, which the server behind answers for.
    Alias(String),
    /// Every A question gets 127.0.0.2, every TXT question that many records of 200 octets: more than a datagram holds.
    Texts(usize),
    /// The right id, then noise.
    Garbage,
}

/// A running proxy; dropping it ends it.
#[derive(Debug)]
pub struct Faults {
    /// Where it answers.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    zones: Mutex<Vec<Zone>>,
}

#[derive(Debug)]
struct Zone {
    name: String,
    fault: Option<Fault>,
    asked: u64,
    seen: HashSet<(String, u16)>,
}

impl Faults {
    /// A proxy without faults in front of `upstream`.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start(upstream: SocketAddr) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        Self::start_at(address, upstream).unwrap_or_else(|error| panic!("a DNS proxy on {address}: {error}"))
    }

    /// The same on an address of the caller's choice.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn start_at(address: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        let udp = UdpSocket::bind(address)?;
        let tcp = TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let shared = Arc::new(Shared { upstream, zones: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let served = runtime.block_on(serve::run(udp, tcp, serving, stopped));
            assert!(served.is_ok(), "the DNS proxy: {served:?}");
        });
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// From now on `fault` happens to names at or under `zone`, of which "" is the root; the longest zone that fits
    /// counts.
    pub fn set(&self, zone: &str, fault: Fault) {
        self.change(zone, Some(fault));
    }

    /// `zone` is well again: its questions go to the server behind.
    pub fn clear(&self, zone: &str) {
        self.change(zone, None);
    }

    /// Questions about `zone` since it was first named here, by UDP and TCP, repetitions included.
    pub fn asked(&self, zone: &str) -> u64 {
        self.shared.zones().iter().find(|known| known.name == zone).map_or(0, |known| known.asked)
    }

    fn change(&self, name: &str, fault: Option<Fault>) {
        let mut zones = self.shared.zones();
        if let Some(known) = zones.iter_mut().find(|known| known.name == name) {
            known.fault = fault;
            known.seen.clear();
            return;
        }
        assert!(zones.len() < ZONES_MAX, "more than {ZONES_MAX} zones");
        zones.push(Zone { name: name.to_owned(), fault, asked: 0, seen: HashSet::new() });
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Shared {
    fn zones(&self) -> MutexGuard<'_, Vec<Zone>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a question and says what happens to it; a fault that spares this one is none.
    fn meet(&self, name: &str, kind: u16, by_udp: bool) -> Option<Fault> {
        let mut zones = self.zones();
        let mut fitting: Vec<&mut Zone> = zones.iter_mut().filter(|zone| zone.holds(name)).collect();
        for zone in &mut fitting {
            zone.asked += 1;
        }
        let zone = fitting.into_iter().max_by_key(|zone| zone.name.len())?;
        let lost = by_udp
            && match zone.fault {
                Some(Fault::LosesFirst) => zone.is_first(name, kind),
                Some(Fault::LosesEvery(every)) => zone.asked.is_multiple_of(every.max(1)),
                _ => false,
            };
        match &zone.fault {
            Some(Fault::LosesFirst | Fault::LosesEvery(_)) => lost.then_some(Fault::Silent),
            other => other.clone(),
        }
    }
}

impl Zone {
    fn holds(&self, name: &str) -> bool {
        let rest = name.strip_suffix(self.name.as_str());
        rest.is_some_and(|rest| self.name.is_empty() || rest.is_empty() || rest.ends_with('.'))
    }

    fn is_first(&mut self, name: &str, kind: u16) -> bool {
        self.seen.len() < REMEMBERED_MAX && self.seen.insert((name.to_owned(), kind))
    }
}
