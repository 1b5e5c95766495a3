//! One row for each oddity that stands in a text file.

use super::found;

/// File, its content, and what is said of it (the file's name left out).
type Row = (&'static str, &'static str, &'static [&'static str]);

fn check(rows: &[Row]) {
    for (name, content, expected) in rows {
        let expected: Vec<String> = expected.iter().map(|text| format!("{name}:{text}")).collect();
        assert_eq!(found(&[(name, content)]), expected, "{name}: {content:?}");
    }
}

#[test]
fn hosts() {
    check(&[
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\n.below.example\n",
            &[
                "4: warning: \".below.example\" does not cover \"below.example\" itself: expected a line \"below.example\" too, if that is meant",
            ],
        ),
        (
            "control/rcpthosts",
            "here.example\r\nvirtual.example\r\n.virtual.example\n",
            &["1: error: 2 lines end in CR LF: stock qmail keeps the CR, and they never match: expected LF"],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\nHere.example\n",
            &["4: note: \"Here.example\" stands in line 1 already"],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\n @x.example\nx.example # new\n@y.example\n*.z.example\n",
            &[
                "4: error: \" @x.example\" begins with a blank and never matches: expected none",
                "5: error: \"x.example # new\" holds a blank and never matches, remarks need lines of their own: expected \"x.example\"",
                "6: error: \"@y.example\" never matches: expected a domain, \"y.example\"",
                "7: error: \"*.z.example\": there are no patterns here: expected \".z.example\"",
            ],
        ),
        (
            "control/locals",
            "localhost\nhere.example\n\n.x.example\nforgotten.example\n",
            &[
                "4: error: \".x.example\" never matches: expected each local domain by name",
                "4: warning: \".x.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
                "5: warning: \"forgotten.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
            ],
        ),
        (
            "control/virtualdomains",
            "virtual.example:ann\nHere.example:ann\nvirtual.example:root\nnocolon.example\nold.example:\n.old.example:\n",
            &[
                "2: error: \"here.example\" stands in locals too, and that wins: expected it in one of them",
                "3: warning: \"virtual.example\" stands in line 1 with another user already",
                "4: error: \"nocolon.example\" has no colon and is passed over: expected domain:user",
            ],
        ),
        (
            "control/virtualdomains",
            "virtual.example:bob\n",
            &[
                "1: warning: \"bob\" is no user, nor assigned to one: alias gets the mail, as bob-…@: expected a user, or an assignment",
            ],
        ),
        (
            "control/percenthack",
            "here.example\n",
            &[
                "1: error: mail to user%anywhere@here.example is sent on to anywhere, so that here.example relays for everybody: expected no such file",
            ],
        ),
    ]);
}

#[test]
fn an_empty_rcpthosts_takes_no_mail() {
    let said = found(&[("control/rcpthosts", "# none\n"), ("control/virtualdomains", ""), ("control/badrcptto", "")]);
    assert_eq!(
        said,
        [
            "control/locals:2: warning: \"here.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
            "control/rcpthosts: warning: no domain in it: mail from outside is refused for all: expected our domains",
        ]
    );
}

#[test]
fn single_lines() {
    check(&[
        (
            "control/databytes",
            "10M\n",
            &[
                "1: error: \"10M\" counts as 10: expected digits alone",
                "1: warning: 10 bytes is less than most messages have: expected bytes, 0 for no limit",
            ],
        ),
        ("control/databytes", "none\n", &["1: error: \"none\" is no number: the default holds: expected digits"]),
        (
            "control/databytes",
            "10000\n",
            &["1: warning: 10000 bytes is less than most messages have: expected bytes, 0 for no limit"],
        ),
        ("control/databytes", "0\n", &[]),
        ("control/timeoutsmtpd", "5m\n", &["1: error: \"5m\" counts as 5: expected digits alone"]),
        ("control/spfbehavior", "7\n", &["1: error: \"7\": expected a level from 0 (off) to 6"]),
        ("control/spfbehavior", "on\n", &["1: error: \"on\": expected a level from 0 (off) to 6"]),
        ("control/spfbehavior", "0\n", &[]),
        ("control/me", "mx\n", &["1: warning: \"mx\": expected a full name such as mx.example.com"]),
        ("control/envnoathost", "\n", &["1: error: empty: expected a host's name, or no such file"]),
        (
            "control/envnoathost",
            "here.example\n\nthere.example\n",
            &["3: warning: only the first line counts: expected no other"],
        ),
    ]);
}

#[test]
fn senders_and_recipients() {
    check(&[
        (
            "control/badmailfrom",
            "spam.example\n@\n<>\n<u@x.example>\n\"Ann\" <u@x.example>\n*@x.example\n*@*.x.example\nu*@x.example\n",
            &[
                "1: error: \"spam.example\" has no @ and covers only an address without a domain: expected \"@spam.example\"",
                "2: error: \"@\" never matches: nothing lists the null sender",
                "3: error: \"<>\" never matches: nothing lists the null sender",
                "4: error: \"<u@x.example>\" never matches: expected \"u@x.example\"",
                "5: error: \"\\\"Ann\\\" <u@x.example>\" holds a blank and never matches, remarks need lines of their own: expected \"\\\"Ann\\\"\"",
                "6: error: \"*@x.example\" never matches: expected \"@x.example\"",
                "7: error: \"*@*.x.example\" never matches: expected \".x.example\"",
                "8: error: \"u*@x.example\": there are no patterns here: expected user@host, @host or .suffix",
            ],
        ),
        (
            "control/badmailfrom",
            ".spam.example\n",
            &[
                "1: warning: \".spam.example\" does not cover \"spam.example\" itself: expected a line \"@spam.example\" too, if that is meant",
            ],
        ),
        (
            "control/badmailfrom",
            "@here.example\n@x.virtual.example\n",
            &[
                "1: note: \"@here.example\" is ours: our users elsewhere, lists that keep the sender and forwarders are refused too; SPF is more exact",
                "2: note: \"@x.virtual.example\" is ours: our users elsewhere, lists that keep the sender and forwarders are refused too; SPF is more exact",
            ],
        ),
        (
            "control/badmailfrom",
            "*@x.example\n!good@x.example\n",
            &[
                "2: note: \"!good@x.example\" is SpamControl's dialect, which stock qmail does not know: expected dialect = \"spamcontrol\" in tollgate.toml",
            ],
        ),
        (
            "control/badmailfrom",
            "a\0b@x.example\n",
            &[
                "1: error: \"a\" has no @ and covers only an address without a domain: expected \"@a\"",
                "1: warning: a NUL byte, which ends an entry: expected text",
            ],
        ),
        (
            "control/badrcptto",
            "Postmaster@here.example\nabuse@virtual.example\nabuse@elsewhere.example\n.here.example\n",
            &[
                "1: error: \"postmaster@here.example\" must stay reachable (RFC 5321, RFC 2142): expected no such line",
                "2: error: \"abuse@virtual.example\" must stay reachable (RFC 5321, RFC 2142): expected no such line",
                "3: note: \"abuse@elsewhere.example\" is not ours: rcpthosts refuses it before this list is asked",
                "4: error: \".here.example\" never matches: suffixes do not count here",
            ],
        ),
        (
            "control/badrcptto",
            "postmaster\n",
            &["1: error: \"postmaster\" must stay reachable (RFC 5321, RFC 2142): expected no such line"],
        ),
    ]);
}

#[test]
fn a_heavy_list_is_felt() {
    let content: String = (0..60_000).map(|number| format!("@spammer-{number}.example\n")).collect();
    let said = found(&[("control/badmailfrom", &content)]);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("bytes, which qmail-smtpd reads for each connection"), "{said:?}");
}

/// Rules as text, and all that is said of them but that there is no cdb.
fn of_rules(rules: &str) -> Vec<String> {
    let said = found(&[("tcp.smtp", rules), ("run", "exec tcpserver -vHR -x /etc/tcp.smtp.cdb 0 smtp qmail-smtpd\n")]);
    let (no_cdb, rest): (Vec<_>, Vec<_>) = said.into_iter().partition(|line| line.contains("has no effect"));
    assert_eq!(no_cdb.len(), 1);
    rest.iter().map(|line| line.strip_prefix("tcp.smtp:").expect("its name").to_owned()).collect()
}

/// Rules, and what is said of them.
const RULES: &[(&str, &[&str])] = &[
    ("127.:allow,RELAYCLIENT=\"\"\n192.0.2.1-9:deny\n10.:allow,RELAYCLIENT=\"\"\n:allow,RBLSMTPD=\"\"\n", &[]),
    ("1.2.3:deny\n", &["1: error: \"1.2.3\" never matches: expected \"1.2.3.\" with the dot at its end"]),
    ("1.2.3.4.:deny\n", &["1: error: \"1.2.3.4.\" never matches: expected \"1.2.3.4\" without the dot"]),
    (
        "1.2.3.0/24:deny\n",
        &["1: error: \"1.2.3.0/24\" never matches: expected a prefix such as 192.0.2. (no CIDR here)"],
    ),
    (
        "1.2.03.4:deny\n",
        &["1: error: \"1.2.03.4\" never matches: expected numbers from 0 to 255 without zeros in front, or =host"],
    ),
    (
        "mx.example:deny\n",
        &["1: error: \"mx.example\" never matches: expected numbers from 0 to 255 without zeros in front, or =host"],
    ),
    (" 1.2.3.4:deny\n", &["1: error: \" 1.2.3.4\" never matches: expected no blank in front"]),
    (
        "1.2.3.9-1:deny\n",
        &["1: error: \"1.2.3.9-1\" is an empty range: expected its smaller number first, such as 192.0.2.1-9"],
    ),
    (
        "1.2.3.4-1.2.3.9:deny\n",
        &["1: error: \"1.2.3.4-1.2.3.9\" is an empty range: expected its smaller number first, such as 192.0.2.1-9"],
    ),
    ("1.2.3.250-300:deny\n", &["1: error: \"1.2.3.250-300\" ends at 255: expected numbers up to that"]),
    (
        "2001:db8:deny\n",
        &["1: error: tcprules refuses the line: expected allow or deny (in small letters) after the colon"],
    ),
    (":Allow\n", &["1: error: tcprules refuses the line: expected allow or deny (in small letters) after the colon"]),
    (":allow\r\n", &["1: error: ends in CR LF, and tcprules refuses it: expected LF"]),
    ("1.2.3.4\n", &["1: warning: \"1.2.3.4\" has no colon and is passed over: expected address:allow or address:deny"]),
    (
        "1.2.3.4:deny\n1.2.3.1-9:allow\n",
        &["2: warning: \"1.2.3.4\" has a rule in line 1 already, and the first counts"],
    ),
    (
        ":allow,RELAYCLIENT=\"\"\n",
        &["1: error: RELAYCLIENT for everybody, an open relay: expected addresses of our own"],
    ),
    (
        "62.:allow,RELAYCLIENT=\"\"\n",
        &["1: error: RELAYCLIENT for all of \"62.\", most likely an open relay: expected smaller networks"],
    ),
    (
        "me@:allow\n",
        &[
            "1: error: \"me@\" never matches: expected an address behind the @",
            "1: error: rules by ident never match, for run starts tcpserver with -R: expected it without",
        ],
    ),
    (
        "me@1.2.3.4:allow,RELAYCLIENT=\"\"\n",
        &[
            "1: error: RELAYCLIENT for whoever says so (ident can be forged): expected an address",
            "1: error: rules by ident never match, for run starts tcpserver with -R: expected it without",
        ],
    ),
    (
        "=.x.example:allow,RELAYCLIENT=\"\"\n=:allow,RELAYCLIENT=\"\"\n",
        &[
            "1: error: rules by host name never match, for run starts tcpserver with -H: expected it without",
            "1: warning: RELAYCLIENT by host name, which can be forged unless tcpserver runs with -p: expected addresses",
            "2: error: RELAYCLIENT for every client with a name, an open relay: expected addresses",
        ],
    ),
    (
        "1.2.3.4:allow\n1.2.3.5:deny\n1.2.3.6:allow,RELAYCLIENT=\"\"\n1.2.3.7:allow,RBLSMTPD=\"\"\n:allow,RBLSMTPD=\"-no\",SPFBEHAVIOR=\"3\"\n",
        &[
            "1: warning: \"1.2.3.4\" does not have the default rule's RBLSMTPD, SPFBEHAVIOR, for a rule replaces it: expected it here too, if it is meant",
            "4: warning: \"1.2.3.7\" does not have the default rule's SPFBEHAVIOR, for a rule replaces it: expected it here too, if it is meant",
        ],
    ),
];

#[test]
fn rules_of_tcpserver() {
    for (rules, expected) in RULES {
        assert_eq!(of_rules(rules), *expected, "{rules:?}");
    }
}

#[test]
fn assignments() {
    let folder = "/";
    let good = format!("=ann:ann:1000:1000:{folder}:::\n+ann-:ann:1000:1000:{folder}:-::\n.\n");
    for (assign, expected) in [
        (good, &[][..]),
        (
            "=ann:ann:1000:1000:/:::\n".to_owned(),
            &["users/assign: error: no line \".\" at its end, and qmail-newu refuses the file: expected one"],
        ),
        (
            "ann:ann:1000:1000:/:::\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"ann:ann:1000:1000:/:::\": qmail-newu refuses it: expected =local:… or +prefix:…",
            ],
        ),
        (
            "=ann:ann:1000:1000:/\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"=ann:ann:1000:1000:/\" has 4 colons: expected 7: =local:user:uid:gid:folder:dash:ext:",
            ],
        ),
        (
            "=ann:ann:0:x:/:::\n.\n".to_owned(),
            &[
                "users/assign:1: error: gid \"x\" is no number: expected one",
                "users/assign:1: error: uid 0: qmail delivers nothing as root: expected another user",
            ],
        ),
        (
            "=ann:bob:1000:1000:home:::\n=Ann:ann:1000:1000:/no/such/folder:::\n.\nrest\n".to_owned(),
            &[
                "users/assign:1: error: \"home\" is no folder from the root: expected one such as /home/ann",
                "users/assign:1: warning: \"bob\" is no user of this host: expected one",
                "users/assign:2: warning: \"=Ann:ann:1000:1000:/no/such/folder:::\" is assigned in line 1 already, and that counts",
                "users/assign:2: warning: there is no folder \"/no/such/folder\": its mail is deferred: expected one",
            ],
        ),
        (
            "+ListS:ann:1000:1000:/:-::\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"+ListS\" can never match, for its last letter is upper case: expected it in lower case",
            ],
        ),
    ] {
        let said = found(&[("users/assign", &assign)]);
        let (no_cdb, rest): (Vec<_>, Vec<_>) = said.into_iter().partition(|line| line.contains("has no effect"));
        assert_eq!((no_cdb.len(), rest), (1, expected.iter().map(|&text| text.to_owned()).collect()), "{assign:?}");
    }
}

#[test]
fn a_user_of_a_virtual_domain_may_be_assigned() {
    let said = found(&[
        ("control/virtualdomains", "virtual.example:shop\n"),
        ("users/assign", "+shop-:ann:1000:1000:/:-::\n.\n"),
    ]);
    assert_eq!(said, ["users/assign: error: has no effect: expected users/cdb: run qmail-newu"]);
}
