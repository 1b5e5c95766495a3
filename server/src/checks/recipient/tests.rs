//! Whom does the check ask about, and when does it speak? (What it says in a session: `tests/cases/recipient.toml`.)

use super::*;
use crate::{
    ask::{Answered, Looked},
    check::Def,
    config::{Document, Network},
    pipeline::Policy,
    session::{Address, Tried},
};
use std::time::Duration;

fn policy(text: &str) -> Policy {
    let document = Document::parse("/nowhere/t.toml", text).expect("TOML");
    Policy::build(&document, 1).map_err(|faults| format!("{faults:?}")).expect("a policy")
}

fn to(address: &str) -> Facts {
    let address = Address::new(Bytes::copy_from_slice(address.as_bytes()));
    Facts { recipient: Some(Tried { address, rcpthosts: Rcpthosts::Allowed }), ..Facts::default() }
}

fn asked(policy: &Policy, facts: &Facts) -> Vec<Question> {
    let mut ask = Vec::new();
    policy.check("recipient").expect("the check").needs(Stage::Rcpt, facts, &Answers::default(), &mut ask);
    ask
}

const LIVE: &str = "[policy]\ncontrol = \"/nowhere/control\"\n[check.recipient]\nsource = \"live\"\n";

#[test]
fn the_suffix_of_relayclient_is_part_of_the_address() {
    let policy = policy(LIVE);
    for (relayclient, expected) in [
        (None, "mailbox Ann@here.example (live)"),
        (Some(""), "mailbox Ann@here.example (live)"),
        (Some("@relay"), "mailbox Ann@here.example@relay (live)"),
    ] {
        let mut facts = to("Ann@here.example");
        facts.connection.relayclient = relayclient.map(Bytes::from);
        let asked: Vec<String> = asked(&policy, &facts).iter().map(ToString::to_string).collect();
        assert_eq!(asked, [expected]);
    }
}

#[test]
fn nobody_is_asked_about_what_the_mail_server_refuses_or_where_qmail_is_not() {
    let mut refused = to("ann@foreign.example");
    refused.recipient.as_mut().expect("a recipient").rcpthosts = Rcpthosts::Refused;
    assert!(asked(&policy(LIVE), &refused).is_empty());
    let elsewhere = policy("[policy]\ncontrol = \"/nowhere/control\"\n");
    assert!(asked(&elsewhere, &to("ann@here.example")).is_empty());
}

#[test]
fn each_host_has_its_own_snapshot_and_one_without_is_told() {
    let policy = policy(
        "[policy]\ncontrol = \"/nowhere/control\"\n[[check.recipient.snapshot]]\nhost = \"MX1\"\nfile = \"mx1.cdb\"\n",
    );
    for (host, expected) in [("mx1", "there is no /nowhere/mx1.cdb"), ("mx2", "no snapshot of mx2 is configured")] {
        let mut facts = to("ann@here.example");
        facts.connection.host = host.to_owned();
        let asked = asked(&policy, &facts);
        let [Question::Mailbox(question)] = asked.as_slice() else { panic!("{asked:?}") };
        let looked = question.source.at_hand(&question.address, 0, &mut crate::ask::mailbox::Trace::default());
        let looked = looked.expect("it is known at once");
        assert!(looked.is_ours && looked.why.contains(expected), "{looked}");
    }
    let warnings = policy.warnings().join("\n");
    assert!(warnings.contains("no snapshot of MX1 yet"), "{warnings}");
}

#[test]
fn only_missing_speaks() {
    let policy = policy(LIVE);
    let facts = to("ann@here.example");
    for (existence, expected) in [(Existence::Exists, 0), (Existence::Missing, 1), (Existence::Unknown, 0)] {
        let mut answers = Answers::default();
        let looked = Arc::new(Looked::new(existence, "so it is"));
        for question in asked(&policy, &facts) {
            answers.insert(question, Answered::mailbox(looked.clone(), Duration::ZERO));
        }
        let mut found = Vec::new();
        let check = policy.check("recipient").expect("the check");
        check.decide(Stage::Rcpt, &facts, &answers, crate::clock::Clock::manual(0).now(), &mut found);
        assert_eq!(found.len(), expected, "{existence:?}");
    }
}

#[test]
fn the_variable_counts_only_as_1() {
    let check = Recipient { sources: sources(), at_data: false };
    for (value, expected) in
        [(None, false), (Some(""), false), (Some("0"), false), (Some("11"), false), (Some("1"), true)]
    {
        let connection = Connection { qmailrrtdenyall: value.map(Bytes::from), ..Connection::default() };
        assert_eq!(check.denies_at_data(&connection), expected, "{value:?}");
    }
}

fn sources() -> Sources {
    let document = Document::parse("/nowhere/t.toml", "").expect("TOML");
    let faults = Default::default();
    let section = crate::config::Section::new(&document, "check.recipient", &[DEF.fields], DEF.tables, &faults);
    let own: &[Network] = &[];
    let mut build = crate::config::Build {
        check: "recipient",
        mode: Mode::Monitor,
        control: std::path::Path::new("/nowhere/control"),
        resolvers: &[],
        domains: &[],
        own_addresses: own,
        defer_at: 1,
        files: &mut Default::default(),
        dns_lists: &mut Vec::new(),
        settled: &mut Default::default(),
    };
    Sources::build(&section, &mut build)
}

#[test]
fn what_is_shown_says_who_was_asked() {
    let now = crate::clock::Clock::manual(0).now();
    let nobody = show::rows(&sources(), "explain", &["x@y".to_owned()], now).expect_err("nobody");
    assert!(nobody.contains("nobody is asked"), "{nobody}");
    let wrong: &Def = &DEF;
    assert!(show::rows(&sources(), "explane", &[], now).expect_err(wrong.name).contains("expected explain or sources"));
}

#[test]
fn users_that_were_not_compiled_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for made in ["control", "users"] {
        std::fs::create_dir(at(made)).expect("a folder");
    }
    std::fs::write(at("control/locals"), "here.example\n").expect("written");
    let warnings = |assign: &str| {
        std::fs::write(at("users/assign"), assign).expect("written");
        policy(&format!("[policy]\ncontrol = \"{}\"\n", at("control").display())).warnings().join("\n")
    };
    let line = "+List-X:x:1:2:/home/x:-::\n";
    let told = warnings(line);
    assert!(told.contains("users/assign: line 2: the file ends") && told.contains("qmail-newu refuses"), "{told}");
    let told = warnings(&format!("{line}.\n"));
    assert!(
        told.contains("line 1: +List-X matches nothing") && told.contains("expected qmail-newu to be run"),
        "{told}"
    );
    let file = std::fs::File::create(at("users/cdb")).expect("a file");
    let mut maker = cdb::CDBMake::new(file).expect("a writer");
    maker.add(b"!ann\0", b"ann\x001\x002\0/home/ann\0\0").expect("added");
    maker.add(b"", b"").expect("added");
    maker.finish().expect("finished");
    assert_eq!(warnings("=ann:ann:1:2:/home/ann:::\n.\n"), "");
    assert!(warnings("=ann:ann:1:2:/home/other:::\n.\n").contains("expected qmail-newu to be run"));
    std::fs::write(at("users/cdb"), "cut off").expect("written");
    let damaged = policy(&format!("[policy]\ncontrol = \"{}\"\n", at("control").display()));
    let row = damaged.files().iter().find(|file| file.path == at("users/cdb")).expect("it is shown");
    let told = row.error.as_deref().unwrap_or_default();
    assert!(told.contains("users/cdb: 7 bytes") && row.warnings[0].contains("no recipient is refused"), "{row:?}");
}

#[test]
fn how_old_snapshots_are_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let now = 100_000;
    let times = [("fine", now - 120), ("stale", now - 7_300), ("ahead", now + 3_601)];
    let mut text = "[policy]\ncontrol = \"control\"\n".to_owned();
    for (host, made_at) in times {
        let path = folder.path().join(host).with_extension("cdb");
        let mut maker = cdb::CDBMake::new(std::fs::File::create(path).expect("a file")).expect("a writer");
        maker.add(b"t", format!("tollgate recipients\x001\0{host}\0{made_at}").as_bytes()).expect("added");
        maker.finish().expect("finished");
        text += &format!("[[check.recipient.snapshot]]\nhost = \"{host}\"\nfile = \"{host}.cdb\"\nage_max_hours = 1\n");
    }
    let document = Document::parse(&folder.path().join("t.toml").display().to_string(), &text).expect("TOML");
    let policy = Policy::build(&document, 1).map_err(|faults| format!("{faults:?}")).expect("a policy");
    let memory = crate::recall::Recall::alone(Default::default(), crate::clock::Clock::manual(now));
    let check = policy.check("recipient").expect("the check");
    let rows = check.inspect_memory("sources", &[], &memory).expect("rows").rows;
    let said: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    assert_eq!(
        said,
        [
            "ahead snapshot 1 entries, dated 61 minutes ahead: expected at most 5; set the clocks of both hosts; all recipients are taken",
            "fine snapshot 1 entries, made 2 minutes ago",
            "stale snapshot 1 entries, 2 hours old: expected at most 1; all recipients are taken",
        ]
    );
}

#[test]
fn sources_and_ways_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = folder.path().join("control");
    std::fs::create_dir(&control).expect("a folder");
    std::fs::write(control.join("locals"), "here.example\n").expect("written");
    let policy = policy(&format!(
        "[policy]\ncontrol = \"{}\"\n[check.recipient]\nsource = \"live\"\n[[check.recipient.snapshot]]\nhost = \"mx1\"\nfile = \"none.cdb\"\n",
        control.display()
    ));
    let memory = crate::recall::Recall::alone(Default::default(), crate::clock::Clock::manual(0));
    let show = |op: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let check = policy.check("recipient").expect("the check");
        let rows = check.inspect_memory(op, &args, &memory).map(|rows| rows.rows);
        rows.map(|rows| rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("\n"))
    };
    let sources = show("sources", &[]).expect("rows");
    assert!(
        sources.starts_with("mx1 lacking there is no /nowhere/none.cdb") && sources.contains("\nlive live "),
        "{sources}"
    );
    let way = show("explain", &["no-such-user-here@here.example", "mx7"]).expect("rows");
    for line in [
        "source live",
        "locals here.example is local",
        "users/cdb there is none",
        "passwd there is no user \"no-such-user-here\"",
    ] {
        assert!(way.contains(line), "{line} in {way}");
    }
    assert!(way.lines().last().is_some_and(|line| line.starts_with("answer ")), "{way}");
    // People paste it with its brackets; one pair of them.
    let show_answer = |address: &str| {
        let way = show("explain", &[address, "mx7"]).expect("rows");
        way.lines().last().expect("an answer").to_owned()
    };
    assert_eq!(show_answer("<no-such-user-here@here.example>"), show_answer("no-such-user-here@here.example"));
    for other in
        ["<<no-such-user-here@here.example>>", "<no-such-user-here@here.example", "no-such-user-here@here.example>"]
    {
        assert_ne!(show_answer(other), show_answer("no-such-user-here@here.example"), "{other}");
    }
    let way = show("explain", &["x@y", "MX1"]).expect("rows");
    assert!(way.contains("answer unknown: there is no /nowhere/none.cdb"), "{way}");
    assert!(show("explain", &["x@y"]).expect_err("several").contains("expected one of mx1, live"));
    assert!(show("explain", &[]).is_err() && show("sources", &["x"]).is_err());
}
