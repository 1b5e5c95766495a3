//! Are senders and recipients told that never match, or should?

use super::check;

#[test]
pub(super) fn senders() {
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
            "u@x.example\n@x.example\npostmaster\n.top\n\"a..b\"@x.example\n",
            &["5: error: \"\\\"a..b\\\"@x.example\" never matches: expected \"a..b@x.example\""],
        ),
        (
            "control/badmailfrom",
            "@.x.example\n@x.example.\nu@x,y.example\n.a..example\n@a..example\n",
            &[
                "1: error: \"@.x.example\" never matches: expected \".x.example\"",
                "2: error: \"x.example.\" never matches, for addresses do not end in a dot: expected \"x.example\"",
                "3: error: \"u@x,y.example\" never matches: expected \"u@xy.example\"",
                "4: error: \"a..example\" never matches, for it has two dots with nothing between: expected one",
                "5: error: \"a..example\" never matches, for it has two dots with nothing between: expected one",
            ],
        ),
    ]);
}

#[test]
pub(super) fn senders_of_ours_dialects_and_other_letters() {
    check(&[
        (
            "control/badmailfrom",
            "@m\u{fc}ller.example\n@xn--mller-kva.example\nm\u{fc}ller@x.example\n",
            &["1: warning: \"m\\xc3\\xbcller.example\" comes in ASCII in most mail: expected its form xn--…"],
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
            "*@x.example\n!good@x.example\n<bad@x.example>\nspam.example\n@here.example\n@*.y[12].example\n?for@good.example\n~dialup.example\nx.example=\nhere.example+\nu@x.example-\n!good@x.example\n",
            &[
                "1: note: \"*@x.example\" is a pattern, too: stock qmail knows none, that dialect does",
                "2: note: \"!good@x.example\" is SpamControl's dialect, which stock qmail does not know: expected dialect = \"spamcontrol\" in tollgate.toml",
                "3: error: \"<bad@x.example>\" never matches: expected \"bad@x.example\"",
                "4: error: \"spam.example\" has no @ and covers only an address without a domain: expected \"@spam.example\"",
                "5: note: \"@here.example\" is ours: our users elsewhere, lists that keep the sender and forwarders are refused too; SPF is more exact",
                "6: note: \"@*.y[12].example\" is a pattern, too: stock qmail knows none, that dialect does",
                "12: note: \"!good@x.example\" stands in line 2 already",
            ],
        ),
        (
            "control/badmailfrom",
            "Ann-\nu@x.example-\n*@x.example\n",
            &[
                "1: error: \"ann-\" has no @ and covers only an address without a domain: expected \"@ann-\"",
                "2: note: \"u@x.example-\" is SpamControl's dialect, which stock qmail does not know: expected dialect = \"spamcontrol\" in tollgate.toml",
                "3: note: \"*@x.example\" is a pattern, too: stock qmail knows none, that dialect does",
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
    ]);
}

#[test]
pub(super) fn recipients() {
    check(&[
        (
            "control/badrcptto",
            "Postmaster@here.example\nabuse@virtual.example\nabuse@elsewhere.example\n.here.example\n@.here.example\nabuse2@here.example\n@x.virtual.example\n",
            &[
                "1: error: \"postmaster@here.example\" must stay reachable (RFC 5321, RFC 2142): expected no such line",
                "2: error: \"abuse@virtual.example\" must stay reachable (RFC 5321, RFC 2142): expected no such line",
                "3: note: \"abuse@elsewhere.example\" is not ours: rcpthosts refuses it before this list is asked",
                "4: error: \".here.example\" never matches: suffixes do not count here",
                "5: error: \"@.here.example\" never matches: suffixes do not count here",
            ],
        ),
        (
            "control/badrcptto",
            "postmaster\n",
            &["1: error: \"postmaster\" must stay reachable (RFC 5321, RFC 2142): expected no such line"],
        ),
        (
            "control/badrcptto",
            "!x@here.example\npostmaster@here.example\n<x@here.example>\n",
            &[
                "1: note: \"!x@here.example\" is SpamControl's dialect, which stock qmail does not know: expected dialect = \"spamcontrol\" in tollgate.toml",
                "2: error: \"postmaster@here.example\" must stay reachable (RFC 5321, RFC 2142): expected no such line",
                "3: error: \"<x@here.example>\" never matches: expected \"x@here.example\"",
            ],
        ),
    ]);
}
