//! `tollgate spf --ip …`: may this client send for this sender?

use super::{
    super::{
        Context, Failure, exit, json,
        text::{columns, one_line},
        units::took,
    },
    args::SpfQuery,
    dns, usage,
};
use crate::{
    ask::{
        SpfTerms,
        spf::{Evaluation, Event, Instead, LOOKUPS_MAX, Limits, LocalPolicy, Matched, Query, SpfResult, Trace},
    },
    clock::Clock,
};
use serde_json::{Value, json};
use std::{ffi::OsString, io, net::IpAddr, os::unix::ffi::OsStrExt, time::Duration};

/// An answer with what is needed to print it.
struct Answer {
    evaluation: Evaluation,
    explanation: Option<String>,
    voids: usize,
    took: Duration,
}

pub(super) fn run(ip: IpAddr, args: &SpfQuery, context: &mut Context<'_>) -> Result<u8, Failure> {
    if args.from.is_none() && args.helo.is_none() {
        return Err(usage("--ip alone: expected --from or --helo with it"));
    }
    let query = query(ip, args);
    let limits = Limits { voids: args.voids, ..Limits::default() };
    let local =
        LocalPolicy::read(&args.rules, &args.guess).map_err(|(part, error)| usage(&format!("--{part}: {error}")))?;
    let record = args.record.as_deref().map(dns::record).transpose()?;
    let terms = SpfTerms::new(limits, local);
    let clock = Clock::system();
    let begun = clock.steady();
    let evaluation = dns::with_dns(context, async |dns| match (record, query.domain()) {
        (Some(record), Some(domain)) => {
            terms.evaluate(&Instead::new(dns, domain.into(), record), &query, args.trace).await
        }
        _ => terms.evaluate(dns, &query, args.trace).await,
    })?;
    let now = clock.now();
    let written = |explanation: &crate::ask::spf::Explanation| explanation.written(&query, "", now.unix_seconds());
    let explanation = evaluation.explanation.as_ref().map(written);
    let answer =
        Answer { evaluation, explanation, voids: args.voids, took: now.steady.saturating_duration_since(begun) };
    if context.common.json {
        json::print(context.out, &answer.json())?;
    } else {
        answer.print(context.out)?;
    }
    Ok(if answer.evaluation.result == SpfResult::TempError { exit::DEFERRED } else { exit::FINE })
}

fn query(ip: IpAddr, args: &SpfQuery) -> Query {
    let bytes = |text: &Option<OsString>| text.as_ref().map(|text| text.as_bytes().to_vec()).unwrap_or_default();
    let (from, helo) = (bytes(&args.from), bytes(&args.helo));
    // People paste it with its brackets.
    let inner = from.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(&from);
    Query::mail_from(ip, inner, &helo)
}

impl Answer {
    fn ttl_seconds(&self) -> Option<u64> {
        Some(self.evaluation.ttl).filter(|ttl| *ttl < Duration::MAX).map(|ttl| ttl.as_secs())
    }

    fn took_us(&self) -> u64 {
        u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX)
    }

    fn print(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let found = &self.evaluation;
        for (depth, event) in found.trace.as_ref().map(Trace::events).unwrap_or_default() {
            writeln!(out, "{:indent$}{}", "", one_line(&event.to_string()), indent = depth * 2)?;
        }
        let of = found.matched.as_ref();
        let mut rows = vec![("result", found.result.to_string())];
        let mut add = |name, text: Option<String>| rows.extend(text.map(|text| (name, text)));
        add("mechanism", of.map(|of| of.mechanism.to_string()));
        let whose = |of: &Matched| if of.is_local { "none: local policy".to_owned() } else { of.domain.to_string() };
        add("domain", of.map(whose));
        add("look-ups", Some(format!("{} of {LOOKUPS_MAX}", found.lookups)));
        add("void", Some(format!("{} of {}", found.voids, self.voids)));
        add("ttl", self.ttl_seconds().map(|seconds| format!("{seconds} s")));
        let identity = if found.is_identity { "yes" } else { "no: by all, ptr or a wide range anybody may pass" };
        add("identity", (found.result == SpfResult::Pass).then(|| identity.to_owned()));
        add("problem", found.problem.clone());
        add("explanation", self.explanation.clone());
        add("took", Some(took(self.took_us())));
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|(name, text)| vec![name.to_owned(), one_line(&text)]).collect();
        write!(out, "{}", columns("", &rows))
    }

    fn json(&self) -> Value {
        let found = &self.evaluation;
        json!({
            "result": found.result.name(),
            "mechanism": found.matched.as_ref().map(|of| &*of.mechanism),
            "domain": found.matched.as_ref().map(|of| &*of.domain),
            "local_policy": found.matched.as_ref().is_some_and(|of| of.is_local),
            "lookups": found.lookups,
            "lookups_max": LOOKUPS_MAX,
            "voids": found.voids,
            "voids_max": self.voids,
            "ttl_seconds": self.ttl_seconds(),
            "identity": found.is_identity,
            "problem": found.problem,
            "explanation": self.explanation,
            "took_us": self.took_us(),
            "trace": found.trace.as_ref().map(|trace| trace.events().iter().map(event).collect::<Vec<_>>()),
        })
    }
}

fn event((depth, event): &(usize, Event)) -> Value {
    match event {
        Event::Record { domain, text } => json!({ "depth": depth, "record": text, "domain": domain }),
        Event::Term { text, is_local } => json!({ "depth": depth, "term": text, "local": is_local }),
        Event::Asked { kind, name, answer, is_cached, took } => json!({
            "depth": depth, "type": kind.name(), "name": name, "answer": answer, "cached": is_cached,
            "took_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        }),
        Event::Came { to } => json!({ "depth": depth, "came_to": to }),
    }
}
