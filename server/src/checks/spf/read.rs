//! How does the check come out of its section and qmail's control files?

use super::{
    Header, Spf, fields,
    strictness::{Actions, Strictness},
};
use crate::{
    ask::{
        SpfTerms,
        spf::{Explanation, LOOKUPS_MAX, Limits, LocalPolicy, mail_domain},
    },
    config::{Build, Fault, Section},
    files::{Absence, Demands, Notes, Reader},
};
use bytes::Bytes;
use std::{path::Path, sync::Arc, time::Duration};

/// Domains that may vouch for forwarders: each is one more evaluation where a result is not a pass.
const FORWARDERS_MAX: usize = 16;
/// The level of the patch that refuses something.
const REFUSES_FROM: u8 = 3;
/// What a refusal says where nobody has anything else to say.
const EXPLANATION: &str = "its SPF record says so";
/// The same at the levels of the patch. That host is long gone.
const EXPLANATION_OF_PATCH: &str = "See http://spf.pobox.com/why.html?sender=%{S}&ip=%{I}&receiver=%{R}";

pub(super) fn read(section: &Section<'_>, build: &mut Build<'_>) -> Spf {
    let strictness = strictness(section, build);
    let number = |name| section.integer(name).unsigned_abs();
    let limits = Limits {
        lookups: LOOKUPS_MAX,
        voids: usize::try_from(number("void_lookups_max")).unwrap_or(usize::MAX),
        time: Duration::from_millis(number("time_max_ms")),
    };
    let local = |rules: &str, guess: &str| LocalPolicy::read(rules, guess).map_err(|(_, error)| error.to_string());
    let rules = text(section, build, ("rules", "spfrules"), &|text| local(text, "").map(drop));
    let guess = text(section, build, ("guess", "spfguess"), &|text| local("", text).map(drop));
    // What is wrong with either has been told.
    let local = local(&rules, &guess).unwrap_or_default();
    let explanation = explanation(section, build, strictness);
    let terms = Arc::new(SpfTerms::new(limits, local));
    build.settled.spf_terms = terms.clone();
    Spf {
        mode: section.is_set("mode").then(|| section.mode("mode")),
        strictness,
        actions: Actions::read(section),
        checks_helo: section.bool("helo"),
        forwarders: section.networks("trusted_forwarders"),
        forwarder_domains: forwarder_domains(section),
        // A result of local policy is not what the domains themselves let send.
        plain_terms: Arc::new(SpfTerms::new(limits, LocalPolicy::default())),
        terms,
        explanation,
        header: match section.choice("received_spf") {
            fields::RFC7208 => Header::Rfc7208,
            fields::QMAIL => Header::Qmail,
            _ => Header::Off,
        },
        authentication_results: section.bool("authentication_results"),
    }
}

fn strictness(section: &Section<'_>, build: &mut Build<'_>) -> Strictness {
    match section.choice("level") {
        fields::CONTROL => match first_line(section, build, "spfbehavior", &|_| Ok(())) {
            Some(line) => Strictness::level(line.as_bytes()),
            None => Strictness::Modern,
        },
        fields::MODERN => Strictness::Modern,
        level => Strictness::level(level.as_bytes()),
    }
}

/// What may stand in a line? `Err` says what is wrong with it.
type Accept<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// The key's text, else the control file's first line.
fn text(section: &Section<'_>, build: &mut Build<'_>, (key, file): (&str, &str), accept: Accept<'_>) -> String {
    if !section.is_set(key) {
        return first_line(section, build, file, accept).map(|line| line.to_string()).unwrap_or_default();
    }
    let text = section.text(key);
    accept(&text).unwrap_or_else(|wrong| section.fault(key, wrong));
    text
}

/// As `control_readline` reads it; `None` = there is no such file.
fn first_line(section: &Section<'_>, build: &mut Build<'_>, file: &str, accept: Accept<'_>) -> Option<Arc<String>> {
    let parse = |path: &Path, content: Bytes, notes: &mut Notes| {
        notes.entries = 1;
        let line = content.split(|&octet| octet == b'\n').next().unwrap_or_default();
        let line =
            std::str::from_utf8(line).ok().filter(|line| line.is_ascii() && line.len() <= Section::TEXT_OCTETS_MAX);
        let wrong = || format!("expected a line of ASCII, at most {}", Section::TEXT_OCTETS_MAX);
        let line = line.map(str::trim_end).ok_or_else(wrong);
        let line = line.and_then(|line| accept(line).map(|()| line.to_owned()));
        line.map_err(|wrong| vec![Fault::of_file(path, wrong)])
    };
    let reader = Reader { form: "line", absence: Absence::IsEmpty, parse: &parse, demands: Demands::NONE };
    match build.list(&build.control_file(file), &reader) {
        Ok(line) => line,
        Err(faults) => {
            faults.into_iter().for_each(|fault| section.push(fault));
            None
        }
    }
}

fn forwarder_domains(section: &Section<'_>) -> Vec<Arc<str>> {
    let key = "trusted_forwarder_domains";
    let texts = section.texts(key);
    if texts.len() > FORWARDERS_MAX {
        section.fault(key, format!("{} domains: expected at most {FORWARDERS_MAX}", texts.len()));
    }
    let domain = |text: &String| {
        let domain = mail_domain(text.as_bytes());
        if domain.is_none() {
            section.fault(key, format!("\"{text}\": expected a domain such as forwarder.example"));
        }
        domain
    };
    texts.iter().filter_map(domain).collect()
}

/// The administrator's words for modern refusals and those of the patch.
fn explanation(section: &Section<'_>, build: &mut Build<'_>, strictness: Strictness) -> [Explanation; 2] {
    let read = |text: &str| Explanation::read(text.as_bytes(), "");
    let accept = |text: &str| match read(text) {
        None if !text.is_empty() => Err(format!("\"{text}\": expected ASCII with macros such as %{{i}} and %{{S}}")),
        _ => Ok(()),
    };
    let own = text(section, build, ("explanation", "spfexp"), &accept);
    if own.is_empty() && matches!(strictness, Strictness::Level(REFUSES_FROM..)) {
        build.warn(
            "spf: no explanation is set, and refusals in the words of the SPF patch name a page that is long gone",
        );
    }
    let or = |usual: &str| read(if own.is_empty() { usual } else { &own }).unwrap_or_default();
    [or(EXPLANATION), or(EXPLANATION_OF_PATCH)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_explanations_can_be_read() {
        for text in [EXPLANATION, EXPLANATION_OF_PATCH] {
            assert!(Explanation::read(text.as_bytes(), "").is_some(), "{text}");
        }
    }
}
