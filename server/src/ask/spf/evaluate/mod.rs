//! What does a domain's record say about a client? check_host() (RFC 7208 §4): record, terms in order, redirect.
//!
//! `state` counts what was done, `mechanism` says whether one matches, `names` confirms a client's names.

mod mechanism;
mod names;
mod state;
#[cfg(test)]
mod tests;

use super::{
    dns::{Data, Dns, Kind, Said},
    domain::target_name,
    explanation::Explanation,
    limits::{Limits, RECORD_OCTETS_MAX},
    local::{LocalPolicy, Placed},
    query::Query,
    record::{Directive, DomainSpec, Mechanism, Record, Term},
    result::{Evaluation, Flaw, Matched, SpfResult},
    text::{MacroText, Macros},
    trace::Event,
};
use mechanism::Matching;
use state::{State, Stop};
use std::{sync::Arc, time::Duration};

/// Evaluates a query. Always ends: within the limits, and within `limits.time`.
pub async fn check_host(
    dns: &impl Dns,
    query: &Query,
    limits: &Limits,
    local: &LocalPolicy,
    is_traced: bool,
) -> Evaluation {
    let Some(domain) = query.domain().map(Arc::<str>::from) else {
        let problem = Some("no domain that could have a record".to_owned());
        return Evaluation { problem, ..Evaluation::bare(SpfResult::None) };
    };
    let mut evaluator = Evaluator { dns, query, local, state: State::new(*limits, is_traced), name: None };
    let ended = tokio::time::timeout(limits.time, evaluator.run(domain)).await;
    ended.unwrap_or_else(|_elapsed| {
        let problem = Some(format!("not ended after {} s", limits.time.as_secs_f32()));
        // For whom it holds, and how long, nobody knows: for nobody else, and not at all.
        Evaluation { problem, ttl: Duration::ZERO, ..Evaluation::bare(SpfResult::TempError) }
    })
}

/// One evaluation under way.
struct Evaluator<'a, D> {
    dns: &'a D,
    query: &'a Query,
    local: &'a LocalPolicy,
    state: State,
    /// The client's confirmed name, and the domain for which it was chosen, once something has asked.
    name: Option<(Arc<str>, Option<Arc<str>>)>,
}

/// What a domain's record came to.
struct Checked {
    result: SpfResult,
    /// Where the explanation of a fail is to be found: the target, and the domain whose record says so.
    exp: Option<(DomainSpec, Arc<str>)>,
    matched: Option<Matched>,
    /// A match says who sent the mail.
    is_narrow: bool,
}

impl Checked {
    const fn only(result: SpfResult) -> Self {
        Self { result, exp: None, matched: None, is_narrow: false }
    }
}

impl<D: Dns> Evaluator<'_, D> {
    async fn run(&mut self, domain: Arc<str>) -> Evaluation {
        let (checked, stop) = match self.check(domain, true).await {
            Ok(checked) => (checked, None),
            Err(stop) => (Checked::only(stop.result()), Some(stop)),
        };
        let explanation = match &checked.exp {
            Some((at, domain)) if checked.result == SpfResult::Fail => self.explanation(at, domain.clone()).await,
            _ => None,
        };
        let is_ours = stop.as_ref().is_some_and(Stop::is_ours);
        let (flaw, problem) = stop.map(Stop::into_problem).unzip();
        let state = &mut self.state;
        Evaluation {
            result: checked.result,
            is_identity: checked.result == SpfResult::Pass && checked.is_narrow,
            matched: checked.matched,
            lookups: state.lookups,
            voids: state.voids,
            ttl: state.ttl,
            is_ours,
            problem,
            flaw: flaw.flatten(),
            explanation,
            depends: std::mem::take(&mut state.depends),
            trace: state.trace.take(),
        }
    }

    /// check_host() for one domain and those it redirects to. `is_main` = it is the one asked about: local policy holds.
    async fn check(&mut self, domain: Arc<str>, is_main: bool) -> Result<Checked, Stop> {
        // What is included is not told of.
        let (tells_match, mut is_main) = (is_main, is_main);
        let (mut domain, mut is_redirected) = (domain, false);
        // Ends: each round after the first is a term that counts.
        loop {
            let record = self.record(&domain).await?;
            let local = self.local;
            let Some(record) = record else {
                return match (is_redirected, is_main) {
                    (true, _) => {
                        let problem = format!("{domain}, to which it redirects, has no record");
                        Err(Stop::perm(Flaw::NoRecord, problem))
                    }
                    (false, true) => self.without_record(&domain).await,
                    (false, false) => Ok(Checked::only(SpfResult::None)),
                };
            };
            let checked = match is_main {
                true => self.first_match(local.merged(&record), &domain, tells_match).await?,
                false => {
                    let own = record.terms.iter().map(|term| (term, false));
                    self.first_match(own, &domain, tells_match).await?
                }
            };
            if let Some(checked) = checked {
                // Nobody asks for the explanation of what is only included.
                let exp = record.exp().filter(|_| tells_match).map(|at| (at.clone(), domain.clone()));
                return Ok(Checked { exp, ..checked });
            }
            let Some(to) = record.redirect() else { return Ok(Checked::only(SpfResult::Neutral)) };
            self.state.count_lookup()?;
            self.state.term(|| format!("redirect={to}"), false);
            domain = match self.target(to, &domain).await {
                Some(target) => target.into(),
                None => return Err(Stop::perm(Flaw::NoRecord, format!("redirect={to} leads to no domain"))),
            };
            (is_main, is_redirected) = (false, true);
        }
    }

    /// Local policy alone. What its look-ups could not find out counts for nothing.
    async fn without_record(&mut self, domain: &Arc<str>) -> Result<Checked, Stop> {
        let local = self.local;
        if !local.stands_in() {
            return Ok(Checked::only(SpfResult::None));
        }
        match self.first_match(local.instead(), domain, true).await {
            Ok(Some(checked)) => Ok(checked),
            Ok(None) | Err(Stop::Temp(_)) => Ok(Checked::only(SpfResult::None)),
            Err(stop) => Err(stop),
        }
    }

    /// The one record of a domain (RFC 7208 §4.4-4.6); `None` = it has none.
    async fn record(&mut self, domain: &str) -> Result<Option<Record>, Stop> {
        let texts = match self.look_up(domain, Kind::Txt).await {
            Said::Found(records) => records,
            Said::NotFound => return Ok(None),
            Said::Failed(trouble) => return Err(Stop::temp(Kind::Txt, domain, trouble)),
        };
        let mut meant = texts.iter().filter_map(|data| match data {
            Data::Txt(text) if Record::is_meant(text) => Some(text),
            _ => None,
        });
        let Some(text) = meant.next() else { return Ok(None) };
        if meant.next().is_some() {
            return Err(Stop::perm(Flaw::SeveralRecords, format!("{domain} has several records")));
        }
        if text.len() > RECORD_OCTETS_MAX {
            return Err(Stop::perm(
                Flaw::Limit,
                format!("the record of {domain} is longer than {RECORD_OCTETS_MAX} octets"),
            ));
        }
        self.state.add(|| Event::Record { domain: domain.to_owned(), text: text.escape_ascii().to_string() });
        let record = Record::parse(text).map_err(|error| {
            let flaw = error.mechanism.clone().map_or(Flaw::Syntax, Flaw::UnknownMechanism);
            Stop::perm(flaw, format!("the record of {domain} {error}"))
        })?;
        Ok(Some(record))
    }

    /// The first directive that matches, and what it means.
    async fn first_match(
        &mut self,
        terms: impl Iterator<Item = Placed<'_>> + Send,
        domain: &Arc<str>,
        tells_match: bool,
    ) -> Result<Option<Checked>, Stop> {
        for (term, is_local) in terms {
            let Term::Directive(directive) = term else { continue };
            self.state.term(|| directive.to_string(), is_local);
            if let Matching::Yes { is_narrow } = self.matches(directive, domain).await? {
                let mechanism = || directive.to_string().into();
                let matched = tells_match.then(|| Matched { mechanism: mechanism(), domain: domain.clone(), is_local });
                return Ok(Some(Checked { result: directive.qualifier.result(), exp: None, matched, is_narrow }));
            }
        }
        Ok(None)
    }

    /// Does a directive match? Counts it, and what it found nothing for.
    async fn matches(&mut self, directive: &Directive, domain: &Arc<str>) -> Result<Matching, Stop> {
        let asks = !matches!(directive.mechanism, Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..));
        if asks {
            self.state.count_lookup()?;
        }
        self.state.deeper();
        let matching = self.mechanism(&directive.mechanism, domain).await;
        let matches = match &matching {
            Ok(Matching::Yes { .. }) => "match",
            Ok(Matching::No) => "no match",
            Err(stop) => stop.result().name(),
        };
        self.state.came(matches);
        self.state.settle_void()?;
        matching
    }

    /// Where a domain-spec leads: the domain to be looked up, `None` = one that the DNS cannot have.
    async fn target(&mut self, spec: &DomainSpec, domain: &Arc<str>) -> Option<String> {
        let expanded = self.expanded(spec, domain).await;
        target_name(&expanded)
    }

    async fn expanded(&mut self, text: &MacroText, domain: &Arc<str>) -> Vec<u8> {
        self.state.depends_on(text.inputs());
        let name = if text.wants_name() { self.confirmed_name(domain).await } else { None };
        let name = name.as_deref();
        text.expand(&Macros { query: self.query, domain, name, receiver: "", unix_seconds: 0 })
    }

    /// The explanation that `exp=` leads to. Whatever goes wrong with it, there is none (RFC 7208 §6.2).
    async fn explanation(&mut self, at: &DomainSpec, domain: Arc<str>) -> Option<Explanation> {
        self.state.term(|| format!("exp={at}"), false);
        let name = self.target(at, &domain).await?;
        let Said::Found(records) = self.look_up(&name, Kind::Txt).await else { return None };
        let [Data::Txt(text)] = records.as_slice() else { return None };
        let explanation = Explanation::read(text, domain.clone())?;
        if !explanation.wants_name() {
            return Some(explanation);
        }
        self.state.depends_on([super::result::Input::Ip]);
        let name = self.confirmed_name(&domain).await;
        Some(explanation.named(name))
    }

    /// Asks the DNS; notes times and trace.
    async fn look_up(&mut self, name: &str, kind: Kind) -> Said {
        let looked = self.dns.look_up(name, kind).await;
        self.state.note(kind, name, &looked);
        looked.said
    }
}
