//! Every row of the table, and that nothing keeps a list from recovering.

use super::*;
use crate::clock::Clock;
use Health::{HalfOpen, Healthy, Off, Suspect};
use proptest::prelude::*;

const START: u64 = 1_800_000_000;
const SILENT: Outcome = Outcome::Failed(Cause::Silent);
const REFUSED: Outcome = Outcome::Wrong(Cause::Refused);

struct Bench {
    clock: Clock,
    machine: Machine,
}

impl Bench {
    fn new(probed: bool) -> Self {
        let clock = Clock::manual(START);
        let machine = Machine::new(Remembered::default(), probed, clock.now());
        Self { clock, machine }
    }

    fn answers(&mut self, outcome: Outcome, count: usize) -> Vec<Flip> {
        let now = self.clock.now();
        let mut flips: Vec<Flip> = (0..count).filter_map(|_| self.machine.looked_up(outcome, now)).collect();
        flips.extend(self.machine.advance(now));
        flips
    }

    /// Seconds go by, each with so many answers.
    fn seconds(&mut self, seconds: usize, outcome: Outcome, each: usize) -> Vec<Flip> {
        let second = |_| {
            self.clock.advance(Duration::from_secs(1));
            self.answers(outcome, each)
        };
        (0..seconds).flat_map(second).collect()
    }

    fn probe(&mut self, reading: Reading) -> Option<Flip> {
        self.machine.probed(reading, self.clock.now())
    }
}

fn flip(from: Health, to: Health, cause: Cause) -> Flip {
    Flip { from, to, cause }
}

#[test]
fn one_wrong_code_is_enough_to_suspect_and_does_not_turn_off() {
    let mut bench = Bench::new(false);
    assert_eq!(bench.answers(REFUSED, 1), [flip(Healthy, Suspect, Cause::Refused)]);
    assert_eq!(bench.seconds(38, Outcome::Good, 1), []);
    assert_eq!(bench.seconds(1, Outcome::Good, 1), [flip(Suspect, Healthy, Cause::Refused)]);
    assert_eq!(bench.machine.cause(), None);
}

#[test]
fn a_list_that_goes_on_refusing_is_off_within_seconds() {
    let mut bench = Bench::new(true);
    let flips = bench.seconds(30, REFUSED, 20);
    assert_eq!(flips, [flip(Healthy, Suspect, Cause::Refused), flip(Suspect, Off, Cause::Refused)]);
    assert!(bench.machine.since() <= START + 12, "{}", bench.machine.since() - START);
}

#[test]
fn a_silent_list_is_off_soon_and_a_lossy_one_is_not() {
    let mut bench = Bench::new(true);
    let flips = bench.seconds(20, SILENT, 2);
    assert_eq!(flips, [flip(Healthy, Suspect, Cause::Silent), flip(Suspect, Off, Cause::Silent)]);
    let mut lossy = Bench::new(true);
    for _ in 0..200 {
        let flips = [lossy.seconds(1, Outcome::Good, 3), lossy.answers(SILENT, 2)].concat();
        assert_eq!(flips, []);
    }
    let mut few = Bench::new(true);
    assert_eq!(few.seconds(600, SILENT, 0), []);
    assert_eq!(few.answers(SILENT, RUN as usize - 1), [], "a few prove nothing");
}

#[test]
fn a_busy_list_that_dies_is_found_out_although_it_was_well_for_long() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.seconds(300, Outcome::Good, 20), []);
    assert_eq!(bench.seconds(10, SILENT, 20), [flip(Healthy, Suspect, Cause::Silent)]);
    assert_eq!(bench.seconds(10, SILENT, 20), [flip(Suspect, Off, Cause::Silent)]);
    let mut hiccup = Bench::new(false);
    hiccup.seconds(60, Outcome::Good, 20);
    hiccup.seconds(8, SILENT, 20);
    let flips = hiccup.seconds(45, Outcome::Good, 20);
    assert_eq!(flips, [flip(Suspect, Healthy, Cause::Silent)], "not off");
}

#[test]
fn the_back_off_doubles_up_to_its_bound_and_is_forgiven() {
    let mut bench = Bench::new(true);
    bench.seconds(20, SILENT, 2);
    let mut lasted = Vec::new();
    for _ in 0..9 {
        let began = bench.machine.since();
        while bench.machine.health() == Off {
            bench.seconds(1, SILENT, 0);
        }
        lasted.push(bench.machine.since() - began);
        assert_eq!(bench.answers(SILENT, 2), [flip(HalfOpen, Off, Cause::Silent)]);
    }
    assert_eq!(lasted, [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
    bench.seconds(1_800, SILENT, 0);
    assert_eq!(bench.machine.health(), HalfOpen);
    bench.answers(Outcome::Good, 5);
    assert_eq!(bench.machine.health(), HalfOpen, "no probe yet");
    assert_eq!(bench.probe(Reading::Good), Some(flip(HalfOpen, Healthy, Cause::Silent)));
    assert_eq!(bench.machine.remembered().back_off, 1_800);
    bench.seconds(700, Outcome::Good, 1);
    bench.seconds(30, SILENT, 5);
    assert_eq!(bench.machine.remembered().back_off, 30, "forgiven");
}

#[test]
fn on_trial_one_wrong_code_turns_off_but_one_lost_answer_does_not() {
    for (outcome, then) in [(REFUSED, Off), (SILENT, HalfOpen)] {
        let mut bench = Bench::new(true);
        bench.seconds(20, SILENT, 2);
        bench.seconds(40, SILENT, 0);
        assert_eq!(bench.machine.health(), HalfOpen);
        bench.answers(Outcome::Good, 4);
        bench.answers(outcome, 1);
        assert_eq!(bench.machine.health(), then, "{outcome:?}");
    }
}

#[test]
fn bad_probes_suspect_then_turn_off_and_good_ones_heal() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.probe(Reading::Bad(Cause::Wildcard)), Some(flip(Healthy, Suspect, Cause::Wildcard)));
    for _ in 0..2 {
        bench.seconds(10, Outcome::Good, 5);
        assert_eq!(bench.probe(Reading::Bad(Cause::Wildcard)), None);
    }
    bench.seconds(10, Outcome::Good, 5);
    assert_eq!(bench.probe(Reading::Bad(Cause::Wildcard)), Some(flip(Suspect, Off, Cause::Wildcard)));
    let mut bench = Bench::new(true);
    bench.probe(Reading::Bad(Cause::UnlistedTest));
    bench.seconds(20, Outcome::Good, 5);
    bench.probe(Reading::Good);
    assert_eq!(bench.seconds(40, Outcome::Good, 1), [flip(Suspect, Healthy, Cause::UnlistedTest)]);
}

#[test]
fn what_only_answers_can_clear_never_turns_off() {
    let mut bench = Bench::new(false);
    let now = |bench: &Bench| bench.clock.now();
    assert_eq!(
        bench.machine.traffic(Some(Cause::HitRateJump), now(&bench)),
        Some(flip(Healthy, Suspect, Cause::HitRateJump))
    );
    assert_eq!(bench.seconds(600, Outcome::Good, 5), []);
    bench.machine.traffic(None, now(&bench));
    assert_eq!(bench.seconds(30, Outcome::Good, 5), [flip(Suspect, Healthy, Cause::HitRateJump)]);
    bench.machine.resolver(true, now(&bench));
    let wrong = Outcome::Wrong(Cause::NotAList);
    assert_eq!(bench.seconds(60, wrong, 5), [], "the resolver's fault, not the list's");
    assert_eq!(bench.machine.cause(), Some(Cause::Resolver));
}

#[test]
fn a_spent_budget_turns_off_until_there_is_one_again() {
    let mut bench = Bench::new(false);
    let now = bench.clock.now();
    assert_eq!(bench.machine.budget(true, now), Some(flip(Healthy, Off, Cause::Budget)));
    assert_eq!(bench.seconds(7_200, Outcome::Good, 0), []);
    let now = bench.clock.now();
    assert_eq!(bench.machine.budget(false, now), Some(flip(Off, HalfOpen, Cause::Budget)));
    assert_eq!(bench.answers(Outcome::Good, 5), [flip(HalfOpen, Healthy, Cause::Budget)]);
}

#[test]
fn a_restart_remembers_the_state_and_the_back_off() {
    let mut bench = Bench::new(true);
    bench.seconds(20, SILENT, 2);
    let kept = bench.machine.remembered();
    assert_eq!((kept.health, kept.cause), (Off, Some(Cause::Silent)));
    let since = Duration::from_secs(bench.clock.now().unix_seconds() - kept.since);
    let left = BACK_OFF_MIN.saturating_sub(since);
    bench.machine = Machine::new(kept, true, bench.clock.now());
    assert_eq!(bench.machine.remembered(), kept);
    bench.clock.advance(left.saturating_sub(Duration::from_secs(1)));
    assert_eq!(bench.answers(Outcome::Good, 0), []);
    assert_eq!(bench.seconds(1, Outcome::Good, 0), [flip(Off, HalfOpen, Cause::Silent)]);
    let odd = Remembered { health: Off, cause: None, since: START, back_off: u64::MAX };
    assert_eq!(Machine::new(odd, true, bench.clock.now()).health(), Healthy);
}

/// What an answer or a probe may show.
fn any_wrong() -> impl Strategy<Value = Cause> {
    proptest::sample::select(vec![Cause::Refused, Cause::Wildcard, Cause::NotAList, Cause::UnlistedTest])
}

fn any_signal() -> impl Strategy<Value = Cause> {
    proptest::sample::select(vec![Cause::HitRateJump, Cause::HitRateCollapse, Cause::ListsGoodClients])
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let failed = proptest::sample::select(vec![Cause::Silent, Cause::Servfail, Cause::Malformed, Cause::Refused]);
    prop_oneof![Just(Outcome::Good), failed.prop_map(Outcome::Failed), any_wrong().prop_map(Outcome::Wrong)]
}

#[derive(Clone, Debug)]
enum Happening {
    Answers(Outcome, usize),
    Probe(Reading),
    Traffic(Option<Cause>),
    Resolver(bool),
    Budget(bool),
    Pause(u64),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let reading = prop_oneof![Just(Reading::Good), Just(Reading::Unknown), any_wrong().prop_map(Reading::Bad)];
    prop_oneof![
        (any_outcome(), 0..30_usize).prop_map(|(outcome, count)| Happening::Answers(outcome, count)),
        reading.prop_map(Happening::Probe),
        proptest::option::of(any_signal()).prop_map(Happening::Traffic),
        any::<bool>().prop_map(Happening::Resolver),
        any::<bool>().prop_map(Happening::Budget),
        (0..4_000_u64).prop_map(Happening::Pause),
    ]
}

fn happen(bench: &mut Bench, happening: Happening) {
    let now = bench.clock.now();
    match happening {
        Happening::Answers(outcome, count) => drop(bench.answers(outcome, count)),
        Happening::Probe(reading) => drop(bench.machine.probed(reading, now)),
        Happening::Traffic(signal) => drop(bench.machine.traffic(signal, now)),
        Happening::Resolver(lies) => drop(bench.machine.resolver(lies, now)),
        Happening::Budget(spent) => drop(bench.machine.budget(spent, now)),
        Happening::Pause(seconds) => bench.clock.advance(Duration::from_secs(seconds)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever has been, an hour in which nothing is wrong heals: with probes, and by real answers alone.
    #[test]
    fn an_hour_of_good_answers_heals(
        probed in any::<bool>(),
        before in proptest::collection::vec(any_happening(), 0..60),
    ) {
        let mut bench = Bench::new(probed);
        for happening in before {
            happen(&mut bench, happening);
            // The board is never without a cause, and never has one too many.
            prop_assert_eq!(bench.machine.health() == Healthy, bench.machine.cause().is_none());
        }
        let now = bench.clock.now();
        bench.machine.resolver(false, now);
        bench.machine.budget(false, now);
        bench.machine.traffic(None, now);
        for _ in 0..360 {
            bench.clock.advance(Duration::from_secs(10));
            bench.answers(Outcome::Good, usize::from(bench.machine.health() != Off));
            if probed && bench.machine.health() != Off {
                bench.probe(Reading::Good);
            }
        }
        prop_assert_eq!(bench.machine.health(), Healthy);
    }
}

#[test]
fn a_seldom_asked_list_that_has_died_is_found_by_its_silence() {
    let clock = Clock::manual(1_000_000);
    let mut machine = Machine::new(Remembered::default(), false, clock.now());
    for _ in 0..300 {
        assert_eq!(machine.looked_up(Outcome::Good, clock.now()), None);
    }
    let mut flips = Vec::new();
    for _ in 0..RUN {
        clock.advance(Duration::from_secs(3));
        flips.extend(machine.looked_up(Outcome::Failed(Cause::Silent), clock.now()));
    }
    assert_eq!(flips, [Flip { from: Health::Healthy, to: Health::Suspect, cause: Cause::Silent }], "the last of them");
    // An answer now and then, and it is only a bad day.
    let mut machine = Machine::new(Remembered::default(), false, clock.now());
    for number in 1..5 * RUN {
        clock.advance(Duration::from_secs(30));
        let outcome = if number % RUN == 0 { Outcome::Good } else { Outcome::Failed(Cause::Silent) };
        assert_eq!(machine.looked_up(outcome, clock.now()), None, "{number}");
    }
}
