//! What does `--json` print? The replies of the admin service with the names of `admin.proto`; bytes are escaped texts.

use super::{decision::NO_EXPIRY, text::escaped};
use serde_json::{Value, json};
use std::io::{self, Write};
use tollgate_proto::v1::{
    Change, CheckReply, Contradiction, Counter, Deadline, Decision, DnsList, Evidence, ExplainReply, Finding,
    InspectReply, ListAnswer, ListCard, ListCode, ListFile, ListOverlap, ListReportReply, ListsReply, LookupReply,
    PathStep, ScoreSum, StatusReply, SwitchState, Verdict, lookup_reply::Part,
};

/// One value, indented, and a line feed.
pub(super) fn print(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    writeln!(out, "{value:#}")
}

/// One value in a line of its own, for answers that come one after the other.
pub(super) fn print_line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    writeln!(out, "{value}")?;
    out.flush()
}

pub(super) fn check(reply: &CheckReply) -> Value {
    json!({ "decisions": reply.decisions.iter().map(decision).collect::<Vec<_>>() })
}

pub(super) fn decision(decision: &Decision) -> Value {
    json!({
        "stage": decision.stage,
        "recipient": escaped(&decision.recipient),
        "verdict": decision.verdict.as_ref().map(verdict),
        "findings": decision.findings.iter().map(finding).collect::<Vec<_>>(),
        "evidence": decision.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "took_us": decision.took_us,
        "decided_by": decision.decided_by,
        "generation": decision.generation,
        "time_ms": decision.time_ms,
        "session_id": decision.session_id,
        "host": decision.host,
        "client_ip": decision.client_ip,
        "helo": decision.helo,
        "sender": decision.sender,
        "would_have": super::decision::action_name(decision.would_have()),
        "would_have_by": decision.would_have_by,
        "off": decision.off,
        "path": decision.path.iter().map(path_step).collect::<Vec<_>>(),
        "score": decision.score.as_ref().map(score),
        "deadline": decision.deadline.as_ref().map(deadline),
        "changes": decision.changes.iter().map(change).collect::<Vec<_>>(),
        "evidence_left_out": decision.evidence_left_out,
    })
}

/// The decision itself, and how its policy stands to the one in force.
pub(super) fn explained(reply: &ExplainReply) -> Value {
    let mut value = reply.decision.as_ref().map_or(Value::Null, decision);
    if let Some(object) = value.as_object_mut() {
        object.insert("policy_in_force".to_owned(), reply.policy_in_force.into());
        object.insert("generation_in_force".to_owned(), reply.generation_in_force.into());
    }
    value
}

fn path_step(step: &PathStep) -> Value {
    json!({ "step": step.step, "did": step.did, "detail": step.detail, "won": step.won })
}

fn score(score: &ScoreSum) -> Value {
    json!({
        "sum": score.sum,
        "rehearsed": score.rehearsed,
        "defer_at": score.defer_at,
        "reject_at": score.reject_at,
        "mode": score.mode,
    })
}

fn deadline(deadline: &Deadline) -> Value {
    json!({ "budget_us": deadline.budget_us, "missed": deadline.missed })
}

fn change(change: &Change) -> Value {
    let action = super::decision::action_name(change.action());
    json!({ "without": change.without, "action": action, "by": change.by })
}

/// `session_state` is left out: it is sealed, and nobody but a server can read it.
fn verdict(verdict: &Verdict) -> Value {
    json!({
        "action": super::decision::action_name(verdict.action()),
        "code": verdict.code,
        "enhanced_status": verdict.enhanced_status,
        "text": verdict.text,
        "decision_id": verdict.decision_id,
        "delay_ms": verdict.delay_ms,
        "headers": verdict.headers,
        "authserv_id": verdict.authserv_id,
        "spf_result": verdict.spf_result,
        "degraded": verdict.degraded,
        "close": verdict.close,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "rule": finding.rule,
        "outcome": finding.outcome,
        "mode": finding.mode,
        "score": finding.score,
        "detail": finding.detail,
        "excused": finding.excused,
    })
}

fn evidence(evidence: &Evidence) -> Value {
    json!({
        "question": evidence.question,
        "answer": evidence.answer,
        "cached": evidence.cached,
        "age_seconds": evidence.age_seconds,
        "ttl_seconds": (evidence.ttl_seconds < NO_EXPIRY).then_some(evidence.ttl_seconds),
        "took_us": evidence.took_us,
        "stale": evidence.stale,
        "missing": evidence.missing,
    })
}

pub(super) fn status(reply: &StatusReply) -> Value {
    json!({
        "version": reply.version,
        "started_at": reply.started_at,
        "generation": reply.generation,
        "config": reply.config,
        "reload_error": reply.reload_error,
        "loaded_at": reply.loaded_at,
        "listening": reply.listening,
        "mode": reply.mode,
        "off": switch(reply.off.as_ref()),
        "lists": reply.lists.iter().map(list_file).collect::<Vec<_>>(),
        "counters": reply.counters.iter().map(counter).collect::<Vec<_>>(),
        "dns_lists_ailing": reply.dns_lists_ailing,
    })
}

/// `null` while the kill switch is not thrown.
pub(super) fn switch(state: Option<&SwitchState>) -> Value {
    state.map_or(Value::Null, |off| json!({ "until": off.until, "reason": off.reason, "by": off.by }))
}

fn list_file(list: &ListFile) -> Value {
    json!({
        "check": list.check,
        "path": list.path,
        "entries": list.entries,
        "modified_at": list.modified_at,
        "error": list.error,
        "generation": list.generation,
        "checksum": list.checksum,
        "loaded_at": list.loaded_at,
        "refused": list.refused,
    })
}

fn counter(counter: &Counter) -> Value {
    json!({ "name": counter.name, "value": counter.value })
}

pub(super) fn inspect(reply: &InspectReply) -> Value {
    json!({
        "columns": reply.columns,
        "rows": reply.rows.iter().map(|row| json!({ "cells": row.cells })).collect::<Vec<_>>(),
    })
}

pub(super) fn lists(reply: &ListsReply) -> Value {
    json!({ "lists": reply.lists.iter().map(dns_list).collect::<Vec<_>>() })
}

fn dns_list(list: &DnsList) -> Value {
    json!({
        "name": list.name,
        "zone": list.zone,
        "health": list.health,
        "cause": list.cause,
        "since": list.since,
        "mode": list.mode,
        "hit_rate": list.hit_rate,
        "error_rate": list.error_rate,
        "lookups_today": list.lookups_today,
        "limit": list.limit,
        "forecast": list.forecast,
        "probe": list.probe,
        "probed_at": list.probed_at,
        "welcomes": list.welcomes,
        "refused": list.refused,
    })
}

pub(super) fn list_report(reply: &ListReportReply) -> Value {
    json!({
        "window": super::lists::window_name(reply.window()),
        "from": reply.from,
        "until": reply.until,
        "connections": reply.connections,
        "lists": reply.lists.iter().map(list_card).collect::<Vec<_>>(),
        "overlaps": reply.overlaps.iter().map(overlap).collect::<Vec<_>>(),
    })
}

fn list_card(card: &ListCard) -> Value {
    json!({
        "name": card.name,
        "heard": card.heard,
        "failed": card.failed,
        "hits": card.hits,
        "unique_hits": card.unique_hits,
        "would_refuse": card.would_refuse,
        "needed": card.needed,
        "contradictions": card.contradictions.iter().map(contradiction).collect::<Vec<_>>(),
        "lookups": card.lookups,
        "errors": card.errors,
        "latency_p50_us": card.latency_p50_us,
        "latency_p99_us": card.latency_p99_us,
    })
}

fn contradiction(contradiction: &Contradiction) -> Value {
    json!({ "kind": contradiction.kind, "count": contradiction.count })
}

fn overlap(overlap: &ListOverlap) -> Value {
    json!({ "first": overlap.first, "second": overlap.second, "hits": overlap.hits })
}

/// `{"list": …}` or `{"decision": …}`.
pub(super) fn lookup(reply: &LookupReply) -> Value {
    match &reply.part {
        Some(Part::List(answer)) => json!({ "list": list_answer(answer) }),
        Some(Part::Decision(found)) => json!({ "decision": decision(found) }),
        None => json!({}),
    }
}

fn list_answer(answer: &ListAnswer) -> Value {
    json!({
        "name": answer.name,
        "zone": answer.zone,
        "standing": answer.standing,
        "reason": answer.reason,
        "codes": answer.codes.iter().map(list_code).collect::<Vec<_>>(),
        "text": answer.text,
        "cached": answer.cached,
        "age_seconds": answer.age_seconds,
        "ttl_seconds": answer.ttl_seconds,
        "took_us": answer.took_us,
        "health": answer.health,
        "findings": answer.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn list_code(code: &ListCode) -> Value {
    json!({ "code": code.code, "label": code.label })
}
