//! What does `--json` print? The replies of the admin service with the names of `admin.proto`; bytes are escaped texts.

use super::text::escaped;
use serde_json::{Value, json};
use std::io::{self, Write};
use tollgate_proto::v1::{
    CheckReply, Counter, Decision, Evidence, Finding, InspectReply, ListFile, StatusReply, SwitchState, Verdict,
};

/// One value, indented, and a line feed.
pub(super) fn print(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    writeln!(out, "{value:#}")
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
    })
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
        "ttl_seconds": evidence.ttl_seconds,
        "took_us": evidence.took_us,
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
