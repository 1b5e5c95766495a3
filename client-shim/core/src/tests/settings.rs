//! Environment and `control/tollgate`.

use super::{
    fake::Fake,
    server::{Server, go_on},
};
use crate::{Session, settings::Settings, sys::Address};

fn system() -> Fake<Server> {
    Fake::new(Server::deciding(|_| go_on()))
}

#[test]
fn nothing_set() {
    let mut settings = Settings::new();
    settings.load(&mut system());
    assert_eq!(settings.address(), Some(Address::Unix(b"/run/tollgate/tollgate.sock")));
    assert_eq!(settings.timeout_ms, 2000);
    assert!(!settings.defers_on_failure && !settings.is_via_proxy && !settings.is_off && !settings.logs);
    assert_eq!(settings.host.as_slice(), b"");
    assert_eq!(settings.failure_file(), Some(c"/var/lib/tollgate/failures"));
}

#[test]
fn the_file_and_the_environment_before_it() {
    let mut sys = system();
    sys.control = b"# comment\n  socket = /a/b \ntimeout_ms=500\non_failure=defer\nhost=mx1\nvia_proxy=yes\r\nlog=on\nsocket=/c\nno value\n\
        # host=x\nfailure_file="
        .to_vec();
    sys.env.insert("TOLLGATE_TIMEOUT_MS", "700".into());
    sys.env.insert("TOLLGATE_HOST", "".into());
    let mut settings = Settings::new();
    settings.load(&mut sys);
    assert_eq!(settings.address(), Some(Address::Unix(b"/c")), "the last line counts");
    assert_eq!(settings.timeout_ms, 700);
    assert_eq!(settings.host.as_slice(), b"");
    assert!(settings.defers_on_failure && settings.is_via_proxy && settings.logs && !settings.is_off);
    assert_eq!(settings.failure_file(), None);
}

#[test]
fn bounds() {
    for (given, used) in [
        ("0", 100),
        ("99", 100),
        ("100", 100),
        ("30000", 30_000),
        ("999999", 30_000),
        ("-1", 2000),
        ("2s", 2000),
        ("", 2000),
    ] {
        let mut sys = system();
        sys.env.insert("TOLLGATE_TIMEOUT_MS", given.into());
        let mut settings = Settings::new();
        settings.load(&mut sys);
        assert_eq!(settings.timeout_ms, used, "{given}");
    }
    let mut sys = system();
    sys.env.insert("TOLLGATE_FAILURE_FILE", vec![b'/'; 256]);
    let mut settings = Settings::new();
    settings.load(&mut sys);
    assert_eq!(settings.failure_file(), None, "a path that does not fit is not cut into another");
}

#[test]
fn addresses() {
    let address = |text: &str| {
        let mut sys = system();
        sys.env.insert("TOLLGATE_SOCKET", text.into());
        let mut settings = Settings::new();
        settings.load(&mut sys);
        settings.address().map(|address| format!("{address:?}"))
    };
    let debug = |address: Address<'_>| Some(format!("{address:?}"));
    assert_eq!(address(""), debug(Address::Unix(b"/run/tollgate/tollgate.sock")));
    assert_eq!(address("/x"), debug(Address::Unix(b"/x")));
    assert_eq!(address("127.0.0.1:25"), debug(Address::Loopback4([127, 0, 0, 1], 25)));
    assert_eq!(address("127.255.1.2:65535"), debug(Address::Loopback4([127, 255, 1, 2], 65535)));
    assert_eq!(address("[::1]:80"), debug(Address::Loopback6(80)));
    let long = format!("/{}", "x".repeat(103));
    let longest = format!("/{}", "x".repeat(102));
    assert!(address(&longest).is_some());
    for bad in [
        "localhost:25",
        "10.0.0.1:25",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0:1",
        "127.0.0.0.1:1",
        "127.0.0.256:1",
        "[::2]:1",
        "[::1]",
        "[::1]:x",
        "::1:5",
        "relative/path",
        ":25",
        &long,
    ] {
        assert_eq!(address(bad), None, "{bad}");
    }
}

#[test]
fn a_bad_address_is_a_failure_and_no_name_is_looked_up() {
    let mut sys = system();
    sys.env.insert("TOLLGATE_SOCKET", "mail.example:25".into());
    let mut session = Box::new(Session::new());
    assert!(session.connect(&mut sys).is_none());
    assert!(!session.is_answered());
    assert_eq!(sys.connects, 0);
    assert_eq!(sys.records.len(), 1);
}

#[test]
fn off_means_off() {
    let mut sys = system();
    sys.env.insert("TOLLGATE_OFF", "1".into());
    sys.env.insert("TOLLGATE_ON_FAILURE", "defer".into());
    let mut session = Box::new(Session::new());
    assert!(session.connect(&mut sys).is_none());
    assert!(session.mail(&mut sys, b"", b"").is_none());
    assert!(session.rcpt(&mut sys, b"x", 1).is_none());
    assert!(session.data(&mut sys).is_none());
    session.queued(&mut sys, 1, Some(b""));
    session.close(&mut sys, true);
    assert!(!session.is_answered());
    assert_eq!((sys.connects, sys.records.len()), (0, 0));
}
