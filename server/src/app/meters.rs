//! What does the daemon count about itself? Connections, calls and reloads; the engine counts decisions.

use crate::{clock::Now, metrics::SECONDS_EDGES};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Names, kinds and help of everything counted here, for the exporter and for the test over all names.
pub const DESCRIBED: &[(&str, &str)] = &[
    ("tollgate_connections_refused_total", "Connections closed unserved, by what ran out."),
    ("tollgate_connections", "Connections of mail servers being served."),
    ("tollgate_calls_refused_total", "Calls that were not judged, by reason."),
    ("tollgate_reloads_total", "Attempts to load a configuration, by result."),
    ("tollgate_policy_generation", "Generation of the policy in force."),
    ("tollgate_policy_loaded_at_seconds", "Unix time at which the policy in force was loaded."),
    ("tollgate_reload_failed", "1 while the newest attempt to reload has failed, else 0."),
    ("tollgate_started_at_seconds", "Unix time at which the daemon started."),
    ("tollgate_log_dropped_total", "Log records dropped because the ring was full."),
    ("tollgate_failure_records_total", "SMTP stages that a mail server had to decide without us, by its own records."),
    ("tollgate_failure_records_lost_total", "Failure records that could not be read."),
    ("tollgate_switched_off", "1 while the kill switch is thrown, else 0."),
    ("tollgate_store_damaged_total", "Damaged stores set aside at start."),
];

/// A connection was closed unserved. `what` is from a closed set.
pub fn connection_refused(what: &'static str) {
    counter!("tollgate_connections_refused_total", "what" => what).increment(1);
}

/// Connections being served, over all cores.
pub fn connections(now: usize) {
    gauge!("tollgate_connections").set(now as f64);
}

/// A call was answered without being judged. `reason` is from a closed set.
pub fn call_refused(reason: &'static str) {
    counter!("tollgate_calls_refused_total", "reason" => reason).increment(1);
}

/// Installs the recorder that `/metrics` renders. Must come before any metric is made.
pub fn install(now: Now) -> Result<PrometheusHandle, String> {
    let builder = PrometheusBuilder::new().set_buckets(SECONDS_EDGES).map_err(|error| error.to_string())?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
    describe();
    gauge!("tollgate_started_at_seconds").set(now.unix_seconds() as f64);
    Ok(handle)
}

/// Tells the recorder what the metrics of this file mean.
pub fn describe() {
    for &(name, help) in DESCRIBED {
        if name.ends_with("_total") {
            describe_counter!(name, help);
        } else {
            describe_gauge!(name, help);
        }
    }
}
