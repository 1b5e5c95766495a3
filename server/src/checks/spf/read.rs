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
    config::{Build, Section},
};
use std::{sync::Arc, time::Duration};

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
    let rules = text(section, build, "rules", "spfrules");
    let guess = text(section, build, "guess", "spfguess");
    let local = LocalPolicy::read(&rules, &guess).unwrap_or_else(|(part, error)| {
        section.fault(part, error.to_string());
        LocalPolicy::default()
    });
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
        fields::CONTROL => match first_line(section, build, "level", "spfbehavior") {
            Some(line) => Strictness::level(line.as_bytes()),
            None => Strictness::Modern,
        },
        fields::MODERN => Strictness::Modern,
        level => Strictness::level(level.as_bytes()),
    }
}

/// The key's text, else the control file's first line.
fn text(section: &Section<'_>, build: &mut Build<'_>, key: &str, file: &str) -> String {
    if section.is_set(key) { section.text(key) } else { first_line(section, build, key, file).unwrap_or_default() }
}

/// As `control_readline` reads it; `None` = there is no such file.
fn first_line(section: &Section<'_>, build: &mut Build<'_>, key: &str, file: &str) -> Option<String> {
    let content = match build.read(&build.control_file(file), "line") {
        Ok(content) => content?,
        Err(faults) => {
            faults.into_iter().for_each(|fault| section.push(fault));
            return None;
        }
    };
    build.note_entries(1);
    let line = content.split(|&octet| octet == b'\n').next().unwrap_or_default();
    if !line.is_ascii() || line.len() > Section::TEXT_OCTETS_MAX {
        section.fault(key, format!("control/{file}: expected a line of ASCII, at most {}", Section::TEXT_OCTETS_MAX));
        return Some(String::new());
    }
    Some(String::from_utf8_lossy(line).trim_end().to_owned())
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
    let own = text(section, build, "explanation", "spfexp");
    if own.is_empty() && matches!(strictness, Strictness::Level(REFUSES_FROM..)) {
        build.warn(
            "spf: no explanation is set, and refusals in the words of the SPF patch name a page that is long gone",
        );
    }
    let read = |text: &str| Explanation::read(text.as_bytes(), "");
    if !own.is_empty() && read(&own).is_none() {
        section.fault("explanation", format!("\"{own}\": expected ASCII with macros such as %{{i}} and %{{S}}"));
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
