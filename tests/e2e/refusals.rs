//! Who is refused, with which words, and who still gets through?

use tollgate_tests::{
    dns::List,
    gate::{CLEAN, CLEAN_V6, Gate, Plan, Preset, ZONE},
    swaks,
};

/// A gate with one list that lists one IPv4 and one IPv6 client.
fn gate_with_list(preset: Preset) -> Gate {
    let list = List::new(ZONE, "127.0.0.2:Listed, see https://bl.example/$").with("192.0.2.66").with("2001:db8::66");
    let plan = Plan::of("rbl", preset).list(list);
    plan.policy(&format!("\n[[check.rbl.list]]\nzone = \"{ZONE}\"\n")).start()
}

#[test]
fn a_clean_message_is_stored() {
    let gate = gate_with_list(Preset::Default);
    for (client, subject) in [(CLEAN, "by IPv4"), (CLEAN_V6, "by IPv6")] {
        let run = swaks::send(
            gate.mail.address,
            client,
            "ann@sender.example",
            &["bob@ours.example"],
            &["--header", &format!("Subject: {subject}")],
        );
        assert!(run.delivered, "{}", run.transcript);
        let stored = gate.mail.stored_as(subject).expect("in the queue");
        assert!(stored.header.contains("bob@ours.example"), "{}", stored.header);
    }
}
