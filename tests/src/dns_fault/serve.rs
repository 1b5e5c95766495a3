//! Which answers go back to whom? One task a datagram or connection, so that a slow zone holds up no other.

use super::{
    Fault, Shared,
    message::{self, A, CNAME, NAME_ERROR, NO_ERROR, Question, Record, TXT},
};
use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::oneshot,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Questions and connections at once; what comes then is lost, as with any server.
const TASKS_MAX: usize = 4_096;
/// Octets of a datagram, question or answer; more than anybody sends with EDNS.
const DATAGRAM_MAX: usize = 4_096;
/// Messages on one TCP connection.
const MESSAGES_MAX: usize = 1_000;
/// How long the server behind us may take, and how long a TCP connection may stay idle.
const PATIENCE: Duration = Duration::from_secs(5);
/// A listing.
const LISTED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Octets of each text of [`Fault::Texts`].
const TEXT: usize = 200;

/// How a question came, and so how its answer goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Udp,
    Tcp,
}

/// Serves until `stopped`.
pub(super) async fn run(
    udp: std::net::UdpSocket,
    tcp: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let (udp, tcp) = (Arc::new(UdpSocket::from_std(udp)?), TcpListener::from_std(tcp)?);
    let mut tasks = JoinSet::new();
    let mut datagram = [0; DATAGRAM_MAX];
    loop {
        tokio::select! {
            _ = &mut stopped => return Ok(()),
            Some(_) = tasks.join_next() => {}
            Ok((length, from)) = udp.recv_from(&mut datagram), if tasks.len() < TASKS_MAX => {
                let (udp, shared, request) = (Arc::clone(&udp), Arc::clone(&shared), datagram[..length].to_vec());
                tasks.spawn(async move {
                    for answer in shared.answers(&request, Way::Udp).await.unwrap_or_default() {
                        let _unheard = udp.send_to(&answer, from).await;
                    }
                });
            }
            Ok((stream, _)) = tcp.accept(), if tasks.len() < TASKS_MAX => {
                let shared = Arc::clone(&shared);
                tasks.spawn(async move {
                    let _closed = connection(stream, &shared).await;
                });
            }
        }
    }
}

/// Answers what comes on a TCP connection, in order, until it is closed or a fault closes it.
async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    for _ in 0..MESSAGES_MAX {
        let request = timeout(PATIENCE, receive(&mut stream)).await??;
        let Some(answers) = shared.answers(&request, Way::Tcp).await else { break };
        for answer in answers {
            send(&mut stream, &answer).await?;
        }
    }
    Ok(())
}

/// One message behind its length (RFC 1035 §4.2.2).
async fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await
}

impl Shared {
    /// What to send, in order; `None` = close the connection.
    async fn answers(&self, request: &[u8], way: Way) -> Option<Vec<Vec<u8>>> {
        let question = Question::read(request)?;
        let fault = self.meet(&question.name, question.kind, way == Way::Udp);
        let one = |message| Some(vec![message]);
        match fault {
            None | Some(Fault::LosesFirst | Fault::LosesEvery(_)) => {}
            Some(Fault::Silent) => return Some(Vec::new()),
            Some(Fault::Code(code)) => return one(question.reply(code, &[])),
            Some(Fault::Garbage) => return one(question.noise()),
            Some(Fault::Says(address)) => return one(says(&question, address)),
            Some(Fault::Texts(count)) => return one(texts(&question, count, way)),
            Some(Fault::Alias(target)) => {
                return self.alias(&question, &target, way).await.map(|message| vec![message]);
            }
            Some(Fault::Truncated { tcp: false, .. }) if way == Way::Tcp => return None,
            Some(Fault::Slow(delay)) => sleep(delay).await,
            Some(Fault::Truncated { .. } | Fault::WrongId { .. } | Fault::Rewrites(_)) => {}
        }
        let Some(message) = self.relay(request, way).await else { return Some(Vec::new()) };
        Some(match fault {
            Some(Fault::Truncated { rest, .. }) if way == Way::Udp => {
                vec![message::truncated(&question, message, rest)]
            }
            Some(Fault::WrongId { right_follows }) => with_wrong_id(message, right_follows),
            Some(Fault::Rewrites(address)) if message::code(&message) == NAME_ERROR => vec![says(&question, address)],
            _ => vec![message],
        })
    }

    /// What the server behind says.
    async fn relay(&self, request: &[u8], way: Way) -> Option<Vec<u8>> {
        let asking = async {
            if way == Way::Tcp {
                let mut stream = TcpStream::connect(self.upstream).await?;
                send(&mut stream, request).await?;
                return receive(&mut stream).await;
            }
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            socket.connect(self.upstream).await?;
            socket.send(request).await?;
            let mut datagram = vec![0; DATAGRAM_MAX];
            let length = socket.recv(&mut datagram).await?;
            datagram.truncate(length);
            Ok(datagram)
        };
        timeout(PATIENCE, asking).await.ok()?.ok()
    }

    /// A CNAME, and what the server behind says about its target.
    async fn alias(&self, question: &Question, target: &str, way: Way) -> Option<Vec<u8>> {
        let behind = self.relay(&question.about(target), way).await?;
        let mut records = vec![Record::of_asked(CNAME, message::wire_name(target))];
        let answers = message::answers(&behind, question.kind);
        let owner = message::wire_name(target);
        records.extend(answers.into_iter().map(|data| Record { owner: owner.clone(), kind: question.kind, data }));
        Some(question.reply(message::code(&behind), &records))
    }
}

/// Every A question gets `address`; there is nothing else.
fn says(question: &Question, address: Ipv4Addr) -> Vec<u8> {
    let records = if question.kind == A { vec![Record::of_asked(A, address.octets())] } else { Vec::new() };
    question.reply(NO_ERROR, &records)
}

fn texts(question: &Question, count: usize, way: Way) -> Vec<u8> {
    if question.kind != TXT {
        return says(question, LISTED);
    }
    let text = |number: usize| {
        let mut data = vec![u8::try_from(TEXT).unwrap_or(u8::MAX)];
        data.extend(format!("text {number:03} {:x<1$}", "", TEXT).bytes().take(TEXT));
        Record::of_asked(TXT, data)
    };
    let message = question.reply(NO_ERROR, &(0..count).map(text).collect::<Vec<_>>());
    if way == Way::Udp { message::truncated(question, message, false) } else { message }
}

fn with_wrong_id(message: Vec<u8>, right_follows: bool) -> Vec<Vec<u8>> {
    let mut wrong = message.clone();
    if let Some(octet) = wrong.get_mut(1) {
        *octet ^= 0x55;
    }
    if right_follows { vec![wrong, message] } else { vec![wrong] }
}
