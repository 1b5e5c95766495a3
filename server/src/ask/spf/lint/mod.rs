//! What should the owner of a domain know about its record, before receivers find out?
//!
//! `words` reads a record word by word, and goes on behind a fault. `record` judges what is written in one, `walk` goes
//! through all that a record leads to, `terms` asks what its terms ask, `report` is what comes out.

mod record;
mod report;
mod terms;
#[cfg(test)]
mod tests;
mod walk;
mod words;

pub use report::{Finding, Level, Place, Report};

use super::{
    dns::Dns,
    evaluate::check_host,
    limits::{LOOKUPS_MAX, Limits, VOIDS_MAX},
    local::LocalPolicy,
    query::Query,
    result::{Evaluation, SpfResult},
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use walk::Walk;

/// A lint's time: as long as three evaluations may take.
const TIME_MAX: Duration = Duration::from_secs(60);
/// From here on the next include of somebody else is one too many.
const LOOKUPS_NEAR: usize = 8;
/// Addresses of ours that are tried.
pub const OURS_MAX: usize = 100;

/// Looks through the record of `domain`, one of [`super::mail_domain`], and all that it leads to. `ours` are addresses
/// that should pass, at most [`OURS_MAX`]. Always ends.
pub async fn lint(dns: &impl Dns, domain: &Arc<str>, ours: &[IpAddr]) -> Report {
    let mut walk = Walk::new(dns, domain);
    let ended = tokio::time::timeout(TIME_MAX, async {
        walk.main().await;
        for ip in ours.iter().take(OURS_MAX) {
            try_ours(dns, domain, *ip, &mut walk).await;
        }
    });
    if ended.await.is_err() {
        walk.fail(domain, "", format!("not looked through after {} s: there may be more to say", TIME_MAX.as_secs()));
    }
    let mut report = walk.into_report();
    sum_up(domain, &mut report);
    report.findings.sort_by_key(|finding| finding.level);
    report
}

/// Does an address of ours pass, and by something that means it?
async fn try_ours<D: Dns>(dns: &D, domain: &Arc<str>, ip: IpAddr, walk: &mut Walk<'_, D>) {
    let query = Query::mail_from(ip, format!("@{domain}").as_bytes(), domain.as_bytes());
    let found = check_host(dns, &query, &Limits::default(), &LocalPolicy::default(), false).await;
    let (level, text) = match &found {
        Evaluation { result: SpfResult::Pass, is_identity: true, .. } => return,
        Evaluation { result: SpfResult::Pass, .. } => {
            (Level::Warning, format!("{ip} passes by what anybody may pass by: {found}"))
        }
        Evaluation { result: SpfResult::TempError, .. } => {
            return walk.fail(domain, "", format!("{ip} could not be tried: {found}"));
        }
        _ => (Level::Error, format!("{ip} is one of yours and does not pass: {found}")),
    };
    walk.add(Finding::new(level, domain, "", text));
}

/// The limits of RFC 7208 §4.6.4.
fn sum_up(domain: &Arc<str>, report: &mut Report) {
    let lookups = report.lookups;
    if lookups > LOOKUPS_MAX {
        let text =
            format!("{lookups} terms ask the DNS, more than {LOOKUPS_MAX}: whoever gets that far is a permerror");
        report.findings.push(Finding::new(Level::Error, domain, "", text));
    } else if lookups >= LOOKUPS_NEAR {
        let text = format!("{lookups} terms of {LOOKUPS_MAX} ask the DNS: whoever is included may need more one day");
        report.findings.push(Finding::new(Level::Warning, domain, "", text));
    }
    if report.voids > VOIDS_MAX {
        let text = format!(
            "{} terms find nothing in the DNS, more than {VOIDS_MAX}: a permerror at many receivers",
            report.voids
        );
        report.findings.push(Finding::new(Level::Error, domain, "", text));
    }
}
