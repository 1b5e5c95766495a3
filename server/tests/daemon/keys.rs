//! Does a DNS list's key show anywhere? A planted one, a DNS server that repeats every name it is asked for in its
//! texts, and everything that the daemon and its command line say.

use crate::{
    dns::{self, Said, Server},
    harness::{Daemon, Smtp, wait_for},
};
use std::{fs, process::Command};
use tollgate_proto::v1::{self, Action};

const KEY: &str = "planted0key1";

/// Lists one client and its test entry, and says in TXT what it was asked for.
fn talkative(name: &str, kind: u8) -> Said {
    let listed = name.starts_with("9.2.0.192.") || name.starts_with("2.0.0.127.");
    match kind {
        _ if !listed => Said::NotThere,
        dns::A => Said::Found(vec![127, 0, 0, 2]),
        dns::TXT => Said::Found([&[u8::try_from(name.len()).expect("a name")], name.as_bytes()].concat()),
        _ => Said::NoData,
    }
}

fn tollgate(daemon: &Daemon, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let output = command.arg("--config").arg(daemon.path("tollgate.toml")).args(args).output().expect("runs");
    [output.stdout, output.stderr].iter().map(|text| String::from_utf8_lossy(text)).collect()
}

#[tokio::test]
async fn a_planted_key_goes_to_the_resolver_and_nowhere_else() {
    let server = Server::start(talkative);
    let mut daemon = Daemon::configured("", "");
    let text = format!(
        "{}[dns]\nservers = ['{}']\n[[check.rbl.list]]\nzone = '%{{key}}.zen.example'\nkey = '{KEY}'\n\
         budget_per_day = 1000\n",
        daemon.policy(),
        server.address
    );
    daemon.configure("", &text);
    daemon.run();
    let mut client = daemon.policy_client().await;
    let verdict = Smtp::from("192.0.2.9", "a@there.example").talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), Action::Reject, "{verdict:?}");
    assert!(verdict.text.contains("is listed by zen.example: 9.2.0.192.[key].zen.example"), "{}", verdict.text);
    assert!(server.asked().contains(&format!("9.2.0.192.{KEY}.zen.example")));
    daemon.wait_for_line(&["event=decision", &format!("decision_id={}", verdict.decision_id)]);
    let report = Smtp::from("192.0.2.9", "a@there.example").report(v1::Ending::Closed, 0);
    client.report(report).await.expect("answers");
    let mut said = vec![verdict.text.clone(), format!("{verdict:?}")];
    for args in [
        &["explain", &verdict.decision_id][..],
        &["explain", &verdict.decision_id, "--json"],
        &["check", "--ip", "192.0.2.9", "--from", "a@b.example", "--rcpt", "c@d.example"],
        &["check", "--ip", "192.0.2.9", "--from", "a@b.example", "--rcpt", "c@d.example", "--json"],
        &["config", "--effective"],
        &["config", "--check"],
        &["lists"],
        &["lists", "--json"],
        &["lists", "report"],
        &["lists", "report", "--json"],
        &["lookup", "192.0.2.9"],
        &["lookup", "192.0.2.9", "--json"],
        &["rbl", "lists"],
        &["status"],
        &["pipeline"],
        &["doctor"],
    ] {
        let printed = tollgate(&daemon, args);
        assert!(!printed.is_empty(), "{args:?}");
        said.push(printed);
    }
    let mistaken = text.replace("zen.example'\n", "zen..example'\n");
    daemon.configure("", &mistaken);
    said.push(tollgate(&daemon, &["reload"]));
    said.push(tollgate(&daemon, &["config", "--check"]));
    assert!(said.iter().any(|text| text.contains("[key].zen.example")), "the zone is shown, without its key");
    wait_for("a probe", || server.asked().iter().any(|name| name.starts_with("2.0.0.127.")).then_some(()));
    said.extend([daemon.http("GET /metrics").1, daemon.log(), daemon.said()]);
    said.push(recorded(&daemon));
    for text in &said {
        let text = text.to_ascii_lowercase();
        assert!(!text.contains(KEY), "{text}");
    }
}

/// Everything in the files of recorded decisions.
fn recorded(daemon: &Daemon) -> String {
    let files = fs::read_dir(daemon.path("state/decisions")).expect("decisions are recorded");
    let octets: Vec<u8> = files.flat_map(|file| fs::read(file.expect("is there").path()).expect("reads")).collect();
    let text = String::from_utf8_lossy(&octets).into_owned();
    assert!(text.contains("9.2.0.192.[key].zen.example"), "the question is recorded");
    text
}
