//! Do the DNS lists answer as lists must? Each is asked about the entry that it must have, and the one that it must not
//! (RFC 5782 §5).

use super::{Level, Report, resolver};
use crate::{
    ask::{DnsAnswer, Failure, Record, RecordType, Resolver, reversed},
    dns_lists::{Declared, Probe, Refusal, Subject, gone},
};
use std::net::{Ipv4Addr, Ipv6Addr};

const TEST: &str = "dns list";

/// What a list said about one of its test entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Listed,
    NotListed,
    Refused(&'static str, Ipv4Addr),
    Failed(Failure),
}

pub(super) async fn examine(list: &Declared, resolver: &Resolver, report: &mut Report) {
    let name = &list.name;
    if let Some(reason) = gone(list.zone.expose()) {
        return report.warn(TEST, format!("{name}: {reason}: take it out"));
    }
    if list.probe == Probe::Off {
        return report.ok(TEST, format!("{name} is not tested: probe = \"off\""));
    }
    let entries = Entries::of(list);
    let must_not = heard(list, entries.must_not.as_str(), resolver).await;
    // A list without test entry is asked only what it must not hold.
    let must = if list.probe == Probe::All { Some(heard(list, entries.must.as_str(), resolver).await) } else { None };
    let (level, text) = judge(must_not, must, &entries);
    report.add(level, TEST, &format!("{name} {text}"));
}

/// What is asked, as it stands in front of the zone, and as people call it.
#[derive(Debug, PartialEq, Eq)]
struct Entries {
    must: String,
    must_not: String,
    shown: [&'static str; 2],
}

impl Entries {
    fn of(list: &Declared) -> Self {
        let (must, must_not) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 1));
        if list.subject == Subject::Domain {
            return Self { must: "test".into(), must_not: "invalid".into(), shown: ["TEST", "INVALID"] };
        }
        if list.ipv4 {
            let [must, must_not] = [must, must_not].map(|v4| reversed(v4.into()));
            return Self { must, must_not, shown: ["127.0.0.2", "127.0.0.1"] };
        }
        let [must, must_not] = [must, must_not].map(|v4: Ipv4Addr| {
            let v6: Ipv6Addr = v4.to_ipv6_mapped();
            reversed(v6.into())
        });
        Self { must, must_not, shown: ["::ffff:127.0.0.2", "::ffff:127.0.0.1"] }
    }
}

async fn heard(list: &Declared, front: &str, resolver: &Resolver) -> Heard {
    let kind = if list.txt_only { RecordType::Txt } else { RecordType::A };
    read(&resolver::answer(resolver, list.about(front, kind)).await, &list.named_codes)
}

fn read(answer: &DnsAnswer, named: &[Ipv4Addr]) -> Heard {
    match answer {
        DnsAnswer::NotFound => Heard::NotListed,
        DnsAnswer::Failed(failure) => Heard::Failed(*failure),
        DnsAnswer::Found(records) => {
            let refused = records.iter().find_map(|record| match record {
                Record::A(code) => Some(Heard::Refused(Refusal::of(*code, named)?.words(), *code)),
                _ => None,
            });
            refused.unwrap_or(Heard::Listed)
        }
    }
}

/// What it means, and what to do.
fn judge(must_not: Heard, must: Option<Heard>, entries: &Entries) -> (Level, String) {
    let [test, nobody] = entries.shown;
    let own = "big lists refuse public resolvers, use your own";
    match (must_not, must) {
        // A refusal comes whatever is asked: it says nothing about what the list holds.
        (Heard::Refused(what, code), _) | (_, Some(Heard::Refused(what, code))) => {
            let level = if what == "refused" { Level::Warn } else { Level::Fail };
            (level, format!("answers {code} ({what}): it is scored 0; {own}, or look whether it is misspelt or gone"))
        }
        (Heard::Listed, _) => {
            (Level::Fail, format!("lists everybody ({nobody} is on it): take it out, its domain may be gone"))
        }
        (Heard::Failed(failure), _) | (_, Some(Heard::Failed(failure))) => {
            (Level::Warn, format!("does not answer ({}): it is scored 0; {own}", failure.name()))
        }
        (_, Some(Heard::NotListed)) => (
            Level::Warn,
            format!("does not list its test address {test}: it may be misspelt, gone, or refuse your resolver"),
        ),
        (_, Some(Heard::Listed) | None) => (Level::Ok, "answers".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{DnsName, ListId, Upstream};
    use crate::dns_lists::Way;

    fn list(subject: Subject, ipv4: bool) -> Declared {
        Declared {
            id: ListId::named("bl"),
            name: "bl".into(),
            zone: DnsName::with_secret("s3cret.bl.example", 0..6),
            upstream: Upstream::default(),
            way: Way::default(),
            subject,
            ipv4,
            ipv6: true,
            txt_only: false,
            welcomes: false,
            monitored: false,
            budget_per_day: 0,
            probe: Probe::All,
            named_codes: Vec::new(),
        }
    }

    #[test]
    fn each_kind_of_list_has_entries_of_its_own() {
        let asked = |subject, ipv4| {
            let Entries { must, must_not, .. } = Entries::of(&list(subject, ipv4));
            [must, must_not]
        };
        assert_eq!(asked(Subject::Address, true), ["2.0.0.127", "1.0.0.127"]);
        assert_eq!(asked(Subject::Domain, true), ["test", "invalid"]);
        let nibbles = "0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
        assert_eq!(asked(Subject::Address, false), [format!("2.{nibbles}"), format!("1.{nibbles}")]);
    }

    #[test]
    fn refusals_are_told_from_listings() {
        let found = |codes: &[[u8; 4]]| {
            DnsAnswer::Found(codes.iter().map(|&code| Record::A(code.into())).collect::<Vec<_>>().into())
        };
        let code = Ipv4Addr::new(127, 255, 255, 254);
        assert_eq!(read(&found(&[[127, 0, 0, 2]]), &[]), Heard::Listed);
        assert_eq!(read(&found(&[[127, 0, 0, 2], code.octets()]), &[]), Heard::Refused("refused", code));
        let dnswl = Ipv4Addr::new(127, 0, 0, 255);
        assert_eq!(read(&found(&[dnswl.octets()]), &[dnswl]), Heard::Listed);
        assert_eq!(read(&DnsAnswer::NotFound, &[]), Heard::NotListed);
        let text = DnsAnswer::Found([Record::Txt(b"listed"[..].into())].into());
        assert_eq!(read(&text, &[]), Heard::Listed, "of a list of texts");
        assert_eq!(read(&DnsAnswer::Failed(Failure::Servfail), &[]), Heard::Failed(Failure::Servfail));
    }

    #[test]
    fn every_answer_has_its_advice() {
        let refused = Heard::Refused("refused", Ipv4Addr::new(127, 255, 255, 254));
        let parked = Heard::Refused("no DNS list", Ipv4Addr::new(192, 0, 2, 1));
        let failed = Heard::Failed(Failure::Timeout);
        let (listed, not) = (Heard::Listed, Heard::NotListed);
        for (must_not, must, level, text) in [
            (not, Some(listed), Level::Ok, "answers"),
            (not, None, Level::Ok, "answers"),
            (not, Some(not), Level::Warn, "does not list its test address 127.0.0.2: "),
            (listed, Some(listed), Level::Fail, "lists everybody (127.0.0.1 is on it)"),
            (listed, None, Level::Fail, "lists everybody"),
            (refused, Some(refused), Level::Warn, "answers 127.255.255.254 (refused): "),
            (not, Some(refused), Level::Warn, "answers 127.255.255.254 (refused): "),
            (parked, Some(parked), Level::Fail, "answers 192.0.2.1 (no DNS list): "),
            (failed, Some(listed), Level::Warn, "does not answer (timeout)"),
            (not, Some(failed), Level::Warn, "does not answer (timeout)"),
            (failed, None, Level::Warn, "does not answer (timeout)"),
        ] {
            let (found, said) = judge(must_not, must, &Entries::of(&list(Subject::Address, true)));
            assert!(found == level && said.starts_with(text), "{must_not:?} {must:?}: {said}");
        }
    }
}
