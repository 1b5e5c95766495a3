//! Can the sender's domain receive mail? MX, else A or AAAA (RFC 5321 §5.1); MFDNSCHECK's question.
//!
//! One fault is found at most. The null sender has no domain and is passed over, as are our own domains and address
//! literals. Where a look-up failed nothing is found.

mod rules;
mod target;

use super::{penalty::Penalties, sending_side::comes_back};
use crate::{
    ask::{Answers, Question, host_name},
    check::{Check, Def, Finding},
    clock::Now,
    config::{Build, Section},
    lists::{MailingLists, NameList},
    mode::Mode,
    session::{Facts, Stage},
};
use rules::{BOGUS_MX, NULL_MX, SYNTAX, UNRESOLVABLE};
use std::sync::Arc;
use target::Target;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "sender_domain",
    doc: "Scores senders whose domain cannot receive mail: no MX, A or AAAA record, a null MX, or exchanges on private \
          addresses only. `<>`, address literals and our own domains are passed over, and a look-up that fails counts \
          for nothing. DNS lists of sender domains are the business of `[check.rbl]`.",
    stages: &[Stage::Mail],
    rules: rules::RULES,
    fields: rules::FIELDS,
    tables: &[],
    mode: Mode::Monitor,
    despite: &[],
    build: |section, build| Box::new(SenderDomain::build(section, build)),
};

struct SenderDomain {
    own_domains: NameList,
    mailing_lists: Arc<MailingLists>,
    penalties: Penalties<4>,
}

/// What a sender gives to look at.
enum Given {
    /// Nothing to be asked about.
    Passed,
    /// No domain that the DNS could hold, and why.
    Malformed(&'static str),
    Domain(String),
}

impl SenderDomain {
    fn build(section: &Section<'_>, build: &Build<'_>) -> Self {
        Self {
            own_domains: NameList::of(build.domains),
            mailing_lists: Arc::clone(&build.settled.mailing_lists),
            penalties: Penalties::read(section, rules::KEYS),
        }
    }

    fn given(&self, facts: &Facts) -> Given {
        let Some(sender) = facts.sender.as_ref().map(|sender| &sender.address).filter(|sender| !sender.is_null())
        else {
            return Given::Passed;
        };
        let Some(domain) = sender.domain().map(|domain| domain.0) else { return Given::Malformed("no domain") };
        // Internationalized domains (RFC 6531) are not looked up in any form but `xn--`.
        if domain.starts_with(b"[") || !domain.is_ascii() || self.own_domains.find(domain).is_some() {
            return Given::Passed;
        }
        host_name(domain).map_or(Given::Malformed("no domain name"), Given::Domain)
    }
}

impl Check for SenderDomain {
    fn needs(&self, _stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        if let Given::Domain(domain) = self.given(facts) {
            target::ask(&domain, answers, ask);
        }
    }

    fn decide(&self, _stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        if comes_back(facts, &self.mailing_lists) {
            return;
        }
        let (rule, detail) = match self.given(facts) {
            Given::Passed => return,
            Given::Malformed(why) => (SYNTAX, why.to_owned()),
            Given::Domain(domain) => match target::of(&domain, answers) {
                Target::Reachable | Target::Unknown => return,
                Target::Nothing => (UNRESOLVABLE, domain),
                Target::NullMx => (NULL_MX, domain),
                Target::Bogus(host) => (BOGUS_MX, format!("{domain} by {host}")),
            },
        };
        found.extend(self.penalties.finding(rule, detail));
    }
}
