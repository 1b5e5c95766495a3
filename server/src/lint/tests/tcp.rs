//! Are tcpserver's rules told that never match, relay for others, or lose something?

use super::found;

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
    (
        "# 1.2.3:deny\n\n1.2.3.:deny\n=.x.example:deny\nme@1.2.3.4:deny",
        &[
            "4: error: rules by host name never match, for run starts tcpserver with -H: expected it without",
            "5: error: rules by ident never match, for run starts tcpserver with -R: expected it without",
        ],
    ),
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
    ("1.2.3.250-255:deny\n1.2.0-3.:deny\n", &[]),
    ("1.2.3.x-9:deny\n", &["1: error: tcprules refuses the line: expected a range of numbers such as 10.0.0.1-9"]),
    ("1.2.3.4:allow,A\n", &["1: error: tcprules refuses the line: expected ,VARIABLE=\"value\" after allow or deny"]),
    (
        "me@2001:deny\n",
        &[
            "1: error: \"me@2001\" never matches: expected numbers from 0 to 255 without zeros in front, or =host",
            "1: error: rules by ident never match, for run starts tcpserver with -R: expected it without",
        ],
    ),
    ("1.2.3.250-300:deny\n", &["1: error: \"1.2.3.250-300\" ends at 255: expected numbers up to that"]),
    (
        "2001:db8:deny\n2001:db8::1:allow,A=\"\"\n2001:x:deny\nfe80:Deny\n",
        &[
            "1: error: tcprules refuses the line, for stock tcpserver knows no IPv6: expected an IPv4 address",
            "2: error: tcprules refuses the line, for stock tcpserver knows no IPv6: expected an IPv4 address",
            "3: error: tcprules refuses the line: expected allow or deny (in small letters) after the colon",
            "4: error: tcprules refuses the line: expected allow or deny (in small letters) after the colon",
        ],
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
        "62.1.:allow,RELAYCLIENT=\"\"\n192.168.:allow,RELAYCLIENT=\"\"\n62.:deny,RELAYCLIENT=\"\"\n:deny,RELAYCLIENT=\"\"\n",
        &[],
    ),
    (
        "1.2.3.4:allow,RELAYCLIENT=\"yes\"\n1.2.3.5:allow,RELAYCLIENT=\"@fixme\"\n1.2.3.6:allow,RELAYCLIENT=/.fixme/\n",
        &["1: error: RELAYCLIENT=\"yes\" is put behind each recipient, as user@example.comyes: expected \"\""],
    ),
    (
        "1.2.3.4:allow,DATABYTES=\"10M\"\n1.2.3.5:allow,DATABYTES=\"none\"\n1.2.3.6:allow,DATABYTES=\"0\"\n1.2.3.7:allow,DATABYTES=\"\"\n",
        &[
            "1: error: DATABYTES=\"10M\" counts as 10: expected digits alone",
            "2: error: DATABYTES=\"none\" counts as 0: expected digits alone",
            "4: error: DATABYTES=\"\" counts as 0: expected digits alone",
        ],
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
pub(super) fn rules_of_tcpserver() {
    for (rules, expected) in RULES {
        assert_eq!(of_rules(rules), *expected, "{rules:?}");
    }
}
