//! What do `tollgate allow`, `deny`, `pardon` and `exceptions` print, ask and return?

use super::{Replies, ask, daemon, tollgate};
use serde_json::Value;
use tollgate_proto::v1::{
    Exception, ExceptionListReply, ExceptionMakeReply, ExceptionPardonReply, ExceptionRemoveReply, PardonScope,
};

fn exception() -> Exception {
    Exception {
        id: "3f2a91c07be4aaaabbbbccccddddeeee".to_owned(),
        action: "allow".to_owned(),
        clients: "192.0.2.0/24".to_owned(),
        sender: "ann@there.example".to_owned(),
        recipient: String::new(),
        reason: "their new \u{1b}[31mrelay".to_owned(),
        by: "hans".to_owned(),
        made_at: 1_700_000_000,
        until: 4_107_542_400,
        hits: 12,
        changed: 3,
        last_hit: 1_700_100_000,
        last_changed: 1_700_000_001,
        need: "not_needed".to_owned(),
        needs_spf: false,
    }
}

fn making(renewed: bool, needs_spf: bool) -> Replies {
    let exception = Some(Exception { needs_spf, ..exception() });
    Replies { exception_make: ExceptionMakeReply { exception, renewed }, ..Replies::default() }
}

#[test]
fn allow_and_deny_say_what_was_made_and_how_to_undo_it() {
    let (_folder, daemon) = daemon(making(false, false));
    let line = ["allow", "192.0.2.0/24", "ann@there.example", "--for", "7d", "--reason", "relay", "--by", "hans"];
    let (code, out) = ask(&daemon, &line);
    let told = "allow clients 192.0.2.0/24, sender ann@there.example until 2100-03-01 00:00:00 UTC";
    let undo = "`tollgate exceptions remove 3f2a91c07be4` ends it before";
    assert_eq!((code, out.as_str()), (0, format!("3f2a91c07be4 {told}; {undo}\n").as_str()));
    let heard = daemon.heard().exception_make.expect("asked");
    assert!(heard.allow && heard.seconds == 604_800 && heard.recipient.is_empty(), "{heard:?}");
    assert_eq!((heard.clients.as_str(), heard.sender.as_str()), ("192.0.2.0/24", "ann@there.example"));
    assert_eq!((heard.reason.as_str(), heard.by.as_str()), ("relay", "hans"));
    let line = ["deny", "--recipient", "@here.example", ".bad.example", "--for", "400d", "--reason", "x"];
    ask(&daemon, &line);
    let heard = daemon.heard().exception_make.expect("asked");
    assert!(!heard.allow && heard.seconds == 34_560_000 && heard.clients.is_empty() && !heard.by.is_empty());
    assert_eq!((heard.sender.as_str(), heard.recipient.as_str()), (".bad.example", "@here.example"));
}

#[test]
fn what_hangs_on_spf_or_was_there_before_is_said() {
    let (_folder, daemon) = daemon(making(true, true));
    let (code, out) = ask(&daemon, &["allow", "ann@there.example", "--for", "1d", "--reason", "x"]);
    assert!(code == 0 && out.contains("UTC (renewed);") && out.contains("only where SPF says"), "{out}");
    let (_, out) = ask(&daemon, &["allow", "ann@there.example", "--for", "1d", "--reason", "x", "--json"]);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&shown["renewed"], &shown["exception"]["needs_spf"]), (&true.into(), &true.into()));
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let (_folder, daemon) = daemon(making(false, false));
    let socket = daemon.socket.display().to_string();
    let rest = ["--for", "1d", "--reason", "x"];
    for (words, expected) in [
        (&["allow"][..], "expected whom it is about"),
        (&["allow", "192.0.2.1", "192.0.2.2"], "--client is 192.0.2.1 already"),
        (&["allow", "a@b.example", "--sender", "c@d.example"], "--sender is c@d.example already"),
        (&["deny", "192.0.2.1", "--reason", " "], "--reason"),
        (&["deny", "192.0.2.1", "--by", ""], "--by: 0 bytes"),
        (&["deny", "0.0.0.0/0"], "expected a net of /8 or smaller"),
        (&["deny", "192.0.2.1", "--for", "401d"], "expected 1s to 400d"),
    ] {
        // A flag that is given already is not given twice.
        let mut line = [&["--socket", &socket], words].concat();
        rest.chunks(2).filter(|flag| !words.contains(&flag[0])).for_each(|flag| line.extend(flag));
        let (code, out, err) = tollgate(&line);
        assert!((code, out.as_str()) == (64, "") && err.contains(expected), "{words:?}: {code} {err}");
    }
    for (words, missing) in [(["--for", "1d"], "--reason"), (["--reason", "x"], "--for")] {
        let (code, _, err) = tollgate(&[&["allow", "192.0.2.1"], &words[..]].concat());
        assert!(code == 64 && err.contains(missing), "{err}");
    }
    assert!(daemon.heard().exception_make.is_none());
}

#[test]
fn pardon_says_what_was_done_in_one_line() {
    let pardoning = |renewed, lists| {
        let exception_pardon = ExceptionPardonReply { exception: Some(exception()), renewed, lists };
        Replies { exception_pardon, ..Replies::default() }
    };
    for (renewed, lists, noted) in [
        (false, 0, ";"),
        (false, 1, ", noted against 1 DNS list;"),
        (false, 2, ", noted against 2 DNS lists;"),
        (true, 2, " (renewed: it counts once);"),
    ] {
        let (_folder, daemon) = daemon(pardoning(renewed, lists));
        let (code, out) = ask(&daemon, &["pardon", "abcdefgh01234567"]);
        assert!(code == 0 && out.lines().count() == 1 && out.contains(&format!("UTC{noted} `tollgate")), "{out}");
        assert!(out.starts_with("pardoned: 3f2a91c07be4 allow clients 192.0.2.0/24, sender"), "{out}");
        let heard = daemon.heard().exception_pardon.expect("asked");
        assert_eq!((heard.seconds, heard.scope(), heard.exact), (604_800, PardonScope::ClientAndSender, false));
        assert!(heard.reason.is_empty() && !heard.by.is_empty());
    }
    let (_folder, daemon) = daemon(pardoning(false, 0));
    for (flags, scope, exact) in [
        (&["--client-only", "--exact"][..], PardonScope::Client, true),
        (&["--sender-only"], PardonScope::Sender, false),
    ] {
        ask(&daemon, &[&["pardon", "abcdefgh01234567", "--for", "1h", "--reason", "x"], flags].concat());
        let heard = daemon.heard().exception_pardon.expect("asked");
        assert_eq!((heard.seconds, heard.scope(), heard.exact), (3_600, scope, exact));
    }
    let socket = daemon.socket.display().to_string();
    assert_eq!(tollgate(&["pardon", "x", "--sender-only", "--client-only"]).0, 64);
    for (id, expected) in [("0000000000000000", "no such decision"), ("1111111111111111", "refused nothing")] {
        let (code, out, err) = tollgate(&["--socket", &socket, "pardon", id]);
        assert!((code, out.as_str()) == (1, "") && err.contains(expected), "{err}");
    }
}

fn listing(exceptions: Vec<Exception>) -> Replies {
    Replies { exception_list: ExceptionListReply { exceptions }, ..Replies::default() }
}

#[test]
fn list_shows_whether_each_is_still_needed() {
    let of = |need: &str| Exception { need: need.to_owned(), hits: 0, last_hit: 0, ..exception() };
    let all = vec![exception(), of("unknown"), of("never_needed"), of("needed")];
    let (_folder, daemon) = daemon(listing(all));
    let (code, out) = ask(&daemon, &["exceptions", "list"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(code == 0 && lines.len() == 5 && lines[0].starts_with("id            action"), "{out}");
    for (line, words) in [
        (1, &["3f2a91c07be4", "12", "3", "ago", "not needed since 2023-11-14 22:13:21 UTC", "hans"][..]),
        (2, &["never  ", "no hit yet"]),
        (3, &["never needed"]),
        (4, &["  needed  "]),
    ] {
        words.iter().for_each(|word| assert!(lines[line].contains(word), "{word}: {out}"));
    }
    assert!(!out.contains('\u{1b}'), "{out}");
    let (_folder, daemon) = super::daemon(listing(Vec::new()));
    assert_eq!(ask(&daemon, &["exceptions", "list"]), (0, "there are no exceptions\n".to_owned()));
}

#[test]
fn show_has_everything_of_one() {
    let (_folder, daemon) = daemon(listing(vec![Exception { needs_spf: true, ..exception() }]));
    let (code, out) = ask(&daemon, &["exceptions", "show", "3f2a"]);
    assert_eq!(daemon.heard().exception_list.expect("asked").id, "3f2a");
    for words in ["3f2a91c07be4aaaabbbbccccddddeeee", "made     2023-11-14", "where SPF says", "12, last 2023-11-16"] {
        assert!(code == 0 && out.contains(words), "{words}: {out}");
    }
    for (all, expected) in [(vec![], "no such exception"), (vec![exception(), exception()], "several ids")] {
        let (_folder, daemon) = super::daemon(listing(all));
        let socket = daemon.socket.display().to_string();
        let (code, _, err) = tollgate(&["--socket", &socket, "exceptions", "show", "3f"]);
        assert!(code == 1 && err.contains(expected), "{err}");
    }
}

#[test]
fn remove_says_what_ended() {
    let exception_remove = ExceptionRemoveReply { exception: Some(exception()) };
    let (_folder, daemon) = daemon(Replies { exception_remove, ..Replies::default() });
    let (code, out) = ask(&daemon, &["exceptions", "remove", "3f2a", "--by", "ann"]);
    assert!(code == 0 && out.starts_with("ended: 3f2a91c07be4 allow clients 192.0.2.0/24, sender"), "{out}");
    let heard = daemon.heard().exception_remove.expect("asked");
    assert_eq!((heard.id.as_str(), heard.by.as_str()), ("3f2a", "ann"));
}

/// A new field must be shown, too.
#[test]
fn json_leaves_out_no_field_of_an_exception() {
    use prost::Message;
    let (_folder, daemon) = daemon(listing(vec![exception()]));
    let list: Value = serde_json::from_str(&ask(&daemon, &["exceptions", "list", "--json"]).1).expect("JSON");
    let one: Value = serde_json::from_str(&ask(&daemon, &["exceptions", "show", "3", "--json"]).1).expect("JSON");
    let set = prost_types::FileDescriptorSet::decode(tollgate_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let mut messages = set.file.iter().flat_map(|file| &file.message_type);
    let message = messages.find(|message| message.name() == "Exception").expect("a message of the protocol");
    for field in message.field.iter().map(|field| field.name()) {
        assert!(list["exceptions"][0].get(field).is_some() && one.get(field).is_some(), "{field} is not shown");
    }
}
