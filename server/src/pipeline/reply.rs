//! How does a reason become SMTP text? The one place: variables, status, decision id, lines that fit.
//!
//! What comes from outside (HELO, addresses, TXT records) is made printable and never breaks a line. The tail, status
//! and id, survives whatever is cut. A text that fits keeps its bytes, so that a reply which qmail or one of its patches
//! gave before is the prefix of ours, and the whole of it with `reply_ids = false`.

use super::{Action, DecisionId, template::Template};
use crate::session::{Facts, ReplyStyle};
use std::fmt::Write;

/// Octets of a reply line, CRLF included: RFC 5321 §4.5.3.1.5.
const LINE_OCTETS_MAX: usize = 512;
/// Code and separator in front, CRLF behind.
const FRAME_OCTETS: usize = 6;
/// Lines of one reply: more than any patch of qmail's ever sent but SPF explanations, and no client shows more.
const LINES_MAX: usize = 4;
/// Longest value of a variable, in octets.
const VALUE_OCTETS_MAX: usize = 200;

/// What is to be said.
pub(super) struct Reply<'a> {
    pub(super) template: &'a Template,
    /// The finding's own text, in place of the template's.
    pub(super) text: Option<&'a str>,
    /// The finding's own variables.
    pub(super) vars: &'a [(&'static str, String)],
    pub(super) facts: &'a Facts,
    pub(super) action: Action,
    /// At the end of the last line.
    pub(super) id: Option<DecisionId>,
}

impl Reply<'_> {
    /// Status and text; the text's lines are separated by LF and fit into reply lines.
    pub(super) fn written(&self) -> (String, String) {
        let status = self.template.status(self.action);
        let text = self.expanded(self.text.unwrap_or(&self.template.text));
        let (mut front, mut tail) = (String::new(), String::new());
        match self.facts.connection.reply_style {
            _ if status.is_empty() => {}
            ReplyStyle::Qmail => _ = write!(tail, " (#{status})"),
            ReplyStyle::Rfc => front = format!("{status} "),
        }
        if let Some(id) = self.id {
            _ = write!(tail, " [{id}]");
        }
        let lines = fitted(&text, LINE_OCTETS_MAX - FRAME_OCTETS - front.len(), &tail);
        let lines: Vec<String> = lines.into_iter().map(|line| front.clone() + &line).collect();
        (status, lines.join("\n"))
    }

    /// The text with its variables filled in. An unknown variable is empty, as in other mail servers.
    fn expanded(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 64);
        let mut pieces = text.split("%{");
        out.extend(pieces.next().map(|piece| printable(piece.as_bytes(), true)));
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap_or(("", piece));
            out += &self.value(name);
            out += &printable(rest.as_bytes(), true);
        }
        out
    }

    fn value(&self, name: &str) -> String {
        if let Some((_, value)) = self.vars.iter().find(|(known, _)| *known == name) {
            return cut(value.as_bytes());
        }
        let facts = self.facts;
        match name {
            "client_ip" => facts.connection.client_ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string()),
            "client_name" => cut(facts.connection.client_name.as_deref().unwrap_or(b"unknown")),
            "helo" => cut(facts.helo.as_ref().map_or(&[], |helo| &helo.name)),
            "sender" => cut(facts.sender.as_ref().map_or(&[], |sender| sender.address.raw())),
            "recipient" => cut(facts.recipient.as_ref().map_or(&[], |tried| tried.address.raw())),
            "host" => cut(facts.connection.host.as_bytes()),
            _ => String::new(),
        }
    }
}

fn cut(value: &[u8]) -> String {
    printable(&value[..value.len().min(VALUE_OCTETS_MAX)], false)
}

/// Printable ASCII; all else is shown as `?`, as rblsmtpd does.
fn printable(bytes: &[u8], breaks: bool) -> String {
    let shown = |&byte: &u8| match byte {
        0x20..=0x7e => char::from(byte),
        b'\n' if breaks => '\n',
        _ => '?',
    };
    bytes.iter().map(shown).collect()
}

/// At most [`LINES_MAX`] lines of at most `room` octets, the last of them ending with `tail`, which is never cut.
fn fitted(text: &str, room: usize, tail: &str) -> Vec<String> {
    let mut lines: Vec<&str> = Vec::new();
    for mut rest in text.split('\n') {
        while rest.len() > room && lines.len() < LINES_MAX {
            let (line, after) = broken(rest, room);
            lines.push(line);
            rest = after;
        }
        lines.push(rest);
        if lines.len() >= LINES_MAX {
            break;
        }
    }
    lines.truncate(LINES_MAX);
    let mut last = lines.pop().unwrap_or_default();
    if last.len() + tail.len() > room {
        if lines.len() + 1 < LINES_MAX && last.len() <= room {
            let (line, after) = broken(last, room - tail.len());
            lines.push(line);
            last = after;
        }
        last = &last[..last.len().min(room - tail.len())];
    }
    let tail = if last.is_empty() { tail.trim_start() } else { tail };
    lines.into_iter().map(str::to_owned).chain([format!("{last}{tail}")]).collect()
}

/// Breaks at the last blank within `room`, or within a word that has none. The text is ASCII.
fn broken(text: &str, room: usize) -> (&str, &str) {
    match text[..=room.min(text.len() - 1)].rfind(' ') {
        Some(at) if at > 0 => (&text[..at], &text[at + 1..]),
        _ => text.split_at(room.min(text.len())),
    }
}
