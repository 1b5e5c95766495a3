//! What do all records together cost that a domain's leads to, as if no term matched? Each is looked at once.

use super::{
    super::{
        dns::{Data, Dns, Kind, Said, Trouble},
        domain::target_name,
        limits::RECORD_OCTETS_MAX,
        query::Query,
        record::{DomainSpec, Modifier, Qualifier, Record, Term},
        text::Macros,
    },
    record,
    report::{Finding, Level, Place, Report},
    words::{self, Word},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// Questions of one lint. An evaluation that is within its limits needs fewer than half.
const QUESTIONS_MAX: usize = 500;
/// Records within records; a receiver follows ten at most.
const LEVELS_MAX: usize = 20;
/// Findings told.
const FINDINGS_MAX: usize = 200;
/// Octets of a name and its texts that still fit into one answer by UDP (RFC 7208 §3.4).
const ANSWER_OCTETS: usize = 450;

/// What a record costs, with all that it leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) lookups: usize,
    /// Terms that find nothing, for clients with IPv4 and with IPv6.
    pub(super) voids: [usize; 2],
}

impl Cost {
    /// One term that asks the DNS.
    pub(super) const TERM: Self = Self { lookups: 1, voids: [0; 2] };

    pub(super) fn and(self, other: Self) -> Self {
        let voids = |family: usize| self.voids[family].saturating_add(other.voids[family]);
        Self { lookups: self.lookups.saturating_add(other.lookups), voids: [voids(0), voids(1)] }
    }
}

/// What came of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no record.
    Missing,
    /// It could not be looked at, which has been told.
    Unknown,
    /// Its record costs this.
    There(Cost),
}

/// A domain whose record is being looked through.
#[derive(Clone)]
pub(super) struct Here {
    pub(super) domain: Arc<str>,
    /// Whom it does not match is judged by it: it is the main one, or the one that redirects to.
    pub(super) decides: bool,
    /// Whom it lets pass, passes: it is not included to fail those.
    pub(super) passes: bool,
    /// Domains above it.
    pub(super) level: usize,
}

/// How a record leads to another one.
#[derive(Clone, Copy)]
pub(super) enum By {
    Include(Qualifier),
    Redirect,
}

impl Here {
    /// The domain that a term of this one's record leads to.
    pub(super) fn to(&self, domain: String, by: By) -> Self {
        let (decides, passes) = match by {
            By::Include(qualifier) => (false, self.passes && qualifier == Qualifier::Pass),
            By::Redirect => (self.decides, self.passes),
        };
        Self { domain: domain.into(), decides, passes, level: self.level + 1 }
    }
}

/// A lint under way.
pub(super) struct Walk<'a, D> {
    dns: &'a D,
    main: Arc<str>,
    /// Domains, whether they let pass, and what came of them; `None` = being looked through.
    seen: HashMap<(Arc<str>, bool), Option<Standing>>,
    questions: usize,
    report: Report,
}

impl<'a, D: Dns> Walk<'a, D> {
    pub(super) fn new(dns: &'a D, main: &Arc<str>) -> Self {
        Self { dns, main: main.clone(), seen: HashMap::new(), questions: 0, report: Report::default() }
    }

    pub(super) fn into_report(self) -> Report {
        self.report
    }

    /// The domain that is asked about, and all that it leads to.
    pub(super) async fn main(&mut self) {
        let here = Here { domain: self.main.clone(), decides: true, passes: true, level: 0 };
        match self.domain(&here).await {
            Standing::There(cost) => {
                self.report.lookups = cost.lookups;
                self.report.voids = cost.voids[0].max(cost.voids[1]);
            }
            Standing::Missing => self.error(&here, "", "has no record of SPF: anybody may use its name"),
            Standing::Unknown => {}
        }
    }

    /// Looks through a domain's record, unless that was done before.
    pub(super) async fn domain(&mut self, here: &Here) -> Standing {
        let key = (here.domain.clone(), here.passes);
        match self.seen.get(&key) {
            Some(Some(standing)) => return *standing,
            Some(None) => {
                self.error(here, "", "its record leads to itself again: a permerror for whoever gets that far");
                return Standing::Unknown;
            }
            None if here.level > LEVELS_MAX => {
                self.is_more();
                return Standing::Unknown;
            }
            None => _ = self.seen.insert(key.clone(), None),
        }
        let standing = match self.record(here).await {
            Ok(Some(record)) => Standing::There(self.terms(here, &record).await),
            Ok(None) => Standing::Missing,
            Err(()) => Standing::Unknown,
        };
        self.seen.insert(key, Some(standing));
        standing
    }

    /// The text of its record; `Err` = it could not be looked up, which has been told.
    async fn record(&mut self, here: &Here) -> Result<Option<Arc<[u8]>>, ()> {
        let found = match self.ask(here, "", &here.domain, Kind::Txt).await {
            Some(Said::Found(found)) => found,
            Some(Said::NotFound) => return Ok(None),
            _ => return Err(()),
        };
        let texts: Vec<Arc<[u8]>> =
            found.into_iter().filter_map(|data| if let Data::Txt(text) = data { Some(text) } else { None }).collect();
        let mut meant = texts.iter().filter(|text| Record::is_meant(text));
        let record = meant.next().cloned();
        let more = meant.count();
        if more > 0 {
            let text = format!("has {} records of SPF: a permerror; put all terms into one", more + 1);
            self.error(here, "", text);
        }
        for text in texts.iter().filter(|text| looks_meant(text)) {
            let begin = words::shown(&text[..text.len().min(20)]);
            self.warn(
                here,
                "",
                format!("a text that nobody takes for a record: expected v=spf1 and a space, not {begin}"),
            );
        }
        let octets = here.domain.len() + texts.iter().map(|text| text.len()).sum::<usize>();
        if record.is_some() && octets > ANSWER_OCTETS {
            let text =
                format!("name and texts have {octets} octets: beyond {ANSWER_OCTETS} the answer may not fit into UDP");
            self.note(here, "", text);
        }
        Ok(record)
    }

    /// What is odd about a record, and what its terms cost.
    async fn terms(&mut self, here: &Here, record: &[u8]) -> Cost {
        if record.len() > RECORD_OCTETS_MAX {
            self.error(here, "", format!("is longer than {RECORD_OCTETS_MAX} octets: nobody reads it"));
            return Cost::default();
        }
        let (words, faults) = words::read(record);
        for (term, fault) in faults {
            let place = Place { record: words::shown(record).into(), at: fault.at };
            let found = Finding::new(Level::Error, &here.domain, term, fault.to_string());
            self.add(Finding { place: Some(place), ..found });
        }
        for (level, term, text) in record::judge(&words, here) {
            // Its own owner may care.
            if level != Level::Note || here.decides {
                self.add(Finding::new(level, &here.domain, term, text));
            }
        }
        self.cost(here, &words).await
    }

    /// As if none matched, but for `all`, behind which nobody gets.
    async fn cost(&mut self, here: &Here, words: &[Word]) -> Cost {
        let end = record::end(words);
        let mut sum = Cost::default();
        for (number, word) in words.iter().enumerate() {
            let cost = match &word.term {
                Some(Term::Directive(directive)) if end.is_none_or(|end| number < end) => {
                    self.directive(here, &word.text, directive).await
                }
                Some(Term::Modifier(Modifier::Redirect(to))) if end.is_none() => {
                    Cost::TERM.and(self.follow(here, &word.text, to, By::Redirect).await)
                }
                Some(Term::Modifier(Modifier::Exp(at))) if here.decides => {
                    self.explanation(here, &word.text, at).await;
                    Cost::default()
                }
                _ => Cost::default(),
            };
            if here.level == 0 && cost.lookups > 0 {
                self.report.costs.push((word.text.clone(), cost.lookups));
            }
            sum = sum.and(cost);
        }
        sum
    }

    /// Where a target leads if that is the same for all who ask: `Err` = it is not; `None` = to no name.
    pub(super) fn fixed(&self, here: &Here, target: &DomainSpec) -> Result<Option<String>, ()> {
        if target.inputs().next().is_some() {
            return Err(());
        }
        let query = Query::mail_from(IpAddr::V4(Ipv4Addr::UNSPECIFIED), format!("@{}", self.main).as_bytes(), b"");
        let macros = Macros { query: &query, domain: &here.domain, name: None, receiver: "", unix_seconds: 0 };
        Ok(target_name(&target.expand(&macros)))
    }

    /// Asks the DNS. `None` = nothing is known, which has been told.
    pub(super) async fn ask(&mut self, here: &Here, term: &str, name: &str, kind: Kind) -> Option<Said> {
        self.questions += 1;
        if self.questions > QUESTIONS_MAX {
            if self.questions == QUESTIONS_MAX + 1 {
                self.warn(here, term, format!("not looked through from here on: more than {QUESTIONS_MAX} questions"));
            }
            self.is_more();
            return None;
        }
        match self.dns.look_up(name, kind).await.said {
            Said::Failed(trouble) => {
                let whose = if matches!(trouble, Trouble::Ours(_)) { " (our own resolver's fault)" } else { "" };
                let domain = here.domain.clone();
                self.fail(&domain, term, format!("{} {name} failed: {}{whose}", kind.name(), trouble.word()));
                None
            }
            said => Some(said),
        }
    }

    /// There may be more than was counted.
    pub(super) fn is_more(&mut self) {
        self.report.is_incomplete = true;
    }

    pub(super) fn error(&mut self, here: &Here, term: &str, text: impl Into<String>) {
        self.add(Finding::new(Level::Error, &here.domain, term, text));
    }

    pub(super) fn warn(&mut self, here: &Here, term: &str, text: impl Into<String>) {
        self.add(Finding::new(Level::Warning, &here.domain, term, text));
    }

    pub(super) fn note(&mut self, here: &Here, term: &str, text: impl Into<String>) {
        if here.decides {
            self.add(Finding::new(Level::Note, &here.domain, term, text));
        }
    }

    /// Something is not known this time.
    pub(super) fn fail(&mut self, domain: &Arc<str>, term: &str, text: impl Into<String>) {
        (self.report.is_incomplete, self.report.has_failed) = (true, true);
        self.add(Finding::new(Level::Warning, domain, term, text));
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if self.report.findings.contains(&finding) {
            return;
        }
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(finding);
        } else {
            self.is_more();
        }
    }
}

/// Meant by its owner, but by nobody who reads it.
fn looks_meant(text: &[u8]) -> bool {
    let start = text.iter().position(|octet| !matches!(octet, b' ' | b'"' | b'\'' | b'\t')).unwrap_or(0);
    let begin = text.get(start..).unwrap_or_default().to_ascii_lowercase();
    let is_near = [&b"v=spf1"[..], b"v = spf1", b"v=spf 1", b"v=spf2", b"spf1 ", b"v:spf1"];
    is_near.iter().any(|near| begin.starts_with(near)) && !Record::is_meant(text)
}
