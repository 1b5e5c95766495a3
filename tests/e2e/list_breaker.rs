//! Does the breaker open over a list that is at fault, loudly, spare the others, and close again by itself? Faults are
//! made by a proxy between the daemon and unbound; the lists are rbldnsd's.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use tollgate_tests::{
    dns::List,
    dns_fault::Fault,
    gate::{Gate, Plan},
    metrics::Scrape,
    smtp::Reply,
    wait,
};

/// Lists that nothing happens to: one event that befalls some lists must not look like one that befalls all.
const WELL: [&str; 3] = ["well1.example", "well2.example", "well3.example"];
/// Probes come every ten seconds here; a few of them open the breaker.
const OPENS: Duration = Duration::from_secs(120);
/// Closing takes more of them.
const CLOSES: Duration = Duration::from_secs(300);
/// Looks between two sessions while a test waits: some traffic, not a flood.
const LOOKS_A_SESSION: u32 = 25;
/// Whom only the well lists list.
const LISTED_ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);
/// Answers are kept for a second: what has changed is seen soon.
const POLICY: &str = "stage_deadline_ms = 1200\nreply_ids = false\n\
    [dns]\ntimeout_ms = 800\nattempts = 1\nfailure_ttl_seconds = 1\nttl_min_seconds = 0\nttl_max_seconds = 1\n\
    negative_ttl_min_seconds = 0\nnegative_ttl_max_seconds = 1\n[dns_lists]\nprobe_seconds = 10\n";
/// States of a list.
const STATES: [&str; 4] = ["healthy", "suspect", "half_open", "off"];

/// A gate whose lists can be made faulty.
struct Scene {
    gate: Gate,
    faulty: Vec<(&'static str, Fault)>,
    sessions: u32,
}

impl Scene {
    /// Every list is well and heard.
    fn start(name: &str, faulty: &[(&'static str, Fault)]) -> Self {
        let mut plan = Plan::new(name).with_faults();
        let mut policy = POLICY.to_owned();
        let zones = || faulty.iter().map(|(zone, _)| *zone).chain(WELL);
        for zone in zones() {
            let entry = if WELL.contains(&zone) { "192.0.2.66" } else { "198.19.0.0/16" };
            plan = plan.list(List::new(zone, "127.0.0.2:Listed").with(entry));
            policy.push_str(&format!("[[check.rbl.list]]\nzone = \"{zone}\"\n"));
        }
        let mut scene = Self { gate: plan.policy(&policy).start(), faulty: faulty.to_vec(), sessions: 0 };
        wait::until("all lists to be found well", wait::SOON, || zones().all(|zone| scene.state(zone) == "healthy"));
        scene.assert_heard();
        scene
    }

    /// The first faulty list refuses whom it lists, the first well one too.
    fn assert_heard(&mut self) {
        let listed = self.client(19);
        for (client, zone) in [(listed, self.faulty[0].0), (LISTED_ELSEWHERE.into(), WELL[0])] {
            let said = self.answer(client);
            assert_eq!((said.code, said.words()), (553, format!("{client} is listed by {zone}: Listed")));
        }
    }

    /// From 198.18.0.0/16 nobody is listed, from 198.19.0.0/16 the faulty lists list everybody. Each client is a new
    /// one, in a net of its own.
    fn client(&mut self, second: u8) -> IpAddr {
        self.sessions += 1;
        let [.., high, low] = self.sessions.to_be_bytes();
        Ipv4Addr::new(198, second, low, high + 1).into()
    }

    /// What RCPT answers.
    fn answer(&self, client: IpAddr) -> Reply {
        self.gate.deliver(client, "ann@sender.example", &["bob@ours.example"], "knocking").recipients.remove(0)
    }

    /// The state in force, of which there is exactly one.
    fn state(&self, list: &str) -> &'static str {
        Self::state_in(&self.gate.daemon.metrics(), list)
    }

    fn state_in(metrics: &Scrape, list: &str) -> &'static str {
        let in_force = |state: &&str| metrics.sum("tollgate_list_health", &[("list", list), ("state", state)]) > 0.5;
        let found: Vec<&str> = STATES.into_iter().filter(in_force).collect();
        assert!(found.len() <= 1, "{list} is {found:?}");
        found.first().copied().unwrap_or("unknown")
    }

    /// Waits until every faulty list fits, while clients come.
    fn wait_for_faulty(&mut self, what: &str, bound: Duration, fits: impl Fn(&str) -> bool) {
        let mut looks = 0;
        wait::until(what, bound, || {
            looks += 1;
            if looks % LOOKS_A_SESSION == 1 {
                let client = self.client(18);
                self.answer(client);
            }
            let metrics = self.gate.daemon.metrics();
            self.faulty.iter().all(|(zone, _)| fits(Self::state_in(&metrics, zone)))
        });
    }

    /// Lines of the log about the health of a list that have this word.
    fn told(&self, list: &str, word: &str) -> Vec<String> {
        let list = format!("list={list}");
        let words = ["event=list_health", &list, word];
        let about = |line: &&str| words.iter().all(|word| line.split(' ').any(|found| found == *word));
        self.gate.daemon.log().lines().filter(about).map(str::to_owned).collect()
    }

    /// The same, once there are any: a list never changes its state silently. The log comes a moment after the state.
    fn wait_told(&self, list: &str, word: &str) -> Vec<String> {
        wait::until_some(&format!("the log to say that {list} is {word}"), wait::SOON, || {
            Some(self.told(list, word)).filter(|told| !told.is_empty())
        })
    }

    /// Makes the faults and waits until the breaker is open over each of these lists, and only these.
    fn break_lists(&mut self) {
        for (zone, fault) in &self.faulty {
            self.gate.faults().set(zone, fault.clone());
        }
        self.wait_for_faulty("the breaker to open", OPENS, |state| state != "healthy");
        for (zone, _) in &self.faulty {
            let told = self.wait_told(zone, "from=healthy");
            assert!(told.iter().any(|line| line.contains(" cause=")), "{zone}: nobody says why in {told:?}");
            let shown = self.gate.daemon.tool(&["lists"]);
            let names = |line: &str| STATES[1..].iter().any(|state| line.to_lowercase().contains(state));
            let shows = |line: &str| line.contains(zone) && names(line);
            assert!(!shown.good && shown.output.lines().any(shows), "{zone}: not all is well, and {shown:?}");
        }
    }

    /// Open: what the faulty lists say changes nothing, what the others say does.
    fn assert_ignored(&mut self) {
        for second in [18, 19] {
            let client = self.client(second);
            let said = self.answer(client);
            assert_eq!(said.code, 250, "{client}: {said:?}");
        }
        let said = self.answer(LISTED_ELSEWHERE.into());
        let words = format!("{LISTED_ELSEWHERE} is listed by {}: Listed", WELL[0]);
        assert_eq!((said.code, said.words()), (553, words));
    }

    /// Ends the faults and waits until every list is believed again.
    fn mend_lists(&mut self) {
        for (zone, _) in &self.faulty {
            self.gate.faults().clear(zone);
        }
        self.wait_for_faulty("the breaker to close", CLOSES, |state| state == "healthy");
        self.assert_heard();
        for (zone, _) in &self.faulty {
            self.wait_told(zone, "to=healthy");
        }
        for zone in WELL {
            assert_eq!(self.told(zone, "from=healthy"), Vec::<String>::new(), "nothing had befallen {zone}");
        }
    }
}

#[test]
fn the_breaker_opens_and_closes_over_lists_that_do_not_answer() {
    let cut = Fault::Truncated { rest: false, tcp: false };
    let mut scene = Scene::start(
        "breaker-mute",
        &[
            ("silent.example", Fault::Silent),
            ("servfail.example", Fault::Code(2)),
            ("refused.example", Fault::Code(5)),
            ("garbage.example", Fault::Garbage),
            ("cut.example", cut),
        ],
    );
    scene.break_lists();
    scene.assert_ignored();
    scene.mend_lists();
}

#[test]
fn the_breaker_opens_and_closes_over_lists_that_say_nonsense() {
    const NXDOMAIN: u8 = 3;
    let mut scene = Scene::start(
        "breaker-lies",
        &[
            ("wildcard.example", Fault::Says([127, 0, 0, 2].into())),
            ("refusing.example", Fault::Says([127, 255, 255, 254].into())),
            ("rewritten.example", Fault::Rewrites([203, 0, 113, 7].into())),
            ("alias.example", Fault::Alias("2.0.0.127.well1.example".to_owned())),
            ("empty.example", Fault::Code(NXDOMAIN)),
        ],
    );
    scene.break_lists();
    scene.assert_ignored();
    scene.mend_lists();
}

#[test]
fn the_breaker_stays_open_over_a_restart() {
    let mut scene = Scene::start("breaker-restart", &[("refusing.example", Fault::Says([127, 255, 255, 254].into()))]);
    scene.break_lists();
    let ended = scene.gate.daemon.stop(wait::SOON);
    assert!(ended.success(), "{ended:?}");
    scene.gate.daemon.run();
    let known = || Some(scene.state("refusing.example")).filter(|state| *state != "unknown");
    assert_ne!(wait::until_some("the list's state", wait::SOON, known), "healthy");
    scene.assert_ignored();
    scene.mend_lists();
}

#[test]
fn the_breaker_opens_and_closes_over_a_resolver_that_rewrites() {
    let everything = "";
    let invented = Fault::Rewrites([203, 0, 113, 7].into());
    let mut scene = Scene::start("breaker-resolver", &[("first.example", invented.clone())]);
    scene.gate.faults().set(everything, invented);
    let lies = |scene: &Scene| scene.gate.daemon.metrics().sum("tollgate_resolver_lies", &[]);
    wait::until("the resolver to be found out", OPENS, || {
        let client = scene.client(18);
        assert_eq!(scene.answer(client).code, 250, "an invented answer refuses nobody");
        lies(&scene) > 0.5
    });
    // All lists come through it: none is believed, and each says so.
    let zones = || WELL.into_iter().chain(["first.example"]);
    wait::until("no list to be believed", OPENS, || zones().all(|zone| scene.state(zone) != "healthy"));
    for zone in zones() {
        scene.wait_told(zone, "from=healthy");
    }
    scene.gate.faults().clear(everything);
    let all_well = |scene: &Scene| lies(scene) < 0.5 && zones().all(|zone| scene.state(zone) == "healthy");
    wait::until("the resolver and all lists to be believed again", CLOSES, || {
        let client = scene.client(18);
        scene.answer(client);
        all_well(&scene)
    });
    scene.assert_heard();
}
