//! What does `tollgate reputation` print, ask and return?

use super::{Replies, ask, daemon, tollgate};
use serde_json::Value;
use std::fs;
use tollgate_proto::v1::{
    ExperienceCount, InspectReply, InspectRow, Reputation, ReputationExportReply, ReputationExportRequest,
    ReputationImportReply, ReputationResetReply, ReputationTopReply,
};

fn bad(subject: &str, kind: &str) -> Reputation {
    let told = |kind: &str, count| ExperienceCount { kind: kind.to_owned(), count };
    Reputation {
        subject: subject.to_owned(),
        kind: kind.to_owned(),
        reputation: -63.4,
        at: 1_700_000_000,
        epoch: 1,
        events: 13,
        good: vec![0.0, 0.5, 1.0],
        bad: vec![20.0, 30.0, 44.0],
        experiences: vec![told("refused", 12.0), told("trap", 1.0), told("accepted", 0.01)],
        witnesses: vec![7],
    }
}

#[test]
fn top_shows_the_worst_first() {
    let rows = vec![bad("192.0.2.1", "ip"), bad("helo:\u{1b}[31m", "helo")];
    let (_folder, daemon) = daemon(Replies { reputation_top: ReputationTopReply { rows }, ..Replies::default() });
    let (code, out) = ask(&daemon, &["reputation", "top", "--kind", "ip", "--count", "2", "--best"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, lines.len()), (0, 3), "{out}");
    assert!(lines[0].starts_with("reputation  subject") && lines[1].starts_with("-63         192.0.2.1"), "{out}");
    assert!(lines[1].ends_with("refused 12.0, trap 1.0") && !out.contains('\u{1b}'), "{out}");
    let heard = daemon.heard().reputation_top.expect("asked");
    assert_eq!((heard.kind.as_str(), heard.best, heard.count), ("ip", true, 2));
    let (_, out) = ask(&daemon, &["reputation", "top", "--json"]);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown["rows"][0]["experiences"]["refused"], 12.0);
    assert_eq!(daemon.heard().reputation_top.expect("asked").count, 20);
}

#[test]
fn top_says_when_there_is_nobody() {
    let (_folder, daemon) = daemon(Replies::default());
    assert_eq!(ask(&daemon, &["reputation", "top"]), (0, "nobody has a bad reputation\n".to_owned()));
    for count in ["0", "1001"] {
        assert_eq!(tollgate(&["reputation", "top", "--count", count]).0, 64);
    }
}

#[test]
fn show_is_the_checks_own() {
    let rows = vec![InspectRow { cells: vec!["192.0.2.1".to_owned()] }];
    let inspect = InspectReply { columns: vec!["subject".to_owned()], rows };
    let (_folder, daemon) = daemon(Replies { inspect, ..Replies::default() });
    assert_eq!(ask(&daemon, &["reputation", "show", "192.0.2.1"]), (0, "subject\n192.0.2.1\n".to_owned()));
    let heard = daemon.heard().inspect.expect("asked");
    assert_eq!((heard.check.as_str(), heard.op.as_str(), heard.args), ("reputation", "show", vec!["192.0.2.1".into()]));
    ask(&daemon, &["reputation", "trap", "you@here.example"]);
    assert_eq!(daemon.heard().inspect.expect("asked").op, "trap");
}

#[test]
fn reset_says_what_was_forgotten() {
    let before = Some(bad("192.0.2.1", "ip"));
    let (_folder, daemon) = daemon(Replies { reputation_reset: ReputationResetReply { before }, ..Replies::default() });
    let (code, out) = ask(&daemon, &["reputation", "reset", "192.0.2.1", "--reason", "new tenant", "--by", "ann"]);
    assert_eq!((code, out.as_str()), (0, "192.0.2.1: forgotten; it was -63 (refused 12.0, trap 1.0)\n"));
    let heard = daemon.heard().reputation_reset.expect("asked");
    assert_eq!((heard.subject.as_str(), heard.reason.as_str(), heard.by.as_str()), ("192.0.2.1", "new tenant", "ann"));
    let (code, _, err) = tollgate(&["reputation", "reset", "192.0.2.1"]);
    assert!(code == 64 && err.contains("--reason"), "{err}");
    let (_folder, daemon) = super::daemon(Replies::default());
    let (code, out) = ask(&daemon, &["reputation", "reset", "192.0.2.1", "--reason", "x"]);
    assert_eq!((code, out.as_str()), (1, "192.0.2.1: nothing is remembered\n"));
}

fn exporting(rows: Vec<Reputation>) -> Replies {
    let reputation_import = ReputationImportReply { taken: 1, known: 0, refused: 1 };
    let pieces = rows.into_iter().map(|row| Ok(ReputationExportReply { rows: vec![row] }));
    Replies { reputation_export: pieces.collect(), reputation_import, ..Replies::default() }
}

#[test]
fn what_is_exported_is_imported() {
    let (folder, daemon) = daemon(exporting(vec![bad("192.0.2.1", "ip"), bad("domain:bad.example", "domain")]));
    let (code, out) = ask(&daemon, &["reputation", "export"]);
    assert_eq!((code, out.lines().count()), (0, 2));
    assert_eq!(daemon.heard().reputation_export, Some(ReputationExportRequest::default()));
    let file = folder.path().join("export");
    fs::write(&file, &out).expect("a file");
    let file = file.display().to_string();
    let (code, out) = ask(&daemon, &["reputation", "import", &file, "--reason", "moved", "--by", "ann"]);
    assert_eq!((code, out.as_str()), (1, "taken 1, known as well or better 0, refused 1\n"));
    let heard = daemon.heard().reputation_import;
    assert_eq!((heard.len(), heard[0].reason.as_str(), heard[0].by.as_str()), (1, "moved", "ann"));
    let sent = Reputation { kind: String::new(), reputation: 0.0, ..bad("192.0.2.1", "ip") };
    assert_eq!(heard[0].rows[0].bad, sent.bad);
    assert_eq!((&heard[0].rows[0].subject, heard[0].rows[0].events), (&sent.subject, sent.events));
    fs::write(&file, "{\"subject\": \"192.0.2.1\"}\n").expect("a file");
    let (code, _, err) = tollgate(&["reputation", "import", &file, "--reason", "moved"]);
    assert!(code == 64 && err.contains("line 1"), "{err}");
}

#[test]
fn a_zone_lists_the_bad() {
    let rows = vec![bad("192.0.2.0/24", "net"), bad("2001:db8::1", "ip"), bad("helo:x", "helo")];
    let (_folder, daemon) = daemon(exporting(rows));
    let (code, out) = ask(&daemon, &["reputation", "export", "--rbldnsd"]);
    assert_eq!(daemon.heard().reputation_export.expect("asked").below, Some(-50));
    assert!(code == 0 && out.contains("\n192.0.2.0/24 :127.0.0.3:reputation -63: refused 12.0, trap 1.0\n"), "{out}");
    assert!(out.contains("\n2001:db8::1 :127.0.0.2:") && !out.contains("helo:x"), "{out}");
    ask(&daemon, &["reputation", "export", "--rbldnsd", "--below", "-90", "--kind", "net"]);
    let heard = daemon.heard().reputation_export.expect("asked");
    assert_eq!((heard.kind.as_str(), heard.below), ("net", Some(-90)));
}

/// A new field must be shown, too.
#[test]
fn json_leaves_out_no_field_of_a_reputation() {
    use prost::Message;
    let (_folder, daemon) = daemon(exporting(vec![bad("192.0.2.1", "ip")]));
    let shown: Value = serde_json::from_str(&ask(&daemon, &["reputation", "export"]).1).expect("JSON");
    let set = prost_types::FileDescriptorSet::decode(tollgate_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let mut messages = set.file.iter().flat_map(|file| &file.message_type);
    let message = messages.find(|message| message.name() == "Reputation").expect("a message of the protocol");
    for field in message.field.iter().map(|field| field.name()) {
        assert!(shown.get(field).is_some(), "{field} is not shown");
    }
}
