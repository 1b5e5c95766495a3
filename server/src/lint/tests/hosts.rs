//! Are domains told that are not taken, go nowhere, or are written wrong?

use super::{check, found};

#[test]
pub(super) fn rcpthosts() {
    check(&[
        (
            "control/rcpthosts",
            "here.example\r\nvirtual.example\r\n.virtual.example\n",
            &["1: error: 2 lines end in CR LF: stock qmail keeps the CR, and they never match: expected LF"],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example \t\r \n",
            &["3: error: ends in CR LF: stock qmail keeps the CR, and it never matches: expected LF"],
        ),
        // Blanks at a line's end and no LF at the file's are all the same to qmail.
        ("control/rcpthosts", "here.example \t\nvirtual.example\n\n.virtual.example", &[]),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\nHere.example\n",
            &["4: note: \"Here.example\" stands in line 1 already"],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\n @x.example\nx.example # new\n@y.example\n*.z.example\n*z.example\n",
            &[
                "4: error: \" @x.example\" begins with a blank and never matches: expected none",
                "5: error: \"x.example # new\" holds a blank and never matches, remarks need lines of their own: expected \"x.example\"",
                "6: error: \"@y.example\" never matches: expected a domain, \"y.example\"",
                "7: error: \"*.z.example\": there are no patterns here: expected \".z.example\"",
                "8: error: \"*z.example\": there are no patterns here: expected \".example.com\"",
            ],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\n.x.virtual.example\n",
            &[
                "4: warning: \".x.virtual.example\" does not cover \"x.virtual.example\" itself: expected a line \"x.virtual.example\" too, if that is meant",
            ],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\n.com\n",
            &[
                "4: error: \".com\" is a whole top-level domain, an open relay to it: expected our domains",
                "4: note: \".com\": neither in locals nor in virtualdomains or smtproutes: sent on to its MX, and bounced if that is this host: expected it there, unless this is a backup MX",
            ],
        ),
        (
            "control/rcpthosts",
            "here.example\nvirtual.example\n.virtual.example\n.lan\n",
            &[
                "4: note: \".lan\": neither in locals nor in virtualdomains or smtproutes: sent on to its MX, and bounced if that is this host: expected it there, unless this is a backup MX",
            ],
        ),
        (
            "control/morercpthosts",
            "more.example\n",
            &["control/morercpthosts: error: has no effect: expected morercpthosts.cdb: run qmail-newmrh"],
        ),
    ]);
}

#[test]
pub(super) fn domains_that_no_address_has() {
    check(&[
        (
            "control/virtualdomains",
            "virtual.example:ann\n.virtual.example:ann\nx.virtual.example.:ann\n@y.virtual.example:ann\n*.z.virtual.example:ann\nann@a,b.virtual.example:ann\n",
            &[
                "3: error: \"x.virtual.example.\" never matches, for addresses do not end in a dot: expected \"x.virtual.example\"",
                "3: warning: \"x.virtual.example.\" is not in rcpthosts: its mail is refused from outside: expected it there",
                "4: error: \"@y.virtual.example\" never matches: expected a domain, \"y.virtual.example\"",
                "5: error: \"*.z.virtual.example\": there are no patterns here: expected \".z.virtual.example\"",
                "6: error: \"a,b.virtual.example\" holds \",\", which no domain has: expected one domain a line",
            ],
        ),
        (
            "control/locals",
            "here.example\na..virtual.example\n.\nm\u{fc}ller.virtual.example\nxn--mller-kva.virtual.example\na_b-c.virtual.example\n[192.0.2.1]\n",
            &[
                "2: error: \"a..virtual.example\" never matches, for it has two dots with nothing between: expected one",
                "3: error: \".\" never matches: expected each local domain by name",
                "3: error: a dot alone is no domain: expected one",
                "3: warning: \".\" is not in rcpthosts: its mail is refused from outside: expected it there",
                "4: warning: \"m\\xc3\\xbcller.virtual.example\" comes in ASCII in most mail: expected its form xn--…",
                "7: warning: \"[192.0.2.1]\" is not in rcpthosts: its mail is refused from outside: expected it there",
            ],
        ),
    ]);
}

#[test]
pub(super) fn local_and_virtual_domains() {
    check(&[
        (
            "control/locals",
            "localhost\nlocalhost.x.example\nhere.example\n\n.x.example\nforgotten.example\n",
            &[
                "5: error: \".x.example\" never matches: expected each local domain by name",
                "5: warning: \".x.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
                "6: warning: \"forgotten.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
            ],
        ),
        (
            "control/virtualdomains",
            "virtual.example:ann\nHere.example:ann\nvirtual.example:root\nnocolon.example\nold.example:\n.old.example:\n.virtual.example:\n",
            &[
                "2: error: \"here.example\" stands in locals too, and that wins: expected it in one of them",
                "3: warning: \"virtual.example\" stands in line 1 with another user already",
                "4: error: \"nocolon.example\" has no colon and is passed over: expected domain:user",
            ],
        ),
        (
            "control/virtualdomains",
            "virtual.example:bob\n.virtual.example:ann-lists-\n:ann\n",
            &[
                "1: warning: \"bob\" is no user, nor assigned to one: alias gets the mail, as bob-…@: expected a user, or an assignment",
                "2: warning: \"ann-lists-\" gets another hyphen, as ann-lists--…@: expected \"ann-lists\"",
            ],
        ),
        (
            "control/percenthack",
            "here.example\n",
            &[
                "1: error: mail to user%anywhere@here.example is sent on to anywhere, so that here.example relays for everybody: expected no such file",
            ],
        ),
        ("control/percenthack", "# here.example\n", &[]),
    ]);
}

#[test]
pub(super) fn an_empty_rcpthosts_takes_no_mail() {
    let said = found(&[("control/rcpthosts", "# none\n"), ("control/virtualdomains", ""), ("control/badrcptto", "")]);
    assert_eq!(
        said,
        [
            "control/locals:2: warning: \"here.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
            "control/rcpthosts: warning: no domain in it: mail from outside is refused for all: expected our domains",
        ]
    );
}

/// `rcpthosts` with these behind ours, other files, and what is said.
fn of_taken(more: &str, files: &[(&str, &str)]) -> Vec<String> {
    let rcpthosts = format!("here.example\nvirtual.example\n.virtual.example\n{more}");
    found(&[&[("control/rcpthosts", &*rcpthosts)], files].concat())
}

#[test]
pub(super) fn mail_that_is_taken_must_go_somewhere() {
    let lost = |line: usize, them: &str| {
        format!(
            "control/rcpthosts:{line}: note: {them}: neither in locals nor in virtualdomains or smtproutes: sent on to its MX, and bounced if that is this host: expected it there, unless this is a backup MX"
        )
    };
    assert_eq!(of_taken("x.example\n", &[]), [lost(4, "\"x.example\"")]);
    assert_eq!(of_taken("a.virtual.example\nx.example\ny.example\n", &[]), [lost(5, "\"x.example\" (and 1 more)")]);
    // All below a domain go somewhere, if one of them does.
    assert_eq!(of_taken(".here.example\n", &[]), [lost(4, "\".here.example\"")]);
    for (taken, name, content) in [
        ("x.example\n", "control/smtproutes", "X.example:mx.x.example\n"),
        ("x.example\n", "control/smtproutes", ".example:\n"),
        ("x.example\n", "control/smtproutes", ":[192.0.2.1]\n"),
        ("old.example\nelsewhere.example\n", "control/me", "here.example\n"),
        ("x.example\n", "control/virtualdomains", "virtual.example:ann\n.virtual.example:ann\n:ann\n"),
        (".below.virtual.example\nbelow.virtual.example\n", "control/me", "here.example\n"),
    ] {
        assert_eq!(of_taken(taken, &[(name, content)]), Vec::<String>::new(), "{taken} {content}");
    }
}

#[test]
pub(super) fn routes() {
    check(&[
        (
            "control/smtproutes",
            "# to the others\nx.example:mx.x.example:2525\n.y.example:[192.0.2.1]:587 user password\nz.example:\n:relay.example\n",
            &[],
        ),
        (
            "control/smtproutes",
            "x.example mx.x.example\nHere.example:mx.x.example\na.virtual.example:mx.x.example\n*.x.example:mx.x.example\ny.example:mx.y.example:smtp\nz.example:mx.z.example:\nu.example:mx,mx2\nv.example.:[2001:db8::1]:25\nw.example:[192.0.2.1:x\n",
            &[
                "1: error: \"x.example mx.x.example\" has no colon and is passed over: expected domain:relay",
                "2: warning: \"Here.example:mx.x.example\" has no effect, for its mail stays here: expected no such route",
                "3: warning: \"a.virtual.example:mx.x.example\" has no effect, for its mail stays here: expected no such route",
                "4: error: \"*.x.example\": there are no patterns here: expected \".x.example\"",
                "5: error: \"smtp\" is no port and counts as 0: expected digits, or no colon behind the relay",
                "6: error: \"\" is no port and counts as 0: expected digits, or no colon behind the relay",
                "8: error: \"v.example.\" never matches, for addresses do not end in a dot: expected \"v.example\"",
                "9: error: \"x\" is no port and counts as 0: expected digits, or no colon behind the relay",
            ],
        ),
    ]);
}

#[test]
pub(super) fn bounces_of_bounces_must_end_here() {
    let me = |files: &[(&str, &str)]| found(&[&[("control/me", "mx.example\n")], files].concat());
    let leaves = "control/me:1: note: \"mx.example\" is not local: double bounces to postmaster there leave this host: expected it in locals, or doublebouncehost";
    assert_eq!(me(&[]), [leaves]);
    for file in [("control/doublebouncehost", "here.example\n"), ("control/smtproutes", ":relay.example\n")] {
        assert_eq!(me(&[file]), Vec::<String>::new(), "{file:?}");
    }
}
