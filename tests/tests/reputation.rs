//! Is a reputation shown, moved, forgotten and published as docs/reputation.md says? The real daemon, command and rbldnsd.

#![allow(clippy::expect_used, reason = "what these helpers cannot have, no test can go on without")]

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};
use tollgate_tests::{daemon::Daemon, dns, scratch::Scratch, wait};

/// The group of the sockets: there on every host.
const GROUP: &str = "root";

const POLICY: &str = "[policy]\ncontrol = \"control\"\n";

/// A line of an export: so many bad points for a trap, or good ones.
fn line(subject: &str, good: u32, bad: u32) -> String {
    #[allow(clippy::disallowed_methods, reason = "the daemon under test reads the system's clock, too")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    format!(
        "{{\"subject\":\"{subject}\",\"at\":{now},\"epoch\":0,\"events\":3,\"good\":[{good},{good},{good}],\
         \"bad\":[{bad},{bad},{bad}],\"experiences\":{{\"trap\":1}},\"witnesses\":[]}}\n"
    )
}

#[test]
fn reputations_are_moved_shown_forgotten_and_published() {
    let scratch = Scratch::new("reputation");
    let daemon = Daemon::start(&scratch, GROUP, POLICY);
    let rows = [
        ("192.0.2.1", 0, 60),
        ("192.0.3.0/24", 1, 90),
        ("192.0.4.1", 60, 0),
        ("2001:db8:1::/48", 0, 70),
        ("2001:db8::7", 0, 70),
        ("bad.example", 0, 80),
        ("helo:forged.example", 0, 100),
    ];
    let text: String = rows.iter().map(|(subject, good, bad)| line(subject, *good, *bad)).collect();
    let file = scratch.write("export", text).display().to_string();
    let import = || daemon.tool(&["reputation", "import", &file, "--reason", "moved", "--by", "ann"]);
    let (first, second) = (import(), import());
    assert_eq!(first.output, "taken 7, known as well or better 0, refused 0\n", "{}", first.errors);
    assert_eq!(second.output, "taken 0, known as well or better 7, refused 0\n");
    let top = daemon.tool(&["reputation", "top"]).output;
    assert!(top.lines().nth(1).is_some_and(|worst| worst.contains("helo:forged.example")), "{top}");
    let exported = daemon.tool(&["reputation", "export"]).output;
    assert_eq!(exported.lines().count(), rows.len());
    fs::write(scratch.path("again"), exported).expect("writes");
    let again = scratch.path("again").display().to_string();
    let again = daemon.tool(&["reputation", "import", &again, "--reason", "twice", "--by", "ann"]);
    assert!(again.output.starts_with("taken 0,"), "{}", again.output);

    publish(&scratch, &daemon);

    let reset = daemon.tool(&["reputation", "reset", "192.0.2.1", "--reason", "new tenant", "--by", "ann"]);
    assert!(reset.good && reset.output.contains("forgotten"), "{} {}", reset.output, reset.errors);
    let shown = daemon.tool(&["reputation", "show", "192.0.2.1"]).output;
    assert!(shown.lines().nth(1).is_some_and(|line| line.contains("+0")), "{shown}");
    assert!(import().output.starts_with("taken 0,"), "what was reset stays reset");
    let unknown = daemon.tool(&["reputation", "reset", "203.0.113.1", "--reason", "x", "--by", "ann"]);
    assert!(!unknown.good && unknown.output.contains("nothing is remembered"), "{}", unknown.output);
    for words in ["event=reputation_reset subject=192.0.2.1", "event=reputation_import taken=7"] {
        wait::until(words, wait::SOON, || daemon.log().contains(words));
    }
}

/// rbldnsd reads the zone, and lists whom it should.
fn publish(scratch: &Scratch, daemon: &Daemon) {
    let zone = daemon.tool(&["reputation", "export", "--rbldnsd"]);
    assert!(zone.good, "{}", zone.errors);
    scratch.write("reputation.zone", &zone.output);
    let (_rbldnsd, port) = dns::rbldnsd(scratch, &["rep.example:combined:reputation.zone".to_owned()]);
    let v6 = |text: &str| {
        let address: std::net::Ipv6Addr = text.parse().expect("an address");
        let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
        nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>()
    };
    for (name, expected) in [
        ("2.0.0.127.".to_owned(), Some(2)),
        ("1.2.0.192.".to_owned(), Some(2)),
        ("2.2.0.192.".to_owned(), None),
        ("77.3.0.192.".to_owned(), Some(3)),
        ("1.4.0.192.".to_owned(), None),
        (v6("2001:db8::7"), Some(2)),
        (v6("2001:db8:1:2::3"), Some(3)),
        (v6("2001:db8:2::7"), None),
        ("bad.example.".to_owned(), Some(4)),
        ("forged.example.".to_owned(), None),
    ] {
        assert_eq!(dns::listed(port, &format!("{name}rep.example")), expected, "{name}:\n{}", zone.output);
    }
}
