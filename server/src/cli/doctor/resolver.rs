//! Does the resolver answer, and does it tell the truth? Asks what the daemon would ask, through the same code.

use super::{Failure, Patient, Report, dns_lists};
use crate::{
    ask::{
        Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Question, RecordType, Resolver, Upstream,
        dns::{self, selftest},
    },
    clock::Clock,
    pipeline::Policy,
};
use std::collections::BTreeSet;
use tokio::runtime::Builder;

const TEST: &str = "resolver";
/// A name that has stood in the DNS since 1995 and is where every resolver begins.
const OUTSIDE: &str = "a.root-servers.net";

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
    let lists = patient.policy.as_ref().map(Policy::dns_lists).unwrap_or_default();
    // A resolver that fails is one FAIL, not one for each list.
    for list in lists.iter().filter(|list| works.contains(&list.upstream)) {
        dns_lists::examine(list, resolver, report).await;
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

async fn ask(resolver: &Resolver, name: &str, upstream: Upstream) -> DnsAnswer {
    answer(resolver, DnsQuestion { upstream, ..DnsQuestion::new(name, RecordType::A) }).await
}

/// The resolver bounds the time itself.
pub(super) async fn answer(resolver: &Resolver, question: DnsQuestion) -> DnsAnswer {
    match resolver.ask(Question::Dns(question), Asker::default()).await {
        Ok(Answered { answer: Answer::Dns(answer), .. }) => answer,
        _ => DnsAnswer::Failed(crate::ask::Failure::Unreachable),
    }
}
