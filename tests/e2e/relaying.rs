//! Does anybody gain relaying through us, and do those who may relay get through?

use tollgate_tests::{
    dns::List,
    gate::{CLEAN, LISTED, Plan, Preset, RELAY, ZONE},
};

#[test]
fn nobody_gains_relaying() {
    for preset in [Preset::Default, Preset::Seed] {
        let plan = Plan::of("relaying", preset).policy("\n[check.access]\nclients_allow = [\"192.0.2.10\"]\n");
        let gate = plan.start();
        // Trusted by a list of ours, exempt by the recipient's name, or null sender: foreign domains stay refused.
        for (sender, recipient) in [
            ("ann@sender.example", "someone@foreign.example"),
            ("ann@sender.example", "postmaster@foreign.example"),
            ("ann@sender.example", "abuse@foreign.example"),
            ("", "someone@foreign.example"),
            ("bob@ours.example", "someone%foreign.example@elsewhere.example"),
        ] {
            let refused = gate.deliver(CLEAN, sender, &[recipient], "relayed");
            assert_eq!(refused.recipients[0].code, 550, "{preset:?} {recipient}: {refused:?}");
            assert!(!refused.data.is_good(), "{preset:?} {recipient}: {refused:?}");
        }
        assert!(gate.deliver(CLEAN, "ann@sender.example", &["bob@ours.example"], "ours").is_stored());
        assert_eq!(gate.mail.stored().len(), 1, "{preset:?}: more than our own mail is in the queue");
    }
}

#[test]
fn relay_clients_relay_and_are_not_asked_about() {
    for preset in [Preset::Default, Preset::Seed] {
        let list = List::new(ZONE, "127.0.0.2:Listed").with("198.51.100.0/24");
        let policy = format!("\n[[check.rbl.list]]\nzone = \"{ZONE}\"\n");
        let gate = Plan::of("relays", preset).list(list).policy(&policy).start();
        let sent = gate.deliver(RELAY, "bob@ours.example", &["someone@foreign.example", "ann@ours.example"], "out");
        assert!(sent.is_stored() && sent.recipients.iter().all(|reply| reply.code == 250), "{preset:?} {sent:?}");
        // Every question of a decision reads the cache first; the daemon's own probes do not.
        let asked = gate.daemon.metrics().sum("tollgate_dns_cache_reads_total", &[]);
        assert!(asked < 0.5, "{preset:?}: {asked} questions were asked about a client that may relay");
    }
}

#[test]
fn relay_clients_pass_even_where_failure_defers() {
    let mut gate = Plan::new("relay-absent").shim("TOLLGATE_ON_FAILURE", "defer").start();
    gate.daemon.kill();
    let deferred = gate.deliver(LISTED, "ann@sender.example", &["bob@ours.example"], "deferred");
    assert!(!deferred.is_stored(), "{deferred:?}");
    let passed = gate.deliver(RELAY, "bob@ours.example", &["someone@foreign.example"], "passed");
    assert!(passed.is_stored(), "{passed:?}");
}
