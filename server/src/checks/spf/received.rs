//! How is a result written on top of a message? Received-SPF in both forms, the words of the patch, and what goes into
//! Authentication-Results. Folding and the safety of what clients send are the engine's business.

use crate::{
    ask::spf::{Evaluation, Flaw, Query, SpfResult},
    check::{Authenticated, Mark},
};

const NAME: &str = "Received-SPF";
/// Octets shown of one value.
const VALUE_OCTETS_MAX: usize = 256;

/// Which identity was checked (RFC 7208 §2.3, §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// MAIL FROM.
    MailFrom,
    /// HELO, in place of a null sender's domain or beside it.
    Helo,
}

/// What a field is made of.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) query: &'a Query,
    /// `None` = there was no answer in time.
    pub(super) evaluation: Option<&'a Evaluation>,
    pub(super) identity: Identity,
    /// As the client gave it.
    pub(super) envelope_from: &'a [u8],
    /// The host that checked.
    pub(super) receiver: &'a str,
    /// Nothing is held against the client: it is a trusted forwarder.
    pub(super) is_forwarded: bool,
}

impl Seen<'_> {
    fn result(&self) -> SpfResult {
        self.evaluation.map_or(SpfResult::TempError, |evaluation| evaluation.result)
    }

    /// The sender as far as it can be shown: without a domain, the HELO argument.
    fn shown(&self) -> String {
        let query = self.query;
        let text = match (self.identity, query.domain()) {
            (Identity::MailFrom, Some(_)) => query.sender(),
            (Identity::Helo, Some(domain)) => domain.as_bytes().to_vec(),
            (_, None) => query.helo().to_vec(),
        };
        printable(&text)
    }

    /// RFC 7208 §9.1: the result, a comment for people, and the keys for programs.
    pub(super) fn field(&self) -> Mark {
        let result = self.result();
        let comment = format!("({}: {})", commented(self.receiver), commented(&self.comment(result)));
        let mut words = vec![result.name().to_owned()];
        words.extend(comment.split(' ').map(str::to_owned));
        let identity = if self.identity == Identity::Helo { "helo" } else { "mailfrom" };
        let ip = self.query.ip.to_string();
        let helo = printable(self.query.helo());
        let mut keys = vec![
            ("receiver", self.receiver.to_owned()),
            ("identity", identity.to_owned()),
            ("client-ip", ip),
            ("envelope-from", printable(self.envelope_from)),
            ("helo", helo),
        ];
        if let Some(matched) = self.evaluation.and_then(|evaluation| evaluation.matched.as_ref()) {
            keys.push(("mechanism", printable(matched.mechanism.as_bytes())));
        }
        if let Some(problem) = self.evaluation.and_then(|evaluation| evaluation.problem.as_deref()) {
            keys.push(("problem", printable(problem.as_bytes())));
        }
        words.extend(keys.into_iter().map(|(key, value)| format!("{key}={};", quoted(&value))));
        Mark::Field { name: NAME, words }
    }

    /// In the words of the examples of RFC 7208 §9.1.
    fn comment(&self, result: SpfResult) -> String {
        let (sender, ip) = (self.shown(), self.query.ip);
        let domain = if self.identity == Identity::Helo { sender } else { format!("domain of {sender}") };
        match result {
            SpfResult::Pass => format!("{domain} designates {ip} as permitted sender"),
            SpfResult::Fail => format!("{domain} does not designate {ip} as permitted sender"),
            SpfResult::SoftFail => format!("{domain} does not designate {ip} as permitted sender, but is not sure"),
            SpfResult::Neutral => format!("{ip} is neither permitted nor denied by {domain}"),
            SpfResult::None => format!("{domain} does not designate permitted sender hosts"),
            SpfResult::TempError => format!("error in looking up {domain}"),
            SpfResult::PermError => format!("error in the record of {domain}"),
        }
    }

    /// The patch's form, word for word (`spfinfo` in spf.c).
    pub(super) fn field_of_patch(&self) -> Mark {
        let (receiver, ip) = (self.receiver, self.query.ip);
        let domain = self.query.domain().map_or_else(|| self.shown(), str::to_owned);
        let matched = self.evaluation.and_then(|evaluation| evaluation.matched.as_ref());
        let record = match matched {
            Some(matched) if matched.is_local => "local policy".to_owned(),
            Some(matched) => format!("SPF record at {}", matched.domain),
            None => format!("SPF record at {domain}"),
        };
        let body = match self.result() {
            SpfResult::Pass => format!("pass ({receiver}: {record} designates {ip} as permitted sender)"),
            SpfResult::Fail => format!("fail ({receiver}: {record} does not designate {ip} as permitted sender)"),
            SpfResult::SoftFail => {
                format!("softfail ({receiver}: transitioning {record} does not designate {ip} as permitted sender)")
            }
            SpfResult::Neutral => format!("neutral ({receiver}: {ip} is neither permitted nor denied by {record})"),
            SpfResult::None => {
                format!("none ({receiver}: domain at {domain} does not designate permitted sender hosts)")
            }
            SpfResult::TempError => {
                format!("error ({receiver}: error in processing during lookup of {domain}: DNS problem)")
            }
            SpfResult::PermError => self.unknown_of_patch(&record, &domain),
        };
        // The patch did not fold.
        Mark::Field { name: NAME, words: vec![body] }
    }

    fn unknown_of_patch(&self, record: &str, domain: &str) -> String {
        let receiver = self.receiver;
        match self.evaluation.and_then(|evaluation| evaluation.flaw.as_ref()) {
            Some(Flaw::UnknownMechanism(word)) => {
                let word = printable(word.as_bytes());
                format!("unknown {word} ({receiver}: {record} uses mechanism not recognized by this client)")
            }
            Some(Flaw::SeveralRecords) => format!("unknown ({receiver}: Multiple SPF records returned)"),
            Some(Flaw::Limit) => format!("unknown ({receiver}: Maximum nesting level exceeded, possible loop)"),
            Some(Flaw::NoRecord) => {
                format!("unknown ({receiver}: domain at {domain} does not designate permitted sender hosts)")
            }
            Some(Flaw::Syntax) | None => format!("unknown ({receiver}: parse error in {record})"),
        }
    }

    /// RFC 8601 §2.7.2. A trusted forwarder's is local policy (§2.4).
    pub(super) fn authenticated(&self) -> Authenticated {
        let result = self.result();
        let property = match (self.identity, self.query.domain()) {
            (Identity::Helo, _) | (_, None) => ("smtp.helo", printable(self.query.helo())),
            (Identity::MailFrom, Some(domain)) => ("smtp.mailfrom", domain.to_owned()),
        };
        let (result, reason) = match self.is_forwarded {
            true => ("policy", format!("{} by its record, let pass as a trusted forwarder", result.name())),
            false => (result.name(), String::new()),
        };
        Authenticated { method: "spf", result, reason, property }
    }
}

/// The patch's words for results, as SPFRESULT has them.
pub(super) const fn word_of_patch(result: SpfResult) -> &'static str {
    match result {
        SpfResult::PermError => "unknown",
        SpfResult::TempError => "error",
        other => other.name(),
    }
}

fn printable(octets: &[u8]) -> String {
    let octets = octets.get(..VALUE_OCTETS_MAX).unwrap_or(octets);
    octets.iter().map(|&octet| if matches!(octet, b' '..=b'~') { char::from(octet) } else { '?' }).collect()
}

/// Within a comment (RFC 5322 §3.2.2): parentheses and backslashes are quoted.
fn commented(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '(' | ')' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A dot-atom as it is, anything else as a quoted-string (RFC 5322 §3.2.3, §3.2.4).
fn quoted(value: &str) -> String {
    let is_atom = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    let is_dot_atom = value.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
    if is_dot_atom {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_atoms_or_quoted() {
        for (value, written) in [
            ("mx.example", "mx.example"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "\"2001:db8::1\""),
            ("a@b", "\"a@b\""),
            ("", "\"\""),
            ("a..b", "\"a..b\""),
            ("say \"hi\\\"", "\"say \\\"hi\\\\\\\"\""),
        ] {
            assert_eq!(quoted(value), written);
        }
        assert_eq!(commented("a (b) \\c"), "a \\(b\\) \\\\c");
    }
}
