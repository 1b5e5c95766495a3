//! Does every failure say what to try, with an exit code that a script can use?

use super::{super::exit, Seen, ask, daemon, fake::Replies, tollgate};
use crate::config::{Document, effective};
use std::{fs, os::unix::net::UnixListener};

/// The one line on standard error.
fn failure(seen: &Seen, code: u8) -> &str {
    let (found, out, err) = seen;
    assert_eq!((*found, out.as_str()), (code, ""), "{err}");
    err.strip_prefix("tollgate: ").expect("our name").trim_end()
}

#[test]
fn without_a_daemon_the_socket_is_named_with_what_to_try() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("admin.sock");
    let name = socket.display().to_string();
    for words in [
        &["status"][..],
        &["check", "--ip", "192.0.2.1"],
        &["reload"],
        &["on"],
        &["rbl"],
        &["pipeline"],
        &["lists"],
        &["lookup", "192.0.2.1"],
        &["exceptions", "list"],
        &["pardon", "0000000000000000"],
    ] {
        let seen = tollgate(&[&["--socket", &name], words].concat());
        let expected = "no such socket: is tollgated running? Start it, or name its admin socket with --socket";
        assert_eq!(failure(&seen, exit::UNREACHABLE), format!("{name}: {expected}"), "{words:?}");
    }
    drop(UnixListener::bind(&socket).expect("a socket"));
    let seen = tollgate(&["--socket", &name, "status"]);
    assert!(failure(&seen, exit::UNREACHABLE).contains("tollgated has ended"), "{seen:?}");
}

#[test]
fn a_listener_that_never_answers_does_not_hang_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("admin.sock");
    // It takes connections and closes them: nothing speaks HTTP/2 there.
    let listener = UnixListener::bind(&socket).expect("a socket");
    let closing = std::thread::spawn(move || drop(listener.accept()));
    let seen = tollgate(&["--socket", &socket.display().to_string(), "status"]);
    assert_eq!(seen.0, exit::UNREACHABLE, "{seen:?}");
    closing.join().expect("it ended");
}

#[test]
fn words_nobody_knows_are_told_with_those_that_are_known() {
    let seen = tollgate(&["rlb"]);
    assert!(
        failure(&seen, exit::USAGE)
            .starts_with("\"rlb\" is neither a command nor a check: did you mean \"rbl\"? Checks are ")
    );
    let seen = tollgate(&["statsu"]);
    assert!(failure(&seen, exit::USAGE).contains("did you mean \"status\"?"));
    let seen = tollgate(&["\x1b[2J"]);
    assert!(!failure(&seen, exit::USAGE).contains('\x1b'));
}

#[test]
fn the_daemons_refusals_keep_to_one_line() {
    let (_folder, daemon) = daemon(Replies::default());
    let socket = daemon.socket.display().to_string();
    let seen = tollgate(&["--socket", &socket, "rbl", "nonsense"]);
    assert_eq!(failure(&seen, exit::USAGE), "there is no operation \"nonsense\": expected lists");
    let seen = tollgate(&["--socket", &socket, "explain", "0123456789abcdef"]);
    assert!(failure(&seen, exit::NO).starts_with("0123456789abcdef is not known (any more)"));
}

#[test]
fn arguments_are_refused_before_anybody_is_asked() {
    for (words, expected) in [
        (&["explain", "abc"][..], "is no decision id"),
        (&["off", "--reason", "x"], "--for"),
        (&["off", "--for", "8d", "--reason", "x"], "expected 1s to 7d"),
        (&["off", "--for", "soon", "--reason", "x"], "is no span of time"),
        (&["off", "--for", "1h", "--reason", " "], "--reason: 0 bytes"),
        (&["check", "--ip", "mail.example"], "invalid IP address"),
        (&["check", "--ip", "192.0.2.1", "--rcpt", "a@b"], "--from"),
        (&["config"], "--print-default"),
        (&["config", "--print-default", "--effective"], "cannot be used with"),
        (&[], "Usage: tollgate"),
    ] {
        let (code, out, err) = tollgate(words);
        assert_eq!((code, out.as_str()), (exit::USAGE, ""), "{words:?}");
        assert!(err.contains(expected), "{words:?}: {err}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    for words in [&["--help"][..], &["check", "--help"], &["rbl", "--help"], &["--version"]] {
        let (code, out, err) = tollgate(words);
        assert_eq!((code, err.as_str()), (exit::FINE, ""), "{words:?}");
        assert!(out.contains("tollgate"), "{words:?}: {out}");
    }
}

#[test]
fn config_tells_all_faults_of_a_file_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t.toml");
    let name = file.display().to_string();
    fs::write(&file, "[policy]\nmoed = \"soft\"\nmode = \"on\"\n[chekc.rbl]\n[check.rlb]\n").expect("a file");
    for words in [["config", "--check", &name], ["config", "--effective", &name]] {
        let (code, out, err) = tollgate(&words);
        assert_eq!((code, out.as_str()), (exit::USAGE, ""));
        let expected = [
            "2: [policy] moed: unknown key: did you mean \"mode\"?",
            "3: [policy] mode = \"on\": expected enforce, soft, monitor or off",
            "4: [chekc] is no section: did you mean \"check\"?",
            "5: [check.rlb] is no section: did you mean \"rbl\"?",
        ];
        assert_eq!(err, expected.map(|line| format!("tollgate: {name}:{line}\n")).concat());
    }
    let (code, _, err) = tollgate(&["--config", &name, "pipeline"]);
    assert_eq!((code, err.lines().count()), (exit::USAGE, 4));
}

#[test]
fn config_of_a_good_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t.toml");
    let name = file.display().to_string();
    fs::write(&file, "[policy]\nmode = \"soft\"\n").expect("a file");
    assert_eq!(tollgate(&["config", "--check", &name]), (exit::FINE, format!("{name}: no mistakes\n"), String::new()));
    let (code, out, _) = tollgate(&["config", "--effective", &name]);
    assert_eq!(code, exit::FINE);
    assert_eq!(out, effective(&Document::read(Some(&file)).expect("a document")));
    let (code, out, _) = tollgate(&["config", "--print-default"]);
    assert_eq!((code, out), (exit::FINE, crate::config::default_file()));
    let (code, out, _) = tollgate(&["pipeline", "--config", &name]);
    assert_eq!(code, exit::FINE);
    assert!(out.contains("badmailfrom"), "{out}");
}

#[test]
fn the_configuration_says_where_the_daemon_listens() {
    let (folder, daemon) = daemon(Replies::default());
    let file = folder.path().join("t.toml");
    fs::write(&file, format!("[server]\nadmin_socket = {:?}\n", daemon.socket)).expect("a file");
    let name = file.display().to_string();
    assert_eq!(tollgate(&["--config", &name, "on"]).0, exit::FINE);
    fs::write(&file, "[server]\nsocket = \"x.sock\"\n").expect("a file");
    assert_eq!(tollgate(&["--config", &name, "on"]).0, exit::FINE, "admin.sock beside the policy socket");
    assert!(ask(&daemon, &["on"]).1.starts_with("on:"));
}
