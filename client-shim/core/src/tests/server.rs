//! A made-up daemon that speaks HTTP/2 exactly as a test wants it.

use super::fake::Daemon;
use crate::{
    Connect,
    http2::frame::{FRAME_DEFAULT, HEAD_LEN, Head, PREFACE, flag, kind, setting_bytes},
};
use prost::Message;
use std::collections::HashMap;
use tollgate_proto::v1::{self, Verdict};

/// A request as the server got it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) stream: u32,
    /// How many requests came before it on all connections.
    pub(super) number: usize,
    /// The method's name.
    pub(super) method: String,
    pub(super) timeout: String,
    pub(super) message: Vec<u8>,
}

impl Request {
    pub(super) fn is(&self, method: &str) -> bool {
        self.method == method
    }
}

type Answer = Box<dyn FnMut(&Request) -> Vec<u8>>;

/// The server: what it says at connect, and how it answers requests.
pub(super) struct Server {
    pub(super) hello: Vec<u8>,
    /// How connections are taken, in order; all further ones as `Done`.
    pub(super) accepts: Vec<Connect>,
    answer: Answer,
    pub(super) requests: Vec<Request>,
    /// Every frame of the client.
    pub(super) frames: Vec<(Head, Vec<u8>)>,
    /// After that many requests the connection is gone.
    pub(super) hangs_up_after: Option<usize>,
    is_gone: bool,
    input: Vec<u8>,
    is_greeted: bool,
    open: HashMap<u32, (Vec<u8>, Vec<u8>)>,
    /// What the client may still send, if the server watches.
    pub(super) windows: Option<(i64, i64)>,
}

impl Server {
    /// Answers every request by what `answer` makes of it.
    pub(super) fn new(answer: impl FnMut(&Request) -> Vec<u8> + 'static) -> Self {
        Server {
            hello: settings(&[]),
            accepts: vec![],
            answer: Box::new(answer),
            requests: vec![],
            frames: vec![],
            hangs_up_after: None,
            is_gone: false,
            input: vec![],
            is_greeted: false,
            open: HashMap::new(),
            windows: None,
        }
    }

    /// Answers every call by the Verdict that `verdict` makes, and reports as they should be.
    pub(super) fn deciding(mut verdict: impl FnMut(&Request) -> Verdict + 'static) -> Self {
        Server::new(move |request| {
            if request.is("Report") { reply(request, &[]) } else { reply(request, &verdict(request).encode_to_vec()) }
        })
    }

    fn frame(&mut self, head: Head, payload: Vec<u8>) -> Vec<u8> {
        assert!(head.length <= FRAME_DEFAULT);
        self.frames.push((head, payload.clone()));
        match head.kind {
            kind::HEADERS => {
                assert!(head.has(flag::END_HEADERS));
                self.open.insert(head.stream, (payload, vec![]));
                vec![]
            }
            kind::DATA => {
                let mut answer = vec![];
                if let Some((connection, stream)) = &mut self.windows {
                    *connection -= i64::from(head.length);
                    *stream -= i64::from(head.length);
                    assert!(*connection >= 0 && *stream >= 0, "more than the window allows");
                } else if head.length > 0 {
                    answer = frame(kind::WINDOW_UPDATE, 0, 0, &head.length.to_be_bytes());
                }
                let (_, body) = self.open.get_mut(&head.stream).expect("data for a stream that is not open");
                body.extend(payload);
                if head.has(flag::END_STREAM) {
                    answer.extend(self.request(head.stream));
                }
                answer
            }
            kind::SETTINGS if !head.has(flag::ACK) => frame(kind::SETTINGS, flag::ACK, 0, &[]),
            _ => vec![],
        }
    }

    fn request(&mut self, stream: u32) -> Vec<u8> {
        let (block, body) = self.open.remove(&stream).unwrap();
        let text = String::from_utf8_lossy(&block).into_owned();
        let method = text.split("tollgate.v1.Policy/").nth(1).unwrap();
        let method: String = method.chars().take_while(char::is_ascii_alphabetic).collect();
        let timeout: String =
            text.split("grpc-timeout").nth(1).unwrap().chars().skip(1).take_while(|c| *c != 'm').collect();
        assert_eq!(body[0], 0);
        assert_eq!(u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize, body.len() - 5);
        let request = Request { stream, number: self.requests.len(), method, timeout, message: body[5..].to_vec() };
        self.requests.push(request.clone());
        if self.hangs_up_after.is_some_and(|after| self.requests.len() >= after) {
            self.hangs_up_after = None;
            self.is_gone = true;
        }
        (self.answer)(&request)
    }

    pub(super) fn report(&self, number: usize) -> v1::ReportRequest {
        let reports: Vec<&Request> = self.requests.iter().filter(|request| request.is("Report")).collect();
        v1::ReportRequest::decode(reports[number].message.as_slice()).unwrap()
    }
}

impl Daemon for Server {
    fn connect(&mut self) -> Connect {
        self.is_gone = false;
        self.is_greeted = false;
        self.input.clear();
        self.open.clear();
        if self.accepts.is_empty() { Connect::Done } else { self.accepts.remove(0) }
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.input.extend(bytes);
        let mut answer = vec![];
        if !self.is_greeted && self.input.len() >= PREFACE.len() {
            assert_eq!(self.input.drain(..PREFACE.len()).collect::<Vec<_>>(), PREFACE);
            self.is_greeted = true;
            answer.extend(self.hello.clone());
        }
        while self.is_greeted && self.input.len() >= HEAD_LEN {
            let head = Head::from_bytes(self.input[..HEAD_LEN].try_into().unwrap());
            let end = HEAD_LEN + head.length as usize;
            if self.input.len() < end {
                break;
            }
            let payload = self.input[HEAD_LEN..end].to_vec();
            self.input.drain(..end);
            answer.extend(self.frame(head, payload));
        }
        answer
    }

    fn is_gone(&mut self) -> bool {
        self.is_gone
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head { length: payload.len() as u32, kind, flags, stream };
    [&head.to_bytes()[..], payload].concat()
}

pub(super) fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = values.iter().flat_map(|(id, value)| setting_bytes(*id, *value)).collect();
    frame(kind::SETTINGS, 0, 0, &payload)
}

/// Literal fields without indexing and without Huffman coding.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![];
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The head of a good answer: `:status` 200 from the static table.
pub(super) fn head(stream: u32) -> Vec<u8> {
    frame(
        kind::HEADERS,
        flag::END_HEADERS,
        stream,
        &[&[0x88][..], &block(&[("content-type", "application/grpc")])].concat(),
    )
}

/// A gRPC message.
pub(super) fn prefixed(message: &[u8]) -> Vec<u8> {
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

pub(super) fn data(stream: u32, message: &[u8]) -> Vec<u8> {
    frame(kind::DATA, 0, stream, &prefixed(message))
}

pub(super) fn trailers(stream: u32, status: &str) -> Vec<u8> {
    frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, stream, &block(&[("grpc-status", status)]))
}

/// A whole good answer.
pub(super) fn reply(request: &Request, message: &[u8]) -> Vec<u8> {
    [head(request.stream), data(request.stream, message), trailers(request.stream, "0")].concat()
}

pub(super) fn go_away(last: u32, debug: &[u8]) -> Vec<u8> {
    frame(kind::GOAWAY, 0, 0, &[&last.to_be_bytes()[..], &[0; 4], debug].concat())
}

/// "Go on."
pub(super) fn go_on() -> Verdict {
    Verdict::default()
}

/// A refusal.
pub(super) fn refusal(code: u32, text: &str) -> Verdict {
    let action = if code < 500 { v1::Action::Defer } else { v1::Action::Reject };
    Verdict { action: action.into(), code, text: text.into(), ..Verdict::default() }
}
