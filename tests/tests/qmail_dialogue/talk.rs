//! What does the other side of an SMTP connection say, byte for byte?

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any deadline of the library; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn new(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("tcpserver listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("read timeout");
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).expect("sent");
    }

    /// One reply with all its lines, line ends included.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = Vec::new();
        loop {
            let start = reply.len();
            let read = self.stream.read_until(b'\n', &mut reply).expect("a reply in time");
            if read == 0 || reply.get(start + 3) != Some(&b'-') {
                return String::from_utf8_lossy(&reply).into_owned();
            }
        }
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n"));
        self.reply()
    }

    /// Nothing more comes: the other side has closed.
    pub(crate) fn closed(&mut self) {
        assert_eq!(self.reply(), "");
    }
}
