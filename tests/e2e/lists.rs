//! Do qmail's own lists mean here what they mean there? badmailfrom, badrcptto, and what a bad recipient costs the message.

use tollgate_tests::{
    gate::{CLEAN, Gate, Plan, Preset},
    smtp::Reply,
};

/// The patches' own words.
const BADMAILFROM: &str = "sorry, your envelope sender is in my badmailfrom list";
const BADRCPTTO: &str = "sorry, this recipient is in my badrecipientto list";
const BADRCPTTO_SEEN: &str = "sorry, badrcptto seen, so you MUST be spamming.";
const BADRCPTHOST_SEEN: &str = "sorry, badrcpthost seen, so you MUST be spamming.";

/// What RCPT answers to `recipient` from `sender`, in a session of its own.
fn answer(gate: &Gate, sender: &str, recipient: &str) -> Reply {
    gate.deliver(CLEAN, sender, &[recipient], "a question").recipients.remove(0)
}

#[test]
fn a_suffix_line_covers_subdomains_and_not_the_domain() {
    for preset in [Preset::Default, Preset::Seed] {
        let list = "ann@sender.example\n@whole.example\n.suffix.example\n";
        let gate = Plan::of("badmailfrom", preset).control("badmailfrom", list).start();
        for listed in [
            "ann@sender.example",
            "ANN@Sender.Example",
            "x@whole.example",
            "x@a.suffix.example",
            "x@a.b.suffix.example",
        ] {
            let refused = answer(&gate, listed, "bob@ours.example");
            assert_eq!(refused.code, 553, "{preset:?} {listed}: {refused:?}");
            assert!(refused.words().starts_with(BADMAILFROM), "{preset:?} {listed}: {refused:?}");
        }
        for free in ["x@suffix.example", "x@sub.whole.example", "bob@sender.example", "x@notsuffix.example", ""] {
            let passed = answer(&gate, free, "bob@ours.example");
            assert_eq!(passed.code, 250, "{preset:?} {free}: {passed:?}");
        }
        // A listed sender reaches postmaster, who can help.
        assert_eq!(answer(&gate, "x@whole.example", "postmaster@ours.example").code, 250, "{preset:?}");
    }
}

#[test]
fn badrcptto_keeps_its_bytes_before_the_id() {
    let gate = Plan::new("badrcptto").control("badrcptto", "sales@ours.example\n@second.example\n").start();
    for listed in ["sales@ours.example", "Sales@OURS.example", "anyone@second.example"] {
        let refused = answer(&gate, "ann@sender.example", listed);
        let id = refused.decision_id().expect("a decision id");
        assert_eq!((refused.code, refused.words()), (553, format!("{BADRCPTTO} [{id}]")), "{listed}");
    }
    assert_eq!(answer(&gate, "ann@sender.example", "bob@ours.example").code, 250);
}

#[test]
fn without_ids_the_reply_is_the_patches_own() {
    let plan = Plan::new("badrcptto-plain").policy("reply_ids = false").control("badrcptto", "sales@ours.example\n");
    let gate = plan.start();
    let refused = answer(&gate, "ann@sender.example", "sales@ours.example");
    assert_eq!(refused, Reply { code: 553, text: format!("5.7.1 {BADRCPTTO}") });
}

#[test]
fn a_bad_recipient_costs_the_transaction() {
    let plan = Plan::new("whole-transaction").control("badrcptto", "trap@ours.example\n");
    let gate = plan.policy("reply_ids = false\n\n[check.whole_message]\nmode = \"enforce\"").start();
    let mut client = gate.client(CLEAN);
    let spoiled = client.transaction("ann@sender.example", &["bob@ours.example", "trap@ours.example"], "spoiled");
    assert_eq!((spoiled.data.code, spoiled.data.words().as_str()), (553, BADRCPTTO_SEEN), "{spoiled:?}");
    // The refusal leaves the transaction open; the next one of the same connection starts afresh.
    assert_eq!(client.say("RSET").code, 250);
    let clean = client.transaction("ann@sender.example", &["bob@ours.example"], "clean");
    assert!(clean.is_stored(), "{clean:?}");
    client.quit();
    assert!(gate.mail.stored_as("spoiled").is_none() && gate.mail.stored_as("clean").is_some());
}

#[test]
fn on_the_seeds_host_a_bad_recipient_costs_the_connection() {
    let gate = Plan::of("whole-connection", Preset::Seed).control("badrcptto", "trap@ours.example\n").start();
    let mut client = gate.client(CLEAN);
    let spoiled = client.transaction("ann@sender.example", &["bob@ours.example", "trap@ours.example"], "spoiled");
    assert_eq!(spoiled.data.code, 553, "{spoiled:?}");
    assert!(spoiled.data.words().starts_with(BADRCPTTO_SEEN), "{spoiled:?}");
    assert_eq!(client.say("RSET").code, 250);
    let later = client.transaction("ann@sender.example", &["bob@ours.example"], "later");
    assert_eq!(later.data.code, 553, "the flag outlives RSET and MAIL: {later:?}");
    client.quit();
    // Another connection knows nothing of it.
    assert!(gate.deliver(CLEAN, "ann@sender.example", &["bob@ours.example"], "another").is_stored());
    // An attempt to relay is the other flag.
    let relay = gate.deliver(CLEAN, "ann@sender.example", &["bob@ours.example", "x@foreign.example"], "relayed");
    assert_eq!(relay.data.code, 553, "{relay:?}");
    assert!(relay.data.words().starts_with(BADRCPTHOST_SEEN), "{relay:?}");
}

#[test]
fn a_message_sent_in_chunks_is_refused_whole_too() {
    let plan = Plan::new("whole-bdat").control("badrcptto", "trap@ours.example\n");
    let gate = plan.policy("\n[check.whole_message]\nmode = \"enforce\"").start();
    let mut client = gate.client(CLEAN);
    assert_eq!(client.say("MAIL FROM:<ann@sender.example>").code, 250);
    assert_eq!(client.say("RCPT TO:<bob@ours.example>").code, 250);
    assert_eq!(client.say("RCPT TO:<trap@ours.example>").code, 553);
    let message = "Subject: chunked\r\n\r\nA body.\r\n";
    client.send(format!("BDAT {} LAST\r\n{message}", message.len()));
    let refused = client.reply();
    assert_eq!(refused.code, 553, "{refused:?}");
    assert!(refused.words().starts_with(BADRCPTTO_SEEN), "{refused:?}");
    client.quit();
    assert!(gate.mail.stored_as("chunked").is_none());
}
