//! What goes over the wire between a resolver and its clients (RFC 1035 §4)? As much of it as made faults need.

/// Octets of the header.
const HEADER: usize = 12;
/// Names have at most 127 labels (RFC 1035 §2.3.4: 255 octets).
const LABELS_MAX: usize = 127;
/// A pointer to the name in the question (RFC 1035 §4.1.4).
const ASKED_NAME: [u8; 2] = [0xc0, HEADER as u8];
/// The bit "truncated" in the header's third octet.
const TC: u8 = 2;
/// How long an answer of ours may be kept, in seconds.
const TTL: u32 = 60;

/// Record types.
pub(super) const A: u16 = 1;
pub(super) const CNAME: u16 = 5;
pub(super) const TXT: u16 = 16;

/// Response codes (RFC 1035 §4.1.1).
pub(super) const NO_ERROR: u8 = 0;
pub(super) const NAME_ERROR: u8 = 3;

/// A record to answer with.
pub(super) struct Record {
    pub(super) owner: Vec<u8>,
    pub(super) kind: u16,
    pub(super) data: Vec<u8>,
}

impl Record {
    /// A record of the name that was asked for.
    pub(super) fn of_asked(kind: u16, data: impl Into<Vec<u8>>) -> Self {
        Self { owner: ASKED_NAME.to_vec(), kind, data: data.into() }
    }
}

/// One question, as it came.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// The whole message.
    pub(super) message: Vec<u8>,
    /// Lower case, without the final dot.
    pub(super) name: String,
    pub(super) kind: u16,
    end: usize,
}

impl Question {
    /// Reads a message with one question; `None` = it is none.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let end = name_end(message, HEADER)?;
        let name = dotted(message.get(HEADER..end)?);
        let kind = number(message, end)?;
        let end = end + 4;
        (message.len() >= end).then(|| Self { message: message.to_vec(), name, kind, end })
    }

    /// The same question about another name, for the server behind us.
    pub(super) fn about(&self, name: &str) -> Vec<u8> {
        let mut message = self.message[..HEADER].to_vec();
        // One question, and nothing else: no EDNS, so the answer is a plain one.
        message[4..HEADER].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        message.extend(wire_name(name));
        message.extend(self.kind.to_be_bytes());
        message.extend([0, 1]);
        message
    }

    /// An answer to it.
    pub(super) fn reply(&self, code: u8, records: &[Record]) -> Vec<u8> {
        let mut message = self.message[..self.end].to_vec();
        // Response, recursion desired and available.
        message[2..4].copy_from_slice(&[0x81, 0x80 | code]);
        let count = u16::try_from(records.len()).unwrap_or(u16::MAX).to_be_bytes();
        message[4..HEADER].copy_from_slice(&[0, 1, count[0], count[1], 0, 0, 0, 0]);
        for record in records {
            message.extend(&record.owner);
            message.extend(record.kind.to_be_bytes());
            message.extend([0, 1]);
            message.extend(TTL.to_be_bytes());
            message.extend(u16::try_from(record.data.len()).unwrap_or(u16::MAX).to_be_bytes());
            message.extend(&record.data);
        }
        message
    }

    /// A message that claims much and holds noise, behind the right id.
    pub(super) fn noise(&self) -> Vec<u8> {
        let mut message = self.message[..2].to_vec();
        message.extend([0x81, 0x80]);
        message.extend((0..96_u8).map(|at| at.wrapping_mul(151) ^ 0xa5));
        message
    }
}

/// `message` with the bit "truncated"; without `rest` nothing follows the question.
pub(super) fn truncated(question: &Question, mut message: Vec<u8>, rest: bool) -> Vec<u8> {
    if !rest {
        message = question.reply(NO_ERROR, &[]);
    }
    if let Some(flags) = message.get_mut(2) {
        *flags |= TC;
    }
    message
}

/// The response code of a message.
pub(super) fn code(message: &[u8]) -> u8 {
    message.get(3).map_or(NO_ERROR, |flags| flags & 15)
}

/// The data of all records of a type in the answer section, whoever owns them.
pub(super) fn answers(message: &[u8], kind: u16) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = name_end(message, HEADER).map_or(usize::MAX, |end| end + 4);
    for _ in 0..number(message, 6).unwrap_or(0) {
        let Some(end) = name_end(message, at) else { break };
        let (Some(of), Some(length)) = (number(message, end), number(message, end + 8)) else { break };
        at = end + 10 + usize::from(length);
        let Some(data) = message.get(end + 10..at) else { break };
        if of == kind {
            found.push(data.to_vec());
        }
    }
    found
}

/// A name's octets.
pub(super) fn wire_name(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).unwrap_or(63));
        octets.extend(label.bytes());
    }
    octets.push(0);
    octets
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    message.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

/// Where the name that starts at `at` ends; a pointer ends it.
fn name_end(message: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..=LABELS_MAX {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
    None
}

fn dotted(mut labels: &[u8]) -> String {
    let mut name = String::new();
    while let [length @ 1..=63, rest @ ..] = labels {
        let (label, after) = rest.split_at(usize::from(*length).min(rest.len()));
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(label).to_lowercase());
        labels = after;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        let mut message = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        message.extend(wire_name("2.Bl.example"));
        message.extend([0, 1, 0, 1]);
        Question::read(&message).expect("a question")
    }

    #[test]
    fn a_question_is_read_and_answered() {
        let question = question();
        assert_eq!((question.name.as_str(), question.kind), ("2.bl.example", A));
        let reply = question.reply(NAME_ERROR, &[Record::of_asked(A, [127, 0, 0, 2])]);
        assert_eq!((&reply[..2], code(&reply)), (&[7, 9][..], NAME_ERROR));
        assert_eq!(answers(&reply, A), [[127, 0, 0, 2]]);
        assert_eq!(answers(&reply, TXT), Vec::<Vec<u8>>::new());
        let other = Question::read(&question.about("x.example")).expect("a question");
        assert_eq!((other.name.as_str(), other.kind), ("x.example", A));
        let cut = truncated(&question, reply.clone(), false);
        assert_eq!((cut[2] & TC, answers(&cut, A).len()), (TC, 0));
        assert_eq!(answers(&truncated(&question, reply, true), A).len(), 1);
    }

    #[test]
    fn what_is_cut_off_is_no_question() {
        let whole = question().message;
        for end in 0..whole.len() {
            assert!(Question::read(&whole[..end]).is_none(), "{end}");
        }
        assert_eq!(answers(&question().noise(), A), Vec::<Vec<u8>>::new());
    }
}
