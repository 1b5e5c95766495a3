//! Lists of domains: what is looked up of a session's names, and what a listing does.

use super::*;
use crate::session::{Address, Helo, Sender};

fn session(helo: &'static str, sender: &'static str) -> Facts {
    Facts {
        helo: Some(Helo { name: helo.into(), esmtp: true }),
        sender: Some(Sender { address: Address::new(sender.into()), declared_size: 0 }),
        ..client("192.0.2.9")
    }
}

fn list(subject: &str) -> String {
    format!("[[check.rbl.list]]\nzone = \"dbl.example\"\nsubject = \"{subject}\"\nquery = \"a\"\n")
}

fn asked(subject: &str, facts: &Facts) -> Vec<String> {
    judge(&*rbl(&list(subject)), facts, &[]).1
}

#[test]
fn each_subject_looks_up_its_name() {
    let mut facts = session("Mail.Spam.Example", "a@Sender.Example");
    facts.connection.client_name = Some("ptr.example".into());
    assert_eq!(asked("sender", &facts), ["A sender.example.dbl.example"]);
    assert_eq!(asked("helo", &facts), ["A mail.spam.example.dbl.example"]);
    assert_eq!(asked("names", &facts), ["A sender.example.dbl.example", "A mail.spam.example.dbl.example"]);
    assert_eq!(asked("client_name", &facts), ["A ptr.example.dbl.example"]);
    assert_eq!(asked("names", &session("same.example", "a@same.example")), ["A same.example.dbl.example"], "once");
}

#[test]
fn what_is_no_public_name_is_not_looked_up() {
    for (helo, sender) in [("[192.0.2.9]", ""), ("192.0.2.9", "root"), ("localhost", "a@localhost.localdomain")] {
        assert_eq!(asked("names", &session(helo, sender)), Vec::<String>::new(), "{helo} {sender}");
    }
    assert_eq!(asked("names", &client("192.0.2.9")), Vec::<String>::new(), "nothing is known yet");
}

#[test]
fn a_listed_name_is_named_in_the_reply() {
    let table = [("spam.example.dbl.example", RecordType::A, a(&["127.0.1.2"]))];
    let (found, _) = judge(&*rbl(&list("sender")), &session("mx.example", "a@spam.example"), &table);
    assert_eq!(lines(&found), ["listed Reject enforce | dbl.example 127.0.1.2 spam.example"]);
    assert_eq!(var(&found[0], "listed"), "spam.example");
    // "You asked about an address" is no listing.
    let table = [("spam.example.dbl.example", RecordType::A, a(&["127.0.1.255"]))];
    assert!(judge(&*rbl(&list("sender")), &session("mx.example", "a@spam.example"), &table).0.is_empty());
}

#[test]
fn names_can_be_made_up_and_gain_nothing() {
    for (rest, expected) in [
        ("action = \"allow\"\n", "a sender can be made up: expected reject, defer or score"),
        ("action = \"end_check\"\n", "a sender can be made up: expected reject, defer or score"),
        ("action = \"score\"\nweight = -5\n", "a sender can be made up: expected a positive weight"),
        ("ipv6 = false\n", "has no effect with subject = \"sender\""),
        (
            "name = \"d\"\n[[check.rbl.code]]\nlist = \"d\"\ncodes = [\"127.0.1.2\"]\naction = \"allow\"\n",
            "a sender can be made up",
        ),
    ] {
        let (_, faults) = build(&(list("sender") + rest));
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}\n{faults:#?}");
    }
}
