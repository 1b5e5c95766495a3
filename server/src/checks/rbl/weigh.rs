//! What do all lists come to? Left to right, as rblsmtpd: the list that settled the matter first is heard; weights add up.

use super::{
    Rbl,
    answer::{Hit, Standing},
    list::{Action, List},
    target::{Target, Targets},
};
use crate::{
    ask::{Answers, Health},
    check::{Finding, Outcome},
    mode::Mode,
    session::Stage,
};

const LISTED: usize = 0;
const LISTED_PLAIN: usize = 1;
const SCORED: usize = 2;
const ALLOWED: usize = 3;
const SUMMED: usize = 4;

/// What an earlier list settled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// Later lists leave the client alone.
    Ended,
    Refused,
}

/// How far the reading of the lists has come.
#[derive(Default)]
struct Course {
    /// A list that counts gave no answer.
    failed_before: bool,
    settled: Option<Settled>,
    /// Weights that count, and all of them.
    sum: i64,
    sum_rehearsed: i64,
}

impl Rbl {
    pub(super) fn weigh(&self, stage: Stage, targets: &Targets, answers: &Answers, found: &mut Vec<Finding>) {
        let mut course = Course::default();
        for list in self.lists.iter().filter(|list| list.mode != Mode::Off) {
            let health = answers.list_health(list.declared.id);
            for target in targets.in_list(list) {
                let standing = if health == Health::Off { Standing::Failed } else { list.standing(target, answers) };
                match standing {
                    Standing::NotListed => {}
                    // A list on trial changes no answer, and so does its failure.
                    Standing::Failed => course.failed_before |= counts(list.mode),
                    Standing::Listed(hits) => {
                        let txt = list.own_text(target, answers);
                        let spoken =
                            hits.iter().filter(|hit| hit.meaning.mode != Mode::Off && hit.meaning.stage <= stage);
                        for hit in spoken {
                            let said = Said { list, hit, target, txt: &txt, health };
                            found.extend(self.hear(&said, &mut course));
                        }
                    }
                }
            }
        }
        self.compare(&course, found);
    }

    /// One listing, in the light of what came before it. Refusals after a refusal are kept, for comparison.
    fn hear(&self, said: &Said<'_>, course: &mut Course) -> Option<Finding> {
        let action = said.hit.meaning.action;
        let allows = matches!(action, Action::Allow | Action::EndCheck(_));
        match course.settled {
            Some(Settled::Ended) => return None,
            Some(Settled::Refused) if allows => return None,
            _ => {}
        }
        let outcome = match action {
            Action::Reject if self.defer_after_error && course.failed_before => Outcome::Defer,
            Action::Reject => Outcome::Reject,
            Action::Defer => Outcome::Defer,
            Action::Score(weight) | Action::EndCheck(weight) => Outcome::Score(weight),
            Action::Allow => Outcome::Allow,
        };
        let finding = said.finding(outcome, self.plain_replies);
        let weight = if let Outcome::Score(weight) = outcome { i64::from(weight) } else { 0 };
        course.sum_rehearsed += weight;
        if counts(finding.mode) {
            course.sum += weight;
            let refuses = matches!(outcome, Outcome::Reject | Outcome::Defer);
            let settles = if allows { Some(Settled::Ended) } else { refuses.then_some(Settled::Refused) };
            course.settled = course.settled.or(settles);
        }
        Some(finding)
    }

    /// The sum against this check's own thresholds; what lists on trial would add is only rehearsed.
    fn compare(&self, course: &Course, found: &mut Vec<Finding>) {
        let reached = |sum: i64| match sum {
            sum if self.reject_at > 0 && sum >= self.reject_at => Some(Outcome::Reject),
            sum if self.defer_at > 0 && sum >= self.defer_at => Some(Outcome::Defer),
            _ => None,
        };
        let (now, rehearsed) = (reached(course.sum), reached(course.sum_rehearsed));
        let finding = |outcome, sum: i64| Finding::new(SUMMED, outcome, format!("sum {sum}"));
        found.extend(now.map(|outcome| finding(outcome, course.sum)));
        if rehearsed != now {
            found.extend(
                rehearsed.map(|outcome| Finding { mode: Mode::Monitor, ..finding(outcome, course.sum_rehearsed) }),
            );
        }
    }
}

/// Does a finding of this mode change an answer?
fn counts(mode: Mode) -> bool {
    matches!(mode, Mode::Enforce | Mode::Soft)
}

/// One listing with all that is said about it.
struct Said<'a> {
    list: &'a List,
    hit: &'a Hit<'a>,
    target: &'a Target,
    txt: &'a str,
    health: Health,
}

impl Said<'_> {
    fn finding(&self, outcome: Outcome, plain_replies: bool) -> Finding {
        let codes: Vec<String> = self.hit.codes.iter().map(ToString::to_string).collect();
        let code = codes.join(",");
        let rule = match outcome {
            Outcome::Allow => ALLOWED,
            Outcome::Score(_) | Outcome::Delay(_) => SCORED,
            Outcome::Reject | Outcome::Defer if plain_replies && !self.txt.is_empty() => LISTED_PLAIN,
            Outcome::Reject | Outcome::Defer => LISTED,
        };
        let (txt, label) = (self.txt.to_owned(), self.hit.meaning.label.clone());
        let because = if txt.is_empty() { String::new() } else { format!(": {txt}") };
        // A list that ails is measured, and changes nothing.
        let healthy = if self.health == Health::Healthy { Mode::Enforce } else { Mode::Monitor };
        Finding {
            mode: self.list.mode.or_milder(self.hit.meaning.mode).or_milder(healthy),
            text: self.list.text.clone(),
            list: Some(self.list.declared.id),
            vars: vec![
                ("listed", self.target.shown.clone()),
                ("list", self.list.name().to_owned()),
                ("code", code.clone()),
                ("label", label),
                ("because", because),
                ("txt", txt),
            ],
            ..Finding::new(rule, outcome, self.detail(&code))
        }
    }

    /// `zen.example 127.0.0.2 sbl spam.example (suspect)`
    fn detail(&self, code: &str) -> String {
        let name = if self.list.subject == super::list::Subject::Client { "" } else { &self.target.shown };
        let health = if self.health == Health::Healthy { String::new() } else { format!("({})", self.health.name()) };
        let words = [self.list.name(), code, &self.hit.meaning.label, name, &health];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}
