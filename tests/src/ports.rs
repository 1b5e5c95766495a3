//! Which port is free? The kernel says; a server that is told a number binds it a moment later.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Tries to find a number that is free for TCP and UDP.
const TRIES: usize = 50;

/// A port of 127.0.0.1 that is free for TCP and for UDP.
///
/// # Panics
/// When none was found in 50 tries.
pub fn free() -> u16 {
    (0..TRIES).find_map(|_| try_free()).unwrap_or_else(|| panic!("no port is free for TCP and UDP after {TRIES} tries"))
}

fn try_free() -> Option<u16> {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let port = tcp.local_addr().ok()?.port();
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    Some(port)
}
