//! How long may a request take? A socket that knows when its time is up, and how much it may still read.
//!
//! Time-outs of the system hold for each read alone: a server that sends an octet now and then would never be out of
//! time. Here every read and write, those of a TLS handshake too, gets what is left until one moment.

use super::Node;
use crate::clock::Clock;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Octets of all answers to one request: 256 records of the largest kind, written by a dozen servers.
const ANSWER_OCTETS_MAX: usize = 16 * 1024 * 1024;

/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Least time that the system counts.
const TICK: Duration = Duration::from_millis(1);

/// A look-up of a name is under way: the system's has no time-out, so it has a thread of its own, one at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Naming(Arc<AtomicBool>);

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    clock: Clock,
    end: Instant,
    octets_left: usize,
}

fn timed_out() -> io::Error {
    io::Error::from(ErrorKind::TimedOut)
}

fn left(clock: &Clock, end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(clock.steady());
    if left < TICK { Err(timed_out()) } else { Ok(left) }
}

impl Socket {
    /// Connects, until `end` at most.
    pub(super) fn connect(node: &Node, naming: &Naming, clock: &Clock, end: Instant) -> io::Result<Self> {
        let stream = match node {
            Node::Unix(path) => Stream::Unix(unix(path)?),
            Node::Tcp(host, port) => Stream::Tcp(tcp(&naming.addresses(host, *port, clock, end)?, clock, end)?),
        };
        Ok(Self { stream, clock: clock.clone(), end, octets_left: ANSWER_OCTETS_MAX })
    }

    /// Begins a request that has to be answered until `end`.
    pub(super) fn begin(&mut self, end: Instant) {
        (self.end, self.octets_left) = (end, ANSWER_OCTETS_MAX);
    }

    fn timed<T>(&mut self, mut act: impl FnMut(&mut Stream, Duration) -> io::Result<T>) -> io::Result<T> {
        loop {
            let left = left(&self.clock, self.end)?;
            match act(&mut self.stream, left) {
                // Ends, because time passes.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(timed_out()),
                other => return other,
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.octets_left);
        if most == 0 && !into.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidData, "the answer is too large"));
        }
        let read = self.timed(|stream, left| match stream {
            Stream::Tcp(tcp) => tcp.set_read_timeout(Some(left)).and_then(|()| tcp.read(&mut into[..most])),
            Stream::Unix(unix) => unix.set_read_timeout(Some(left)).and_then(|()| unix.read(&mut into[..most])),
        })?;
        self.octets_left -= read;
        Ok(read)
    }
}

impl Write for Socket {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.timed(|stream, left| match stream {
            Stream::Tcp(tcp) => tcp.set_write_timeout(Some(left)).and_then(|()| tcp.write(from)),
            Stream::Unix(unix) => unix.set_write_timeout(Some(left)).and_then(|()| unix.write(from)),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tcp(addresses: &[SocketAddr], clock: &Clock, end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for (place, address) in addresses.iter().enumerate() {
        // The first of several that is silent shall leave time for the others.
        let share = left(clock, end)? / u32::try_from(addresses.len() - place).unwrap_or(1);
        match TcpStream::connect_timeout(address, share.max(TICK)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Never waits: a server that does not accept has no time for us.
fn unix(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

impl Naming {
    fn addresses(&self, host: &str, port: u16, clock: &Clock, end: Instant) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        if self.0.swap(true, Ordering::AcqRel) {
            return Err(timed_out());
        }
        let (busy, host) = (Arc::clone(&self.0), host.to_owned());
        let (sender, receiver) = mpsc::sync_channel(1);
        let look_up = move || {
            let found = system_addresses(&host, port);
            busy.store(false, Ordering::Release);
            let _nobody_waits = sender.send(found);
        };
        if let Err(error) = thread::Builder::new().name("redis-name".to_owned()).spawn(look_up) {
            self.0.store(false, Ordering::Release);
            return Err(error);
        }
        receiver.recv_timeout(left(clock, end)?).map_err(|_| timed_out())?
    }
}

#[expect(clippy::disallowed_methods, reason = "in a thread of its own, which nobody waits for longer than he has time")]
fn system_addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    use std::net::ToSocketAddrs;
    let unknown = |error: io::Error| io::Error::new(ErrorKind::NotFound, error.to_string());
    Ok((host, port).to_socket_addrs().map_err(unknown)?.take(ADDRESSES_MAX).collect())
}
