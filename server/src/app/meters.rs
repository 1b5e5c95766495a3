//! What does the daemon count about itself? Connections, calls, reloads, failure records; the engine counts decisions.
//!
//! Every series that can be named beforehand stands at 0 from the start, so that rates and alerts see the first one.

use crate::{
    ask::spf_answers::metrics::{LOOKUPS, TERMS_EDGES, VOIDS},
    clock::Now,
    files::LoadedFile,
    metrics::SECONDS_EDGES,
    recall::{WAITED, WAITED_EDGES},
};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Name and help of everything counted here; what ends in `_total` is a counter, the rest are gauges.
pub const DESCRIBED: &[(&str, &str)] = &[
    ("tollgate_calls_refused_total", "Calls that were not judged, by reason"),
    ("tollgate_connections", "Connections of mail servers being served"),
    ("tollgate_connections_refused_total", "Connections closed unserved, by what ran out"),
    ("tollgate_decisions_bytes", "Room that recorded decisions take on disk"),
    ("tollgate_decisions_damaged_total", "Damaged records met while recorded decisions were read"),
    ("tollgate_decisions_recorded_total", "Decisions recorded with their evidence"),
    ("tollgate_decisions_unrecorded_total", "Decisions whose evidence was lost because it could not be written"),
    ("tollgate_decisions_write_failed_total", "Attempts to write recorded decisions that failed"),
    ("tollgate_failure_records_total", "Calls that mail servers had to decide alone, by stage, reason and outcome"),
    ("tollgate_failure_records_unreadable_total", "Failure records that could not be read"),
    ("tollgate_list_entries", "Entries of each file of a list, as they are in force"),
    ("tollgate_list_generation", "Version of each file of a list that is in force, counted since the start"),
    ("tollgate_list_loaded_at_seconds", "Unix time at which that version was read"),
    (
        "tollgate_list_refused",
        "1 while a newer version of a file cannot be believed and the one before is in force, else 0",
    ),
    ("tollgate_log_dropped_total", "Log records dropped because the ring was full"),
    ("tollgate_log_failed_total", "Writes of the log that failed"),
    ("tollgate_policy_generation", "Generation of the policy in force"),
    ("tollgate_policy_loaded_at_seconds", "Unix time at which the policy in force was loaded"),
    ("tollgate_reload_failed", "1 while the newest attempt to reload has failed, else 0"),
    ("tollgate_reloads_total", "Attempts to load a configuration, by result"),
    ("tollgate_started_at_seconds", "Unix time at which the daemon started"),
    ("tollgate_store_damaged_total", "Damaged stores set aside"),
    ("tollgate_switched_off", "1 while the kill switch is thrown, else 0"),
];

/// Series that stand at 0 from the start.
const KNOWN: &[(&str, Option<(&str, &str)>)] = &[
    ("tollgate_calls_refused_total", Some(("reason", "overload"))),
    ("tollgate_calls_refused_total", Some(("reason", "invalid"))),
    ("tollgate_calls_refused_total", Some(("reason", "drain"))),
    ("tollgate_connections_refused_total", Some(("what", "connections_max"))),
    ("tollgate_connections_refused_total", Some(("what", "descriptors"))),
    ("tollgate_connections_refused_total", Some(("what", "hand_over"))),
    ("tollgate_connections_refused_total", Some(("what", "tls"))),
    ("tollgate_decisions_damaged_total", None),
    ("tollgate_decisions_recorded_total", None),
    ("tollgate_decisions_unrecorded_total", None),
    ("tollgate_decisions_write_failed_total", None),
    ("tollgate_failure_records_unreadable_total", None),
    ("tollgate_log_dropped_total", None),
    ("tollgate_log_failed_total", None),
    ("tollgate_reloads_total", Some(("result", "ok"))),
    ("tollgate_reloads_total", Some(("result", "failed"))),
    ("tollgate_store_damaged_total", None),
];

/// Installs the recorder that `/metrics` renders. Must come before any metric is made.
pub(super) fn install(now: Now) -> Result<PrometheusHandle, String> {
    let mut builder = PrometheusBuilder::new().set_buckets(SECONDS_EDGES).map_err(|error| error.to_string())?;
    for terms in [LOOKUPS, VOIDS] {
        let name = Matcher::Full(terms.to_owned());
        builder = builder.set_buckets_for_metric(name, TERMS_EDGES).map_err(|error| error.to_string())?;
    }
    let waited = Matcher::Full(WAITED.to_owned());
    builder = builder.set_buckets_for_metric(waited, WAITED_EDGES).map_err(|error| error.to_string())?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
    describe();
    gauge!("tollgate_started_at_seconds").set(now.unix_seconds() as f64);
    Ok(handle)
}

fn stand_at_zero() {
    for &(name, label) in KNOWN {
        match label {
            Some((key, value)) => counter!(name, key => value).absolute(0),
            None => counter!(name).absolute(0),
        }
    }
    for stage in ["connect", "helo", "mail", "rcpt", "data"] {
        counter!("tollgate_failure_records_total", "stage" => stage, "reason" => "connect", "outcome" => "pass")
            .absolute(0);
    }
    gauge!("tollgate_reload_failed").set(0.0);
}

/// Tells the recorder what the metrics of this file mean, and makes those whose labels are known.
pub fn describe() {
    stand_at_zero();
    for &(name, help) in DESCRIBED {
        if name.ends_with("_total") {
            describe_counter!(name, help);
        } else {
            describe_gauge!(name, help);
        }
    }
}

/// A connection was closed unserved. `what` is from a closed set.
pub(super) fn connection_refused(what: &'static str) {
    counter!("tollgate_connections_refused_total", "what" => what).increment(1);
}

/// What is only looked at when somebody asks: connections over all cores, and the kill switch.
pub(super) fn state(connections: usize, switched_off: bool) {
    gauge!("tollgate_connections").set(connections as f64);
    gauge!("tollgate_switched_off").set(f64::from(u8::from(switched_off)));
}

/// A call was answered without being judged. `reason` is from a closed set.
pub fn call_refused(reason: &'static str) {
    counter!("tollgate_calls_refused_total", "reason" => reason).increment(1);
}

/// A configuration was loaded.
pub fn configuration_loaded() {
    counter!("tollgate_reloads_total", "result" => "ok").increment(1);
    gauge!("tollgate_reload_failed").set(0.0);
}

/// What had failed works again.
pub fn reload_mended() {
    gauge!("tollgate_reload_failed").set(0.0);
}

/// A policy came into force.
pub fn policy_in_force(generation: u64, now: Now) {
    gauge!("tollgate_policy_generation").set(generation as f64);
    gauge!("tollgate_policy_loaded_at_seconds").set(now.unix_seconds() as f64);
}

/// How a file of a list stands. Its name is the configuration's, of which there are few.
pub fn list_in_force(file: &LoadedFile) {
    let refused = u8::from(file.error.is_some());
    set_list(file, [file.entries as f64, file.generation as f64, file.loaded_at as f64, refused.into()]);
}

/// No policy is built from it any more.
pub fn list_gone(file: &LoadedFile) {
    set_list(file, [0.0; 4]);
}

fn set_list(file: &LoadedFile, [entries, generation, loaded_at, refused]: [f64; 4]) {
    for (name, value) in [
        ("tollgate_list_entries", entries),
        ("tollgate_list_generation", generation),
        ("tollgate_list_loaded_at_seconds", loaded_at),
        ("tollgate_list_refused", refused),
    ] {
        gauge!(name, "check" => file.check, "file" => file.path.display().to_string()).set(value);
    }
}

/// A configuration was refused.
pub fn reload_failed() {
    counter!("tollgate_reloads_total", "result" => "failed").increment(1);
    gauge!("tollgate_reload_failed").set(1.0);
}

/// A mail server decided alone. All three are from closed sets.
pub fn failure_record(stage: &'static str, reason: &'static str, outcome: &'static str) {
    counter!("tollgate_failure_records_total", "stage" => stage, "reason" => reason, "outcome" => outcome).increment(1);
}

/// A record that is none.
pub fn failure_record_unreadable() {
    counter!("tollgate_failure_records_unreadable_total").increment(1);
}

/// A damaged store was set aside.
pub(crate) fn store_damaged() {
    counter!("tollgate_store_damaged_total").increment(1);
}
