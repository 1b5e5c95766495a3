//! What is asked about SPF? Who, and on which terms: equal questions share one evaluation and its result.

use super::super::spf::{Dns, Evaluation, Limits, LocalPolicy, Query, check_host};
use std::{
    collections::hash_map::DefaultHasher,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// By which limits and local policy is evaluated: the same for all sessions under one policy.
#[derive(Debug, Default)]
pub struct SpfTerms {
    limits: Limits,
    local: LocalPolicy,
    fingerprint: u64,
}

impl SpfTerms {
    /// These.
    pub fn new(limits: Limits, local: LocalPolicy) -> Self {
        let mut hasher = DefaultHasher::new();
        limits.hash(&mut hasher);
        local.rules.to_string().hash(&mut hasher);
        local.guess.to_string().hash(&mut hasher);
        Self { limits, local, fingerprint: hasher.finish() }
    }

    /// The terms of a recorded question: equal to those they were, but nothing can be evaluated on them.
    pub(crate) fn recorded(fingerprint: u64) -> Self {
        Self { fingerprint, ..Self::default() }
    }

    /// The same for equal terms, whatever policy they stand in.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Evaluates a query on these terms.
    pub async fn evaluate(&self, dns: &impl Dns, query: &Query, is_traced: bool) -> Evaluation {
        check_host(dns, query, &self.limits, &self.local, is_traced).await
    }
}

/// What a question is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpfRole {
    /// The sender's domain, or for a null sender the HELO name in its place.
    Sender,
    /// The HELO name beside it.
    Helo,
    /// A forwarder's domain, which may vouch for the client.
    Voucher,
}

/// May this client send for this identity?
#[derive(Clone, Debug)]
pub struct SpfQuestion {
    /// What for: the same question, asked for something else, is another one, and has the same result.
    pub role: SpfRole,
    /// Who.
    pub query: Query,
    /// On which terms.
    pub terms: Arc<SpfTerms>,
}

impl PartialEq for SpfQuestion {
    fn eq(&self, other: &Self) -> bool {
        self.role == other.role && self.query == other.query && self.terms.fingerprint == other.terms.fingerprint
    }
}

impl Eq for SpfQuestion {}

impl Hash for SpfQuestion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.role.hash(state);
        self.query.hash(state);
        self.terms.fingerprint.hash(state);
    }
}

impl fmt::Display for SpfQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SPF {} {}", self.query.sender().escape_ascii(), self.query.ip)
    }
}
