//! Does an evaluator get the cases of openspf.org right? Their suites, run over a zone in memory or over any DNS.

mod read;

pub use read::read;

use super::{
    dns::Dns,
    evaluate::check_host,
    explanation::Explanation,
    limits::Limits,
    local::LocalPolicy,
    query::Query,
    result::{Evaluation, SpfResult},
    zone::Zone,
};
use std::net::IpAddr;

/// What an explanation of ours is called where a domain has none of its own.
pub const DEFAULT_EXPLANATION: &str = "DEFAULT";

/// Cases that share a zone.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// What it is about.
    pub description: String,
    /// In the file's order.
    pub cases: Vec<Case>,
    /// What the DNS has.
    pub zone: Zone,
}

/// A question with its right answers.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique within its scenario.
    pub name: String,
    /// The client.
    pub ip: IpAddr,
    /// As the client gives it.
    pub helo: String,
    /// The same.
    pub mail_from: String,
    /// Any of these is right.
    pub results: Vec<SpfResult>,
    /// What a fail is explained with, where the case cares.
    pub explanation: Option<String>,
}

impl Case {
    /// What is asked.
    pub fn query(&self) -> Query {
        Query::mail_from(self.ip, self.mail_from.as_bytes(), self.helo.as_bytes())
    }

    /// Is this answer right? `Err` = one line, why not.
    ///
    /// # Errors
    /// Another result, or another explanation than the case wants.
    pub fn judge(&self, evaluation: &Evaluation) -> Result<(), String> {
        if !self.results.contains(&evaluation.result) {
            let expected: Vec<_> = self.results.iter().map(|result| result.name()).collect();
            return Err(format!("{evaluation}: expected {}", expected.join(" or ")));
        }
        let Some(expected) = self.explanation.as_deref().filter(|_| evaluation.result == SpfResult::Fail) else {
            return Ok(());
        };
        let written = |explanation: &Explanation| explanation.written(&self.query(), "", 0);
        let explained = evaluation.explanation.as_ref().map_or_else(|| DEFAULT_EXPLANATION.to_owned(), written);
        if explained == expected {
            Ok(())
        } else {
            Err(format!("explained with \"{explained}\": expected \"{expected}\""))
        }
    }

    /// Asks over this DNS, by the limits of the RFC.
    pub async fn run(&self, dns: &impl Dns) -> Evaluation {
        check_host(dns, &self.query(), &Limits::default(), &LocalPolicy::default(), false).await
    }
}
