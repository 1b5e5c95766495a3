//! What is a fault of a list, and what is only a bad day?

use super::*;
use crate::clock::Clock;
use crate::session::SessionId;

struct Bench {
    clock: Clock,
    traffic: Traffic,
    next: u32,
}

fn id(name: &str) -> ListId {
    ListId::named(name)
}

impl Bench {
    fn new(lists: &[&str]) -> Self {
        let (clock, mut traffic) = (Clock::manual(1_800_000_000), Traffic::default());
        lists.iter().for_each(|list| traffic.add(id(list), false, Baseline::default(), clock.now()));
        Self { clock, traffic, next: 0x0b00_0000 }
    }

    /// A client of another net, a second after the last one.
    fn client(&mut self, heard: &[(&str, bool)], known_good: bool) {
        self.next += 256;
        self.clock.advance(Duration::from_secs(1));
        let said = |listed: bool| if listed { Heard::Listed } else { Heard::Clean };
        let seen = ListsSeen {
            session: SessionId::default(),
            client_ip: Some(IpAddr::from(self.next.to_be_bytes())),
            heard: heard.iter().map(|(list, listed)| (id(list), said(*listed))).collect(),
            would_refuse: Vec::new(),
            needed: Vec::new(),
            known_good,
            remembered: crate::dns_lists::Remembered::default(),
        };
        self.traffic.seen(&seen, self.clock.now());
    }

    /// So many clients of which each list has so many percent.
    fn clients(&mut self, count: u32, percents: &[(&str, u32)]) {
        for number in 0..count {
            let heard: Vec<_> = percents.iter().map(|(list, percent)| (*list, number % 100 < *percent)).collect();
            self.client(&heard, false);
        }
    }

    fn signal(&mut self, list: &str) -> Option<Cause> {
        self.traffic.signal(id(list), self.clock.now())
    }
}

#[test]
fn a_list_that_alone_lists_half_the_world_is_suspect_and_recovers() {
    let mut bench = Bench::new(&["a", "b"]);
    bench.clients(600, &[("a", 5), ("b", 30)]);
    assert_eq!((bench.signal("a"), bench.signal("b")), (None, None));
    bench.clients(100, &[("a", 90), ("b", 30)]);
    assert_eq!((bench.signal("a"), bench.signal("b")), (Some(Cause::HitRateJump), None));
    let before = bench.traffic.baseline(id("a"));
    bench.clients(300, &[("a", 90), ("b", 30)]);
    assert_eq!(bench.traffic.baseline(id("a")), before, "nothing is learnt meanwhile");
    bench.clients(100, &[("a", 5), ("b", 30)]);
    assert_eq!(bench.signal("a"), None);
}

#[test]
fn a_wave_that_several_lists_see_is_no_fault_of_a_list() {
    let mut bench = Bench::new(&["a", "b"]);
    bench.clients(600, &[("a", 5), ("b", 20)]);
    for _ in 0..5 {
        bench.clients(100, &[("a", 99), ("b", 45)]);
        assert_eq!((bench.signal("a"), bench.signal("b")), (None, None));
    }
}

#[test]
fn a_single_list_that_lists_everybody_is_suspect() {
    let mut bench = Bench::new(&["a"]);
    bench.clients(600, &[("a", 10)]);
    bench.clients(200, &[("a", 85)]);
    assert_eq!(bench.signal("a"), None, "a bad day");
    bench.clients(100, &[("a", 100)]);
    assert_eq!(bench.signal("a"), Some(Cause::HitRateJump));
}

#[test]
fn a_list_that_does_not_answer_is_no_measure() {
    let mut bench = Bench::new(&["a", "dead"]);
    bench.clients(600, &[("a", 5), ("dead", 30)]);
    bench.clients(200, &[("a", 80)]);
    assert_eq!(bench.signal("a"), None);
    bench.clients(100, &[("a", 80), ("dead", 30)]);
    assert_eq!(bench.signal("a"), Some(Cause::HitRateJump));
}

#[test]
fn a_list_that_lists_nobody_any_more_is_suspect_and_recovers() {
    let mut bench = Bench::new(&["a", "rare"]);
    bench.clients(600, &[("a", 40), ("rare", 1)]);
    bench.clients(130, &[("a", 0), ("rare", 0)]);
    assert_eq!(bench.signal("a"), Some(Cause::HitRateCollapse));
    assert_eq!(bench.signal("rare"), None, "only one hit was due");
    bench.clients(200, &[("a", 40), ("rare", 0)]);
    assert_eq!(bench.signal("a"), None);
}

#[test]
fn one_busy_client_is_no_traffic() {
    let mut bench = Bench::new(&["a"]);
    bench.clients(600, &[("a", 5)]);
    for _ in 0..1_000 {
        bench.next -= 256;
        bench.client(&[("a", true)], false);
    }
    assert_eq!(bench.signal("a"), None);
}

#[test]
fn a_signal_grows_stale_and_a_new_regime_is_learnt() {
    let mut bench = Bench::new(&["a", "b"]);
    bench.clients(600, &[("a", 5), ("b", 30)]);
    bench.clients(100, &[("a", 90), ("b", 30)]);
    assert_eq!(bench.signal("a"), Some(Cause::HitRateJump));
    let mut stale = Bench { clock: bench.clock.clone(), traffic: bench.traffic.clone(), next: bench.next };
    for _ in 0..250 {
        bench.clients(100, &[("a", 90), ("b", 30)]);
    }
    assert_eq!(bench.signal("a"), None, "that is how it is");
    bench.clients(600, &[("a", 90), ("b", 30)]);
    assert!(bench.traffic.baseline(id("a")).hits > 0.8);
    assert_eq!(bench.traffic.hit_rate(id("a")), Some(0.9));
    stale.clock.advance(STALE);
    assert_eq!(stale.signal("a"), None);
}

#[test]
fn three_good_clients_make_a_list_suspect_for_an_hour() {
    let mut bench = Bench::new(&["a"]);
    bench.traffic.add(id("white"), true, Baseline::default(), bench.clock.now());
    for _ in 0..2 {
        bench.client(&[("a", true), ("white", true)], true);
    }
    assert_eq!(bench.signal("a"), None, "two may have been broken into");
    bench.client(&[("a", true), ("white", true)], true);
    assert_eq!((bench.signal("a"), bench.signal("white")), (Some(Cause::ListsGoodClients), None));
    bench.clock.advance(Duration::from_secs(3_600));
    assert_eq!(bench.signal("a"), None);
}

#[test]
fn a_small_share_of_the_good_clients_is_no_signal() {
    let mut bench = Bench::new(&["a"]);
    for number in 0..1_000 {
        bench.client(&[("a", number % 250 == 0)], true);
    }
    assert_eq!(bench.signal("a"), None);
}

#[test]
fn one_good_client_that_comes_again_and_again_is_one() {
    let mut bench = Bench::new(&["a"]);
    for _ in 0..10 {
        let same = bench.next;
        bench.client(&[("a", true)], true);
        bench.clients(200, &[("a", 0)]);
        bench.next = same;
    }
    assert_eq!(bench.signal("a"), None);
}

#[test]
fn memory_is_bounded() {
    let mut bench = Bench::new(&[]);
    for number in 0..200 {
        bench.traffic.add(id(&number.to_string()), false, Baseline::default(), bench.clock.now());
    }
    assert_eq!(bench.traffic.lists.len(), LISTS_MAX);
    bench.clients(1_000, &[]);
    assert_eq!(bench.traffic.nets.len(), NETS_MAX);
}
