//! What do the first checks show an administrator? `tollgate CHECK OP`, over a policy with lists of every form.

#![allow(clippy::expect_used, reason = "a test program: what cannot be written is a failure")]

use std::fs;
use tollgate::{config::Document, pipeline::Policy};

const CONFIG: &str = r#"
[policy]
control = "control"
[check.access]
clients_deny = ["192.0.2.0/24"]
clients_allow = ["192.0.2.9"]
helo_deny = [".dyn.example"]
recipients_deny = ["sales@here.example"]
tcp_rules = "tcp.smtp"
[[check.access.sender_allow]]
sender = "@partner.example"
networks = ["198.51.100.0/24"]
"#;

fn policy() -> Policy {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("control")).expect("a folder");
    fs::write(folder.path().join("control/badmailfrom"), "@bad.example\r\n.worse.example\n").expect("written");
    let rules = ":allow,RBLSMTPD=\"-Go away\"\n10.:allow,RELAYCLIENT=\"\"\n10.6.6.6:deny\n=.foe.example:deny\n";
    fs::write(folder.path().join("tcp.smtp"), rules).expect("written");
    let file = folder.path().join("tollgate.toml").display().to_string();
    let document = Document::parse(&file, CONFIG).expect("TOML");
    Policy::build(&document, 1).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The rows, cells separated by a bar; or the error.
fn shown(policy: &Policy, check: &str, op: &str, args: &[&str]) -> Vec<String> {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    match policy.check(check).expect("a check").inspect(op, &args) {
        Ok(rows) => {
            assert!(rows.rows.iter().all(|row| row.len() == rows.columns.len()));
            rows.rows.iter().map(|row| row.join("|")).collect()
        }
        Err(wrong) => vec![format!("error: {wrong}")],
    }
}

#[test]
fn lists_say_which_entry_covers_an_address() {
    let policy = policy();
    let matched = |address| shown(&policy, "badmailfrom", "match", &[address]);
    assert_eq!(matched("U@BAD.example"), ["U@BAD.example|listed|@bad.example"]);
    assert_eq!(matched("u@a.b.worse.example"), ["u@a.b.worse.example|listed|.worse.example"]);
    assert_eq!(matched("u@worse.example"), ["u@worse.example|not listed|"]);
    assert_eq!(matched(""), ["|not listed|"]);
    assert_eq!(shown(&policy, "badrcptto", "match", &["a@b"]), ["a@b|not listed|"]);
    assert_eq!(shown(&policy, "badmailfrom", "match", &[]), ["error: expected one address: match ADDRESS"]);
    assert_eq!(shown(&policy, "badmailfrom", "list", &[]), ["error: there is no operation \"list\": expected match"]);
}

#[test]
fn rdns_says_which_names_are_generic() {
    let policy = policy();
    let class = |args: &[&str]| shown(&policy, "rdns", "class", args);
    assert_eq!(class(&["192.0.2.9", "192-0-2-9.dyn.isp.example"]), ["192.0.2.9|192-0-2-9.dyn.isp.example|generic"]);
    assert_eq!(class(&["2001:db8::9", "mx.isp.example"]), ["2001:db8::9|mx.isp.example|normal"]);
    assert_eq!(class(&["192.0.2.9"]), ["error: expected an address and a name: class IP NAME"]);
    assert!(class(&["mx", "mx.isp.example"])[0].starts_with("error: \"mx\" is no address"));
    assert_eq!(shown(&policy, "rdns", "list", &[]), ["error: there is no operation \"list\": expected class"]);
}

#[test]
fn access_says_what_its_lists_decide() {
    let policy = policy();
    let access = |op, args: &[&str]| shown(&policy, "access", op, args);
    assert_eq!(access("client", &["192.0.2.9"]), ["client_allowed|Allow|192.0.2.9/32"]);
    let denied = ["client_denied|Reject|192.0.2.0/24", "rblsmtpd|Reject|RBLSMTPD of default"];
    assert_eq!(access("client", &["192.0.2.8"]), denied);
    assert_eq!(access("client", &["10.6.6.6"]), ["tcp_rule_denied|Reject|10.6.6.6"]);
    assert_eq!(
        access("client", &["10.6.6.7", "mx.foe.example"]),
        Vec::<String>::new(),
        "the address's rule comes first"
    );
    assert_eq!(access("client", &["203.0.113.1", "mx.foe.example"]), ["tcp_rule_denied|Reject|=.foe.example"]);
    assert_eq!(access("helo", &["a.dyn.example"]), ["helo_denied|Reject|.dyn.example"]);
    let allowed = ["sender_allowed|Allow|@partner.example from 198.51.100.0/24"];
    assert_eq!(access("sender", &["u@partner.example", "198.51.100.1"]), allowed);
    assert_eq!(access("sender", &["u@partner.example"]), Vec::<String>::new());
    assert_eq!(access("recipient", &["SALES@here.example"]), ["recipient_denied|Reject|sales@here.example"]);
    assert_eq!(access("client", &["x"]), ["error: \"x\" is no address: expected one such as 192.0.2.1 or 2001:db8::1"]);
    assert_eq!(access("client", &[]), ["error: expected an argument: client WHAT"]);
}

#[test]
fn access_explains_rules_like_tcprulescheck() {
    let policy = policy();
    let rule = |args: &[&str]| shown(&policy, "access", "rule", args);
    assert_eq!(rule(&["10.1.2.3"]), ["rule|10.", "set|RELAYCLIENT=", "result|allow"]);
    assert_eq!(rule(&["192.0.2.1"]), ["rule|default", "set|RBLSMTPD=-Go away", "result|allow"]);
    assert_eq!(rule(&["192.0.2.1", "a.foe.example"]), ["rule|=.foe.example", "result|deny"]);
}

#[test]
fn a_file_with_dos_line_ends_is_shown_with_a_warning() {
    let policy = policy();
    let file = policy.files().iter().find(|file| file.path.ends_with("badmailfrom")).expect("the list");
    assert_eq!((file.check, file.entries), ("badmailfrom", 2));
    assert!(file.warnings[0].starts_with("line 1 ends in CR LF"), "{:?}", file.warnings);
}
