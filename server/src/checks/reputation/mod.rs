//! How have this client, its net, its HELO name and its sender's domain behaved so far? What they did is remembered, and
//! forgotten in time.
//!
//! `fields` has keys and rules, `formula` makes one number of what is remembered, `lessons` says what is remembered of a
//! stage or an ending, `traps` knows addresses that nobody has, `show` is what an administrator sees. How experiences
//! add up and fade is `state/records/standing.rs`.

mod fields;
mod formula;
mod lessons;
mod show;
mod traps;

use super::sending_side::{comes_back, is_identified};
use crate::{
    ask::{Answers, Question, SpfRole, StateAnswer, StateQuestion},
    check::{Came, Check, Def, Effect, Finding, Memory, Outcome, Rows},
    clock::Now,
    config::{Build, Section},
    lists::MailingLists,
    mode::Mode,
    session::{Facts, Stage},
    state::Subject,
};
use formula::{Combined, Part};
use lessons::Lessons;
use std::{net::IpAddr, sync::Arc};
use traps::Traps;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "reputation",
    doc: "Scores clients by what is remembered of them, of their net, of their HELO name, and of the sender's domain \
          where SPF says that the mail is the domain's. Whoever is unknown is neutral, one mistake is forgiven, and \
          everything fades. Remembers how each connection ended, and who writes to a trap.",
    stages: &[Stage::Connect, Stage::Helo, Stage::Mail, Stage::Rcpt],
    rules: fields::RULES,
    fields: fields::FIELDS,
    tables: &[],
    // It can do no more than score, and the sum of scores has a mode of its own.
    mode: Mode::Enforce,
    despite: &[],
    build: |section, build| Box::new(Reputation::build(section, build)),
};

struct Reputation {
    /// Score of the worst, in points.
    weight: i32,
    /// What is nearer to 0 counts for nothing.
    neutral: f32,
    lessons: Lessons,
    traps: Traps,
    mailing_lists: Arc<MailingLists>,
    rejects_traps: bool,
}

impl Reputation {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        Self {
            weight: i32::try_from(section.integer("weight")).unwrap_or(i32::MAX),
            neutral: section.integer("neutral") as f32,
            lessons: Lessons::read(section),
            traps: Traps::build(section, build),
            mailing_lists: Arc::clone(&build.settled.mailing_lists),
            rejects_traps: section.choice("trap_action") == "reject",
        }
    }

    /// What is remembered of all who stand behind this mail.
    fn combined(&self, facts: &Facts, answers: &Answers, now: Now) -> Combined {
        let known = subjects(facts, is_identified(facts, answers));
        let part = |subject: Subject| match answers.state(&StateQuestion::Standing(subject.clone())) {
            StateAnswer::Standing(standing) => Some(Part { subject, standing: **standing }),
            _ => None,
        };
        Combined::of(known.into_iter().filter_map(part), now.unix_seconds())
    }
}

/// The client's address, where it stands for somebody: behind a proxy on this host loopback is everybody's.
fn client(facts: &Facts) -> Option<IpAddr> {
    let connection = &facts.connection;
    connection.client_ip.filter(|&ip| !ip.is_loopback() && connection.server_ip != Some(ip))
}

/// Whom a reputation is asked of, or earned by, as far as they are known at this stage. The sender's domain only where
/// SPF says that the mail is its.
fn subjects(facts: &Facts, identified: bool) -> Vec<Subject> {
    let Some(ip) = client(facts) else { return Vec::new() };
    let mut all = vec![Subject::Ip(ip)];
    all.extend(Subject::nets_of(ip));
    // An address literal says no more than the address.
    let helo = facts.helo.as_ref().filter(|helo| !helo.name.starts_with(b"["));
    all.extend(helo.and_then(|helo| Subject::helo(&helo.name)));
    let domain = facts.sender.as_ref().filter(|_| identified).and_then(|sender| sender.address.domain());
    all.extend(domain.and_then(|domain| Subject::domain(domain.0)));
    all
}

impl Check for Reputation {
    fn needs(&self, _stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        // SPF may answer later than memory, and in monitor mode after everything else: the domain is asked about in any
        // case, but for a sender that is known to be unproven.
        let unproven = answers.spf(SpfRole::Sender).any(|(_, evaluation)| evaluation.is_some());
        let about = subjects(facts, !unproven || is_identified(facts, answers));
        ask.extend(about.into_iter().map(|subject| Question::State(StateQuestion::Standing(subject))));
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, now: Now, found: &mut Vec<Finding>) {
        if self.rejects_traps && stage == Stage::Rcpt {
            let entry = self.traps.entry(facts);
            found
                .extend(entry.map(|entry| Finding::new(fields::TRAP, Outcome::Reject, String::from_utf8_lossy(entry))));
        }
        let combined = self.combined(facts, answers, now);
        let points = combined.points(self.weight, self.neutral);
        // Who only returns what a list of ours sent is not to blame for it.
        let is_blamed = points < 0 || !comes_back(facts, &self.mailing_lists);
        if points != 0 && is_blamed {
            let rule = if points > 0 { fields::BAD } else { fields::GOOD };
            found.push(Finding::new(rule, Outcome::Score(points), combined.to_string()));
        }
    }

    fn learn(&self, stage: Stage, facts: &Facts, answers: &Answers, came: Came, now: Now, effects: &mut Vec<Effect>) {
        match stage {
            Stage::Rcpt if comes_back(facts, &self.mailing_lists) => {}
            Stage::Rcpt => {
                self.lessons.of_recipient(facts, came, effects);
                if self.traps.entry(facts).is_some() && traps::is_held_to_account(facts, answers, now) {
                    self.lessons.of_trap(facts, answers, now, effects);
                }
            }
            Stage::Outcome => self.lessons.of_ending(facts, effects),
            Stage::Data => self.lessons.of_message(facts, came, effects),
            Stage::Connect | Stage::Helo | Stage::Mail => {}
        }
    }

    fn pardon(&self, facts: &Facts, answers: &Answers, effects: &mut Vec<Effect>) {
        self.lessons.of_pardon(facts, answers, effects);
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        show::OPERATIONS
    }

    fn inspect(&self, op: &str, args: &[String]) -> Result<Rows, String> {
        show::without_memory(self, op, args)
    }

    fn inspect_memory(&self, op: &str, args: &[String], memory: &dyn Memory) -> Result<Rows, String> {
        show::with_memory(self, op, args, memory)
    }
}

#[cfg(test)]
mod tests;
