//! How does rblsmtpd fare? Under tcpserver, in front of the smallest stand-in for qmail-smtpd; both stand-ins around it
//! are this program itself, by its first argument.

use super::latency::{Latencies, Took};
use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    process::Command,
    thread,
    time::Duration,
};
use tollgate_tests::{ports, process::Process, scratch::Scratch, wait};

/// The first argument of what stands between tcpserver and rblsmtpd.
pub(crate) const CLIENT: &str = "client";
/// The first argument of what rblsmtpd runs.
pub(crate) const SMTPD: &str = "smtpd";
/// What a client says, after the greeting.
const DIALOGUE: [&str; 3] = ["HELO client.example", "MAIL FROM:<ann@sender.example>", "RCPT TO:<bob@ours.example>"];
/// Commands of one session.
const COMMANDS_MAX: usize = 100;

type Failed = Box<dyn Error>;

/// tcpserver with rblsmtpd.
pub(crate) struct Rblsmtpd {
    address: SocketAddr,
    _tcpserver: Process,
}

impl Rblsmtpd {
    /// Starts it; it asks `resolver` (on port 53) about `zones`, in order.
    pub(crate) fn start(scratch: &Scratch, resolver: Ipv4Addr, zones: &[&str]) -> Result<Self, Failed> {
        let (this, port) = (env::current_exe()?, ports::free());
        let mut command = Command::new("tcpserver");
        command.args(["-vRHl0", "-c", "100", "127.0.0.1", &port.to_string()]).arg(&this).args([CLIENT, "rblsmtpd"]);
        for zone in zones {
            command.args(["-r", zone]);
        }
        command.arg(&this).arg(SMTPD).env("DNSCACHEIP", resolver.to_string());
        let tcpserver = Process::start(&mut command, &scratch.path("rblsmtpd.log"));
        wait::until("tcpserver to listen", wait::SOON, || tcpserver.log().contains("status: 0/"));
        Ok(Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), _tcpserver: tcpserver })
    }

    /// One session up to its recipient, given up after `bound`.
    pub(crate) fn session(&self, bound: Duration) -> Result<Took, Failed> {
        session(self.address, bound).map_err(Into::into)
    }

    /// So many, all at once.
    pub(crate) fn sessions_at_once(&self, count: usize, bound: Duration) -> Result<Latencies, Failed> {
        let address = self.address;
        let clients: Vec<_> = (0..count).map(|_| thread::spawn(move || session(address, bound))).collect();
        let mut all = Latencies::default();
        for client in clients {
            all.add(client.join().map_err(|_| "a client died")??);
        }
        Ok(all)
    }
}

fn session(address: SocketAddr, bound: Duration) -> io::Result<Took> {
    let started = wait::now();
    match dialogue(address, bound) {
        Ok(()) => Ok(Took::whole(started.elapsed())),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Ok(Took::given_up(started.elapsed()))
        }
        Err(error) => Err(error),
    }
}

fn dialogue(address: SocketAddr, bound: Duration) -> io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    // The look-ups are all before the greeting: one bound for each reply is enough.
    stream.get_ref().set_read_timeout(Some(bound))?;
    expect(&mut stream, "220")?;
    for line in DIALOGUE {
        // In one piece, as a mail program sends it.
        stream.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        expect(&mut stream, "250")?;
    }
    Ok(())
}

fn expect(stream: &mut BufReader<TcpStream>, code: &str) -> io::Result<()> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    if line.starts_with(code) { Ok(()) } else { Err(io::Error::other(format!("expected {code}: {line:?}"))) }
}

/// Becomes the rest of the arguments, for a client of its own: tcpserver sees only loopback, so the address is made of
/// the port. Returns only what went wrong.
pub(crate) fn name_client(command: &[String]) -> io::Error {
    let port = env::var("TCPREMOTEPORT").ok().and_then(|text| text.parse::<u16>().ok());
    let (Some(port), [program, args @ ..]) = (port, command) else {
        return io::Error::other("usage: bench-blackhole client PROGRAM..., under tcpserver");
    };
    let [high, low] = port.to_be_bytes();
    Command::new(program).args(args).env("TCPREMOTEIP", format!("198.19.{high}.{low}")).exec()
}

/// 250 to everything.
pub(crate) fn smtpd() -> io::Result<()> {
    let mut output = io::stdout();
    output.write_all(b"220 mx.ours.example ESMTP\r\n")?;
    output.flush()?;
    for line in io::stdin().lock().lines().take(COMMANDS_MAX) {
        line?;
        output.write_all(b"250 ok\r\n")?;
        output.flush()?;
    }
    Ok(())
}
