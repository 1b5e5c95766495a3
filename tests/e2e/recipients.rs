//! Is mail refused at RCPT that qmail would take and bounce: for nobody's mailbox, and for a mailing list that wants none?

use std::{fs, path::Path};
use tollgate::{lists::bucket_of, session::Address};
use tollgate_tests::{
    gate::{CLEAN, Gate, Plan, RELAY},
    mailboxes::home,
    scratch::Scratch,
    smtp::Reply,
    wait,
};

/// The author's own words.
const NO_MAILBOX: &str = "sorry, no mailbox here by that name.";

/// A policy that refuses whom this home has no file for.
fn refusing(scratch: &Scratch, files: &[&str]) -> String {
    format!("\n[check.recipient]\nmode = \"enforce\"\nusers = \"{}\"\n", home(scratch, files).display())
}

fn answer(gate: &Gate, sender: &str, recipient: &str) -> Reply {
    gate.deliver(CLEAN, sender, &[recipient], "a question").recipients.remove(0)
}

#[test]
fn nobodys_mailbox_is_refused_and_a_new_one_counts_at_once() {
    let scratch = Scratch::new("recipients-home");
    let plan = Plan::new("recipients").control("locals", "ours.example\n");
    let gate = plan
        .policy(&format!("reply_ids = false\n{}", refusing(&scratch, &[".qmail-ann", ".qmail-list-default"])))
        .start();
    for exists in ["ann@ours.example", "ANN@ours.example", "list-x@ours.example", "who@second.example"] {
        assert_eq!(answer(&gate, "ann@there.example", exists).code, 250, "{exists}");
    }
    for missing in ["bob@ours.example", "ann-x@ours.example", "postmaster@ours.example"] {
        let refused = answer(&gate, "ann@there.example", missing);
        assert_eq!((refused.code, refused.words().as_str()), (550, NO_MAILBOX), "{missing}");
    }
    // Whoever may relay hears it, too: better now than by a bounce.
    assert_eq!(gate.deliver(RELAY, "ann@ours.example", &["bob@ours.example"], "typo").recipients[0].code, 550);
    scratch.write("home/.qmail-bob", "");
    wait::until("the new mailbox", wait::SOON, || answer(&gate, "ann@there.example", "bob@ours.example").code == 250);
}

#[test]
fn a_prober_who_is_told_at_data_learns_nothing() {
    let scratch = Scratch::new("recipients-late");
    let policy = refusing(&scratch, &[".qmail-ann"]) + "deny_at = \"data\"\n";
    let gate = Plan::new("recipients-data").control("locals", "ours.example\n").policy(&policy).start();
    let sent = gate.deliver(CLEAN, "ann@there.example", &["ann@ours.example", "bob@ours.example"], "probe");
    assert_eq!(sent.recipients.iter().map(|reply| reply.code).collect::<Vec<_>>(), [250, 250], "{sent:?}");
    assert_eq!(sent.data.code, 550, "{sent:?}");
    assert!(gate.deliver(CLEAN, "ann@there.example", &["ann@ours.example"], "good").is_stored());
}

/// Adds somebody to one of ezmlm's databases, into the file that ezmlm would choose.
fn subscribe(folder: &Path, address: &str) {
    let bucket = bucket_of(&Address::new(address.to_owned().into()));
    fs::create_dir_all(folder.join("subscribers")).expect("a folder");
    let mut records = fs::read(folder.join("subscribers").join(bucket.to_string())).unwrap_or_default();
    records.extend(format!("T{address}\0").as_bytes());
    fs::write(folder.join("subscribers").join(bucket.to_string()), records).expect("written");
}

#[test]
fn a_list_takes_posts_of_subscribers_bounces_of_everybody_and_new_ones_at_once() {
    let scratch = Scratch::new("ezmlm-list");
    let list = scratch.path("list");
    fs::create_dir(&list).expect("a folder");
    subscribe(&list, "ann@there.example");
    let policy = format!(
        "reply_ids = false\n[[check.ezmlm.list]]\naddress = \"talk@ours.example\"\ndir = \"{}\"\nsubscribers_only = true\n",
        list.display()
    );
    let gate = Plan::new("ezmlm").policy(&policy).start();
    assert_eq!(answer(&gate, "Ann@there.example", "talk@ours.example").code, 250);
    let refused = answer(&gate, "eve@there.example", "Talk@ours.example");
    assert_eq!(refused.code, 550);
    assert!(refused.words().contains("only subscribers may post"), "{refused:?}");
    for always in
        ["talk-subscribe@ours.example", "talk-owner@ours.example", "talk-return-1-eve=there.example@ours.example"]
    {
        assert_eq!(answer(&gate, "", always).code, 250, "{always}");
    }
    subscribe(&list, "eve@there.example");
    wait::until("the new subscriber", wait::SOON, || {
        answer(&gate, "eve@there.example", "talk@ours.example").code == 250
    });
}
