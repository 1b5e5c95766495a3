//! What is said for a rule, before anybody is named in it? Code, status and text, from the check or the configuration.

use super::Action;
use crate::check::Rule;
use std::borrow::Cow;

/// The reply of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    code: u16,
    code_defer: u16,
    status: Cow<'static, str>,
    pub(super) text: Cow<'static, str>,
}

impl Template {
    /// The check's own.
    pub(super) fn of_rule(rule: &Rule) -> Self {
        Self {
            code: rule.code,
            code_defer: rule.code_defer,
            status: Cow::Borrowed(rule.status),
            text: Cow::Borrowed(rule.text),
        }
    }

    /// The same with what the configuration says in its place: `TEXT`, `CODE TEXT` or `CODE STATUS TEXT`; the status may
    /// also stand at the end, as qmail writes it. A code of 4xx is the deferral's.
    pub(super) fn replaced(mut self, written: &str) -> Result<Self, String> {
        check_text(written)?;
        let mut text = written;
        if let Some((code, rest)) = leading_code(text) {
            match code {
                421 => return Err("421 closes the connection: expected another code".to_owned()),
                400..=499 => self.code_defer = code,
                500..=599 => self.code = code,
                _ => return Err(format!("code {code}: expected 400 to 599")),
            }
            text = rest;
        }
        if let Some((status, rest)) = text.split_once(' ').filter(|(word, _)| is_status(word)) {
            (self.status, text) = (Cow::Owned(status.to_owned()), rest);
        } else if let Some((rest, status)) = trailing_status(text) {
            (self.status, text) = (Cow::Owned(status.to_owned()), rest);
        }
        if text.trim().is_empty() {
            return Err("expected a text".to_owned());
        }
        self.text = Cow::Owned(text.to_owned());
        Ok(self)
    }

    /// The reply code for an action; 0 for going on.
    pub(super) fn code(&self, action: Action) -> u16 {
        match action {
            Action::Continue => 0,
            Action::Defer => self.code_defer,
            Action::Reject => self.code,
        }
    }

    /// The status with the class that the action has; empty if the rule bears none.
    pub(super) fn status(&self, action: Action) -> String {
        let class = if action == Action::Defer { '4' } else { '5' };
        self.status.split_once('.').map_or_else(String::new, |(_, rest)| format!("{class}.{rest}"))
    }
}

/// Printable ASCII, line breaks apart, with every `%{` closed around a name.
pub(crate) fn check_text(text: &str) -> Result<(), String> {
    if !text.bytes().all(|byte| byte == b'\n' || matches!(byte, 0x20..=0x7e)) {
        return Err("holds a character that SMTP replies cannot: expected printable ASCII".to_owned());
    }
    for opened in text.split("%{").skip(1) {
        let name = opened.split_once('}').map_or("", |(name, _)| name);
        if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()) {
            return Err(format!("%{{{name}: expected a variable such as %{{client_ip}}"));
        }
    }
    Ok(())
}

fn leading_code(text: &str) -> Option<(u16, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let is_code = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then(|| word.parse().ok()).flatten().map(|code| (code, rest))
}

/// `text (#5.7.1)`.
fn trailing_status(text: &str) -> Option<(&str, &str)> {
    let (rest, status) = text.strip_suffix(')')?.rsplit_once(" (#")?;
    is_status(status).then_some((rest, status))
}

/// RFC 3463 §2: class, subject, detail; one digit, then up to three each.
pub(crate) fn is_status(word: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = word.split('.').collect();
    matches!(parts[..], ["4" | "5", subject, detail] if number(subject) && number(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(written: &str) -> Result<(u16, u16, String, String), String> {
        let template = Template::of_rule(&Rule::policy("listed", "no", "")).replaced(written)?;
        let (reject, defer) = (template.code(Action::Reject), template.code(Action::Defer));
        Ok((reject, defer, template.status(Action::Reject), template.text.into_owned()))
    }

    #[test]
    fn code_and_status_may_be_left_out() {
        let expect = |written: &str, code, code_defer, status: &str, text: &str| {
            assert_eq!(replaced(written), Ok((code, code_defer, status.to_owned(), text.to_owned())), "{written}");
        };
        expect("go away", 553, 451, "5.7.1", "go away");
        expect("554 go away", 554, 451, "5.7.1", "go away");
        expect("450 5.7.25 go away", 553, 450, "5.7.25", "go away");
        expect("554 sorry, %{helo} (#5.1.1)", 554, 451, "5.1.1", "sorry, %{helo}");
        expect("5000 lists say no", 553, 451, "5.7.1", "5000 lists say no");
        expect("5.7.1.1 is no status", 553, 451, "5.7.1", "5.7.1.1 is no status");
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for wrong in
            ["421 bye", "250 ok", "354 go", "600 x", "554 ", "", "caf\u{e9}", "a\tb", "%{", "%{x", "%{X}", "%{}"]
        {
            assert!(replaced(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_status_follows_the_action() {
        let template = Template::of_rule(&Rule::policy("listed", "no", ""));
        assert_eq!(template.status(Action::Defer), "4.7.1");
        let bare = Template::of_rule(&Rule { status: "", ..Rule::policy("listed", "no", "") });
        assert_eq!(bare.status(Action::Reject), "");
    }
}
