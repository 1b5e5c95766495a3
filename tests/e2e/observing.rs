//! Does what we draw and what we alarm on exist? A real Prometheus scrapes the daemon, and every query has data.

use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tollgate_tests::{
    dns::List,
    gate::{CLEAN, Gate, LISTED, Plan, ZONE},
    http, program,
    prometheus::Prometheus,
    wait,
};

/// What Grafana would put for its own variables, given a scrape each second.
const RATE_INTERVAL: &str = "20s";
/// What `promtool check metrics` would have otherwise. Our counters are whole numbers, and a check takes less than a
/// microsecond: seconds would all be 0.
const KNOWN_LINTS: [&str; 1] =
    ["tollgate_check_nanoseconds_total use base unit \"seconds\" instead of \"nanoseconds\""];

#[test]
fn every_query_of_dashboards_and_alerts_has_data() {
    let gate = gate_with_something_to_show();
    let alerts = files("dashboards/prometheus", "yml");
    let rules: Vec<&Path> = alerts.iter().filter(|path| has_rules(path)).map(PathBuf::as_path).collect();
    let prometheus = Prometheus::start(&gate.scratch, gate.daemon.metrics_address, &rules);
    let mut queries = dashboard_queries();
    assert!(!queries.is_empty(), "no dashboard has a query");
    let loaded = prometheus.rules().expect("the rules");
    assert!(!loaded.is_empty(), "no rule was loaded");
    queries.extend(loaded.into_iter().map(|(name, query, _)| (name, without_threshold(&query))));
    for (name, query) in &queries {
        wait::until(&format!("data for \"{name}\": {query}"), wait::SOON, || {
            !prometheus.query(query).unwrap_or_else(|error| panic!("{name}: {error}")).is_empty()
        });
    }
    let faulty: Vec<_> = prometheus.rules().expect("the rules").into_iter().filter(|rule| !rule.2.is_empty()).collect();
    assert!(faulty.is_empty(), "rules that cannot be evaluated: {faulty:?}");
}

/// One refusal of each kind, one thing only monitored, one failed look-up, one stage without an answer.
fn gate_with_something_to_show() -> Gate {
    let list = |zone: &str, mode: &str| format!("\n[[check.rbl.list]]\nzone = \"{zone}\"\nmode = \"{mode}\"\n");
    let plan = Plan::new("observing").control("badrcptto", "sales@ours.example\n");
    let plan = plan.list(List::new(ZONE, "127.0.0.2:Listed").with("192.0.2.66")).list(List::silent("silent.example"));
    let lists = [list(ZONE, "enforce"), list("silent.example", "monitor")].concat();
    let gate = plan.policy(&format!("recipient_modes = {{ \"carol@ours.example\" = \"monitor\" }}\n{lists}")).start();
    for recipient in ["bob@ours.example", "carol@ours.example"] {
        gate.deliver(LISTED, "ann@sender.example", &[recipient], "listed");
    }
    for recipient in ["bob@ours.example", "sales@ours.example"] {
        gate.deliver(CLEAN, "ann@sender.example", &[recipient], "not listed");
    }
    gate
}

/// Title and query of every panel of every dashboard.
fn dashboard_queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for path in files("dashboards/grafana", "json") {
        let text = fs::read_to_string(&path).expect("a dashboard");
        let dashboard: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        collect(&dashboard["panels"], &mut queries);
    }
    queries
}

fn collect(panels: &Value, queries: &mut Vec<(String, String)>) {
    for panel in panels.as_array().into_iter().flatten() {
        let title = panel["title"].as_str().unwrap_or("without a title");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap_or_else(|| panic!("{title}: a target without an expression"));
            queries.push((title.to_owned(), query.replace("$__rate_interval", RATE_INTERVAL)));
        }
        collect(&panel["panels"], queries);
    }
}

/// An alert's expression is silent while all is well; what it compares must be there all the same.
fn without_threshold(query: &str) -> String {
    let threshold = |side: &str| side.trim().parse::<f64>().is_ok();
    for comparison in [" == ", " != ", " >= ", " <= ", " > ", " < "] {
        if let Some((left, right)) = query.rsplit_once(comparison)
            && threshold(right)
        {
            return left.to_owned();
        }
    }
    query.to_owned()
}

fn has_rules(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line.starts_with("groups:")))
}

/// Files with this ending right in a folder of the repository.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(program::root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths
}

#[test]
fn promtool_finds_no_fault() {
    for path in files("dashboards/prometheus", "yml") {
        let kind = if has_rules(&path) { "rules" } else { "config" };
        let (good, said) = promtool(&["check", kind], Some(&path), "");
        assert!(good, "promtool check {kind} {}:\n{said}", path.display());
    }
    let gate = gate_with_something_to_show();
    let (status, metrics) = http::get(gate.daemon.metrics_address, "/metrics").expect("/metrics");
    assert_eq!(status, 200);
    let (_, said) = promtool(&["check", "metrics"], None, &metrics);
    let faults: Vec<&str> = said.lines().filter(|line| !KNOWN_LINTS.contains(line)).collect();
    assert!(faults.is_empty(), "promtool check metrics:\n{}", faults.join("\n"));
}

/// Did it end well, and what did it say?
fn promtool(args: &[&str], path: Option<&Path>, input: &str) -> (bool, String) {
    let mut command = Command::new("promtool");
    command.args(args).args(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("input for promtool");
    let output = child.wait_with_output().expect("promtool's answer");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
