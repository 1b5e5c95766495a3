//! Which addresses does a host name have, as far as the answers tell? A and AAAA records asked and read as one.

use super::{Answers, DnsAnswer, DnsQuestion, Question, Record, RecordType};
use std::{net::IpAddr, sync::Arc};

/// Octets of a name in text without the final dot (RFC 1035 §2.3.4: 255 on the wire).
const NAME_OCTETS_MAX: usize = 253;
/// Octets of a label (RFC 1035 §2.3.4).
const LABEL_OCTETS_MAX: usize = 63;

/// Reads a host's name from outside: lower case, without the final dot. `None` = no host has this name: an empty or
/// overlong label, or other octets than letters, digits and hyphens. Underscores pass: RFC 952 has none, but many hosts
/// do.
pub fn host_name(text: &[u8]) -> Option<String> {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let is_label = |label: &[u8]| {
        (1..=LABEL_OCTETS_MAX).contains(&label.len())
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
            && label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    let fits = text.len() <= NAME_OCTETS_MAX && text.split(|&octet| octet == b'.').all(is_label);
    fits.then(|| String::from_utf8_lossy(text).to_ascii_lowercase())
}

/// What is known of a host's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostAddresses {
    /// Those that were found.
    pub found: Vec<IpAddr>,
    /// A look-up failed: there may be more, and none found does not mean that there are none.
    pub failed: bool,
}

impl HostAddresses {
    /// The host has no address, and nothing failed.
    pub fn are_none(&self) -> bool {
        self.found.is_empty() && !self.failed
    }

    /// Adds the questions for both families. `name` is one of [`host_name`], or of a record.
    pub fn ask(name: &str, ask: &mut Vec<Question>) {
        let name: Arc<str> = name.into();
        ask.extend([RecordType::A, RecordType::Aaaa].map(|kind| Question::Dns(DnsQuestion::new(name.clone(), kind))));
    }

    /// What came of them. A question that was not answered counts as failed.
    pub fn of(name: &str, answers: &Answers) -> Self {
        let mut all = Self::default();
        for kind in [RecordType::A, RecordType::Aaaa] {
            all.take(answers.about(name, kind));
        }
        all
    }

    /// Adds the question for the family of `ip` alone: enough to learn whether the name leads to it.
    pub fn ask_about(name: &str, ip: IpAddr, ask: &mut Vec<Question>) {
        ask.push(Question::Dns(DnsQuestion::new(name, RecordType::of_family(ip))));
    }

    /// What came of that.
    pub fn of_family(name: &str, ip: IpAddr, answers: &Answers) -> Self {
        let mut one = Self::default();
        one.take(answers.about(name, RecordType::of_family(ip)));
        one
    }

    fn take(&mut self, answer: &DnsAnswer) {
        let address = |record: &Record| match record {
            Record::A(v4) => Some(IpAddr::V4(*v4)),
            Record::Aaaa(v6) => Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(*v6), IpAddr::V4)),
            Record::Txt(_) | Record::Mx(..) | Record::Ptr(_) => None,
        };
        match answer {
            DnsAnswer::Found(records) => self.found.extend(records.iter().filter_map(address)),
            DnsAnswer::NotFound => {}
            DnsAnswer::Failed(_) => self.failed = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{Answer, Answered, Failure};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn host_names_are_folded() {
        for (text, name) in [
            ("Mx.Example.", "mx.example"),
            ("a_b.example", "a_b.example"),
            ("localhost", "localhost"),
            ("1.2.3.4", "1.2.3.4"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(host_name(text.as_bytes()).as_deref(), Some(name));
        }
    }

    #[test]
    fn other_texts_are_no_host_names() {
        let (label, name) = ("a".repeat(64), "a.".repeat(127) + "a");
        for text in ["", ".", "..", "a..b", ".a", "a b", "a@b", "-a.b", "a-.b", "a\\.b", "[1.2.3.4]", &label, &name] {
            assert_eq!(host_name(text.as_bytes()), None, "{text}");
        }
        assert_eq!(host_name(b"b\xfccher.example"), None);
    }

    fn answers(a: DnsAnswer, aaaa: Option<DnsAnswer>) -> Answers {
        let mut answers = Answers::default();
        for (kind, answer) in [(RecordType::A, Some(a)), (RecordType::Aaaa, aaaa)] {
            let Some(answer) = answer else { continue };
            let answered =
                Answered { answer: Answer::Dns(answer), ..Answered::failed(Failure::Timeout, Duration::ZERO) };
            answers.insert(Question::Dns(DnsQuestion::new("mx.example", kind)), answered);
        }
        answers
    }

    #[test]
    fn a_failure_is_never_the_absence_of_addresses() {
        let ip = IpAddr::from([192, 0, 2, 9]);
        let found = DnsAnswer::Found([Record::A([192, 0, 2, 9].into())].into());
        let all = HostAddresses::of("mx.example", &answers(found.clone(), Some(DnsAnswer::NotFound)));
        assert_eq!(all, HostAddresses { found: vec![ip], failed: false });
        let none = HostAddresses::of("mx.example", &answers(DnsAnswer::NotFound, Some(DnsAnswer::NotFound)));
        assert!(none.are_none());
        // The second family was never answered.
        let half = HostAddresses::of("mx.example", &answers(DnsAnswer::NotFound, None));
        assert!(half.failed && !half.are_none());
        let family = HostAddresses::of_family("mx.example", ip, &answers(found, None));
        assert_eq!(family, HostAddresses { found: vec![ip], failed: false });
    }

    proptest! {
        #[test]
        fn whatever_comes_a_name_is_one_for_good(text in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(name) = host_name(&text) {
                prop_assert_eq!(host_name(name.as_bytes()), Some(name.clone()));
                prop_assert!(name.len() <= NAME_OCTETS_MAX && name.is_ascii());
            }
        }
    }
}
