//! Does somebody send more than they may? Limits as token buckets, and spamthrottle's shaping.
//!
//! Only what goes on costs a token: what is refused or deferred, by whomever, changes no bucket. So it cannot lock anybody
//! out together with greylisting. What we do not know because of our own trouble limits nobody.

mod fields;
mod limit;
mod shape;

use super::sending_side::{is_well_remembered, spf_question, standing_question};
use crate::{
    ask::{Answers, Question, SpfTerms, StateAnswer, StateQuestion},
    check::{Came, Check, Def, Effect, Exemption, Finding, Memory, Outcome, Rows},
    clock::Now,
    config::{Build, Section},
    mode::Mode,
    session::{Facts, Rcpthosts, Stage},
    state::Tokens,
};
use limit::{By, Limit};
use shape::Shapes;
use std::sync::Arc;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "rate",
    doc: "Limits how much mail somebody sends: each client, net, mail host, user, sender or recipient has a token bucket, \
          and whoever has used it up is held back, deferred or scored. Holds back DATA of blocks of addresses that send \
          too fast, and closes connections that guess recipients. Without configuration it limits nobody.",
    stages: &[Stage::Rcpt, Stage::Data],
    rules: fields::RULES,
    fields: fields::FIELDS,
    tables: &[fields::LIMIT, fields::SHAPE],
    mode: Mode::Enforce,
    // A user's stolen password, and a flood for postmaster, are what limits are for.
    despite: &[Exemption::Relay, Exemption::ExemptRecipient],
    build: |section, build| Box::new(Rate::build(section, build)),
};

/// Limits of one policy: each is a question to memory for each recipient.
const LIMITS_MAX: usize = 32;

struct Rate {
    limits: Vec<Limit>,
    shapes: Shapes,
    reputation_skip: f32,
    missing_max: u32,
    missing_steps: Vec<String>,
    spf_terms: Arc<SpfTerms>,
    /// It is only rehearsed, as far as its own section says: for what it shows.
    is_rehearsal: bool,
}

impl Rate {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let sections = section.tables(fields::LIMIT.0);
        if sections.len() > LIMITS_MAX {
            section.fault(fields::LIMIT.0, format!("{} limits: expected at most {LIMITS_MAX}", sections.len()));
        }
        let mut limits: Vec<Limit> = Vec::new();
        for table in sections.iter().take(LIMITS_MAX) {
            let limit = Limit::read(table);
            if limits.iter().any(|other| other.name == limit.name) {
                table.fault("name", format!("another limit is called \"{}\": expected another name", limit.name));
            }
            limits.push(limit);
        }
        Self {
            limits,
            shapes: Shapes::read(&section.tables(fields::SHAPE.0)),
            reputation_skip: section.integer("reputation_skip") as f32,
            missing_max: u32::try_from(section.integer("missing_max")).unwrap_or(u32::MAX),
            missing_steps: missing_steps(section),
            spf_terms: build.settled.spf_terms.clone(),
            is_rehearsal: build.mode == Mode::Monitor,
        }
    }

    /// The limits that hold here. Those by recipient do not hold for clients of good reputation, nor for those of whom we do
    /// not know it.
    fn held<'a>(
        &'a self,
        stage: Stage,
        facts: &'a Facts,
        answers: &'a Answers,
        now: Now,
    ) -> impl Iterator<Item = &'a Limit> {
        let may_be_good = move |ip| {
            *answers.state(&standing_question(ip)) == StateAnswer::Unknown
                || is_well_remembered(ip, self.reputation_skip, answers, now)
        };
        let is_spared = move || facts.connection.client_ip.is_some_and(may_be_good);
        let holding = self.limits.iter().filter(move |limit| limit.holds(stage, facts));
        holding.filter(move |limit| limit.by != By::Recipient || !is_spared())
    }

    /// Recipients of this connection that do not exist.
    fn missing(&self, facts: &Facts) -> u32 {
        self.missing_steps.iter().map(|step| facts.history.connection.refused_by(step)).sum()
    }
}

/// A misspelt name would count nothing, silently.
fn missing_steps(section: &Section<'_>) -> Vec<String> {
    /// Counts as soon as it is there.
    const TO_COME: &str = "recipient";
    let steps = section.texts("missing_steps");
    for step in &steps {
        if step != TO_COME && super::ALL.iter().all(|def| def.name != step) {
            let names: Vec<_> = super::ALL.iter().map(|def| def.name).collect();
            section.fault("missing_steps", format!("\"{step}\" is no check: expected some of {}", names.join(", ")));
        }
    }
    steps
}

/// Is it a call about mail that the mail server itself does not refuse?
fn is_judged(facts: &Facts) -> bool {
    facts.recipient.as_ref().is_none_or(|tried| tried.rcpthosts != Rcpthosts::Refused)
}

impl Check for Rate {
    fn needs(&self, stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        let holding = || self.limits.iter().filter(|limit| limit.holds(stage, facts));
        if !is_judged(facts) {
            return;
        }
        if holding().any(|limit| limit.wants_spf(facts)) {
            ask.extend(spf_question(facts, &self.spf_terms));
        }
        if holding().any(|limit| limit.by == By::Recipient) {
            ask.extend(facts.connection.client_ip.map(|ip| Question::State(standing_question(ip))));
        }
        ask.extend(holding().filter_map(|limit| limit.question(facts, answers)).map(Question::State));
        if stage == Stage::Data {
            ask.extend(self.shapes.question(facts).map(Question::State));
        }
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, now: Now, found: &mut Vec<Finding>) {
        if !is_judged(facts) {
            return;
        }
        let missing = self.missing(facts);
        let guesses = self.missing_max > 0 && missing >= self.missing_max && !facts.connection.is_relay();
        if stage == Stage::Rcpt && guesses {
            found.push(Finding::new(fields::TOO_MANY_MISSING, Outcome::Defer, format!("{missing} do not exist")));
        }
        found.extend(self.held(stage, facts, answers, now).filter_map(|limit| limit.finding(facts, answers, now)));
        if stage == Stage::Data {
            found.extend(self.shapes.finding(facts, answers, now));
        }
    }

    /// Only what was asked for is spent: whom the engine passed over has no bucket.
    fn learn(&self, stage: Stage, facts: &Facts, answers: &Answers, came: Came, now: Now, effects: &mut Vec<Effect>) {
        if !came.goes_on || !is_judged(facts) {
            return;
        }
        let is_asked = |key: &StateQuestion| answers.get(&Question::State(key.clone())).is_some();
        for limit in self.held(stage, facts, answers, now) {
            let question = limit.question(facts, answers).filter(is_asked);
            if let Some(StateQuestion::Tokens(key)) = question {
                effects.push(Effect::Spent { key, pace: limit.pace, tokens: 1 });
            }
        }
        if stage == Stage::Data && self.shapes.question(facts).as_ref().is_some_and(is_asked) {
            effects.extend(self.shapes.spent(facts));
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("limits", "the limits, with their buckets and what an empty one leads to"),
            ("left", "LIMIT WHO: what is left in somebody's bucket; of a net, any of its addresses"),
        ]
    }

    fn inspect_memory(&self, op: &str, args: &[String], memory: &dyn Memory) -> Result<Rows, String> {
        match (op, args) {
            ("limits", []) => Ok(Rows {
                columns: ["limit", "by", "counts", "burst", "one_back_in_ms", "action"].map(str::to_owned).to_vec(),
                rows: self.limits.iter().map(Limit::row).collect(),
            }),
            ("left", [name, owner]) => self.left(name, owner, memory),
            ("limits", _) => Err("expected no arguments: limits".to_owned()),
            ("left", _) => Err("expected a limit and whose bucket: left LIMIT WHO".to_owned()),
            _ => Err(format!("there is no operation \"{op}\": expected limits or left")),
        }
    }
}

impl Rate {
    /// What is left in a bucket.
    fn left(&self, name: &str, owner: &str, memory: &dyn Memory) -> Result<Rows, String> {
        let names = || self.limits.iter().map(|limit| limit.name.as_str()).collect::<Vec<_>>().join(", ");
        let limit = self.limits.iter().find(|limit| limit.name == name);
        let limit = limit.ok_or_else(|| format!("there is no limit \"{name}\": expected one of {}", names()))?;
        let question = limit.bucket_of(owner)?;
        let tokens = match memory.look(&if self.is_rehearsal { question.rehearsed() } else { question }) {
            StateAnswer::Tokens(tokens) => tokens,
            StateAnswer::Unknown => return Err("it is not in memory, and the store was not asked".to_owned()),
            StateAnswer::Nothing | StateAnswer::Standing(_) | StateAnswer::Triplet(_) => Tokens::default(),
        };
        let now_ms = memory.now().unix_millis();
        let (left, wait) = (tokens.left(limit.pace, now_ms), tokens.wait_ms(limit.pace, 1, now_ms));
        Ok(Rows {
            columns: ["limit", "who", "left", "of", "next_in_ms"].map(str::to_owned).to_vec(),
            rows: vec![vec![
                name.to_owned(),
                owner.to_owned(),
                left.to_string(),
                limit.pace.burst.to_string(),
                wait.to_string(),
            ]],
        })
    }
}

#[cfg(test)]
mod tests;
