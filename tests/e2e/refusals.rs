//! Who is refused by a DNS list, with which words, and who still gets through?

use std::net::IpAddr;
use tollgate_tests::{
    dns::List,
    gate::{CLEAN, CLEAN_V6, Gate, LISTED, LISTED_V6, Plan, Preset, ZONE},
    swaks,
};

/// What a list says about its clients.
const REASON: &str = "127.0.0.2:Listed, see https://bl.example/$";

/// A gate with one list that lists one IPv4 and one IPv6 client. The seed's preset has lists already: its first one.
fn gate_with_list(preset: Preset) -> Gate {
    let zone = if preset == Preset::Seed { "cbl.abuseat.org" } else { ZONE };
    let plan = Plan::of("rbl", preset).list(List::new(zone, REASON).with("192.0.2.66").with("2001:db8::66"));
    match preset {
        Preset::Default => plan.policy(&format!("\n[[check.rbl.list]]\nzone = \"{ZONE}\"\n")).start(),
        Preset::Seed => plan.start(),
    }
}

#[test]
fn clean_mail_is_stored() {
    for preset in [Preset::Default, Preset::Seed] {
        let gate = gate_with_list(preset);
        for (client, subject) in [(CLEAN, "by IPv4"), (CLEAN_V6, "by IPv6")] {
            let header = format!("Subject: {subject}");
            let run = swaks::send(
                gate.mail.address,
                client,
                "ann@sender.example",
                &["bob@ours.example"],
                &["--header", &header],
            );
            assert!(run.delivered, "{preset:?} {}", run.transcript);
            let stored = gate.mail.stored_as(subject).expect("the message in the queue");
            assert!(stored.header.contains("\nbob@ours.example\n"), "{}", stored.header);
            assert!(stored.body.contains("This is a test mailing"), "{}", stored.body);
        }
    }
}

#[test]
fn a_listed_client_is_refused_at_rcpt_with_list_code_and_id() {
    let gate = gate_with_list(Preset::Default);
    for client in [LISTED, LISTED_V6] {
        let mut dialogue = gate.client(client);
        assert_eq!(dialogue.say("MAIL FROM:<ann@sender.example>").code, 250);
        let refused = dialogue.say("RCPT TO:<bob@ours.example>");
        assert_eq!(refused.code, 553, "{refused:?}");
        let words = refused.words();
        assert!(words.contains(ZONE) && words.contains("https://bl.example/"), "{words}");
        let id = refused.decision_id().expect("a decision id at the end of the reply");
        assert_explained(&gate, &id, client);
        dialogue.quit();
    }
}

/// The id leads to the evidence: the client, the list, and the code it gave.
fn assert_explained(gate: &Gate, id: &str, client: IpAddr) {
    let said = gate.daemon.tool(&["explain", id]);
    assert!(said.good, "{said:?}");
    for part in [client.to_string().as_str(), ZONE, "127.0.0.2"] {
        assert!(said.output.contains(part), "{part} is not in\n{}", said.output);
    }
}

#[test]
fn the_seeds_host_says_what_rblsmtpd_said() {
    let gate = gate_with_list(Preset::Seed);
    let refused = gate.deliver(LISTED, "ann@sender.example", &["bob@ours.example"], "refused").recipients.remove(0);
    assert_eq!((refused.code, refused.words().as_str()), (553, "Listed, see https://bl.example/192.0.2.66"));
}

#[test]
fn a_listed_client_reaches_postmaster_and_abuse() {
    for preset in [Preset::Default, Preset::Seed] {
        let gate = gate_with_list(preset);
        let exempt = ["postmaster", "POSTMASTER@Ours.Example", "abuse@second.example"];
        let passed = gate.deliver(LISTED, "ann@sender.example", &exempt, "let me in");
        assert!(passed.is_stored(), "{preset:?} {passed:?}");
        assert!(gate.mail.stored_as("let me in").is_some());
        // Beside an exempt recipient the others stay refused, and the message passes for the exempt one.
        let mixed = gate.deliver(LISTED, "ann@sender.example", &["bob@ours.example", "abuse@ours.example"], "mixed");
        let codes: Vec<u16> = mixed.recipients.iter().map(|reply| reply.code / 100).collect();
        assert_eq!(codes, [5, 2], "{preset:?} {mixed:?}");
        let stored = gate.mail.stored_as("mixed").expect("the message for abuse");
        assert!(stored.header.contains("\nabuse@ours.example\n") && !stored.header.contains("\nbob@ours.example\n"));
    }
}
