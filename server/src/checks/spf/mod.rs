//! May this client send mail for this sender's domain? SPF (RFC 7208), and the SPF patch for qmail with its levels.
//!
//! `fields` has keys and rules, `read` makes the check of them and of the control files, `strictness` says what a result
//! leads to, `received` writes it on top of the message. What SPF says is evaluated elsewhere (`ask/spf/`); here it is a
//! question.

mod fields;
mod read;
mod received;
mod strictness;

use super::sending_side::helo_name;
use crate::{
    ask::{Answers, Question, SpfQuestion, SpfRole, SpfTerms, is_public, spf},
    check::{Check, Def, Finding, Mark, Outcome},
    clock::Now,
    config::Network,
    mode::Mode,
    session::{Facts, Stage},
};
use fields::{BEHAVIOR, BEHAVIOR_ERROR};
use received::{Identity, Seen};
use spf::{Evaluation, Explanation, Query, SpfResult};
use std::{net::IpAddr, sync::Arc};
use strictness::{Actions, Strictness};

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "spf",
    doc: "Asks whether the domain of the sender lets this client send its mail (SPF, RFC 7208), and whether the HELO name \
          does. A fail is refused at RCPT; what is not sure, or cannot be understood, is scored; what the domain cannot \
          tell at the moment is deferred; what we could not find out counts for nothing. Clients on private addresses, \
          relay clients and trusted relays are passed over.",
    stages: &[Stage::Helo, Stage::Mail, Stage::Data],
    rules: fields::RULES,
    fields: fields::FIELDS,
    tables: &[],
    mode: Mode::Monitor,
    despite: &[],
    build: |section, build| Box::new(read::read(section, build)),
};

/// The form of Received-SPF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Rfc7208,
    Qmail,
    Off,
}

struct Spf {
    /// As configured; `None` = not.
    mode: Option<Mode>,
    strictness: Strictness,
    actions: Actions,
    checks_helo: bool,
    forwarders: Vec<Network>,
    forwarder_domains: Vec<Arc<str>>,
    /// With the rules and guesses of local policy.
    terms: Arc<SpfTerms>,
    plain_terms: Arc<SpfTerms>,
    /// Ours: for refusals of today, and at the levels of the patch.
    explanation: [Explanation; 2],
    header: Header,
    authentication_results: bool,
}

impl Spf {
    /// SPFBEHAVIOR is the level of this client.
    fn strictness(&self, facts: &Facts) -> Strictness {
        facts.connection.spfbehavior.as_deref().map_or(self.strictness, Strictness::level)
    }

    /// What is asked at first. At HELO the sender is yet to come.
    fn questions(&self, stage: Stage, ip: IpAddr, facts: &Facts, ask: &mut Vec<Question>) {
        let helo_name = helo_name(facts);
        let mut put = |role, query, terms: &Arc<SpfTerms>| {
            ask.push(Question::Spf(Arc::new(SpfQuestion { role, query, terms: terms.clone() })));
        };
        let sender = facts.sender.as_ref().filter(|_| stage >= Stage::Mail).map(|sender| &sender.address);
        if let Some(sender) = sender {
            put(SpfRole::Sender, Query::mail_from(ip, sender.raw(), helo_name), &self.terms);
        }
        // The null sender's domain is the HELO name.
        let is_apart = sender.is_none_or(|sender| sender.domain().is_some());
        let wants_helo = self.strictness(facts) == Strictness::Modern && self.checks_helo && self.actions.want_helo();
        if wants_helo && is_apart && facts.helo.is_some() {
            put(SpfRole::Helo, Query::helo_name(ip, helo_name), &self.plain_terms);
        }
    }

    /// Who may vouch for a client whose result is known and is no pass.
    fn vouchers(&self, ip: IpAddr, answers: &Answers, ask: &mut Vec<Question>) {
        let evaluation = answers.spf(SpfRole::Sender).find_map(|(_, evaluation)| evaluation);
        let is_wanted =
            evaluation.is_some_and(|evaluation| !evaluation.is_ours && evaluation.result != SpfResult::Pass);
        if is_wanted && !self.is_forwarder(ip) {
            ask.extend(self.forwarder_domains.iter().map(|domain| {
                let query = Query::helo_name(ip, domain.as_bytes());
                let terms = self.plain_terms.clone();
                Question::Spf(Arc::new(SpfQuestion { role: SpfRole::Voucher, query, terms }))
            }));
        }
    }

    /// Are messages marked? Not by what is only rehearsed: then nothing need be known at DATA.
    fn marks(&self, facts: &Facts) -> bool {
        let mode = self.mode.or_else(|| self.usual_mode(facts)).unwrap_or(DEF.mode);
        mode < Mode::Monitor
    }

    fn is_forwarder(&self, ip: IpAddr) -> bool {
        self.forwarders.iter().any(|network| network.contains(ip))
    }

    /// Nothing is held against the client.
    fn is_excused(&self, ip: IpAddr, answers: &Answers) -> bool {
        let passes = |evaluation: &Evaluation| evaluation.result == SpfResult::Pass;
        self.is_forwarder(ip) || answers.spf(SpfRole::Voucher).any(|(_, evaluation)| evaluation.is_some_and(passes))
    }

    /// What a result leads to: rule and outcome.
    fn meets(&self, strictness: Strictness, result: SpfResult, domain: &str) -> Option<(usize, Outcome)> {
        match strictness {
            Strictness::Level(level) => {
                let outcome = strictness::at_level(level, result)?;
                Some((if outcome == Outcome::Defer { BEHAVIOR_ERROR } else { BEHAVIOR }, outcome))
            }
            Strictness::Modern => {
                let rule = strictness::rule_of(result)?;
                Some((rule, self.actions.outcome(rule, domain)?))
            }
        }
    }

    /// What is found of one identity, where it is known and `meets` something.
    fn finding(
        &self,
        role: SpfRole,
        answers: &Answers,
        (facts, now): (&Facts, Now),
        meets: impl Fn(SpfResult, &str) -> Option<(usize, Outcome)>,
    ) -> Option<Finding> {
        let (question, evaluation) = answers.spf(role).next()?;
        let evaluation = evaluation.filter(|evaluation| !evaluation.is_ours)?;
        let domain = question.query.domain().unwrap_or_default();
        let (rule, outcome) = meets(evaluation.result, domain)?;
        let mut finding = Finding::new(rule, outcome, format!("{domain}: {evaluation}"));
        finding.vars = vec![
            ("domain", if domain.is_empty() { "your HELO name".to_owned() } else { domain.to_owned() }),
            ("explanation", self.explained(evaluation, &question.query, facts, now)),
            ("problem", evaluation.problem.clone().unwrap_or_default()),
        ];
        Some(finding)
    }

    /// The words for a refusal: the domain's, else ours.
    fn explained(&self, evaluation: &Evaluation, query: &Query, facts: &Facts, now: Now) -> String {
        let (receiver, seconds) = (receiver(facts), now.unix_seconds());
        let [modern, of_patch] = &self.explanation;
        match (&evaluation.explanation, self.strictness(facts)) {
            (Some(own), Strictness::Level(_)) => own.written(query, &receiver, seconds),
            (Some(own), Strictness::Modern) => {
                let domain = query.domain().unwrap_or_default();
                format!("{domain} explains: {}", own.written(query, &receiver, seconds))
            }
            (None, Strictness::Level(_)) => of_patch.written(query, &receiver, seconds),
            (None, Strictness::Modern) => modern.written(query, &receiver, seconds),
        }
    }
}

/// Whose client SPF can say something about.
fn judged(facts: &Facts) -> Option<IpAddr> {
    facts.connection.client_ip.filter(|ip| is_public(*ip))
}

impl Check for Spf {
    fn needs(&self, stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        let Some(ip) = judged(facts).filter(|_| !self.strictness(facts).is_off()) else { return };
        if stage == Stage::Data && !self.marks(facts) {
            return;
        }
        let mut questions = Vec::with_capacity(2);
        self.questions(stage, ip, facts, &mut questions);
        // Another check may have asked about the sender, and has not asked about the HELO name.
        let is_asked = |question: &Question| answers.get(question).is_some();
        if questions.iter().all(is_asked) { self.vouchers(ip, answers, ask) } else { ask.extend(questions) }
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, now: Now, found: &mut Vec<Finding>) {
        let Some(ip) = judged(facts).filter(|_| stage < Stage::Data) else { return };
        if self.is_excused(ip, answers) {
            return;
        }
        let strictness = self.strictness(facts);
        let sender = |result, domain: &str| self.meets(strictness, result, domain);
        found.extend(self.finding(SpfRole::Sender, answers, (facts, now), sender));
        let helo = |result, domain: &str| {
            let rule = strictness::helo_rule_of(result)?;
            Some((rule, self.actions.outcome(rule, domain)?))
        };
        found.extend(self.finding(SpfRole::Helo, answers, (facts, now), helo));
    }

    fn usual_mode(&self, facts: &Facts) -> Option<Mode> {
        match self.strictness(facts) {
            Strictness::Level(_) => Some(Mode::Enforce),
            Strictness::Modern => None,
        }
    }

    fn mark(&self, facts: &Facts, answers: &Answers, marks: &mut Vec<Mark>) {
        let (Some(ip), Some(sender)) = (judged(facts), &facts.sender) else { return };
        let (receiver, is_forwarded) = (receiver(facts), self.is_excused(ip, answers));
        let of_sender = if sender.address.domain().is_none() { Identity::Helo } else { Identity::MailFrom };
        for (role, identity) in [(SpfRole::Sender, of_sender), (SpfRole::Helo, Identity::Helo)] {
            let Some((question, evaluation)) = answers.spf(role).next() else { continue };
            let (query, envelope_from) = (&question.query, sender.address.raw());
            let seen = Seen { query, evaluation, identity, envelope_from, receiver: &receiver, is_forwarded };
            match self.header {
                Header::Rfc7208 => marks.push(seen.field()),
                Header::Qmail => marks.push(seen.field_of_patch()),
                Header::Off => {}
            }
            if self.authentication_results {
                marks.push(Mark::Authentication(seen.authenticated()));
            }
            if role == SpfRole::Sender {
                let result = evaluation.map_or(SpfResult::TempError, |evaluation| evaluation.result);
                marks.push(Mark::SpfResult(received::word_of_patch(result)));
            }
        }
    }
}

/// The host that checks: its name, else its address, as TCPLOCALHOST and TCPLOCALIP.
fn receiver(facts: &Facts) -> String {
    let connection = &facts.connection;
    if !connection.server_name.is_empty() {
        return connection.server_name.iter().map(|&octet| shown(octet)).collect();
    }
    connection.server_ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string())
}

fn shown(octet: u8) -> char {
    if octet.is_ascii_graphic() { char::from(octet) } else { '?' }
}
