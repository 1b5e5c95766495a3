//! Does an unknown sender come back? Mail of whom nobody knows is deferred once; mail servers try again, most senders of
//! spam do not (RFC 6647).
//!
//! `who` says by what the sending side is known, `rule` when it waits and what is remembered, `show` what an administrator
//! sees of it. Whatever we do not know because of our own trouble makes nobody wait.

mod fields;
mod rule;
mod show;
mod who;

use super::{
    client_name::{self, generic::Patterns},
    sending_side::{SpfSays, is_well_remembered, spf_question, spf_says, standing_question},
};
use crate::{
    ask::{Answers, Question, SpfTerms, StateAnswer, StateQuestion},
    check::{Came, Check, Def, Effect, Exemption, Finding, Memory, Outcome, Rows},
    clock::Now,
    config::{Build, Section},
    lists::{AddressList, MailingLists, load},
    mode::Mode,
    session::{Address, Facts, Rcpthosts, Stage},
    state::Triplet,
};
use rule::{Judged, Patience};
use std::{net::IpAddr, sync::Arc};
use who::{Seen, Use, Welcoming, correspondent_key};

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "greylist",
    doc: "Defers mail of senders that nobody knows until they come back (RFC 6647). A sender is known by its domain, \
          where SPF says that it sent the mail, else by its host's domain, else by its net; who has come back once is \
          not made to wait again. Clients on a DNS list of good clients, clients of good reputation, correspondents \
          and clients that may relay never wait.",
    stages: &[Stage::Rcpt],
    rules: fields::RULES,
    fields: fields::FIELDS,
    tables: &[],
    mode: Mode::Off,
    // It says nothing about relay clients, but learns to whom they write.
    despite: &[Exemption::Relay],
    build: |section, build| Box::new(Greylist::build(section, build)),
};

/// Correspondents remembered of one message: who writes to more is a list, and nobody's friend.
const CORRESPONDENTS_MAX: u32 = 20;

struct Greylist {
    patience: Patience,
    reputation_skip: f32,
    recipients_off: AddressList,
    mailing_lists: Arc<MailingLists>,
    correspondents: bool,
    welcoming: Vec<Welcoming>,
    patterns: Patterns,
    spf_terms: Arc<SpfTerms>,
    /// Our domains, lower case; a leading dot means all below.
    domains: Vec<String>,
    /// It is only rehearsed, as far as its own section says: for what it shows.
    is_rehearsal: bool,
}

impl Greylist {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let number = |name| section.integer(name).unsigned_abs();
        let default = build.control_file("greylist_off");
        let recipients_off = AddressList::new(load::keys(section, build, fields::RECIPIENTS_OFF, Some(default)), true);
        if let Some(warning) = recipients_off.find_useless() {
            build.warn(warning);
        }
        let settled = &build.settled;
        Self {
            patience: Patience {
                delay: number("delay_s"),
                retry_window: number("retry_window_s"),
                proven_after: u32::try_from(number("proven_after")).unwrap_or(u32::MAX),
            },
            reputation_skip: number("reputation_skip") as f32,
            recipients_off,
            mailing_lists: Arc::clone(&settled.mailing_lists),
            correspondents: section.bool("correspondents"),
            welcoming: build.dns_lists.iter().filter_map(Welcoming::of).collect(),
            patterns: Patterns::of(&settled.generic_names, &settled.not_generic_names),
            spf_terms: settled.spf_terms.clone(),
            domains: build.domains.to_vec(),
            is_rehearsal: build.mode == Mode::Monitor,
        }
    }

    /// Who writes to whom, where it is anything to us.
    fn attempt<'a>(&self, stage: Stage, facts: &'a Facts) -> Option<Attempt<'a>> {
        let recipient = facts.recipient.as_ref().filter(|tried| tried.rcpthosts != Rcpthosts::Refused)?;
        let sender = &facts.sender.as_ref()?.address;
        let is_ours = stage == Stage::Rcpt && !facts.connection.is_relay();
        let is_off = || self.recipients_off.find(&recipient.address).is_some();
        let wanted = is_ours && !is_off() && !self.mailing_lists.comes_back(sender, &recipient.address);
        let ip = facts.connection.client_ip.filter(|_| wanted)?;
        Some(Attempt { ip, sender, recipient: &recipient.address })
    }

    /// Does this sender, or this client, never wait?
    fn is_known(&self, attempt: &Attempt<'_>, answers: &Answers, now: Now) -> bool {
        let wrote = |question| matches!(answers.state(&question), StateAnswer::Triplet(_));
        self.is_welcome(answers)
            || attempt.correspondent().is_some_and(wrote)
            || is_well_remembered(attempt.ip, self.reputation_skip, answers, now)
    }

    /// What is remembered of an attempt; `None` = we do not know.
    fn seen(&self, attempt: &Attempt<'_>, facts: &Facts, answers: &Answers) -> Option<Vec<Seen>> {
        let known = |question: StateQuestion| *answers.state(&question) != StateAnswer::Unknown;
        let all_known = known(standing_question(attempt.ip)) && attempt.correspondent().is_none_or(known);
        let (sender, recipient) = (attempt.sender.lower(), attempt.recipient.lower());
        let identities = self.identities(attempt.ip, facts, answers).into_iter().filter(|_| all_known);
        let seen: Option<Vec<_>> =
            identities.map(|identity| Seen::new(identity, sender, recipient).answered(answers)).collect();
        seen.filter(|seen| seen.iter().any(|seen| seen.identity.usage == Use::Main))
    }

    /// What becomes of it, and of whom; `None` = it is nothing to us.
    fn judge(&self, stage: Stage, facts: &Facts, answers: &Answers, now: Now) -> Option<(Vec<Seen>, Judged)> {
        let attempt = self.attempt(stage, facts)?;
        if self.is_known(&attempt, answers, now) {
            return None;
        }
        let seen = self.seen(&attempt, facts, answers)?;
        let judged = self.patience.judge(&seen, now.unix_seconds());
        Some((seen, judged))
    }

    /// Somebody who may relay writes to somebody elsewhere, who may answer.
    fn learn_correspondent(&self, facts: &Facts, now: Now, effects: &mut Vec<Effect>) {
        let (Some(sender), Some(recipient)) = (&facts.sender, &facts.recipient) else { return };
        let (sender, recipient) = (&sender.address, &recipient.address);
        let is_within = facts.history.transaction.recipients <= CORRESPONDENTS_MAX;
        if self.correspondents && is_within && !sender.is_null() && !self.is_our_own(recipient) {
            let now = now.unix_seconds();
            let key = correspondent_key(recipient.lower(), sender.lower());
            effects.push(Effect::Tried(key, Triplet { passed: now, ..Triplet::begun(now) }));
        }
    }

    /// Who writes to a colleague is easily guessed: from outside nobody shall pass for one.
    fn is_our_own(&self, recipient: &Address) -> bool {
        let Some(domain) = recipient.domain() else { return true };
        let named = |name: &[u8]| self.domains.iter().any(|ours| ours.as_bytes() == name);
        named(domain.0) || domain.dot_suffixes().any(named)
    }
}

/// An attempt that may have to wait.
struct Attempt<'a> {
    ip: IpAddr,
    sender: &'a Address,
    recipient: &'a Address,
}

impl Attempt<'_> {
    /// Has the recipient written to the sender?
    fn correspondent(&self) -> Option<StateQuestion> {
        let key = || correspondent_key(self.sender.lower(), self.recipient.lower());
        (!self.sender.is_null()).then(|| StateQuestion::Triplet(key()))
    }
}

impl Check for Greylist {
    /// First who it is; then, once that is known, what is remembered of them.
    fn needs(&self, stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        let Some(attempt) = self.attempt(stage, facts) else { return };
        let states = [Some(standing_question(attempt.ip)), attempt.correspondent()];
        ask.extend(states.into_iter().flatten().map(Question::State));
        let spf = spf_question(facts, &self.spf_terms);
        let is_open = spf.as_ref().is_some_and(|question| answers.get(question).is_none());
        ask.extend(spf);
        let first = ask.len();
        let is_identified = matches!(spf_says(answers), SpfSays::Identity(_));
        if let Some(ip) = client_name::asked_about(facts).filter(|_| !is_identified) {
            client_name::ask(ip, answers, ask);
        }
        let is_open = is_open || ask[first..].iter().any(|question| answers.get(question).is_none());
        if is_open {
            return;
        }
        let (sender, recipient) = (attempt.sender.lower(), attempt.recipient.lower());
        for identity in self.identities(attempt.ip, facts, answers) {
            ask.extend(Seen::new(identity, sender, recipient).questions().map(Question::State));
        }
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, now: Now, found: &mut Vec<Finding>) {
        let Some((seen, Judged::Waits(rule, seconds))) = self.judge(stage, facts, answers, now) else { return };
        let main = seen.iter().find(|seen| seen.identity.usage == Use::Main);
        let name = main.map_or(String::new(), |main| format!("{} {}", main.identity.class.name(), main.identity.name));
        let mut finding = Finding::new(rule, Outcome::Defer, format!("{name}: {seconds} s"));
        finding.vars.push(("wait", seconds.to_string()));
        found.push(finding);
    }

    fn learn(&self, stage: Stage, facts: &Facts, answers: &Answers, came: Came, now: Now, effects: &mut Vec<Effect>) {
        if stage != Stage::Rcpt {
            return;
        }
        if facts.connection.is_relay() {
            if came.goes_on {
                self.learn_correspondent(facts, now, effects);
            }
        } else if let Some((seen, judged)) = self.judge(stage, facts, answers, now) {
            self.patience.learn(&seen, judged, came, now.unix_seconds(), effects);
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        show::OPERATIONS
    }

    fn inspect_memory(&self, op: &str, args: &[String], memory: &dyn Memory) -> Result<Rows, String> {
        show::shown(self, op, args, memory)
    }
}

#[cfg(test)]
mod tests;
