//! What does the policy look like at a glance? Step by step in order of precedence, stage by stage: `tollgate pipeline`.

use super::{Policy, policy::Step};
use crate::{
    check::Exemption,
    mode::Mode,
    session::{Facts, Stage},
};
use std::fmt::Write;

const STAGES: [Stage; 5] = [Stage::Connect, Stage::Helo, Stage::Mail, Stage::Rcpt, Stage::Data];

const FOOT: &str = "
known    one of its facts is known from here on: what it will have to look up is looked up ahead, nobody waits
now      is heard at once (voice = \"now\")
speaks   is heard: the first that rejects wins, a deferral is heard only if nothing rejects, an allowance passes over
         the steps below it
server   the mail server's own relay test; what it refuses stays refused
despite  speaks all the same for relay (RELAYCLIENT or AUTH), trusted (loopback, own addresses, trusted relays),
         exempt (postmaster and abuse) or allowed (an allowance above; allowed:RULE = that rule alone, and whatever the
         same step allows)
access:  a denied recipient is refused whoever is allowed; but for that, an allowed sender (from its network, or proven by
         SPF) goes before every denial, and so does an allowed client, unless a denied network or the network of one of
         tcpserver's rules is smaller than the allowed one
exceptions: a denial holds unless an allowance names all that it names (clients, sender, recipient), each as exactly or
         more exactly; of the same scope the later counts
";

pub(super) fn of(policy: &Policy) -> String {
    let mut out = String::new();
    let heads = STAGES.map(Stage::name);
    row(&mut out, "step", heads, "mode", "despite");
    row(&mut out, "exempt", ["", "", "", "passes", "passes"], "", "");
    for step in &policy.steps {
        if step.place == policy.rcpthosts {
            row(&mut out, "rcpthosts", ["", "", "", "server", ""], "", "");
        }
        let cells = STAGES.map(|stage| cell(step, stage));
        row(&mut out, step.def.name, cells, usual_mode(step).or_milder(policy.settings().mode).name(), &despite(step));
    }
    if policy.rcpthosts == policy.steps.len() {
        row(&mut out, "rcpthosts", ["", "", "", "server", ""], "", "");
    }
    let score = policy.settings().score_mode.or_milder(policy.settings().mode);
    row(&mut out, "score", ["", "", "", "speaks", "speaks"], score.name(), "");
    out + FOOT
}

fn row(out: &mut String, step: &str, cells: [&str; 5], mode: &str, despite: &str) {
    let mut line = format!("{step:<16}");
    for cell in cells {
        _ = write!(line, "{cell:<9}");
    }
    _ = write!(line, "{mode:<9}{despite}");
    out.push_str(line.trim_end());
    out.push('\n');
}

fn cell(step: &Step, stage: Stage) -> &'static str {
    match stage {
        _ if usual_mode(step) == Mode::Off => "",
        Stage::Connect | Stage::Helo | Stage::Mail if step.speaks_at(stage) => "now",
        Stage::Connect | Stage::Helo | Stage::Mail if step.def.stages.contains(&stage) => "known",
        _ if step.speaks_at(stage) => "speaks",
        _ => "",
    }
}

/// Of a session of which nothing is known.
fn usual_mode(step: &Step) -> Mode {
    step.mode(&Facts::default())
}

fn despite(step: &Step) -> String {
    let word = |exemption: &Exemption| match exemption {
        Exemption::Relay => "relay",
        Exemption::TrustedClient => "trusted",
        Exemption::ExemptRecipient => "exempt",
        Exemption::Allowed => "allowed",
    };
    let of_check = step.def.despite.iter().map(word).map(str::to_owned);
    let is_rules = |&rule: &usize| step.is_despite_allowed(rule) && !step.is_despite(Exemption::Allowed);
    let of_rules = (0..step.def.rules.len()).filter(is_rules);
    of_check.chain(of_rules.map(|rule| format!("allowed:{}", step.def.rules[rule].name))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Document, snapshot};

    #[test]
    fn the_default_pipeline_is_written_down() {
        let policy = Policy::build(&Document::default(), 1).expect("the defaults");
        let page = format!(
            "The pipeline without configuration. `tollgate pipeline` shows the one in force.\n\n{}",
            policy.table()
        );
        snapshot::compare("docs/pipeline.txt", &page);
    }
}
