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
/// Longest value of a finding's own variable: an explanation of SPF may take two lines.
const OWN_VALUE_OCTETS_MAX: usize = 900;

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
            return cut_at(value.as_bytes(), OWN_VALUE_OCTETS_MAX);
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
    cut_at(value, VALUE_OCTETS_MAX)
}

fn cut_at(value: &[u8], octets_max: usize) -> String {
    printable(&value[..value.len().min(octets_max)], false)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::Rule,
        session::{Address, Helo, Sender, Tried},
    };
    use bytes::Bytes;
    use proptest::prelude::*;

    const BADRCPTTO: &str = "sorry, this recipient is in my badrecipientto list";

    fn facts(helo: &[u8]) -> Facts {
        let mut facts = Facts {
            helo: Some(Helo { name: Bytes::copy_from_slice(helo), esmtp: true }),
            sender: Some(Sender::default()),
            recipient: Some(Tried { address: Address::new(Bytes::from_static(b"Ann@a.example")), ..Tried::default() }),
            ..Facts::default()
        };
        facts.connection.client_ip = Some([192, 0, 2, 1].into());
        facts
    }

    fn written(text: &'static str, facts: &Facts, action: Action, id: Option<DecisionId>) -> (String, String) {
        let template = Template::of_rule(&Rule::policy("x", text, ""));
        Reply { template: &template, text: None, vars: &[("txt", "why\r\nnot".to_owned())], facts, action, id }
            .written()
    }

    #[test]
    fn qmails_bytes_stay_and_the_id_follows() {
        let id = DecisionId::random();
        let (status, text) = written(BADRCPTTO, &facts(b""), Action::Reject, Some(id));
        assert_eq!((status.as_str(), text), ("5.7.1", format!("{BADRCPTTO} (#5.7.1) [{id}]")));
        let (status, text) = written(BADRCPTTO, &facts(b""), Action::Defer, None);
        assert_eq!((status.as_str(), text), ("4.7.1", format!("{BADRCPTTO} (#4.7.1)")));
    }

    #[test]
    fn the_other_style_puts_the_status_before_every_line() {
        let mut facts = facts(b"");
        facts.connection.reply_style = ReplyStyle::Rfc;
        let (_, text) = written("one\ntwo", &facts, Action::Reject, None);
        assert_eq!(text, "5.7.1 one\n5.7.1 two");
    }

    #[test]
    fn variables_are_filled_in_and_break_no_line() {
        let (_, text) = written(
            "%{client_ip} %{helo} <%{sender}> %{recipient} %{txt} %{none}.",
            &facts(b"a\nb\xff%{client_ip}"),
            Action::Reject,
            None,
        );
        assert_eq!(text, "192.0.2.1 a?b?%{client_ip} <> Ann@a.example why??not . (#5.7.1)");
    }

    #[test]
    fn long_texts_are_broken_at_blanks_and_cut_before_the_tail() {
        let text: &'static str = "word ".repeat(110).leak();
        let (_, text) = written(text, &facts(b""), Action::Reject, None);
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("word") && lines[1].ends_with("word  (#5.7.1)"), "{lines:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn whatever_comes_in_printable_lines_go_out(
            text in prop_oneof!["[ -~\n]{0,900}", "(?s).{0,900}", "[a-z]{400,2500}", "\n{0,20}[a-z ]{480,520}"],
            value in "(?s).{0,600}",
            helo in prop::collection::vec(any::<u8>(), 0..600),
            style in prop_oneof![Just(ReplyStyle::Qmail), Just(ReplyStyle::Rfc)],
            status in prop_oneof![Just(""), Just("5.7.1"), Just("5.999.999")],
        ) {
            let id = DecisionId::random();
            let template = Template::of_rule(&Rule { status, ..Rule::policy("x", "", "") });
            let mut facts = facts(&helo);
            facts.connection.reply_style = style;
            let text = text + "%{helo}%{txt}";
            let vars = [("txt", value)];
            let reply = Reply { template: &template, text: Some(&text), vars: &vars, facts: &facts, action: Action::Reject, id: Some(id) };
            let (_, out) = reply.written();
            let lines: Vec<&str> = out.split('\n').collect();
            prop_assert!(lines.len() <= LINES_MAX);
            for line in &lines {
                prop_assert!(line.len() + FRAME_OCTETS <= LINE_OCTETS_MAX, "{} octets", line.len());
                prop_assert!(line.bytes().all(|byte| matches!(byte, 0x20..=0x7e)));
                prop_assert!(style == ReplyStyle::Qmail || line.starts_with(status));
            }
            let tail = match style {
                ReplyStyle::Qmail if !status.is_empty() => format!("(#{status}) [{id}]"),
                _ => format!("[{id}]"),
            };
            prop_assert!(out.ends_with(&tail), "{out}");
        }

        #[test]
        fn a_line_that_fits_keeps_its_bytes(text in "[ -$&-~]{1,400}") {
            let template = Template::of_rule(&Rule::policy("x", "", ""));
            let facts = facts(b"");
            let reply = Reply { template: &template, text: Some(&text), vars: &[], facts: &facts, action: Action::Reject, id: None };
            prop_assert_eq!(reply.written().1, format!("{text} (#5.7.1)"));
        }
    }
}
