//! What do the modes change, and does the kill switch switch everything off?

use tollgate_tests::{
    gate::{CLEAN, Gate, Plan, Preset},
    wait,
};

fn gate_in_mode(preset: Preset, mode: &str) -> Gate {
    let plan = Plan::of(&format!("mode-{mode}"), preset).control("badrcptto", "sales@ours.example\n");
    let plan = plan.control("badmailfrom", "@bad.example\n").policy(&format!("mode = \"{mode}\""));
    plan.start()
}

/// Codes for a listed sender and for a listed recipient.
fn codes(gate: &Gate) -> [u16; 2] {
    [("ann@bad.example", "bob@ours.example"), ("ann@sender.example", "sales@ours.example")].map(
        |(sender, recipient)| {
            let went = gate.deliver(CLEAN, sender, &[recipient], "in some mode");
            went.recipients.first().map_or(0, |reply| reply.code)
        },
    )
}

#[test]
fn soft_mode_defers_what_would_be_refused() {
    for preset in [Preset::Default, Preset::Seed] {
        assert_eq!(codes(&gate_in_mode(preset, "soft")), [451, 451], "{preset:?}");
    }
}

#[test]
fn monitor_mode_changes_no_answer_and_counts() {
    for preset in [Preset::Default, Preset::Seed] {
        let gate = gate_in_mode(preset, "monitor");
        assert_eq!(codes(&gate), [250, 250], "{preset:?}");
        gate.daemon.wait_for_count("tollgate_would_have_total", &[("action", "reject")], 2.0);
        wait::until("the log to say so", wait::SOON, || gate.daemon.log().matches("would_have").count() >= 2);
    }
}

#[test]
fn the_kill_switch_switches_off_and_on() {
    let mut gate = gate_in_mode(Preset::Default, "enforce");
    assert_eq!(codes(&gate), [553, 553]);
    let off = gate.daemon.tool(&["off", "--for", "1h", "--reason", "a test of the switch"]);
    assert!(off.good, "{off:?}");
    assert_eq!(codes(&gate), [250, 250]);
    let status = gate.daemon.tool(&["status"]);
    assert!(status.good && status.output.contains("a test of the switch"), "{status:?}");
    assert!(gate.daemon.metrics().sum("tollgate_switched_off", &[]) > 0.5);
    // It outlives a restart: whoever threw it wanted an hour.
    gate.daemon.kill();
    gate.daemon.run();
    assert_eq!(codes(&gate), [250, 250]);
    let on = gate.daemon.tool(&["on"]);
    assert!(on.good, "{on:?}");
    assert_eq!(codes(&gate), [553, 553]);
}
