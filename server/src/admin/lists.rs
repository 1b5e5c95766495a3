//! How are the DNS lists doing, and what is each worth? The keeper's knowledge as the wire writes it.

use crate::{
    ask::{Health, ListId},
    dns_lists::{Account, DnsLists},
    rpc::convert,
};
use std::{sync::Arc, time::Duration};
use tollgate_proto::v1;

/// A day of UTC, in seconds.
const DAY_SECONDS: u64 = 86_400;

/// The span of a report; it ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One hour.
    Hour,
    /// 24 hours.
    Day,
    /// 30 days.
    Month,
}

/// How one list is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Which.
    pub list: ListId,
    /// Its name.
    pub name: Arc<str>,
    /// Its zone as it may be shown: without its key.
    pub zone: String,
    /// How far it is believed.
    pub health: Health,
    /// Why it is not healthy, in a word; `None` = it is.
    pub cause: Option<&'static str>,
    /// Unix time in seconds since when; 0 = since the daemon started.
    pub since: u64,
    /// It is only rehearsed.
    pub monitored: bool,
    /// It holds good clients.
    pub welcomes: bool,
    /// Look-ups since midnight (UTC).
    pub asked_today: u64,
    /// Look-ups it may have a day; `None` = any number.
    pub limit: Option<u64>,
    /// Look-ups refused for want of budget.
    pub refused: u64,
    /// Unix time in seconds at which the limit is reached if look-ups go on as they do; `None` = not today.
    pub forecast: Option<u64>,
    /// Unix time in seconds of its newest probe, and what that showed, in a word.
    pub probed: Option<(u64, &'static str)>,
    /// Share of the latest clients that it listed, 0 to 1.
    pub hit_rate: Option<f64>,
    /// Share of the latest look-ups without a usable answer, 0 to 1.
    pub error_rate: Option<f64>,
}

/// What all lists are worth in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Unix time in seconds from which on there are figures.
    pub from: u64,
    /// Unix time in seconds: now.
    pub until: u64,
    /// Connections whose client any list was asked about.
    pub connections: u64,
    /// One for each list that was heard.
    pub lists: Vec<Card>,
    /// Pairs of lists that hold the same clients, largest first, with how many.
    pub overlaps: Vec<(Arc<str>, Arc<str>, u64)>,
}

/// What one list is worth: counts of connections, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: Arc<str>,
    /// It said something: clean or listed.
    pub heard: u64,
    /// It said nothing usable.
    pub failed: u64,
    /// It held the client.
    pub hits: u64,
    /// It alone did.
    pub unique: u64,
    /// It would refuse by itself.
    pub would_refuse: u64,
    /// They were refused, and would not have been without it.
    pub needed: u64,
    /// Evidence against its listings, by kind.
    pub contradicted: Vec<(&'static str, u64)>,
    /// Look-ups that went out.
    pub lookups: u64,
    /// Look-ups that failed.
    pub lookups_failed: u64,
    /// Half of its look-ups took no longer.
    pub p50: Option<Duration>,
    /// 99 of 100 took no longer.
    pub p99: Option<Duration>,
}

/// Who knows: the keeper.
pub trait ListsKnown: Send + Sync {
    /// How each list is doing, in any order. `now` is Unix time in seconds.
    fn standings(&self, now: u64) -> Vec<Standing>;

    /// What each was worth. `None` = nobody keeps the figures.
    fn report(&self, window: Window) -> Option<Report>;
}

/// As far as anybody knows without a keeper: health and accounts.
impl ListsKnown for DnsLists {
    fn standings(&self, now: u64) -> Vec<Standing> {
        let board = self.board();
        let standing = |account: Arc<Account>| {
            let (list, spent) = (&account.list, account.spent());
            Standing {
                list: list.id,
                name: list.name.clone(),
                zone: list.zone.to_string(),
                health: board.health(list.id),
                cause: board.ailing().iter().find(|ailing| ailing.list == list.id).map(|ailing| ailing.cause),
                since: 0,
                monitored: list.monitored,
                welcomes: false,
                // An account that was not used today still shows another day's.
                asked_today: if spent.day == now / DAY_SECONDS { spent.lookups } else { 0 },
                limit: account.limit(),
                refused: account.refused(),
                forecast: None,
                probed: None,
                hit_rate: None,
                error_rate: None,
            }
        };
        self.accounts().into_iter().map(standing).collect()
    }

    fn report(&self, _: Window) -> Option<Report> {
        None
    }
}

/// `order` is the configuration's; lists of an older policy are left out.
pub(super) fn standings(standings: &[Standing], order: impl Iterator<Item = ListId>) -> v1::ListsReply {
    let of = |id: ListId| standings.iter().find(|standing| standing.list == id);
    v1::ListsReply { lists: order.filter_map(of).map(row).collect() }
}

fn row(standing: &Standing) -> v1::DnsList {
    let (probed_at, probe) = standing.probed.unwrap_or_default();
    v1::DnsList {
        name: standing.name.to_string(),
        zone: standing.zone.clone(),
        health: standing.health.name().to_owned(),
        cause: standing.cause.unwrap_or_default().to_owned(),
        since: standing.since,
        mode: if standing.monitored { "monitor" } else { "enforce" }.to_owned(),
        hit_rate: standing.hit_rate,
        error_rate: standing.error_rate,
        lookups_today: standing.asked_today,
        limit: standing.limit.unwrap_or(0),
        forecast: standing.forecast.unwrap_or(0),
        probe: probe.to_owned(),
        probed_at,
        welcomes: standing.welcomes,
        refused: standing.refused,
    }
}

/// The wire's word for a window.
pub(super) fn window(window: v1::Window) -> Window {
    match window {
        v1::Window::Hour => Window::Hour,
        v1::Window::Day => Window::Day,
        v1::Window::Month => Window::Month,
    }
}

/// The report card of a window.
pub(super) fn report(window: v1::Window, report: &Report) -> v1::ListReportReply {
    let overlap = |(first, second, hits): &(Arc<str>, Arc<str>, u64)| v1::ListOverlap {
        first: first.to_string(),
        second: second.to_string(),
        hits: *hits,
    };
    v1::ListReportReply {
        window: window.into(),
        from: report.from,
        until: report.until,
        connections: report.connections,
        lists: report.lists.iter().map(card).collect(),
        overlaps: report.overlaps.iter().map(overlap).collect(),
    }
}

fn card(card: &Card) -> v1::ListCard {
    let contradiction = |&(kind, count): &(&str, u64)| v1::Contradiction { kind: kind.to_owned(), count };
    v1::ListCard {
        name: card.name.to_string(),
        heard: card.heard,
        failed: card.failed,
        hits: card.hits,
        unique_hits: card.unique,
        would_refuse: card.would_refuse,
        needed: card.needed,
        contradictions: card.contradicted.iter().filter(|(_, count)| *count > 0).map(contradiction).collect(),
        lookups: card.lookups,
        errors: card.lookups_failed,
        latency_p50_us: card.p50.map_or(0, convert::micros),
        latency_p99_us: card.p99.map_or(0, convert::micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ask::{Ailing, DnsName, HealthBoard, Upstream},
        dns_lists::{Declared, Probe, Subject, Way},
    };

    const NOON: u64 = 20_000 * DAY_SECONDS + 43_200;

    fn declared(name: &str) -> Declared {
        Declared {
            id: ListId::named(name),
            name: name.into(),
            zone: DnsName::with_secret(format!("s3cret.{name}"), 0..6),
            upstream: Upstream::default(),
            way: Way::default(),
            subject: Subject::Address,
            ipv4: true,
            ipv6: true,
            txt_only: false,
            monitored: true,
            budget_per_day: 1_000,
            probe: Probe::All,
            named_codes: Vec::new(),
        }
    }

    #[test]
    fn lists_stand_in_the_configurations_order() {
        let standing = |name: &str| Standing {
            list: ListId::named(name),
            name: name.into(),
            zone: format!("[key].{name}"),
            health: Health::Suspect,
            cause: Some("wildcard"),
            since: NOON - 60,
            monitored: true,
            welcomes: true,
            asked_today: 500,
            limit: Some(700),
            refused: 3,
            forecast: Some(NOON + 3_600),
            probed: Some((NOON - 30, "wildcard")),
            hit_rate: Some(0.25),
            error_rate: None,
        };
        let all = ["a.example", "gone.example", "b.example"].map(standing);
        let reply = standings(&all, ["b.example", "new.example", "a.example"].map(ListId::named).into_iter());
        assert_eq!(reply.lists.iter().map(|list| list.name.as_str()).collect::<Vec<_>>(), ["b.example", "a.example"]);
        let expected = v1::DnsList {
            name: "a.example".into(),
            zone: "[key].a.example".into(),
            health: "suspect".into(),
            cause: "wildcard".into(),
            since: NOON - 60,
            mode: "monitor".into(),
            hit_rate: Some(0.25),
            error_rate: None,
            lookups_today: 500,
            limit: 700,
            forecast: NOON + 3_600,
            probe: "wildcard".into(),
            probed_at: NOON - 30,
            welcomes: true,
            refused: 3,
        };
        assert_eq!(reply.lists[1], expected);
    }

    #[test]
    fn without_a_keeper_health_and_accounts_are_known() {
        let lists = DnsLists::default();
        lists.declare(&[declared("a.example"), declared("b.example")]);
        let (list, name) = (ListId::named("b.example"), "b.example".into());
        lists.show(HealthBoard::new([Ailing { list, name, health: Health::Off, cause: "silent" }]));
        assert!(lists.account(list).expect("declared").spend(NOON));
        let reply = |now| standings(&lists.standings(now), ["a.example", "b.example"].map(ListId::named).into_iter());
        let shown = |list: &v1::DnsList| (list.health.clone(), list.cause.clone(), list.lookups_today, list.limit);
        assert_eq!(
            reply(NOON).lists.iter().map(shown).collect::<Vec<_>>(),
            [("healthy".into(), String::new(), 0, 700), ("off".into(), "silent".into(), 1, 700)]
        );
        assert_eq!(reply(NOON + DAY_SECONDS).lists[1].lookups_today, 0, "yesterday's");
        assert!(!format!("{:?}", reply(NOON)).contains("s3cret"));
        assert_eq!(lists.report(Window::Day), None);
    }

    #[test]
    fn a_report_keeps_its_figures() {
        let first = Card {
            name: "a".into(),
            heard: 9,
            failed: 1,
            hits: 8,
            unique: 7,
            would_refuse: 6,
            needed: 3,
            contradicted: vec![("accepted", 2), ("allowed", 0)],
            lookups: 5,
            lookups_failed: 4,
            p50: Some(Duration::from_millis(2)),
            p99: None,
        };
        let overlaps = vec![("a".into(), "b".into(), 2)];
        let all = Report { from: NOON, until: NOON + 9, connections: 9, lists: vec![first], overlaps };
        let expected = v1::ListCard {
            name: "a".into(),
            heard: 9,
            failed: 1,
            hits: 8,
            unique_hits: 7,
            would_refuse: 6,
            needed: 3,
            contradictions: vec![v1::Contradiction { kind: "accepted".into(), count: 2 }],
            lookups: 5,
            errors: 4,
            latency_p50_us: 2_000,
            latency_p99_us: 0,
        };
        let reply = report(v1::Window::Month, &all);
        assert_eq!(reply.lists, [expected]);
        assert_eq!(reply.overlaps, [v1::ListOverlap { first: "a".into(), second: "b".into(), hits: 2 }]);
        assert_eq!((reply.window(), reply.from, reply.until), (v1::Window::Month, NOON, NOON + 9));
        let words = [v1::Window::Hour, v1::Window::Day, v1::Window::Month].map(window);
        assert_eq!(words, [Window::Hour, Window::Day, Window::Month]);
    }
}
