//! How slow is the line, and how often is it crossed? A TCP proxy on loopback that delays answers and counts questions.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Octets that are moved at once.
const PIECE: usize = 64 * 1024;

/// A running proxy; dropping it ends it and its connections.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    delay_ms: AtomicU64,
    questions: AtomicU64,
    connections: AtomicU64,
    ended: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// In front of `upstream`, without delay.
    ///
    /// # Panics
    /// When it cannot listen.
    #[expect(clippy::expect_used, reason = "no test can go on without it")]
    pub fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                serving.connections.fetch_add(1, Ordering::SeqCst);
                if let Ok(server) = TcpStream::connect(upstream) {
                    serve(&serving, client, server);
                }
            }
        });
        Self { address, shared }
    }

    /// Every piece of an answer comes so much later from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.shared.delay_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Questions so far: whatever a client sent until it was answered is one.
    pub fn questions(&self) -> u64 {
        self.shared.questions.load(Ordering::SeqCst)
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
        let _wakes_the_listener = TcpStream::connect(self.address);
    }
}

fn serve(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) {
    let _both = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { return };
    if let (Ok(client), Ok(server)) = (client.try_clone(), server.try_clone()) {
        shared.open.lock().unwrap_or_else(PoisonError::into_inner).extend([client, server]);
    }
    let asking = Arc::new(AtomicBool::new(false));
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    let asked = Arc::clone(&asking);
    thread::spawn(move || {
        pump(from, to, || {
            if !asked.swap(true, Ordering::SeqCst) {
                up.questions.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    thread::spawn(move || {
        pump(server, client, || {
            asking.store(false, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(down.delay_ms.load(Ordering::SeqCst)));
        });
    });
}

/// Moves octets until either side ends; then both have.
fn pump(mut from: TcpStream, mut to: TcpStream, mut before: impl FnMut()) {
    let mut piece = vec![0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        before();
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
