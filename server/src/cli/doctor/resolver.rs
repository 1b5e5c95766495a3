//! Does the resolver answer, and does it tell the truth? Asks what the daemon would ask, through the same code.

use super::{Failure, Patient, Report};
use crate::{
    ask::{
        Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Question, RecordType, Resolver, Upstream,
        dns::{self, selftest},
    },
    clock::Clock,
    pipeline::Policy,
};
use std::{collections::BTreeSet, net::Ipv4Addr};
use tokio::runtime::Builder;

const TEST: &str = "resolver";
/// A name that has stood in the DNS since 1995 and is where every resolver begins.
const OUTSIDE: &str = "a.root-servers.net";
/// Lists that are asked about their test addresses: more would be a load on them, and a long wait.
const LISTS_MAX: usize = 64;

pub(super) fn examine(patient: &Patient, report: &mut Report) -> Result<(), Failure> {
    let (resolver, lookups) = match dns::Resolver::new(&patient.dns, Clock::system()) {
        Ok(halves) => halves,
        Err(error) => {
            report.fail(TEST, format!("{error}: see [dns] and /etc/resolv.conf"));
            return Ok(());
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            () = lookups.run() => {}
            () = all(patient, &resolver, report) => {}
        }
    });
    Ok(())
}

async fn all(patient: &Patient, resolver: &Resolver, report: &mut Report) {
    let mut works = BTreeSet::new();
    for (name, upstream) in patient.dns.upstreams() {
        if one(resolver, upstream, if name.is_empty() { "the default one" } else { &name }, report).await {
            works.insert(upstream);
        }
    }
    let lists = patient.policy.as_ref().map(lists).unwrap_or_default();
    for (zone, upstream) in lists.iter().take(LISTS_MAX) {
        // A resolver that fails is one FAIL, not one for each list.
        if works.contains(upstream) {
            list(resolver, zone, *upstream, report).await;
        }
    }
}

/// Is it of use? A name that cannot exist must not resolve; one that must exist should.
async fn one(resolver: &Resolver, upstream: Upstream, name: &str, report: &mut Report) -> bool {
    let (nonsense, reading) = selftest::examine(resolver, upstream).await;
    match reading {
        selftest::Reading::Honest => {}
        selftest::Reading::Invents => {
            let text = format!("{name} invents answers ({} exists)", nonsense.name);
            report.fail(TEST, format!("{text}: with it every client is on every list; use a resolver of your own"));
            return false;
        }
        selftest::Reading::Silent(failure) => {
            let text = format!("{name} does not answer ({})", failure.name());
            report.fail(
                TEST,
                format!("{text}: lists are scored 0 until it does; see [dns] servers, or /etc/resolv.conf"),
            );
            return false;
        }
    }
    match ask(resolver, OUTSIDE, upstream).await {
        DnsAnswer::Found(_) => report.ok(TEST, format!("{name} answers and tells the truth")),
        _ => {
            let text = format!("{name} answers, but does not know {OUTSIDE}");
            report.warn(TEST, format!("{text}: it cannot ask the internet; fine only if your lists are local"));
        }
    }
    true
}

/// Zones and resolvers of the configured lists that are asked about IPv4 clients.
fn lists(policy: &Policy) -> BTreeSet<(String, Upstream)> {
    let Some(Ok(rows)) = policy.check("rbl").map(|rbl| rbl.inspect("lists", &[])) else { return BTreeSet::new() };
    let column = |name: &str| rows.columns.iter().position(|column| column == name);
    let (Some(zone), Some(families), Some(resolver)) = (column("zone"), column("families"), column("resolver")) else {
        return BTreeSet::new();
    };
    let asked = rows.rows.iter().filter(|row| row[families].contains("ipv4"));
    asked.map(|row| (row[zone].clone(), Upstream::named(&row[resolver]))).collect()
}

/// RFC 5782 §5: every list has 127.0.0.2, none has 127.0.0.1.
async fn list(resolver: &Resolver, zone: &str, upstream: Upstream, report: &mut Report) {
    const TEST: &str = "dns list";
    let reversed = |ip: [u8; 4]| crate::ask::reversed(Ipv4Addr::from(ip).into());
    let must_not = ask(resolver, &format!("{}.{zone}", reversed([127, 0, 0, 1])), upstream).await;
    let must = ask(resolver, &format!("{}.{zone}", reversed([127, 0, 0, 2])), upstream).await;
    match (must_not, must) {
        (DnsAnswer::Found(_), _) => {
            report.fail(
                TEST,
                format!("{zone} lists everybody (127.0.0.1 is on it): take it out, its domain may be gone"),
            );
        }
        (_, DnsAnswer::Failed(failure)) => {
            let text = format!("{zone} does not answer ({})", failure.name());
            report.warn(TEST, format!("{text}: it is scored 0; big lists refuse public resolvers, use your own"));
        }
        (_, DnsAnswer::NotFound) => {
            let text = format!("{zone} does not list its test address 127.0.0.2");
            report.warn(TEST, format!("{text}: it may be misspelt, gone, or refuse your resolver"));
        }
        (_, DnsAnswer::Found(_)) => report.ok(TEST, format!("{zone} answers")),
    }
}

/// The resolver bounds the time itself.
async fn ask(resolver: &Resolver, name: &str, upstream: Upstream) -> DnsAnswer {
    let question = DnsQuestion { upstream, ..DnsQuestion::new(name, RecordType::A) };
    match resolver.ask(Question::Dns(question), Asker::default()).await {
        Ok(Answered { answer: Answer::Dns(answer), .. }) => answer,
        _ => DnsAnswer::Failed(crate::ask::Failure::Unreachable),
    }
}
