//! Greylisting, told as a list of all attempts that is read from its beginning each time.

use crate::world::{World, found, mail};
use proptest::prelude::*;
use tollgate::session::Stage;

const DELAY: u64 = 300;
const WINDOW: u64 = 7_200;
const HOUR: u64 = 3_600;
/// For so long after its last mail somebody is known.
const KNOWN: u64 = 36 * 86_400;

const CLIENTS: [[u8; 4]; 6] =
    [[192, 0, 2, 1], [192, 0, 2, 2], [203, 0, 113, 1], [198, 51, 100, 1], [198, 51, 100, 2], [10, 9, 8, 7]];
const SENDERS: [&str; 4] = ["ann@pass.example", "bob@pass.example", "cid@plain.example", ""];
const RECIPIENTS: [&str; 3] = ["you@here.example", "her@here.example", "gone@here.example"];
const WAITS: [u64; 12] = [0, 1, 59, 60, 240, 299, 300, 301, HOUR, WINDOW, WINDOW + 1, KNOWN];

/// By what somebody is known.
#[derive(Clone, PartialEq, Debug)]
enum Known {
    Domain(&'static str),
    Hoster,
    Net([u8; 3]),
    Anyone,
}

/// One attempt, and what came of it.
#[derive(Debug)]
struct Attempt {
    at: u64,
    client: [u8; 4],
    sender: &'static str,
    recipient: &'static str,
    /// It was the first of its kind, and waits.
    begins: bool,
    passes: bool,
}

impl Attempt {
    fn main(&self) -> Known {
        match (self.sender, self.client) {
            ("ann@pass.example" | "bob@pass.example", [first, ..]) if first != 10 => Known::Domain("pass.example"),
            (_, [198, 51, 100, _]) => Known::Hoster,
            (_, [one, two, three, _]) => Known::Net([one, two, three]),
        }
    }

    /// Under which names it is looked for; `false` = it is not remembered under that one.
    fn names(&self) -> Vec<(Known, bool)> {
        let [one, two, three, _] = self.client;
        let mut names = vec![(self.main(), true)];
        names.extend((self.main() == Known::Hoster).then_some((Known::Net([one, two, three]), false)));
        names.extend(self.sender.is_empty().then_some((Known::Anyone, true)));
        names
    }

    fn is_like(&self, other: &Attempt) -> bool {
        self.sender == other.sender && self.recipient == other.recipient
    }
}

/// All attempts.
struct Account {
    attempts: Vec<Attempt>,
    proven_after: usize,
}

/// What has become of one mail under one name: when it began to wait, since when it passes, when that was noted last.
type Course = Option<(u64, Option<(u64, u64)>)>;

impl Account {
    /// Reads all attempts up to the one at `until`.
    fn course(&self, name: &Known, like: &Attempt, until: usize) -> Course {
        let mut course: Course = None;
        for attempt in self.attempts[..until].iter().filter(|attempt| attempt.is_like(like)) {
            let names = attempt.names();
            let Some((_, remembers)) = names.iter().find(|(known, _)| known == name) else { continue };
            course = course.filter(|course| is_live(course, attempt.at));
            course = match course {
                _ if attempt.begins && *remembers => Some((attempt.at, None)),
                Some((first, None)) if attempt.passes && *name != Known::Anyone => {
                    Some((first, Some((attempt.at, attempt.at))))
                }
                Some((first, Some((since, noted)))) if attempt.passes && attempt.at >= noted + HOUR => {
                    Some((first, Some((since, attempt.at))))
                }
                other => other,
            };
        }
        course.filter(|course| is_live(course, like.at))
    }

    /// Did it come through because it had waited?
    fn came_back(&self, at: usize) -> bool {
        let attempt = &self.attempts[at];
        let waited = |(name, _): &(Known, bool)| {
            *name != Known::Anyone
                && matches!(self.course(name, attempt, at), Some((first, None)) if attempt.at >= first + DELAY)
        };
        attempt.passes && attempt.names().iter().any(waited)
    }

    /// Is somebody known to come back?
    fn is_proven(&self, name: &Known, now: u64, until: usize) -> bool {
        let (mut successes, mut counted, mut noted) = (0, None::<u64>, None::<u64>);
        for (at, attempt) in self.attempts[..until].iter().enumerate().filter(|(_, attempt)| attempt.main() == *name) {
            if !attempt.passes {
                continue;
            }
            match noted.filter(|noted| attempt.at < noted + KNOWN) {
                Some(last) => {
                    if attempt.at >= last + HOUR {
                        noted = Some(attempt.at);
                        counted = noted;
                    }
                }
                None if self.came_back(at) && counted.is_none_or(|last| attempt.at >= last + 60) => {
                    successes += 1;
                    counted = Some(attempt.at);
                    noted = (successes >= self.proven_after).then_some(attempt.at);
                }
                None => noted = None,
            }
        }
        noted.is_some_and(|noted| now < noted + KNOWN)
    }

    /// What has to come of an attempt: the rule that lets it wait, if one does.
    fn expected(&self, attempt: &Attempt) -> Option<&'static str> {
        let all = self.attempts.len();
        let courses: Vec<_> = attempt.names().iter().filter_map(|(name, _)| self.course(name, attempt, all)).collect();
        let passes = |&(first, passed): &(u64, Option<(u64, u64)>)| passed.is_some() || attempt.at >= first + DELAY;
        if self.is_proven(&attempt.main(), attempt.at, all) || courses.iter().any(passes) {
            None
        } else {
            Some(if courses.is_empty() { "first" } else { "early" })
        }
    }
}

fn is_live((first, passed): &(u64, Option<(u64, u64)>), now: u64) -> bool {
    match passed {
        None => now <= first + WINDOW,
        Some((_, noted)) => now < noted + KNOWN,
    }
}

fn play(events: &[(usize, usize, usize, usize)], proven_after: usize) {
    let mut world = World::new(&format!(
        "[check.badrcptto]\nentries = [\"gone@here.example\"]\n\
         [check.greylist]\nmode = \"enforce\"\nretry_window_s = {WINDOW}\nproven_after = {proven_after}\n"
    ));
    let mut account = Account { attempts: Vec::new(), proven_after };
    for &(wait, client, sender, recipient) in events {
        world.wait(WAITS[wait]);
        let (client, sender, recipient) = (CLIENTS[client], SENDERS[sender], RECIPIENTS[recipient]);
        let mut attempt = Attempt { at: world.now(), client, sender, recipient, begins: false, passes: false };
        let decision = world.decide(Stage::Rcpt, mail(client, sender, recipient));
        let rule = found(&decision, "greylist").map(|(rule, _)| rule);
        assert_eq!(rule, account.expected(&attempt), "{attempt:?} after {:#?}", account.attempts);
        // Whom another check refuses neither begins to wait nor comes through.
        let is_ours = recipient != "gone@here.example";
        (attempt.begins, attempt.passes) = (is_ours && rule == Some("first"), is_ours && rule.is_none());
        account.attempts.push(attempt);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_engine_and_a_list_of_all_attempts_agree(
        events in prop::collection::vec((0..WAITS.len(), 0..CLIENTS.len(), 0..SENDERS.len(), 0..RECIPIENTS.len()), 1..90),
        proven_after in 1..4_usize,
    ) {
        play(&events, proven_after);
    }
}
