//! Who takes new connections? One thread owns the listeners and hands each connection to the core with fewest.
//!
//! It knows no protocol and no runtime. When it is told to stop, the listeners close and the cores' queues end; that
//! is how they learn that they shall drain.

use super::meters;
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::{SocketFlags, accept_with},
};
use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::mpsc::Sender;

/// Connections taken from one listener before the others get a turn.
const BURST_MAX: usize = 64;

/// Connections that wait for one core to pick them up.
pub(super) const HAND_OVER_MAX: usize = 256;

/// Pause when the system has no more file descriptors: an open connection must end first.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// A fresh connection, non-blocking.
#[derive(Debug)]
pub(super) enum Incoming {
    /// From the Unix socket.
    Unix(UnixStream),
    /// From TCP.
    Tcp(TcpStream),
}

/// One core as the acceptor sees it.
pub(super) struct CoreQueue {
    /// Where its connections go; bounded by [`HAND_OVER_MAX`].
    pub queue: Sender<(Incoming, Held)>,
    /// Connections it serves or will serve.
    pub load: Arc<AtomicUsize>,
}

/// One connection's place in its core's count; given back when dropped.
#[derive(Debug)]
pub(super) struct Held(Arc<AtomicUsize>);

impl Held {
    fn take(load: &Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(load.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The listeners and where their connections go.
pub(super) struct Acceptor {
    /// Always there.
    pub unix: UnixListener,
    /// If configured.
    pub tcp: Option<TcpListener>,
    /// At least one.
    pub cores: Vec<CoreQueue>,
    /// Over all cores.
    pub connections_max: usize,
}

impl Acceptor {
    /// Serves until the other end of `stop` is closed.
    pub(super) fn run(self, mut stop: UnixStream) {
        loop {
            let mut ready = vec![PollFd::new(&stop, PollFlags::IN), PollFd::new(&self.unix, PollFlags::IN)];
            ready.extend(self.tcp.iter().map(|tcp| PollFd::new(tcp, PollFlags::IN)));
            match poll(&mut ready, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                // The kernel is out of memory: nothing to do but to try again.
                Err(_) => thread::sleep(EXHAUSTED_PAUSE),
            }
            let is_ready = |at: usize| ready.get(at).is_some_and(|slot| !slot.revents().is_empty());
            let (stopped, unix, tcp) = (is_ready(0), is_ready(1), is_ready(2));
            if stopped && matches!(stop.read(&mut [0]), Ok(0)) {
                return;
            }
            if unix {
                self.take(&self.unix, |fd| Incoming::Unix(fd.into()));
            }
            if let Some(listener) = self.tcp.as_ref().filter(|_| tcp) {
                self.take(listener, |fd| Incoming::Tcp(fd.into()));
            }
        }
    }

    fn take(&self, listener: &impl std::os::fd::AsFd, wrap: impl Fn(OwnedFd) -> Incoming) {
        for _ in 0..BURST_MAX {
            match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(fd) => self.hand_over(wrap(fd)),
                Err(rustix::io::Errno::WOULDBLOCK) => return,
                Err(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE | rustix::io::Errno::NOBUFS) => {
                    meters::connection_refused("descriptors");
                    thread::sleep(EXHAUSTED_PAUSE);
                    return;
                }
                // The client has gone again (ECONNABORTED and its kin).
                Err(_) => {}
            }
        }
    }

    /// To the core with fewest; a connection that no core can take is closed, and the mail server's failure mode
    /// decides.
    fn hand_over(&self, incoming: Incoming) {
        let loads = || self.cores.iter().map(|core| core.load.load(Ordering::Relaxed));
        if loads().sum::<usize>() >= self.connections_max {
            meters::connection_refused("connections_max");
            return;
        }
        let Some(core) = self.cores.iter().min_by_key(|core| core.load.load(Ordering::Relaxed)) else { return };
        let held = Held::take(&core.load);
        if core.queue.try_send((incoming, held)).is_err() {
            meters::connection_refused("hand_over");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[test]
    fn hands_to_the_core_with_fewest_and_stops_when_told() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("s");
        let unix = UnixListener::bind(&path).expect("binds");
        unix.set_nonblocking(true).expect("non-blocking");
        let (mut cores, mut queues) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let (queue, incoming) = mpsc::channel(HAND_OVER_MAX);
            cores.push(CoreQueue { queue, load: Arc::default() });
            queues.push(incoming);
        }
        let (stop, stopped) = UnixStream::pair().expect("a pair");
        let acceptor = Acceptor { unix, tcp: None, cores, connections_max: 3 };
        let thread = thread::spawn(move || acceptor.run(stopped));
        let clients: Vec<_> = (0..4).map(|_| UnixStream::connect(&path).expect("connects")).collect();
        let taken: Vec<_> = [0, 1, 0].map(|core: usize| queues[core].blocking_recv().expect("a connection")).into();
        // The fourth is over `connections_max` and reads the end at once.
        assert_eq!((&clients[3]).read(&mut [0]).expect("closed"), 0);
        drop(taken);
        drop(stop);
        thread.join().expect("ends");
        assert!(queues[0].blocking_recv().is_none() && queues[1].blocking_recv().is_none());
    }
}
