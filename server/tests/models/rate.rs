//! Limits, told as buckets into which tokens are put second by second.

use crate::world::{World, found, mail};
use proptest::prelude::*;
use tollgate::{check::Outcome, session::Stage};

const CLIENTS: [[u8; 4]; 3] = [[192, 0, 2, 1], [192, 0, 2, 2], [203, 0, 113, 1]];
const WAITS: [u64; 8] = [0, 1, 3, 9, 10, 11, 100, 2_000];

/// A bucket in milliseconds of refilling: a token is `every`, and it may owe as much as it holds.
#[derive(Clone)]
struct Bucket {
    level: i64,
    every: i64,
    holds: i64,
}

impl Bucket {
    fn full(every: i64, burst: i64) -> Self {
        Self { level: every * burst, every, holds: every * burst }
    }

    fn pass_a_second(&mut self) {
        self.level = (self.level + 1_000).min(self.holds);
    }

    fn is_empty(&self) -> bool {
        self.level < self.every
    }

    fn wait_ms(&self) -> i64 {
        (self.every - self.level).max(0)
    }

    fn take(&mut self, tokens: i64) {
        self.level = (self.level - tokens * self.every).max(-self.holds);
    }
}

/// What happens: time passes, then so many recipients come from a client, of whom every third is refused by others.
type Event = (usize, usize, u32);

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..WAITS.len(), 0..CLIENTS.len(), 1..60_u32), 1..40)
}

fn play(policy: &str, full: &Bucket, events: &[Event], check: impl Fn(Option<Outcome>, &Bucket) -> bool) {
    let mut world = World::new(&format!("[check.badrcptto]\nentries = [\"gone@here.example\"]\n{policy}"));
    let mut buckets = vec![full.clone(); CLIENTS.len()];
    for &(wait, client, recipients) in events {
        world.wait(WAITS[wait]);
        for bucket in &mut buckets {
            (0..WAITS[wait]).for_each(|_| bucket.pass_a_second());
        }
        let bucket = &mut buckets[client];
        for number in 0..recipients {
            let is_refused = number % 3 == 2;
            let recipient = if is_refused { "gone@here.example" } else { "you@here.example" };
            let decision = world.decide(Stage::Rcpt, mail(CLIENTS[client], "ann@plain.example", recipient));
            let outcome = found(&decision, "rate").map(|(_, outcome)| outcome);
            assert!(check(outcome, bucket), "{outcome:?} at {}, {events:?}", bucket.level);
            if !is_refused && outcome != Some(Outcome::Defer) {
                bucket.take(1);
            }
        }
    }
}

/// One second is claimed by each recipient of a message; DATA waits for what is claimed, in whole seconds.
fn play_shaped(events: &[Event]) {
    let mut world = World::new("[[check.rate.shape]]\nstart_ms = 700\nmax_ms = 9000\nprefix = 24\n");
    // The clients' /24 nets: two of them share one.
    let mut claimed = [0_i64; 2];
    for &(wait, client, recipients) in events {
        world.wait(WAITS[wait]);
        for claimed in &mut claimed {
            (0..WAITS[wait]).for_each(|_| *claimed = (*claimed - 1_000).max(0));
        }
        let claimed = &mut claimed[client / 2];
        let mut facts = mail(CLIENTS[client], "ann@plain.example", "you@here.example");
        (facts.recipient, facts.recipients) = (None, Some((recipients, 0)));
        let decision = world.decide(Stage::Data, facts);
        let delay = match found(&decision, "rate") {
            None => 0,
            Some((_, Outcome::Delay(ms))) => i64::from(ms),
            other => panic!("{other:?}"),
        };
        assert_eq!(delay, (*claimed).min(9_000) / 1_000 * 1_000, "{events:?}");
        // What is claimed is bounded: thirteen recipients are more than 9 s, and twice that may be claimed.
        *claimed = (*claimed + i64::from(recipients) * 700).min(2 * 13 * 700);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_limit_that_defers_is_a_bucket(events in events()) {
        let policy = "[[check.rate.limit]]\nname = \"x\"\ncount = 100\nper_s = 1000\naction = \"defer\"\n";
        play(policy, &Bucket::full(10_000, 100), &events, |outcome, bucket| {
            outcome == bucket.is_empty().then_some(Outcome::Defer)
        });
    }

    #[test]
    fn a_limit_that_holds_back_lets_wait_for_a_token(events in events()) {
        let policy = "[[check.rate.limit]]\nname = \"x\"\ncount = 5\nper_s = 15\nburst = 7\ndelay_max_ms = 20000\n";
        play(policy, &Bucket::full(3_000, 7), &events, |outcome, bucket| match outcome {
            None => !bucket.is_empty(),
            Some(Outcome::Delay(ms)) => bucket.is_empty() && i64::from(ms) == bucket.wait_ms().min(20_000),
            Some(_) => false,
        });
    }

    #[test]
    fn shaping_claims_time(events in events()) {
        play_shaped(&events);
    }
}
