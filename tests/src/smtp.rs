//! What does a client say that no mail program would? A raw SMTP dialogue: any byte, pipelined or one by one.
//!
//! The mail host under test listens on loopback, and loopback clients are exempt from most checks. So every dialogue
//! opens with the PROXY protocol (version 1), which Exim understands: the client's address is whatever the test says.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// No answer of a healthy gate takes longer, deadlines and busy machines included.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines of one reply.
const REPLY_LINES: usize = 100;
/// Where the client's mail "came in", as the PROXY line says.
const SERVER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 25));
const SERVER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x25));

/// One SMTP reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 220, 250, 550 …; 0 = the connection ended.
    pub code: u16,
    /// The lines without code and separator, joined by LF.
    pub text: String,
}

impl Reply {
    /// 2xx or 3xx.
    pub fn is_good(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// The text in one line and without enhanced status codes: Exim folds long lines and repeats the status.
    pub fn words(&self) -> String {
        self.text.lines().map(without_status).collect::<Vec<_>>().join(" ")
    }

    /// The decision's id at the end of the text, `[7dq2m0c4xk9vht3e]`.
    pub fn decision_id(&self) -> Option<String> {
        let words = self.words();
        let id = words.strip_suffix(']')?.rsplit_once('[')?.1;
        (id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| id.to_owned())
    }
}

/// `5.7.1 text` is `text`.
fn without_status(line: &str) -> &str {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let is_status = first.contains('.') && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_status { rest } else { line }
}

/// One transaction as it went.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Answer to MAIL.
    pub mail: Reply,
    /// Answers to each RCPT, in order.
    pub recipients: Vec<Reply>,
    /// Answer to DATA.
    pub data: Reply,
    /// Answer to the message, when DATA was answered with 354.
    pub message: Option<Reply>,
}

impl Transaction {
    /// Was the message taken over?
    pub fn is_stored(&self) -> bool {
        self.message.as_ref().is_some_and(Reply::is_good)
    }
}

/// One connection to a mail host.
#[derive(Debug)]
pub struct Client {
    lines: BufReader<TcpStream>,
}

impl Client {
    /// Connects as `client` and reads the greeting.
    ///
    /// # Panics
    /// When the mail host does not answer.
    pub fn connect(host: SocketAddr, client: IpAddr) -> (Self, Reply) {
        Self::try_connect(host, client).unwrap_or_else(|error| panic!("no SMTP greeting from {host}: {error}"))
    }

    /// Connects as `client`, waits for the greeting and says EHLO.
    ///
    /// # Panics
    /// When the mail host does not answer or does not like it.
    pub fn greet(host: SocketAddr, client: IpAddr) -> Self {
        let (mut dialogue, greeting) = Self::connect(host, client);
        assert_eq!(greeting.code, 220, "{greeting:?}");
        let ehlo = dialogue.say("EHLO client.example");
        assert_eq!(ehlo.code, 250, "{ehlo:?}");
        dialogue
    }

    fn try_connect(host: SocketAddr, client: IpAddr) -> io::Result<(Self, Reply)> {
        let mut stream = TcpStream::connect_timeout(&host, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let (family, server) = if client.is_ipv4() { ("TCP4", SERVER_V4) } else { ("TCP6", SERVER_V6) };
        write!(stream, "PROXY {family} {client} {server} 40000 25\r\n")?;
        let mut dialogue = Self { lines: BufReader::new(stream) };
        let greeting = dialogue.try_reply()?;
        Ok((dialogue, greeting))
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// When the connection has ended.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.lines.get_mut().write_all(bytes.as_ref()).unwrap_or_else(|error| panic!("the mail host hung up: {error}"));
    }

    /// Reads one reply. The end of the connection is a reply with code 0.
    ///
    /// # Panics
    /// When nothing comes for a minute.
    pub fn reply(&mut self) -> Reply {
        self.try_reply().unwrap_or_else(|error| panic!("no SMTP reply: {error}"))
    }

    fn try_reply(&mut self) -> io::Result<Reply> {
        let mut reply = Reply { code: 0, text: String::new() };
        for _ in 0..REPLY_LINES {
            let mut line = Vec::new();
            match self.lines.read_until(b'\n', &mut line) {
                Ok(0) => return Ok(reply),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(reply),
                other => other?,
            };
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            reply.code = line.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
            if !reply.text.is_empty() {
                reply.text.push('\n');
            }
            reply.text.push_str(line.get(4..).unwrap_or_default());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply);
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    /// Sends one line and reads its reply.
    pub fn say(&mut self, line: impl AsRef<[u8]>) -> Reply {
        let mut bytes = line.as_ref().to_vec();
        bytes.extend_from_slice(b"\r\n");
        self.send(bytes);
        self.reply()
    }

    /// MAIL, every RCPT, DATA and, if it may, a message with `subject`.
    pub fn transaction(&mut self, sender: &str, recipients: &[&str], subject: &str) -> Transaction {
        let mail = self.say(format!("MAIL FROM:<{sender}>"));
        let recipients = recipients.iter().map(|to| self.say(format!("RCPT TO:<{to}>"))).collect();
        let data = self.say("DATA");
        let message = (data.code == 354).then(|| self.say(format!("Subject: {subject}\r\n\r\nA body.\r\n.")));
        Transaction { mail, recipients, data, message }
    }

    /// Says QUIT and waits for the end of the connection.
    ///
    /// # Panics
    /// When the mail host does not close it.
    pub fn quit(mut self) {
        let bye = self.say("QUIT");
        assert_eq!(bye.code, 221, "{bye:?}");
        assert_eq!(self.reply().code, 0, "the mail host keeps the connection after QUIT");
    }
}

#[cfg(test)]
mod tests {
    use super::Reply;

    #[test]
    fn folded_replies_are_put_together() {
        let text = "5.7.1 client [192.0.2.66] is listed\n5.7.1 by bl.example [7dq2m0c4xk9vht3e]".to_owned();
        let reply = Reply { code: 550, text };
        assert_eq!(reply.words(), "client [192.0.2.66] is listed by bl.example [7dq2m0c4xk9vht3e]");
        assert_eq!(reply.decision_id().as_deref(), Some("7dq2m0c4xk9vht3e"));
        assert_eq!(Reply { code: 550, text: "no mailbox here [x]".to_owned() }.decision_id(), None);
    }
}
