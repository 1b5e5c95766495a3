//! How are the DNS lists doing, and what is each worth? The keeper's knowledge as the wire writes it.

use crate::{
    ask::ListId,
    dns_lists::{
        card::{Contradiction, ListReport, Overlap, Report, Window},
        health::Cause,
        keeper::Standing,
    },
    rpc::convert,
};
use tollgate_proto::v1;

/// `order` is the configuration's; lists of an older policy are left out.
pub(super) fn standings(standings: &[Standing], order: impl Iterator<Item = ListId>) -> v1::ListsReply {
    let of = |id: ListId| standings.iter().find(|standing| standing.list == id);
    v1::ListsReply { lists: order.filter_map(of).map(row).collect() }
}

fn row(standing: &Standing) -> v1::DnsList {
    let (probed_at, probe) = standing.probed.map_or((0, ""), |(at, reading)| (at, reading.name()));
    v1::DnsList {
        name: standing.name.to_string(),
        zone: standing.zone.clone(),
        health: standing.health.name().to_owned(),
        cause: standing.cause.map_or("", Cause::name).to_owned(),
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
    let overlap = |Overlap { first, second, both }: &Overlap| v1::ListOverlap {
        first: first.to_string(),
        second: second.to_string(),
        hits: *both,
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

fn card(list: &ListReport) -> v1::ListCard {
    let counts = &list.counts;
    let kinds = Contradiction::ALL.into_iter().zip(counts.contradicted).filter(|(_, count)| *count > 0);
    v1::ListCard {
        name: list.name.to_string(),
        heard: counts.heard,
        failed: counts.failed,
        hits: counts.hits,
        unique_hits: counts.unique,
        would_refuse: counts.would_refuse,
        needed: counts.needed,
        contradictions: kinds.map(|(kind, count)| v1::Contradiction { kind: kind.name().to_owned(), count }).collect(),
        lookups: counts.lookups,
        errors: counts.lookups_failed,
        latency_p50_us: list.p50.map_or(0, convert::micros),
        latency_p99_us: list.p99.map_or(0, convert::micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ask::Health,
        dns_lists::{card::Counts, probe::Reading},
    };
    use std::time::Duration;

    const NOON: u64 = 20_000 * 86_400 + 43_200;

    fn standing(name: &str) -> Standing {
        Standing {
            list: ListId::named(name),
            name: name.into(),
            zone: format!("[key].{name}"),
            health: Health::Suspect,
            cause: Some(Cause::Wildcard),
            since: NOON - 60,
            monitored: true,
            welcomes: true,
            asked_today: 500,
            limit: Some(700),
            refused: 3,
            forecast: Some(NOON + 3_600),
            probed: Some((NOON - 30, Reading::Bad(Cause::Wildcard))),
            hit_rate: Some(0.25),
            error_rate: None,
        }
    }

    #[test]
    fn lists_stand_in_the_configurations_order() {
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
    fn a_report_keeps_its_figures() {
        let counts = Counts {
            heard: 9,
            hits: 8,
            unique: 7,
            failed: 1,
            would_refuse: 6,
            needed: 3,
            contradicted: [2, 0, 0, 1],
            lookups: 5,
            lookups_failed: 4,
            ..Counts::default()
        };
        let (list, p50) = (ListId::named("a"), Some(Duration::from_millis(2)));
        let lists = vec![ListReport { list, name: "a".into(), counts, p50, p99: None }];
        let overlaps = vec![Overlap { first: "a".into(), second: "b".into(), both: 2 }];
        let all = Report { window: Window::Month, from: NOON, until: NOON + 9, connections: 9, lists, overlaps };
        let expected = v1::ListCard {
            name: "a".into(),
            heard: 9,
            failed: 1,
            hits: 8,
            unique_hits: 7,
            would_refuse: 6,
            needed: 3,
            contradictions: vec![
                v1::Contradiction { kind: "accepted".into(), count: 2 },
                v1::Contradiction { kind: "pardoned".into(), count: 1 },
            ],
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
