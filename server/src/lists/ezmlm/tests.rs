//! Is every address of a list known for what it is, and no other?

use super::*;
use proptest::prelude::*;

fn lists() -> MailingLists {
    let list = |address: &str| MailingList { address: address.to_owned(), ..MailingList::default() };
    MailingLists::new(vec![list("l@here.example"), list("l-dev@here.example"), list("l@there.example")])
}

fn found(address: &str) -> Option<(String, Role)> {
    let lists = lists();
    let (list, role) = lists.find(&Address::new(address.to_owned().into()))?;
    Some((list.address.clone(), role))
}

#[test]
fn addresses_of_lists_are_known() {
    for (local, role) in [
        ("l", Role::Post),
        ("L", Role::Post),
        ("l-owner", Role::Owner),
        ("l-return-12-user=host.example", Role::Bounce),
        ("l-return-warn-1062345678.abcdefghijklmnopabcd-user=host.example", Role::Bounce),
        ("l-return-probe-1062345678.abcdefghijklmnopabcd-user=host.example", Role::Bounce),
        ("l-digest-return-3-user=host.example", Role::Bounce),
        ("l-sc.1062345678.abcdefghijklmnopabcd-user=host.example", Role::Reply),
        ("l-wc.1062345678.abcdefghijklmnopabcd-user=host.example", Role::Reply),
        ("l-digest-uc.1062345678.abcdefghijklmnopabcd-user=host.example", Role::Reply),
        ("l-allow-tc.1062345678.abcdefghijklmnopabcd-user=host.example", Role::Reply),
        ("l-accept-1062345678.12345.abcdefghijklmnopabcd", Role::Reply),
        ("l-reject-1062345678.12345.abcdefghijklmnopabcd", Role::Reply),
        ("l-confirm-1062345678.12345.abcdefghijklmnopabcd", Role::Reply),
        ("l-discard-1062345678.12345.abcdefghijklmnopabcd", Role::Reply),
        ("l-subscribe", Role::Command),
        ("l-subscribe-user=host.example", Role::Command),
        ("l-digest-unsubscribe", Role::Command),
        ("l-deny-subscribe-user=host.example", Role::Command),
        ("l-help", Role::Command),
        ("l-get.1_20", Role::Command),
        ("l-get123", Role::Command),
        ("l-threadv7", Role::Command),
        ("l-log.2", Role::Command),
    ] {
        assert_eq!(found(&format!("{local}@Here.example")), Some(("l@here.example".to_owned(), role)), "{local}");
    }
}

#[test]
fn other_addresses_are_nobodys() {
    for address in [
        "l",
        "x@here.example",
        "lx@here.example",
        "l-@here.example",
        "l-return@here.example",
        "l-nonsense@here.example",
        "l-helpless@here.example",
        "l-sc.1062345678.abcdefghijklmnopabcq-user=host@here.example",
        "l-sc.1062345678.abcdefghijklmnop-user=host@here.example",
        "l-sc..abcdefghijklmnopabcd-user=host@here.example",
        "l-xc.1062345678.abcdefghijklmnopabcd-user=host@here.example",
        "l-help@elsewhere.example",
    ] {
        assert_eq!(found(address), None, "{address}");
    }
}

#[test]
fn the_longest_name_wins() {
    assert_eq!(found("l-dev@here.example"), Some(("l-dev@here.example".to_owned(), Role::Post)));
    assert_eq!(found("l-dev-help@here.example"), Some(("l-dev@here.example".to_owned(), Role::Command)));
    assert_eq!(found("l-help@there.example"), Some(("l@there.example".to_owned(), Role::Command)));
}

#[test]
fn bounces_come_back_and_so_do_answers() {
    for (sender, recipient, expected) in [
        ("", "l-return-12-u=h@here.example", true),
        ("#@[]", "l-return-12-u=h@here.example", true),
        ("u@h.example", "l-return-12-u=h@here.example", false),
        ("u@h.example", "l-sc.1.abcdefghijklmnopabcd-u=h@here.example", true),
        ("", "l@here.example", false),
        ("", "l-owner@here.example", false),
        ("", "x@here.example", false),
    ] {
        let address = |text: &str| Address::new(text.to_owned().into());
        assert_eq!(lists().comes_back(&address(sender), &address(recipient)), expected, "{sender} to {recipient}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_address_or_none(local in prop::collection::vec(any::<u8>(), 0..60)) {
        let address = [b"l-", &local[..], b"@here.example"].concat();
        let _ = lists().find(&Address::new(address.into()));
        let _ = role(&local);
    }

    #[test]
    fn whatever_ezmlm_makes_is_known(number in any::<u32>(), cookie in "[a-p]{20}", user in "[a-z0-9._+-]{1,20}=[a-z0-9.-]{1,20}") {
        for (form, role) in [
            (format!("return-{number}-{user}"), Role::Bounce),
            (format!("return-probe-{number}.{cookie}-{user}"), Role::Bounce),
            (format!("rc.{number}.{cookie}-{user}"), Role::Reply),
            (format!("query-{user}"), Role::Command),
        ] {
            prop_assert_eq!(super::role(form.as_bytes()), Some(role));
        }
    }
}
