//! Who answers the daemon's DNS questions in these tests? A few lines of a server, whose every answer a test writes.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

/// RFC 1035 §3.2.2.
pub(crate) const A: u8 = 1;
pub(crate) const TXT: u8 = 16;
const NXDOMAIN: u8 = 3;

/// What is said to a question.
pub(crate) enum Said {
    /// One record with this data.
    Found(Vec<u8>),
    /// The name is there, the type is not.
    NoData,
    /// There is no such name.
    NotThere,
}

/// A server on loopback, by UDP; ends with the test program.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `say` is given name and type of each question.
    pub(crate) fn start(say: impl Fn(&str, u8) -> Said + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let (address, asked) = (socket.local_addr().expect("an address"), Arc::<Mutex<Vec<String>>>::default());
        let noted = asked.clone();
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let (name, end) = name(&buffer[..length]);
                let answer = answer(&buffer[..end + 4], &say(&name, buffer[end + 1]));
                noted.lock().expect("no panic").push(name);
                let _unheard = socket.send_to(&answer, from);
            }
        });
        Self { address, asked }
    }

    /// Names asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// The question's name, and where it ends.
fn name(message: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while message[at] > 0 {
        let label = &message[at + 1..at + 1 + usize::from(message[at])];
        labels.push(String::from_utf8_lossy(label).into_owned());
        at += 1 + label.len();
    }
    (labels.join("."), at + 1)
}

fn answer(question: &[u8], said: &Said) -> Vec<u8> {
    let mut out = question.to_vec();
    // A response with recursion available; one question, an answer or none (RFC 1035 §4.1.1).
    let code = if let Said::NotThere = said { NXDOMAIN } else { 0 };
    out[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    out[6..12].copy_from_slice(&[0; 6]);
    if let Said::Found(data) = said {
        out[7] = 1;
        let kind = question[question.len() - 3];
        let length = u8::try_from(data.len()).expect("short");
        out.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length]);
        out.extend(data);
    }
    out
}
