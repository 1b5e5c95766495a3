//! Does the configuration do what the command line did? Every row of what is known of rblsmtpd, and any text at all.

use super::{
    super::{exit, tests::tollgate},
    import,
    options::{Does, Line, ours, read},
    words::commands,
};
use crate::{config::Document, pipeline::Policy};
use proptest::prelude::*;
use std::{ffi::OsString, fs};

fn line(text: &str) -> Result<Line, String> {
    read(ours(&commands(text)?))
}

/// `zone action[!]`, as `bl.example reject`; `!` = fail closed.
fn lists(text: &str) -> Vec<String> {
    let shown = |does: &Does| match does {
        Does::Allow => "allow".to_owned(),
        Does::Refuse { bounce: true } => "reject".to_owned(),
        Does::Refuse { bounce: false } => "defer".to_owned(),
        Does::Answer { bounce: true, message } => format!("reject \"{message}\""),
        Does::Answer { bounce: false, message } => format!("defer \"{message}\""),
    };
    let list = |list: &super::options::List| {
        let closed = if list.fail_closed { "!" } else { "" };
        format!("{} {}{closed}", list.zone, shown(&list.does))
    };
    line(text).expect("a line of rblsmtpd").lists.iter().map(list).collect()
}

fn printed(text: &str) -> (String, Vec<String>) {
    let printed = import(&[OsString::from(text)]).expect("a line of rblsmtpd");
    (printed.toml, printed.warnings)
}

#[test]
fn options_act_from_left_to_right() {
    for (text, expected) in [
        // 451 for what stands before -b, 553 for what stands behind it.
        ("-r a.example -b", &["a.example defer"][..]),
        ("-b -r a.example", &["a.example reject"]),
        ("-b -r a.example -B -r b.example", &["a.example reject", "b.example defer"]),
        ("-r a.example", &["a.example defer"]),
        ("-B -r a.example", &["a.example defer"]),
        ("-c -r a.example -C -r b.example", &["a.example defer!", "b.example defer"]),
        ("-r a.example -c -a b.example", &["a.example defer", "b.example allow!"]),
        ("-a w.example -r a.example", &["w.example allow", "a.example defer"]),
        // Words run together, as getopt allows.
        ("-Cb -ra.example", &["a.example reject"]),
        ("-bra.example", &["a.example reject"]),
        ("-bcra.example -aw.example", &["a.example reject!", "w.example allow!"]),
        ("-t 30 -t0 -bt60 -r a.example", &["a.example reject"]),
        // netqmail's A-record patch.
        (
            "-b -r 'a.example:%IP% is on a.example: see x'",
            &["a.example reject \"%{client_ip} is on a.example: see x\""],
        ),
        ("-ra.example:no", &["a.example defer \"no\""]),
        // ucspi-tcp6.
        ("-i -w 20 -W -r a.example", &["a.example defer"]),
        // The program and its arguments are its own.
        ("-r a.example /var/qmail/bin/qmail-smtpd -r b.example", &["a.example defer"]),
        ("-b -r a.example -- -r b.example", &["a.example reject"]),
        ("-r a.example - -r b.example", &["a.example defer"]),
        ("rblsmtpd -b -r a.example qmail-smtpd", &["a.example reject"]),
        ("/usr/local/bin/rblsmtpd -r A.Example. x", &["a.example defer"]),
        (
            "exec tcpserver -v -u \"$Q\" -x /etc/tcp.smtp.cdb 0 smtp \\\n rblsmtpd -b -r a.example \\\n qmail-smtpd 2>&1",
            &["a.example reject"],
        ),
        (
            "#!/bin/sh\nQ=`id -u qmaild`; cd /x &&\nexec tcpserver 0 25 rblsmtpd -rb.example qmail-smtpd | splogger",
            &["b.example defer"],
        ),
        ("-b -r a.example rblsmtpd -r b.example qmail-smtpd", &["a.example reject", "b.example defer"]),
        // Without -r, its own default.
        ("", &["rbl.maps.vix.com defer"]),
        ("-b qmail-smtpd", &["rbl.maps.vix.com reject"]),
        ("-a w.example", &["w.example allow", "rbl.maps.vix.com defer"]),
    ] {
        assert_eq!(lists(text), expected, "{text}");
    }
}

#[test]
fn what_rblsmtpd_would_refuse_is_one_clear_line() {
    for (text, expected) in [
        ("-r", "-r is the end: expected a zone"),
        ("-b -a", "-a is the end: expected a zone"),
        ("-t x -r a.example", "-t \"x\": expected the seconds"),
        ("-t", "-t is the end: expected the seconds"),
        ("-w 5s", "-w \"5s\": expected the seconds"),
        ("-x -r a.example", "-x is no option of rblsmtpd"),
        ("-b\u{e9}", "-\u{e9} is no option of rblsmtpd"),
        ("-r ''", "-r \"\": expected a zone"),
        ("-r a..example", "-r \"a..example\": expected a zone"),
        ("-r a.example:", "expected a reply of 1 to 200"),
        ("-r 'a.example:%{client_ip}'", "without %{"),
        ("-r 'a.example", "a ' is opened and not closed"),
        ("$RBLS qmail-smtpd", "$RBLS: only your shell knows"),
        ("-r \"$RBL\"", "$RBL: only your shell knows"),
        ("-r `cat zones`", "`cat: only your shell knows"),
    ] {
        let error = line(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    let many = (0..49).map(|at| format!("-r z{at}.example")).collect::<Vec<_>>().join(" ");
    assert_eq!(line(&many), Err("more than 48 lists: a policy holds no more".to_owned()));
}

#[test]
fn a_whole_configuration_comes_out() {
    let (toml, warnings) = printed("-b -r bl.example -a wl.example -B -c -r 'x.example:go \"away\", %IP%' -t 0");
    assert_eq!(warnings, Vec::<String>::new());
    let document: toml::Table = toml.parse().expect("TOML");
    let rbl = &document["check"]["rbl"];
    assert_eq!((rbl["replies"].as_str(), rbl["defer_after_error"].as_bool()), (Some("rblsmtpd"), Some(true)));
    let lists: Vec<String> = rbl["list"].as_array().expect("lists").iter().map(ToString::to_string).collect();
    assert_eq!(
        lists,
        [
            "{ action = \"reject\", query = \"txt\", zone = \"bl.example\" }",
            "{ action = \"allow\", query = \"a\", zone = \"wl.example\" }",
            "{ action = \"defer\", query = \"a\", text = 'go \"away\", %{client_ip}', zone = \"x.example\" }",
        ]
    );
    for comment in [
        "# -t 0 ended the session right after the reply",
        "postmaster can be reached",
        "# rblsmtpd let everybody in while this list failed.",
        "# -c: rblsmtpd deferred everybody while this list failed.",
    ] {
        assert!(toml.contains(comment), "{comment}\n{toml}");
    }
    assert!(printed("-i -w 20 -r bl.example").0.contains("mode = \"monitor\""), "-i refuses nobody");
}

#[test]
fn the_seeds_own_line_is_three_lists_that_are_gone() {
    let seed = "-b -r cbl.abuseat.org -r list.dsbl.org -r dul.dnsdbl.sorbs.net -r dul.dnsdbl.sorbs.net";
    let (toml, warnings) = printed(seed);
    assert_eq!(toml.matches("mode = \"off\"").count(), 3);
    assert_eq!(toml.matches("[[check.rbl.list]]").count(), 3);
    for (warning, expected) in warnings.iter().zip([
        "cbl.abuseat.org: the CBL became a part of Spamhaus",
        "list.dsbl.org: DSBL closed in 2008",
        "dul.dnsdbl.sorbs.net: is misspelt: SORBS was dnsbl.sorbs.net",
        "dul.dnsdbl.sorbs.net stands more than once",
    ]) {
        assert!(warning.starts_with(expected), "{warning}");
    }
    assert_eq!(warnings.len(), 4);
    let (toml, warnings) = printed("");
    assert!(toml.contains("# No -r was given") && toml.contains("mode = \"off\""), "{toml}");
    assert_eq!(warnings[0], "without -r, rblsmtpd asks rbl.maps.vix.com");
}

#[test]
fn a_key_goes_where_keys_are_kept() {
    let (toml, warnings) =
        printed("-b -r s3cret.zen.dq.spamhaus.net -r s3cret.zen.dq.spamhaus.net -r zen.dq.spamhaus.net");
    assert!(toml.contains("zone = \"%{key}.zen.dq.spamhaus.net\"\n") && toml.contains("key = \"s3cret\"\n"), "{toml}");
    assert_eq!(toml.matches("s3cret").count(), 1, "{toml}");
    assert!(toml.contains("zone = \"zen.dq.spamhaus.net\"\n"), "{toml}");
    assert_eq!(warnings, ["zen.dq.spamhaus.net stands more than once"]);
}

/// As the daemon reads it at its start.
fn faults(toml: &str) -> Vec<String> {
    let document = Document::parse("t.toml", toml).expect("TOML");
    let faults = Policy::build(&document, 0).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_printed_passes_config_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t.toml");
    let long = ["abcdefghij"; 15].join(".");
    for args in [
        "-b -r bl.example -a wl.example -r bl.example qmail-smtpd",
        "-a both.example -r both.example -r 'both.example:no'",
        "-c -r cbl.abuseat.org -r dul.dnsdbl.sorbs.net -i -t 5",
        "rblsmtpd -r a.example rblsmtpd -a a.example qmail-smtpd",
        &format!("-r {long} -a {long}"),
        "",
    ] {
        let (code, toml, _) = tollgate(&["import", "rblsmtpd", args]);
        assert_eq!(code, exit::FINE, "{args}");
        fs::write(&file, &toml).expect("a file");
        let (code, _, err) = tollgate(&["config", "--check", &file.display().to_string()]);
        assert_eq!((code, err.as_str()), (exit::FINE, ""), "{args}\n{toml}");
    }
}

#[test]
fn the_command_prints_toml_and_warns_beside_it() {
    let (code, out, err) = tollgate(&["import", "rblsmtpd", "-r list.dsbl.org"]);
    assert_eq!(code, exit::FINE);
    assert!(out.parse::<toml::Table>().is_ok() && out.contains("zone = \"list.dsbl.org\""), "{out}");
    let expected = "tollgate: warning: list.dsbl.org: DSBL closed in 2008, and its name servers were switched off on 9 \
                    March 2009: it is switched off\n";
    assert_eq!(err, expected);
    let quoted = tollgate(&["import", "rblsmtpd", "-b -r bl.example qmail-smtpd"]);
    assert_eq!(
        tollgate(&["import", "rblsmtpd", "-b", "-r", "bl.example", "qmail-smtpd"]),
        quoted,
        "words of the shell"
    );
    let (code, out, err) = tollgate(&["import", "rblsmtpd", "-z\n"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (exit::USAGE, "", 1), "{err}");
    let huge = "x".repeat(super::LINE_OCTETS_MAX + 1);
    assert!(tollgate(&["import", "rblsmtpd", &huge]).2.contains("expected a command line of at most"));
}

/// Words of which lines of rblsmtpd are made, and noise.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "-[bBcCiW]{0,3}",
        "-[rat]{0,1}[a-z0-9.]{0,12}",
        "-[ra]( ){0,1}[a-c]\\.(example|sorbs\\.net|abuseat\\.org)",
        "-r 'a\\.example:[ -&(-~]{0,30}'",
        "-[tw] [0-9]{0,3}",
        "rblsmtpd|qmail-smtpd|--|-|[0-9]>&1",
        "\\PC{0,8}",
    ]
}

proptest! {
    /// Whatever is pasted: a configuration that is accepted, or one line that is not empty.
    #[test]
    fn any_text_is_a_configuration_or_one_clear_line(words in prop::collection::vec(word(), 0..8)) {
        let text = words.join(" ");
        match import(&[OsString::from(&text)]) {
            Ok(printed) => {
                prop_assert_eq!(faults(&printed.toml), Vec::<String>::new(), "{}\n{}", text, printed.toml);
                prop_assert!(printed.warnings.iter().all(|line| !line.contains('\n')));
            }
            Err(error) => {
                let shown = super::one_line(&error);
                prop_assert!(!shown.trim().is_empty() && !shown.contains('\n'));
            }
        }
    }
}
