//! How is the system asked, with nothing but POSIX calls that Linux and FreeBSD share?
//!
//! Never touched: descriptors 0 and 1 (but by poll), signals, the environment, the working directory.

#![allow(unsafe_code, reason = "system calls take pointers")]

use core::{
    ffi::{CStr, c_int, c_short, c_void},
    mem::{size_of, zeroed},
    ptr::null_mut,
};
use libc::{sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_un, socklen_t};
use tollgate_shim_core::{Address, Connect, Sys, Transfer, Wanted};

/// Our descriptor stands above everything mail servers count on: old AUTH patches want the next pipe to be 3,
/// notqmail's queue claims 6.
const FD_MIN: c_int = 10;

/// The system, and the one socket to the daemon.
pub(crate) struct Posix {
    /// Descriptor of the socket plus one, so that a static of zeros has none.
    socket: c_int,
}

impl Posix {
    pub(crate) const fn new() -> Self {
        Posix { socket: 0 }
    }

    fn fd(&self) -> c_int {
        self.socket - 1
    }

    /// A socket that does not wait, above `FD_MIN`, closed by exec.
    fn open(&mut self, family: c_int) -> bool {
        self.close();
        // SAFETY: plain numbers; the descriptors are ours.
        unsafe {
            let low = libc::socket(family, libc::SOCK_STREAM, 0);
            if low < 0 {
                return false;
            }
            let high = libc::fcntl(low, libc::F_DUPFD_CLOEXEC, FD_MIN);
            libc::close(low);
            if high < 0 {
                return false;
            }
            self.socket = high + 1;
            let flags = libc::fcntl(high, libc::F_GETFL);
            flags >= 0 && libc::fcntl(high, libc::F_SETFL, flags | libc::O_NONBLOCK) == 0
        }
    }

    /// Connects to an address of the system's form.
    ///
    /// # Safety
    /// `address` points to a socket address of `length` bytes.
    unsafe fn connect_to(&mut self, address: *const sockaddr, length: usize) -> Connect {
        // SAFETY: the caller vouches for the address; it is only read.
        if unsafe { libc::connect(self.fd(), address, length as socklen_t) } == 0 {
            return Connect::Done;
        }
        match errno() {
            libc::EINPROGRESS | libc::EINTR => Connect::Started,
            libc::EAGAIN => Connect::Busy,
            _ => Connect::Refused,
        }
    }

    fn connect_unix(&mut self, path: &[u8]) -> Connect {
        if !self.open(libc::AF_UNIX) {
            return Connect::Refused;
        }
        // SAFETY: all zeros are a valid, empty address.
        let mut address: sockaddr_un = unsafe { zeroed() };
        address.sun_family = libc::AF_UNIX as sa_family_t;
        if path.len() >= address.sun_path.len() {
            return Connect::Refused;
        }
        for (to, from) in address.sun_path.iter_mut().zip(path) {
            *to = *from as _;
        }
        // SAFETY: the address is whole and lives until the call returns.
        unsafe { self.connect_to((&raw const address).cast(), size_of::<sockaddr_un>()) }
    }

    fn connect_loopback4(&mut self, ip: [u8; 4], port: u16) -> Connect {
        if !self.open_tcp(libc::AF_INET) {
            return Connect::Refused;
        }
        // SAFETY: all zeros are a valid, empty address.
        let mut address: sockaddr_in = unsafe { zeroed() };
        address.sin_family = libc::AF_INET as sa_family_t;
        address.sin_port = port.to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes(ip);
        // SAFETY: the address is whole and lives until the call returns.
        unsafe { self.connect_to((&raw const address).cast(), size_of::<sockaddr_in>()) }
    }

    fn connect_loopback6(&mut self, port: u16) -> Connect {
        if !self.open_tcp(libc::AF_INET6) {
            return Connect::Refused;
        }
        // SAFETY: all zeros are a valid, empty address.
        let mut address: sockaddr_in6 = unsafe { zeroed() };
        address.sin6_family = libc::AF_INET6 as sa_family_t;
        address.sin6_port = port.to_be();
        address.sin6_addr.s6_addr = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        // SAFETY: the address is whole and lives until the call returns.
        unsafe { self.connect_to((&raw const address).cast(), size_of::<sockaddr_in6>()) }
    }

    fn open_tcp(&mut self, family: c_int) -> bool {
        let on: c_int = 1;
        let length = size_of::<c_int>() as socklen_t;
        // SAFETY: the option's value is an int that lives until the call returns. Without it calls are only slower.
        self.open(family)
            && unsafe {
                libc::setsockopt(self.fd(), libc::IPPROTO_TCP, libc::TCP_NODELAY, (&raw const on).cast(), length);
                true
            }
    }
}

impl Sys for Posix {
    fn now_ms(&mut self) -> u64 {
        // SAFETY: all zeros are a valid time; the call fills it.
        let now = unsafe {
            let mut now: libc::timespec = zeroed();
            libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
            now
        };
        now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
    }

    fn unix_seconds(&mut self) -> u64 {
        // SAFETY: a null pointer asks for the result only.
        unsafe { libc::time(null_mut()) as u64 }
    }

    fn pid(&mut self) -> u32 {
        // SAFETY: has no preconditions.
        unsafe { libc::getpid() as u32 }
    }

    fn env(&self, name: &CStr) -> Option<&[u8]> {
        // SAFETY: `name` ends in NUL, and so does the value. It stays until somebody changes the environment; the
        // library is called by one thread and keeps no value beyond a call.
        unsafe {
            let value = libc::getenv(name.as_ptr());
            if value.is_null() { None } else { Some(CStr::from_ptr(value).to_bytes()) }
        }
    }

    fn read_file(&mut self, path: &CStr, into: &mut [u8]) -> usize {
        // SAFETY: `path` ends in NUL; `into` has the length that is said.
        unsafe {
            let fd = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK);
            if fd < 0 {
                return 0;
            }
            let count = libc::read(fd, into.as_mut_ptr().cast(), into.len());
            libc::close(fd);
            usize::try_from(count).unwrap_or(0)
        }
    }

    fn random(&mut self, into: &mut [u8]) {
        // SAFETY: `into` has the length that is said.
        if unsafe { libc::getentropy(into.as_mut_ptr().cast(), into.len()) } == 0
            || self.read_file(c"/dev/urandom", into) == into.len()
        {
            return;
        }
        // Without randomness the time and our number still tell sessions apart.
        let unique = self.now_ms() << 32 ^ u64::from(self.pid()) ^ self.unix_seconds() << 20;
        for (to, from) in into.iter_mut().zip(unique.to_ne_bytes()) {
            *to = from;
        }
    }

    fn append(&mut self, path: &CStr, record: &[u8], size_max: u64) {
        let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        // SAFETY: `path` ends in NUL; all zeros are a valid `stat`; `record` has the length that is said.
        unsafe {
            let fd = libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o660 as libc::c_uint);
            if fd < 0 {
                return;
            }
            let mut stat: libc::stat = zeroed();
            let is_regular = libc::fstat(fd, &raw mut stat) == 0 && stat.st_mode & libc::S_IFMT == libc::S_IFREG;
            if is_regular && stat.st_size as u64 + record.len() as u64 <= size_max {
                libc::write(fd, record.as_ptr().cast(), record.len());
            }
            libc::close(fd);
        }
    }

    fn log(&mut self, line: &[u8]) {
        if poll_one(2, libc::POLLOUT, 0) & libc::POLLOUT != 0 {
            // SAFETY: `line` has the length that is said. It is shorter than PIPE_BUF: a pipe with room takes it whole.
            unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
        }
    }

    fn watch_client(&mut self, speaks: bool, ms: u32) -> bool {
        let wanted = if speaks { libc::POLLIN } else { 0 };
        let until = self.now_ms() + u64::from(ms);
        loop {
            let left = until.saturating_sub(self.now_ms());
            let events = poll_one(0, wanted, left as u32);
            if events & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                return false;
            }
            if events & libc::POLLIN != 0 {
                return true;
            }
            if self.now_ms() >= until {
                return false;
            }
        }
    }

    fn pause(&mut self, ms: u32) {
        // SAFETY: no descriptors are passed.
        unsafe { libc::poll(null_mut(), 0, clip(ms)) };
    }

    fn connect(&mut self, to: Address<'_>) -> Connect {
        match to {
            Address::Unix(path) => self.connect_unix(path),
            Address::Loopback4(ip, port) => self.connect_loopback4(ip, port),
            Address::Loopback6(port) => self.connect_loopback6(port),
        }
    }

    fn is_connected(&mut self) -> bool {
        let mut error: c_int = 0;
        let mut length = size_of::<c_int>() as socklen_t;
        // SAFETY: the option's value is an int, and `length` says so.
        let result = unsafe {
            libc::getsockopt(
                self.fd(),
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                (&raw mut error).cast::<c_void>(),
                &raw mut length,
            )
        };
        result == 0 && error == 0
    }

    fn wait(&mut self, wanted: Wanted, ms: u32) -> bool {
        let events = match wanted {
            Wanted::Read => libc::POLLIN,
            Wanted::Write => libc::POLLOUT,
            Wanted::Both => libc::POLLIN | libc::POLLOUT,
        };
        poll_one(self.fd(), events, ms) != 0
    }

    fn send(&mut self, first: &[u8], second: &[u8]) -> Transfer {
        let part = |bytes: &[u8]| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let mut parts = [part(first), part(second)];
        // SAFETY: all zeros are a valid message; the two parts live until the call returns and are only read.
        let count = unsafe {
            let mut message: libc::msghdr = zeroed();
            message.msg_iov = (&raw mut parts).cast();
            message.msg_iovlen = 2;
            libc::sendmsg(self.fd(), &raw const message, libc::MSG_NOSIGNAL)
        };
        transfer(count)
    }

    fn receive(&mut self, into: &mut [u8]) -> Transfer {
        // SAFETY: `into` has the length that is said.
        transfer(unsafe { libc::recv(self.fd(), into.as_mut_ptr().cast(), into.len(), 0) })
    }

    fn close(&mut self) {
        if self.socket > 0 {
            // SAFETY: the descriptor is ours.
            unsafe { libc::close(self.fd()) };
            self.socket = 0;
        }
    }
}

/// Waits at most `ms` for one descriptor; the events that came, 0 if none.
fn poll_one(fd: c_int, events: c_short, ms: u32) -> c_short {
    let mut one = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one entry, which lives until the call returns.
    if unsafe { libc::poll(&raw mut one, 1, clip(ms)) } > 0 { one.revents } else { 0 }
}

fn clip(ms: u32) -> c_int {
    c_int::try_from(ms).unwrap_or(c_int::MAX)
}

fn transfer(count: isize) -> Transfer {
    match usize::try_from(count) {
        Ok(count) => Transfer::Done(count),
        Err(_) => match errno() {
            // ENOBUFS: FreeBSD's full Unix socket.
            libc::EAGAIN | libc::EINTR | libc::ENOBUFS => Transfer::Later,
            _ => Transfer::Broken,
        },
    }
}

fn errno() -> c_int {
    // SAFETY: both systems keep it in the calling thread's storage.
    unsafe {
        #[cfg(target_os = "freebsd")]
        let place = libc::__error();
        #[cfg(not(target_os = "freebsd"))]
        let place = libc::__errno_location();
        *place
    }
}
