//! Does a DNS list's key show anywhere? A planted one, a DNS server that repeats every name it is asked for in its
//! texts, and everything that the daemon and its command line say.

use crate::harness::{Daemon, Smtp, wait_for};
use std::{
    net::{SocketAddr, UdpSocket},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};
use tollgate_proto::v1::{self, Action};

const KEY: &str = "planted0key1";

/// Lists everybody but 127.0.0.1 and names made up, and says in TXT what it was asked for. Ends with the test program.
fn talkative_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let (address, asked) = (socket.local_addr().expect("an address"), Arc::<Mutex<Vec<String>>>::default());
    let noted = asked.clone();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let (name, end) = name(&buffer[..length]);
            let kind = buffer[end + 1];
            let answer = answer(&buffer[..end + 4], &name, kind);
            noted.lock().expect("no panic").push(name);
            let _unheard = socket.send_to(&answer, from);
        }
    });
    (address, asked)
}

/// The question's name, and where it ends.
fn name(message: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while message[at] > 0 {
        let label = &message[at + 1..at + 1 + usize::from(message[at])];
        labels.push(String::from_utf8_lossy(label).into_owned());
        at += 1 + label.len();
    }
    (labels.join("."), at + 1)
}

fn answer(question: &[u8], name: &str, kind: u8) -> Vec<u8> {
    let listed = name.starts_with("9.2.0.192.") || name.starts_with("2.0.0.127.");
    let data = match kind {
        1 => vec![127, 0, 0, 2],
        16 => [&[u8::try_from(name.len()).expect("a name")], name.as_bytes()].concat(),
        _ => Vec::new(),
    };
    let found = listed && !data.is_empty();
    let mut out = question.to_vec();
    out[2..4].copy_from_slice(&[0x81, if listed { 0x80 } else { 0x83 }]);
    out[6..12].copy_from_slice(&[0, u8::from(found), 0, 0, 0, 0]);
    if found {
        out.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).expect("short")]);
        out.extend(data);
    }
    out
}

fn tollgate(daemon: &Daemon, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let output = command.arg("--config").arg(daemon.path("tollgate.toml")).args(args).output().expect("runs");
    [output.stdout, output.stderr].iter().map(|text| String::from_utf8_lossy(text)).collect()
}

#[tokio::test]
async fn a_planted_key_goes_to_the_resolver_and_nowhere_else() {
    let (server, asked) = talkative_server();
    let mut daemon = Daemon::configured("", "");
    let text = format!(
        "{}[dns]\nservers = ['{server}']\n[[check.rbl.list]]\nzone = '%{{key}}.zen.example'\nkey = '{KEY}'\n\
         budget_per_day = 1000\n",
        daemon.policy()
    );
    daemon.configure("", &text);
    daemon.run();
    let mut client = daemon.policy_client().await;
    let verdict = Smtp::from("192.0.2.9", "a@there.example").talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), Action::Reject, "{verdict:?}");
    assert!(verdict.text.contains("is listed by zen.example: 9.2.0.192.[key].zen.example"), "{}", verdict.text);
    assert!(asked.lock().expect("no panic").contains(&format!("9.2.0.192.{KEY}.zen.example")));
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
    wait_for("a probe", || {
        asked.lock().expect("no panic").iter().any(|name| name.starts_with("2.0.0.127.")).then_some(())
    });
    said.extend([daemon.http("GET /metrics").1, daemon.log(), daemon.said()]);
    for text in &said {
        let text = text.to_ascii_lowercase();
        assert!(!text.contains(KEY), "{text}");
    }
}
