//! Are lines told that say nothing, or another thing than they look?

use super::{check, folder, place, said};
use std::fs;

#[test]
pub(super) fn numbers() {
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
        (
            "control/databytes",
            "65535\n",
            &["1: warning: 65535 bytes is less than most messages have: expected bytes, 0 for no limit"],
        ),
        ("control/databytes", "65536\n", &[]),
        (
            "control/timeoutsmtpd",
            "5m\n",
            &[
                "1: error: \"5m\" counts as 5: expected digits alone",
                "1: warning: 5 seconds, and slow clients are cut off: expected seconds, such as 1200",
            ],
        ),
        ("control/timeoutsmtpd", "10\n", &[]),
        (
            "control/timeoutremote",
            "9\n",
            &["1: warning: 9 seconds, and slow hosts are given up: expected seconds, such as 1200"],
        ),
        ("control/timeoutremote", "10\n", &[]),
        (
            "control/queuelifetime",
            "7\n",
            &[
                "1: warning: 7 seconds, and mail bounces that a host does not take at once: expected seconds, 604800 is a week",
            ],
        ),
        ("control/queuelifetime", "3600\n", &[]),
        ("control/queuelifetime", "0\n", &[]),
        ("control/concurrencyremote", " 5\n", &["1: error: \" 5\" is no number: the default holds: expected digits"]),
        ("control/concurrencylocal", "20 \t", &[]),
    ]);
}

#[test]
pub(super) fn levels_and_names() {
    check(&[
        ("control/spfbehavior", "7\n", &["1: error: \"7\": expected a level from 0 (off) to 6"]),
        ("control/spfbehavior", "on\n", &["1: error: \"on\": expected a level from 0 (off) to 6"]),
        ("control/spfbehavior", "3 # mild\n", &["1: error: \"3 # mild\": expected a level from 0 (off) to 6"]),
        ("control/spfbehavior", "0\n", &[]),
        ("control/spfbehavior", "6\n", &[]),
        (
            "control/me",
            "mx\n",
            &[
                "1: warning: \"mx\": expected a full name such as mx.example.com",
                "1: note: \"mx\" is not local: double bounces to postmaster there leave this host: expected it in locals, or doublebouncehost",
            ],
        ),
        (
            "control/localiphost",
            "ann@here.example\n",
            &["1: warning: \"ann@here.example\": expected a full name such as mx.example.com"],
        ),
        (
            "control/localiphost",
            "# here.example\n",
            &["1: warning: \"# here.example\": expected a full name such as mx.example.com"],
        ),
        ("control/localiphost", "here.example \n\n", &[]),
        ("control/envnoathost", "\n", &["1: error: empty: expected a host's name, or no such file"]),
        (
            "control/envnoathost",
            "here.example\n\nthere.example\n",
            &["3: warning: only the first line counts: expected no other"],
        ),
    ]);
}

#[test]
pub(super) fn a_greeting_is_enough_to_run() {
    let all = folder(&[("control/smtpgreeting", "here.example\n")]);
    fs::remove_file(all.path().join("control/me")).expect("removed");
    let expected =
        "control/me: warning: missing: expected this host's name; without it locals and envnoathost have no default";
    assert_eq!(said(&place(all.path())), [expected]);
}
