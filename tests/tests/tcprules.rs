//! Do we read tcpserver's rules as tcpserver does? Random rules and clients, beside `tcprules` and `tcprulescheck`.

#![allow(clippy::expect_used, reason = "a test program: what cannot be run or read is a failure")]

use proptest::prelude::*;
use std::{
    fmt::Write,
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};
use tollgate::lists::{Cdb, Client, TcpRules};

/// Rules files tried; each costs a dozen processes.
const FILES: u32 = 64;

/// A client as tcpserver describes it in its environment.
#[derive(Clone, Debug)]
struct Visitor {
    ip: String,
    host: Option<String>,
    info: Option<String>,
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", "10.", "10.0.", "10.0.0.", "10.0.0.1", "10.0.0.2", "10.0.0", "=", "=a.x.test", "=.x.test", "=.test", "=A.x.test",
            "=x.test", "me@10.0.0.1", "me@=a.x.test", "me@", " 10.0.0.1", "2001:db8", "#10.", "=b.a.x.test", "=.a.x.test", "=.",
            "=..test", "=x.test.", "=.test.", "me@10.0.0.", "me@=.x.test", "me@=", "@10.0.0.1", "@=a.x.test", "@", "10.0.0.1.", "10..",
            "010.0.0.1", "10.0.0.0-255", "10.0.0.2-1", "10.0.0.1-02", "10.0.0.1-10.0.0.3", "10.0-1.0-1.", "0-10.", "me@10.0.0.1-2",
            "=a-1.x.test",
        ]).prop_map(str::to_owned),
        2 => "10\\.0\\.0\\.[0-3]-[0-9]{1,4}",
        1 => "10\\.[0-9]-[0-9]\\.",
        1 => "[0-9]?-[0-9]?\\.0\\.0\\.1",
        1 => "[=@.10x-]{0,6}",
    ]
}

fn instructions() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => Just("allow"), 3 => Just("deny"), 1 => Just("Allow"), 1 => Just(""), 1 => Just("denyallow")
    ]
    .prop_flat_map(|word| {
        let variables = prop::collection::vec("(,[AB]=\"[xy]{0,2}\"|,A=/-x y/|,RELAYCLIENT=\"\")", 0..3);
        let tail = prop_oneof![12 => Just(""), 1 => Just(","), 1 => Just(",A"), 1 => Just(",A="), 1 => Just("  \t"), 1 => Just("\r")];
        (variables, tail).prop_map(move |(variables, tail)| format!("{word}{}{tail}", variables.concat()))
    })
}

fn rules() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        12 => (address(), instructions()).prop_map(|(address, what)| format!("{address}:{what}")),
        1 => prop::sample::select(vec!["", "# a remark: x", "no colon here", " "]).prop_map(str::to_owned),
    ];
    (prop::collection::vec(line, 0..8), any::<bool>())
        .prop_map(|(lines, ended)| lines.join("\n") + if ended { "\n" } else { "" })
}

fn visitor() -> impl Strategy<Value = Visitor> {
    let ip = prop::sample::select(vec![
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.02",
        "10.0.0.255",
        "10.0.1.1",
        "10.9.9.9",
        "192.0.2.1",
        "2001:db8::1",
    ]);
    let host = prop::option::of(prop::sample::select(vec![
        "a.x.test",
        "x.test",
        "A.x.test",
        ".x.test",
        "",
        "b.a.x.test",
        "x..test",
        "x.test.",
        "a-1.x.test",
    ]));
    let info = prop::option::of(prop::sample::select(vec!["me", "you", ""]));
    (ip, host, info).prop_map(|(ip, host, info)| Visitor {
        ip: ip.to_owned(),
        host: host.map(str::to_owned),
        info: info.map(str::to_owned),
    })
}

/// What `tcprulescheck` prints.
fn printed(cdb: &Path, visitor: &Visitor) -> String {
    let mut check = Command::new("tcprulescheck");
    check.env_remove("TCPREMOTEHOST").env_remove("TCPREMOTEINFO").env("TCPREMOTEIP", &visitor.ip).arg(cdb);
    check.envs(visitor.host.iter().map(|host| ("TCPREMOTEHOST", host)));
    check.envs(visitor.info.iter().map(|info| ("TCPREMOTEINFO", info)));
    let output = check.output().expect("tcprulescheck runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The same by our reading.
fn ours(rules: &TcpRules, visitor: &Visitor) -> String {
    let client = Client {
        ip: visitor.ip.as_bytes(),
        host: visitor.host.as_ref().map(String::as_bytes),
        info: visitor.info.as_ref().map(String::as_bytes),
    };
    let Some(hit) = rules.find(&client) else { return "default:\nallow connection\n".to_owned() };
    let shown = String::from_utf8_lossy;
    let mut text = format!("rule {}:\n", shown(&hit.key));
    if hit.denies() {
        // tcprulescheck says no more; for tcpserver too, the variables of a closed connection do not matter.
        return text + "deny connection\n";
    }
    for (name, value) in hit.variables() {
        let _infallible = writeln!(text, "set environment variable {}={}", shown(name), shown(value));
    }
    text + "allow connection\n"
}

/// Has `tcprules` make a cdb; false = it refuses the rules.
fn compile(folder: &Path, rules: &str) -> bool {
    let source = folder.join("rules");
    fs::write(&source, rules).expect("rules are written");
    let mut tcprules = Command::new("tcprules");
    tcprules.arg(folder.join("rules.cdb")).arg(folder.join("rules.tmp"));
    tcprules.stdin(File::open(source).expect("rules are read")).stderr(Stdio::null());
    tcprules.status().expect("tcprules runs").success()
}

#[test]
fn rules_are_read_as_tcpserver_reads_them() {
    if Command::new("tcprules").stdin(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        tollgate_tests::skip::say("tcprules", "ucspi-tcp is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = ProptestConfig { cases: FILES, failure_persistence: None, ..ProptestConfig::default() };
    let visitors = prop::collection::vec(visitor(), 1..10);
    let verdict = proptest::test_runner::TestRunner::new(config).run(&(rules(), visitors), |(rules, visitors)| {
        let parsed = TcpRules::parse(rules.as_bytes());
        prop_assert_eq!(parsed.is_ok(), compile(folder.path(), &rules), "accepted or refused: {:?}", parsed.err());
        let Ok(parsed) = parsed else { return Ok(()) };
        let path = folder.path().join("rules.cdb");
        let compiled = Cdb::new(fs::read(&path).expect("the cdb is read")).expect("tcprules makes sound cdb files");
        let compiled = TcpRules::from_cdb(compiled);
        // Key by key they are the same, in both directions: what `tollgate lint` compares.
        prop_assert!(parsed.keys().all(|key| parsed.data(key) == compiled.data(key)));
        prop_assert!(compiled.keys().all(|key| parsed.data(key) == compiled.data(key)));
        for visitor in &visitors {
            let expected = printed(&path, visitor);
            prop_assert_eq!(&ours(&parsed, visitor), &expected, "from the text, for {:?}", visitor);
            prop_assert_eq!(&ours(&compiled, visitor), &expected, "from the cdb, for {:?}", visitor);
        }
        Ok(())
    });
    verdict.unwrap_or_else(|wrong| panic!("{wrong}"));
}
