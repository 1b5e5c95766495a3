//! What do the reputations of all who stand behind a mail come to? A sum in which each has its share.
//!
//! `combined = sum of share * reputation`, at most 100 either way. A share is the most that one of them can contribute,
//! whatever is remembered of it; the others' standing changes nothing about it, so that one more bad experience never
//! makes the sum better. Who is unknown has reputation 0, and adds nothing.

use crate::state::{Standing, Subject};
use std::fmt;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) subject: Subject,
    pub(super) standing: Standing,
}

/// In hundredths: (of a bad reputation, of a good one).
///
/// A HELO name can be anybody's: it may be held against a client, but never speaks for one. In IPv6 a host has a whole
/// /64 for itself and may change its address with every mail, so a bad /64 weighs almost as much as a bad address; a good
/// one does not, for it may have many tenants.
pub(super) fn share(subject: &Subject) -> (f32, f32) {
    match subject {
        Subject::Ip(_) => (0.70, 0.70),
        Subject::Net(net) if net.address.is_ipv4() => (0.20, 0.20),
        Subject::Net(net) if net.prefix >= 64 => (0.50, 0.20),
        Subject::Net(net) if net.prefix >= 56 => (0.15, 0.05),
        Subject::Net(_) => (0.05, 0.05),
        Subject::Domain(_) => (0.30, 0.30),
        Subject::Helo(_) => (0.10, 0.0),
    }
}

/// The sum, and who contributed.
pub(super) struct Combined {
    /// From -100 to 100.
    pub(super) reputation: f32,
    /// With the reputation that each has now.
    parts: Vec<(Part, f32)>,
}

impl Combined {
    pub(super) fn of(parts: impl Iterator<Item = Part>, now: u64) -> Self {
        let parts: Vec<(Part, f32)> =
            parts.map(|part| (part.standing.reputation(now), part)).map(|(of_now, part)| (part, of_now)).collect();
        let contribution = |(part, of_now): &(Part, f32)| {
            let (bad, good) = share(&part.subject);
            of_now * if *of_now < 0.0 { bad } else { good }
        };
        // Not `sum`: that of nothing is -0.
        let reputation = parts.iter().map(contribution).fold(0.0_f32, |sum, one| sum + one).clamp(-100.0, 100.0);
        Self { reputation, parts }
    }

    /// The score: `weight` of the worst, `-weight` of the best, 0 within `neutral` of 0.
    pub(super) fn points(&self, weight: i32, neutral: f32) -> i32 {
        if self.reputation.abs() < neutral {
            return 0;
        }
        // Within -weight..=weight.
        -(f64::from(self.reputation) * f64::from(weight) / 100.0).round() as i32
    }
}

/// `-61: ip -80 (trap 1.0), net 192.0.2.0/24 -20 (refused 2.0)`
impl fmt::Display for Combined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.0}", self.reputation)?;
        let telling = self.parts.iter().filter(|(_, of_now)| of_now.abs() >= 0.5);
        for (at, (Part { subject, standing }, of_now)) in telling.enumerate() {
            let gap = if at == 0 { ":" } else { "," };
            match subject {
                Subject::Ip(_) => write!(f, "{gap} ip {of_now:+.0}")?,
                Subject::Net(net) => write!(f, "{gap} net {net} {of_now:+.0}")?,
                named => write!(f, "{gap} {named} {of_now:+.0}")?,
            }
            // `-80, trap 1.0`: the reputation as it was, then what for.
            if let Some((_, what_for)) = standing.to_string().split_once(", ") {
                write!(f, " ({what_for})")?;
            }
        }
        Ok(())
    }
}
