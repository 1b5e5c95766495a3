//! Do the DNS lists answer as lists must? The keeper's own probe (RFC 5782 §5), put into words.

use super::{Level, Report, resolver};
use crate::{
    ask::{DnsAnswer, Resolver},
    dns_lists::{
        Declared, Subject, gone,
        health::Cause,
        probe::{self, Reading},
    },
};

const TEST: &str = "dns list";

pub(super) async fn examine(list: &Declared, resolver: &Resolver, report: &mut Report) {
    let name = &list.name;
    if let Some(reason) = gone(list.zone.expose()) {
        return report.warn(TEST, format!("{name}: {reason}: take it out"));
    }
    let questions = probe::questions(list, probe::random());
    if questions.is_empty() {
        return report.ok(TEST, format!("{name} is not tested: probe = \"off\""));
    }
    let mut answers = Vec::with_capacity(questions.len());
    for (expected, question) in questions {
        answers.push((expected, resolver::answer(resolver, question).await));
    }
    let reading = probe::read(list, answers.iter().map(|(expected, answer)| (*expected, answer)));
    let failure = answers.iter().find_map(|(_, answer)| match answer {
        DnsAnswer::Failed(failure) => Some(failure.name()),
        _ => None,
    });
    let (level, text) = judge(list, reading, failure.unwrap_or("no answer"));
    report.add(level, TEST, &format!("{name} {text}"));
}

/// What it means, and what to do.
fn judge(list: &Declared, reading: Reading, failure: &str) -> (Level, String) {
    let own = "big lists refuse public resolvers, use your own";
    let test = match list.subject {
        Subject::Address => "address 127.0.0.2",
        Subject::Domain => "name TEST",
    };
    match reading {
        Reading::Good => (Level::Ok, "answers".to_owned()),
        Reading::Unknown => (Level::Warn, format!("does not answer ({failure}): it is scored 0; {own}")),
        Reading::Bad(Cause::Wildcard) => {
            (Level::Fail, "lists everybody: take it out, its domain may be gone".to_owned())
        }
        Reading::Bad(Cause::NotAList) => {
            let text = "answers with addresses that no list uses: its domain may be gone, or the resolver rewrites";
            (Level::Fail, text.to_owned())
        }
        Reading::Bad(Cause::UnlistedTest) => {
            (Level::Warn, format!("does not list its test {test}: it may be misspelt, gone, or refuse your resolver"))
        }
        Reading::Bad(cause) => (Level::Warn, format!("does not serve you ({}): it is scored 0; {own}", cause.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_has_its_advice() {
        let list = Declared::new("bl.example");
        for (reading, level, text) in [
            (Reading::Good, Level::Ok, "answers"),
            (Reading::Unknown, Level::Warn, "does not answer (timeout): "),
            (Reading::Bad(Cause::UnlistedTest), Level::Warn, "does not list its test address 127.0.0.2: "),
            (Reading::Bad(Cause::Wildcard), Level::Fail, "lists everybody: "),
            (Reading::Bad(Cause::NotAList), Level::Fail, "answers with addresses that no list uses"),
            (Reading::Bad(Cause::Refused), Level::Warn, "does not serve you (refused): "),
        ] {
            let (found, said) = judge(&list, reading, "timeout");
            assert!(found == level && said.starts_with(text), "{reading:?}: {said}");
        }
        let domains = Declared { subject: Subject::Domain, ..list };
        assert!(judge(&domains, Reading::Bad(Cause::UnlistedTest), "").1.contains("its test name TEST"));
    }
}
