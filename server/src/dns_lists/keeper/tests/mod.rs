//! Whole stories: what the keeper sees, shows, says and remembers.

mod bench;

use super::*;
use crate::{
    ask::{DnsName, Health, ListId},
    dns_lists::{
        Declared, Heard, ListEvent, ListsSeen, Probe, Spend,
        card::{Bucket, Contradiction},
        health::Cause,
        probe::Reading,
        tests::declared,
    },
    session::SessionId,
    state::{KeptList, Memory},
};
use ::metrics::with_local_recorder;
use bench::{Bench, Doing, NOON};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_dead_list_is_off_within_seconds_and_comes_back_by_itself() {
    let (dead, other) = (declared("dead.example"), declared("other.example"));
    let mut bench = Bench::new(&[dead.clone(), other.clone()]);
    bench.seconds(5, 5, &[&dead, &other]);
    assert_eq!((bench.board().as_str(), bench.notices().len()), ("all healthy", 0));
    bench.does(&dead, Doing::Dead);
    bench.seconds(25, 5, &[&dead, &other]);
    assert_eq!(bench.board(), "dead.example off (silent)");
    assert_eq!(
        bench.notices(),
        ["list_health: dead.example healthy suspect silent", "list_health: dead.example suspect off silent"]
    );
    bench.seconds(60, 5, &[&dead, &other]);
    assert_eq!(
        bench.notices()[..2],
        ["list_health: dead.example off half_open silent", "list_health: dead.example half_open off silent"]
    );
    bench.does(&dead, Doing::Well);
    bench.seconds(120, 5, &[&dead, &other]);
    assert_eq!(bench.board(), "all healthy");
    assert_eq!(
        bench.notices(),
        ["list_health: dead.example off half_open silent", "list_health: dead.example half_open healthy silent"]
    );
    assert_eq!(bench.standing(&dead).health, Health::Healthy);
}

#[test]
fn a_quiet_list_is_found_out_and_healed_by_probes_alone() {
    let list = declared("quiet.example");
    let mut bench = Bench::new(std::slice::from_ref(&list));
    bench.seconds(1, 0, &[]);
    assert_eq!(bench.standing(&list).probed, Some((NOON + 1, Reading::Good)));
    assert_eq!(bench.world.asked.lock().expect("sound").len(), 3 + 2, "three to the list, one to each resolver");
    bench.does(&list, Doing::Dead);
    bench.seconds(1_900, 0, &[]);
    assert_ne!(bench.standing(&list).health, Health::Healthy);
    assert_eq!(bench.standing(&list).cause, Some(Cause::Silent));
    bench.does(&list, Doing::Well);
    bench.seconds(600, 0, &[]);
    assert_eq!(bench.board(), "all healthy");
}

#[test]
fn a_refusing_list_is_suspect_at_once_and_off_soon() {
    let list = declared("refuses.example");
    let mut bench = Bench::new(std::slice::from_ref(&list));
    bench.seconds(3, 1, &[&list]);
    bench.does(&list, Doing::Refusing);
    bench.seconds(1, 1, &[&list]);
    assert_eq!(bench.board(), "refuses.example suspect (refused)");
    bench.seconds(14, 1, &[&list]);
    assert_eq!(bench.board(), "refuses.example off (refused)");
    bench.does(&list, Doing::Well);
    bench.seconds(120, 1, &[&list]);
    assert_eq!(bench.board(), "all healthy");
}

#[test]
fn a_list_that_lists_the_world_never_counts_from_the_first_turn_on() {
    let list = declared("world.example");
    let mut bench = Bench::new(std::slice::from_ref(&list));
    bench.does(&list, Doing::Wildcard);
    bench.keeper.turn();
    assert_eq!(bench.board(), "world.example suspect (wildcard)");
    for _ in 0..900 {
        bench.seconds(1, 2, &[&list]);
        assert_ne!(bench.standing(&list).health, Health::Healthy);
    }
    bench.does(&list, Doing::Well);
    bench.seconds(1_900, 2, &[&list]);
    assert_eq!(bench.board(), "all healthy");
}

#[test]
fn a_list_that_is_not_probed_is_not_asked() {
    let list = Declared { probe: Probe::Off, ..declared("off.example") };
    let mut bench = Bench::new(std::slice::from_ref(&list));
    bench.seconds(2_000, 0, &[]);
    let asked = bench.world.asked.lock().expect("sound").iter().filter(|question| question.list == list.id).count();
    assert_eq!((asked, bench.standing(&list).probed), (0, None));
}

#[test]
fn a_restart_goes_on_where_the_daemon_ended() {
    let (list, well) = (Declared { budget_per_day: 100_000, ..declared("dead.example") }, declared("well.example"));
    let store = Arc::new(Memory::default());
    let lists = [list.clone(), well.clone()];
    let mut bench = Bench::started(&lists, store.clone(), NOON);
    bench.does(&list, Doing::Dead);
    bench.seconds(40, 5, &[&list, &well]);
    let before = bench.standing(&list);
    assert_eq!(before.health, Health::Off);
    let seen = ListsSeen {
        session: SessionId([1; 16]),
        client_ip: None,
        heard: vec![(well.id, Heard::Listed)],
        would_refuse: vec![],
        needed: vec![],
        known_good: false,
        remembered: crate::dns_lists::Remembered::default(),
    };
    bench.lists.tell(ListEvent::Seen(seen));
    bench.keeper.turn();
    let report = bench.handle.report(Window::Month);
    bench.handle.flush().expect("writes");
    let mut again = Bench::started(&lists, store, bench.clock.now().unix_seconds() + 1);
    let after = again.standing(&list);
    assert_eq!((after.health, after.cause, after.since), (before.health, before.cause, before.since));
    assert_eq!(after.asked_today, before.asked_today);
    assert_eq!(again.board(), "dead.example off (silent)", "the checks know before the first turn");
    let of = |report: Report| report.lists.into_iter().find(|line| line.list == well.id).map(|line| line.counts.hits);
    assert_eq!((of(again.handle.report(Window::Month)), of(report)), (Some(1), Some(1)));
    again.seconds(120, 5, &[&list, &well]);
    assert_eq!(again.board(), "all healthy");
}

#[test]
fn when_no_list_is_left_that_is_said_once_and_again_after_a_restart() {
    let (one, two) = (declared("one.example"), declared("two.example"));
    let trial = Declared { monitored: true, ..declared("trial.example") };
    let store = Arc::new(Memory::default());
    let lists = [one.clone(), two.clone(), trial.clone()];
    let mut bench = Bench::started(&lists, store.clone(), NOON);
    bench.does(&one, Doing::Dead);
    bench.does(&two, Doing::Refusing);
    bench.seconds(25, 5, &[&one, &two, &trial]);
    let silences =
        |bench: &Bench| bench.notices().iter().filter(|notice| notice.starts_with("all_lists_silent: 2")).count();
    assert_eq!(silences(&bench), 1, "the list on trial can refuse nothing");
    bench.seconds(5, 5, &[&one, &two, &trial]);
    assert_eq!(silences(&bench), 0);
    bench.handle.flush().expect("writes");
    let again = Bench::started(&lists, store, bench.clock.now().unix_seconds());
    assert_eq!(silences(&again), 1);
}

#[test]
fn a_resolver_that_invents_answers_makes_its_lists_suspect_and_no_others() {
    let (one, paid) =
        (declared("one.example"), Declared { upstream: Upstream::named("paid"), ..declared("paid.example") });
    let mut bench = Bench::new(&[one.clone(), paid.clone()]);
    bench.seconds(20, 1, &[&one, &paid]);
    *bench.world.resolver_lies.lock().expect("sound") = true;
    bench.seconds(60, 1, &[&one, &paid]);
    assert_eq!(bench.standing(&paid).health, Health::Healthy);
    assert!(bench.board().starts_with("one.example "), "{}", bench.board());
    assert_eq!(bench.notices().iter().filter(|notice| *notice == "resolver_lies: default").count(), 1);
    *bench.world.resolver_lies.lock().expect("sound") = false;
    bench.seconds(300, 1, &[&one, &paid]);
    assert!(bench.notices().contains(&"resolver_honest: default".to_owned()));
    assert_eq!(bench.board(), "all healthy");
}

#[test]
fn a_resolver_that_lies_from_the_start_is_the_cause() {
    let list = declared("one.example");
    let mut bench = Bench::new(std::slice::from_ref(&list));
    *bench.world.resolver_lies.lock().expect("sound") = true;
    bench.seconds(60, 3, &[&list]);
    assert_eq!(bench.board(), "one.example suspect (resolver)");
}

#[test]
fn a_budget_is_told_of_and_ends_with_the_day() {
    let list = Declared { budget_per_day: 1_000, ..declared("paid.example") };
    let mut bench = Bench::new(std::slice::from_ref(&list));
    bench.seconds(600, 1, &[&list]);
    let standing = bench.standing(&list);
    assert_eq!((standing.asked_today, standing.limit), (603, Some(1_000)));
    let forecast = standing.forecast.expect("today");
    assert!((NOON + 900..NOON + 1_100).contains(&forecast), "{}", forecast - NOON);
    bench.seconds(600, 1, &[&list]);
    let notices = bench.notices();
    let told: Vec<_> = notices.iter().filter(|notice| notice.starts_with("list_budget")).collect();
    assert_eq!(told.len(), 3, "{notices:?}");
    assert!(told[0].starts_with("list_budget: paid.example 70 1000 12:1"), "{}", told[0]);
    assert_eq!(told[2], "list_budget: paid.example 100 1000");
    assert!(notices.contains(&"list_health: paid.example healthy off budget".to_owned()));
    assert_eq!(bench.board(), "paid.example off (budget)");
    bench.seconds(43_200 - 1_200 + 60, 0, &[]);
    bench.seconds(60, 1, &[&list]);
    assert_eq!(bench.board(), "all healthy", "a new day");
}

#[test]
fn a_reload_forgets_no_list_that_comes_back() {
    let (list, other) = (declared("dead.example"), declared("other.example"));
    let mut bench = Bench::new(&[list.clone(), other.clone()]);
    bench.does(&list, Doing::Dead);
    bench.seconds(30, 5, &[&list]);
    let since = bench.standing(&list).since;
    bench.lists.declare(std::slice::from_ref(&other));
    bench.keeper.turn();
    assert_eq!((bench.board().as_str(), bench.handle.standings().len()), ("all healthy", 1));
    bench.lists.declare(&[other, Declared { monitored: true, ..list.clone() }]);
    bench.keeper.turn();
    let standing = bench.standing(&list);
    assert_eq!((standing.health, standing.since, standing.monitored), (Health::Off, since, true));
}

#[test]
fn a_key_is_never_shown() {
    let zone = DnsName::with_secret("s3cret.zen.example", 0..6);
    let list = Declared { zone, ..declared("zen") };
    let mut bench = Bench::new(std::slice::from_ref(&list));
    bench.does(&list, Doing::Refusing);
    bench.seconds(30, 5, &[&list]);
    assert_eq!(bench.standing(&list).zone, "[key].zen.example");
    let shown = format!("{:?} {:?} {}", bench.handle.standings(), bench.notices(), bench.board());
    assert!(shown.contains("refused") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn what_was_seen_stands_in_the_report_and_in_the_metrics() {
    let (list, white) = (declared("bl.example"), Declared { welcomes: true, ..declared("white.example") });
    let recorder = PrometheusBuilder::new().build_recorder();
    let bench = with_local_recorder(&recorder, || {
        let mut bench = Bench::new(&[list.clone(), white.clone()]);
        bench.keeper.turn();
        bench.lists.tell(ListEvent::Seen(ListsSeen {
            session: SessionId([2; 16]),
            client_ip: None,
            heard: vec![(list.id, Heard::Listed), (white.id, Heard::Listed)],
            would_refuse: vec![list.id],
            needed: vec![list.id],
            known_good: true,
            remembered: crate::dns_lists::Remembered::default(),
        }));
        let listed = vec![list.id, white.id, ListId::named("unknown")];
        bench.lists.tell(ListEvent::Contradicted { kind: Contradiction::Accepted, listed: listed.clone() });
        bench.lists.tell(ListEvent::Contradicted { kind: Contradiction::Pardoned, listed });
        bench.does(&list, Doing::Refusing);
        bench.session(&list, 1);
        bench.keeper.turn();
        bench
    });
    let report = bench.handle.report(Window::Hour);
    assert_eq!(report.lists[0].counts.contradicted, [1, 1, 0, 1]);
    assert_eq!(report.lists[0].counts.lookups, 4, "three of the probe");
    let page = recorder.handle().render();
    for line in [
        "tollgate_list_flips_total{list=\"bl.example\",to=\"suspect\"} 1",
        "tollgate_list_health{list=\"bl.example\",state=\"suspect\"} 1",
        "tollgate_list_health{list=\"bl.example\",state=\"healthy\"} 0",
        "tollgate_list_health{list=\"white.example\",state=\"healthy\"} 1",
        "tollgate_lists 1",
        "tollgate_lists_healthy 0",
        "tollgate_list_lookups_total{list=\"bl.example\",outcome=\"wrong\"} 1",
        "tollgate_list_lookups_total{list=\"bl.example\",outcome=\"not_found\"} 2",
        "tollgate_list_heard_total{list=\"bl.example\",heard=\"listed\"} 1",
        "tollgate_list_unique_hits_total{list=\"bl.example\"} 0",
        "tollgate_list_contradictions_total{list=\"bl.example\",kind=\"accepted\"} 1",
        "tollgate_list_contradictions_total{list=\"white.example\",kind=\"allowed\"} 0",
        "tollgate_list_contradictions_total{list=\"bl.example\",kind=\"pardoned\"} 1",
        "tollgate_list_contradictions_total{list=\"white.example\",kind=\"pardoned\"} 0",
        "tollgate_list_needed_total{list=\"bl.example\"} 1",
        "tollgate_list_events_dropped_total 0",
        "tollgate_resolver_lies{resolver=\"paid\"} 0",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

/// Clients of different nets, of which each list has so many of a hundred.
fn clients(bench: &mut Bench, first: u32, count: u32, lists: &[(&Declared, u32)]) {
    for number in first..first + count {
        let said = |share: u32| if number % 100 < share { Heard::Listed } else { Heard::Clean };
        bench.lists.tell(ListEvent::Seen(ListsSeen {
            session: SessionId(u128::from(number).to_be_bytes()),
            client_ip: Some((0x0b00_0000 + number * 256).to_be_bytes().into()),
            heard: lists.iter().map(|(list, share)| (list.id, said(*share))).collect(),
            would_refuse: Vec::new(),
            needed: Vec::new(),
            known_good: false,
            remembered: crate::dns_lists::Remembered::default(),
        }));
    }
    bench.seconds(1, 1, &[]);
}

#[test]
fn a_list_gone_wild_is_seen_in_our_own_traffic_though_its_probes_are_good() {
    let (wild, other) = (declared("wild.example"), declared("other.example"));
    let mut bench = Bench::new(&[wild.clone(), other.clone()]);
    clients(&mut bench, 0, 600, &[(&wild, 5), (&other, 30)]);
    clients(&mut bench, 600, 100, &[(&wild, 90), (&other, 30)]);
    assert_eq!(bench.board(), "wild.example suspect (hit_rate_jump)");
    assert_eq!(bench.standing(&wild).hit_rate, Some(0.9));
    bench.seconds(120, 1, &[&wild, &other]);
    assert_eq!(bench.board(), "wild.example suspect (hit_rate_jump)", "good answers and probes do not clear it");
    clients(&mut bench, 700, 100, &[(&wild, 5), (&other, 30)]);
    bench.seconds(60, 1, &[&wild, &other]);
    assert_eq!(bench.board(), "all healthy");
}

#[test]
fn a_turn_takes_a_bounded_number_of_events_and_the_next_one_the_rest() {
    let list = declared("bl.example");
    let mut bench = Bench::new(std::slice::from_ref(&list));
    let ended = ListEvent::Contradicted { kind: Contradiction::Accepted, listed: vec![list.id] };
    (0..watch::EVENTS_MAX + 7).for_each(|_| bench.lists.tell(ended.clone()));
    let counted = |bench: &Bench| bench.handle.report(Window::Hour).lists[0].counts.contradicted[0];
    bench.keeper.turn();
    assert_eq!(counted(&bench), watch::EVENTS_MAX as u64);
    bench.keeper.turn();
    assert_eq!(counted(&bench), watch::EVENTS_MAX as u64 + 7);
}

/// A store that can be made to fail.
#[derive(Default)]
struct Brittle {
    sound: Memory,
    broken: AtomicBool,
}

impl Brittle {
    fn check(&self) -> Result<(), StateError> {
        let error = || StateError::Failed("here".to_owned(), "disk full".to_owned());
        if self.broken.load(Ordering::Relaxed) { Err(error()) } else { Ok(()) }
    }
}

impl ListHealth for Brittle {
    fn lists(&self, now: u64) -> Result<Vec<KeptList>, StateError> {
        self.sound.lists(now)
    }

    fn keep_lists(&self, lists: &[KeptList]) -> Result<(), StateError> {
        self.check().and_then(|()| self.sound.keep_lists(lists))
    }
}

impl ListCards for Brittle {
    fn buckets(&self, now: u64) -> Result<Vec<Bucket>, StateError> {
        self.sound.buckets(now)
    }

    fn keep_buckets(&self, buckets: &[Bucket]) -> Result<(), StateError> {
        self.check().and_then(|()| self.sound.keep_buckets(buckets))
    }
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let list = declared("bl.example");
    let store = Arc::new(Brittle::default());
    let mut bench = Bench::started(std::slice::from_ref(&list), store.clone(), NOON);
    bench.seconds(3, 5, &[&list]);
    store.broken.store(true, Ordering::Relaxed);
    assert!(bench.handle.flush().is_err());
    assert_eq!(bench.notices(), ["list_store_failed: here: disk full"]);
    assert_eq!(store.lists(NOON).expect("reads"), []);
    store.broken.store(false, Ordering::Relaxed);
    bench.handle.flush().expect("writes");
    let kept = store.lists(NOON).expect("reads");
    assert_eq!((kept.len(), kept[0].list, kept[0].spend), (1, list.id, Spend { day: 20_000, lookups: 18 }));
    assert_eq!(store.buckets(NOON).expect("reads").len(), 3);
}

#[test]
fn writing_behind_happens_once_a_second_and_pauses_after_a_failure() {
    let list = declared("bl.example");
    let store = Arc::new(Brittle::default());
    let mut bench = Bench::started(std::slice::from_ref(&list), store.clone(), NOON);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        store.broken.store(true, Ordering::Relaxed);
        for turn in 1..=WRITE_TURNS {
            assert!(bench.keeper.writing.is_none(), "turn {turn}");
            bench.keeper.turn();
            bench.keeper.write_behind().await;
        }
        // Some later turn finds that it has ended.
        while bench.keeper.wait <= WRITE_TURNS {
            bench.keeper.write_behind().await;
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.keeper.wait, RETRY_TURNS);
        store.broken.store(false, Ordering::Relaxed);
        for _ in 0..RETRY_TURNS {
            assert!(bench.keeper.writing.is_none());
            bench.keeper.write_behind().await;
        }
        assert!(bench.keeper.writing.take().expect("a write").await.expect("no panic"));
    });
    assert_eq!(store.lists(NOON).expect("reads").len(), 1);
}
