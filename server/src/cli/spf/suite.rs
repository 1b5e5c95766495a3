//! `tollgate spf suite`: do we evaluate as the suites of openspf.org say?

use super::{
    super::{Context, Failure, exit, json, text::one_line},
    args::SuiteArgs,
    usage,
};
use crate::ask::spf::suite::{self, Scenario};
use serde_json::json;
use std::{fs::File, io::Read, path::Path};
use tokio::runtime::Builder;

/// A suite in octets; that of RFC 7208 has 79,000.
const FILE_OCTETS_MAX: u64 = 4 << 20;

/// A case that came out wrong.
struct Wrong {
    scenario: String,
    case: String,
    text: String,
}

pub(super) fn run(args: &SuiteArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let scenarios = read(&args.file)?;
    let cases: usize = scenarios.iter().map(|scenario| scenario.cases.len()).sum();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let wrong = runtime.block_on(wrong(&scenarios));
    let right = cases - wrong.len();
    if context.common.json {
        let line = |of: &Wrong| json!({ "scenario": of.scenario, "case": of.case, "text": of.text });
        let wrong: Vec<_> = wrong.iter().map(line).collect();
        json::print(context.out, &json!({ "passed": right, "cases": cases, "wrong": wrong }))?;
    } else {
        for Wrong { scenario, case, text } in &wrong {
            writeln!(context.out, "{}: {}: {}", one_line(scenario), one_line(case), one_line(text))?;
        }
        writeln!(context.out, "{right} of {cases}")?;
    }
    Ok(if right == cases { exit::FINE } else { exit::NO })
}

fn read(path: &Path) -> Result<Vec<Scenario>, Failure> {
    let wrong = |text: String| usage(&format!("{}: {}", path.display(), one_line(&text)));
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_OCTETS_MAX + 1).read_to_string(&mut text));
    let octets = read.map_err(|error| wrong(error.to_string()))?;
    if octets as u64 > FILE_OCTETS_MAX {
        return Err(wrong(format!("expected at most {FILE_OCTETS_MAX} octets")));
    }
    match suite::read(&text) {
        Ok(scenarios) if scenarios.iter().all(|scenario| scenario.cases.is_empty()) => {
            Err(wrong("no case in it: expected documents with tests and zonedata".to_owned()))
        }
        Ok(scenarios) => Ok(scenarios),
        Err(error) => Err(wrong(error)),
    }
}

async fn wrong(scenarios: &[Scenario]) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for scenario in scenarios {
        for case in &scenario.cases {
            let evaluation = case.run(&scenario.zone).await;
            if let Err(text) = case.judge(&evaluation) {
                wrong.push(Wrong { scenario: scenario.description.clone(), case: case.name.clone(), text });
            }
        }
    }
    wrong
}
