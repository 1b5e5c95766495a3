//! Does a real Prometheus understand us? Debian's, scraping a daemon on loopback every second, with our alert rules.

use crate::{http, ports, process::Process, scratch::Scratch, wait};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    _process: Process,
}

impl Prometheus {
    /// Starts it: one job `tollgate` that scrapes `target`, and the rules of `rules`.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start(scratch: &Scratch, target: SocketAddr, rules: &[&Path]) -> Self {
        let files: Vec<String> = rules.iter().map(|path| format!("  - {}\n", path.display())).collect();
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n{}scrape_configs:\n  \
             - job_name: tollgate\n    static_configs:\n      - targets: [\"{target}\"]\n",
            files.concat()
        );
        let config = scratch.write("prometheus.yml", config);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", scratch.path("prometheus").display()));
        command.arg(format!("--web.listen-address={address}"));
        let process = Process::start(&mut command, &scratch.path("prometheus.log"));
        wait::until("prometheus to be ready", wait::SOON, || matches!(http::get(address, "/-/ready"), Ok((200, _))));
        Self { address, _process: process }
    }

    /// The series an instant query gives; an error is a text.
    ///
    /// # Errors
    /// When Prometheus refuses the query or does not answer.
    pub fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", http::escape(query)))?;
        match &answer["data"]["result"] {
            Value::Array(series) => Ok(series.clone()),
            other => Err(format!("{query}: not a list of series: {other}")),
        }
    }

    /// The expressions of all rules it loaded, by name, and the error each had when it was evaluated.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub fn rules(&self) -> Result<Vec<(String, String, String)>, String> {
        let answer = self.get("/api/v1/rules")?;
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(rules.map(|rule| (text(&rule["name"]), text(&rule["query"]), text(&rule["lastError"]))).collect())
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let (status, body) = http::get(self.address, path).map_err(|error| format!("{path}: {error}"))?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{path}: {error}: {body}"))?;
        if status == 200 { Ok(answer) } else { Err(format!("{path}: {}", answer["error"])) }
    }
}
