//! Where would mail for a domain go? MX records, else the domain's own addresses (RFC 5321 §5.1).

use crate::ask::{Answers, DnsAnswer, DnsQuestion, HostAddresses, Question, Record, RecordType, host_name, is_public};

/// Exchanges that are looked up. A domain with more of them has at least one that can be reached, or is not judged.
const EXCHANGES_MAX: usize = 5;

/// What the DNS says of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Some host of the public Internet takes its mail, or may do so.
    Reachable,
    /// A look-up failed, or there are more exchanges than are looked up.
    Unknown,
    /// Neither MX nor A nor AAAA.
    Nothing,
    /// It says that it takes no mail (RFC 7505).
    NullMx,
    /// None of its hosts has an address of the public Internet; the first of them.
    Bogus(String),
}

/// Asks for the exchanges, then for their addresses, or for the domain's own if it has none.
pub(super) fn ask(domain: &str, answers: &Answers, ask: &mut Vec<Question>) {
    match answers.about(domain, RecordType::Mx) {
        DnsAnswer::Found(records) => {
            let hosts = exchanges(records).into_iter().take(EXCHANGES_MAX);
            hosts.filter_map(|host| host_name(host.as_bytes())).for_each(|host| HostAddresses::ask(&host, ask));
        }
        DnsAnswer::NotFound => HostAddresses::ask(domain, ask),
        DnsAnswer::Failed(_) => {}
    }
    ask.push(Question::Dns(mx(domain)));
}

/// What came of it.
pub(super) fn of(domain: &str, answers: &Answers) -> Target {
    let records = match answers.about(domain, RecordType::Mx) {
        DnsAnswer::Found(records) => records,
        DnsAnswer::NotFound => {
            let addresses = HostAddresses::of(domain, answers);
            return if addresses.are_none() { Target::Nothing } else { judged(domain, &addresses) };
        }
        DnsAnswer::Failed(_) => return Target::Unknown,
    };
    let hosts = exchanges(records);
    let Some(first) = hosts.first() else { return Target::NullMx };
    let looked_up = hosts.iter().take(EXCHANGES_MAX);
    let targets: Vec<Target> = looked_up.map(|host| target_of_host(host, answers)).collect();
    if targets.contains(&Target::Reachable) {
        Target::Reachable
    } else if targets.contains(&Target::Unknown) || hosts.len() > EXCHANGES_MAX {
        Target::Unknown
    } else {
        Target::Bogus((*first).to_owned())
    }
}

fn mx(domain: &str) -> DnsQuestion {
    DnsQuestion::new(domain, RecordType::Mx)
}

/// By preference, then by name, each once. The root is no host: alone it is a null MX, and beside others it is nothing
/// (RFC 7505 §3).
fn exchanges(records: &[Record]) -> Vec<&str> {
    let mut exchanges: Vec<(u16, &str)> = records.iter().filter_map(exchange).collect();
    exchanges.sort_unstable();
    let mut hosts: Vec<&str> = Vec::with_capacity(exchanges.len());
    for (_, host) in exchanges {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

fn exchange(record: &Record) -> Option<(u16, &str)> {
    match record {
        Record::Mx(preference, host) if !host.is_empty() => Some((*preference, host)),
        _ => None,
    }
}

fn target_of_host(host: &str, answers: &Answers) -> Target {
    match host_name(host.as_bytes()) {
        Some(name) => judged(host, &HostAddresses::of(&name, answers)),
        // What is no host's name has no address.
        None => Target::Bogus(host.to_owned()),
    }
}

fn judged(host: &str, addresses: &HostAddresses) -> Target {
    if addresses.found.iter().any(|&ip| is_public(ip)) {
        Target::Reachable
    } else if addresses.failed {
        Target::Unknown
    } else {
        Target::Bogus(host.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{Answer, Answered, Failure};
    use proptest::prelude::*;
    use std::time::Duration;

    fn answered(answer: DnsAnswer) -> Answered {
        Answered { answer: Answer::Dns(answer), ..Answered::failed(Failure::Timeout, Duration::ZERO) }
    }

    /// The target of a domain with these exchanges. What a host is follows from its name's first letter: `p`ublic,
    /// `l`oopback, `n`othing, else failing.
    fn target(exchanges: &[(u16, String)]) -> (Target, usize) {
        let mut answers = Answers::default();
        let records =
            exchanges.iter().map(|(preference, host)| Record::Mx(*preference, host.as_str().into())).collect();
        answers.insert(Question::Dns(mx("a.example")), answered(DnsAnswer::Found(records)));
        let mut asked = Vec::new();
        ask("a.example", &answers, &mut asked);
        for question in &asked {
            let Question::Dns(dns) = question else { continue };
            let found = |ip: [u8; 4]| DnsAnswer::Found([Record::A(ip.into())].into());
            let answer = match (dns.kind, dns.name.expose().as_bytes().first()) {
                (RecordType::Mx, _) => continue,
                (RecordType::A, Some(b'p')) => found([192, 0, 2, 25]),
                (RecordType::A, Some(b'l')) => found([127, 0, 0, 1]),
                (_, Some(b'p' | b'l' | b'n')) => DnsAnswer::NotFound,
                _ => DnsAnswer::Failed(Failure::Servfail),
            };
            answers.insert(question.clone(), answered(answer));
        }
        (of("a.example", &answers), asked.len())
    }

    #[test]
    fn nothing_is_known_without_an_answer() {
        assert_eq!(of("a.example", &Answers::default()), Target::Unknown);
        assert_eq!(
            target(&[(10, "odd\\032name.example".to_owned())]).0,
            Target::Bogus("odd\\032name.example".to_owned())
        );
    }

    proptest! {
        /// In whatever order an answer names them; and only if all were looked up and none can be reached it is bogus.
        #[test]
        fn the_order_of_exchanges_changes_nothing(
            exchanges in prop::collection::vec((0..4_u16, "[plnf][12]|"), 1..12)
                .prop_flat_map(|exchanges| (Just(exchanges.clone()), Just(exchanges).prop_shuffle())),
        ) {
            let (exchanges, shuffled) = exchanges;
            let (found, asked) = target(&exchanges);
            prop_assert_eq!(&found, &target(&shuffled).0);
            prop_assert!(asked <= 1 + 2 * EXCHANGES_MAX);
            let hosts: Vec<&String> = exchanges.iter().map(|(_, host)| host).filter(|host| !host.is_empty()).collect();
            let hopeless = hosts.iter().all(|host| host.starts_with(['l', 'n']));
            match found {
                Target::NullMx => prop_assert!(hosts.is_empty()),
                Target::Bogus(_) => prop_assert!(hopeless && !hosts.is_empty()),
                Target::Reachable => prop_assert!(hosts.iter().any(|host| host.starts_with('p'))),
                Target::Unknown => prop_assert!(!hopeless),
                Target::Nothing => prop_assert!(false, "there are MX records"),
            }
        }
    }
}
