//! What is remembered of a recipient, of a message, of a connection? How much each is worth, and who bears it.
//!
//! What happened only because we held or refused something by what we remember (this check, the sum of scores, a
//! deferral) teaches nothing: a bad reputation must not feed itself.

use super::{client, is_identified, subjects};
use crate::{
    ask::{Answers, StateAnswer, StateQuestion},
    check::{Came, Effect},
    clock::Now,
    config::Section,
    session::{Ending, Facts, Rcpthosts, Report, Tally},
    state::{Digest, Experience, Horizon, Subject},
};
use std::net::IpAddr;

/// Steps whose refusals say that the recipient is none.
const OF_RECIPIENTS: [&str; 2] = ["recipient", "badrcptto"];

/// Steps whose refusals teach nothing: they rest on what is remembered, follow from another refusal, or are told apart.
const NO_LESSON: [&str; 6] = ["reputation", "score", "greylist", "rate", "whole_message", "early_talker"];

/// Steps that only hold mail up. What they deferred does not spoil a message that comes in the end.
const HOLD_UP: [&str; 2] = ["greylist", "rate"];

/// Trap hits of one client within about an hour that are remembered; more would only make it take longer to fade.
const TRAPS_AN_HOUR: f32 = 3.0;

/// Points and shares, as configured.
pub(super) struct Lessons {
    accepted: i32,
    refused: i32,
    bad_recipient: i32,
    relaying: i32,
    early_talk: i32,
    trap: i32,
    harvesting: i32,
    harvesting_at: usize,
    vanished: i32,
    pardoned: i32,
    per_connection: u32,
    net_percent: i32,
    helo_percent: i32,
}

impl Lessons {
    pub(super) fn read(section: &Section<'_>) -> Self {
        // Declared ranges are narrower than the types.
        let number = |name| i32::try_from(section.integer(name)).unwrap_or(0);
        Self {
            accepted: number("points_accepted"),
            refused: number("points_refused"),
            bad_recipient: number("points_bad_recipient"),
            relaying: number("points_relaying"),
            early_talk: number("points_early_talk"),
            trap: number("points_trap"),
            harvesting: number("points_harvesting"),
            harvesting_at: usize::try_from(section.integer("harvesting_at")).unwrap_or(usize::MAX),
            vanished: number("points_vanished"),
            pardoned: number("points_pardoned"),
            per_connection: u32::try_from(section.integer("per_connection")).unwrap_or(1),
            net_percent: number("net_percent"),
            helo_percent: number("helo_percent"),
        }
    }

    /// A recipient was judged.
    pub(super) fn of_recipient(&self, facts: &Facts, came: Came, effects: &mut Vec<Effect>) {
        let Some(recipient) = &facts.recipient else { return };
        let tally = &facts.history.connection;
        let by = came.rejected_by;
        if by.is_empty() {
            if recipient.rcpthosts == Rcpthosts::Refused && tally.rcpthosts_refused <= self.per_connection {
                self.remember(facts, Experience::Relaying, -self.relaying, effects);
            }
        } else if OF_RECIPIENTS.contains(&by) {
            let all: u32 = OF_RECIPIENTS.iter().map(|step| tally.refused_by(step)).sum();
            // Bounces of mail that others forged go to whatever sender they made up.
            let bounces = facts.sender.as_ref().is_none_or(|sender| sender.address.is_null());
            if !bounces && all <= self.per_connection {
                self.remember(facts, Experience::BadRecipient, -self.bad_recipient, effects);
            }
        } else if !NO_LESSON.contains(&by) && tally.refused_by(by) == 1 {
            self.remember(facts, Experience::Refused, -self.refused, effects);
        }
    }

    /// A message was refused because a recipient of it is none.
    pub(super) fn of_message(&self, facts: &Facts, came: Came, effects: &mut Vec<Effect>) {
        let bounces = facts.sender.as_ref().is_none_or(|sender| sender.address.is_null());
        if OF_RECIPIENTS.contains(&came.rejected_by) && !bounces {
            self.remember(facts, Experience::BadRecipient, -self.bad_recipient, effects);
        }
    }

    /// Somebody who is to blame for it wrote to a trap.
    pub(super) fn of_trap(&self, facts: &Facts, answers: &Answers, now: Now, effects: &mut Vec<Effect>) {
        let Some(ip) = client(facts) else { return };
        let of_client = answers.state(&StateQuestion::Standing(Subject::Ip(ip)));
        let lately = match of_client {
            StateAnswer::Standing(standing) => standing.at(now.unix_seconds()).bad[Horizon::Hour as usize],
            _ => 0.0,
        };
        if lately < TRAPS_AN_HOUR * self.trap as f32 {
            self.remember_as(facts, is_identified(facts, answers), Experience::Trap, -self.trap, effects);
        }
    }

    /// An administrator took a refusal back.
    pub(super) fn of_pardon(&self, facts: &Facts, answers: &Answers, effects: &mut Vec<Effect>) {
        self.remember_as(facts, is_identified(facts, answers), Experience::Pardoned, self.pardoned, effects);
    }

    /// A message or the connection ended.
    pub(super) fn of_ending(&self, facts: &Facts, effects: &mut Vec<Effect>) {
        let Some(report) = &facts.report else { return };
        match report.ending {
            Ending::Accepted if self.is_praise(facts, report) => {
                self.remember(facts, Experience::Accepted, self.accepted, effects);
            }
            Ending::Closed => {
                // Of a connection, whoever sent its last message.
                if facts.connection.early_talk {
                    self.remember_as(facts, false, Experience::EarlyTalk, -self.early_talk, effects);
                }
                if facts.history.missing.distinct.len() >= self.harvesting_at {
                    self.remember_as(facts, false, Experience::Harvesting, -self.harvesting, effects);
                }
                if has_vanished(facts, report) {
                    self.remember_as(facts, false, Experience::Vanished, -self.vanished, effects);
                }
            }
            Ending::Accepted | Ending::Rejected | Ending::Deferred => {}
        }
    }

    /// Does a message that was taken speak for its sender? Not if postmaster alone got it, for that mail is taken from
    /// everybody; and not if stages went on without us.
    fn is_praise(&self, facts: &Facts, report: &Report) -> bool {
        let Tally { recipients, exempt, rcpthosts_refused, ref refused_by } = facts.history.transaction;
        let spoilt = refused_by.iter().any(|(step, _)| !HOLD_UP.contains(&step.as_str()));
        recipients > exempt
            && rcpthosts_refused == 0
            && !spoilt
            && report.unanswered == 0
            && report.messages_accepted <= self.per_connection
    }

    fn remember(&self, facts: &Facts, experience: Experience, points: i32, effects: &mut Vec<Effect>) {
        self.remember_as(facts, facts.history.identified, experience, points, effects);
    }

    /// Everybody who stands behind the mail bears a share.
    fn remember_as(
        &self,
        facts: &Facts,
        identified: bool,
        experience: Experience,
        points: i32,
        effects: &mut Vec<Effect>,
    ) {
        let Some(ip) = client(facts).filter(|_| points != 0) else { return };
        for subject in subjects(facts, identified) {
            let percent = match subject {
                Subject::Ip(_) | Subject::Domain(_) => 100,
                Subject::Net(_) => self.net_percent,
                Subject::Helo(_) => self.helo_percent,
            };
            let witness = match &subject {
                Subject::Net(net) if experience == Experience::Trap => Some(mark(ip, net.prefix)),
                _ => None,
            };
            if percent > 0 {
                let hundredths = points.saturating_mul(percent);
                effects.push(Effect::Experienced { subject, experience, hundredths, witness });
            }
        }
    }
}

/// Gone without a word, and not because of anything that we did.
fn has_vanished(facts: &Facts, report: &Report) -> bool {
    let history = &facts.history;
    let Tally { recipients, exempt, rcpthosts_refused, ref refused_by } = history.connection;
    let only_exempt = recipients > 0 && recipients == exempt;
    let refused = rcpthosts_refused > 0 || !refused_by.is_empty();
    let ours = history.delayed_ms > 0 || report.unanswered > 0;
    !report.quit && report.messages_accepted == 0 && !refused && !only_exempt && !ours
}

/// The mark of one address in a net; in a net wider than a host's /64, the mark of that: whoever has a /64 has as many
/// addresses as there are.
fn mark(ip: IpAddr, prefix: u8) -> u16 {
    let who = if ip.is_ipv6() && prefix < 64 { Subject::nets_of(ip).next() } else { Some(Subject::Ip(ip)) };
    let name = who.map(|subject| subject.to_string()).unwrap_or_default();
    let digest = Digest::of(&[b"trap", name.as_bytes()]).to_string();
    u16::from_str_radix(digest.get(..4).unwrap_or_default(), 16).unwrap_or(1)
}
