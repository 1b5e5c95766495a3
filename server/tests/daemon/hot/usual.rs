//! The files of a daemon that reads qmail's own where qmail has them, and its lists as lines of text. The order counts: each
//! row is tried with what those before it have left.

use super::kinds::{
    How::{Appears, Cdb, Hashed, InPlace, Link, Rename},
    Kind,
    Says::{Defers, Refuses, Takes, Warns},
    kind,
};

/// Everybody's mail is greylisted but what goes to the other rows' recipients.
pub(super) const CONFIGURATION: &str = "\
[check.access]
clients_deny_file = 'lists/clients'
clients_allow_file = 'lists/friends'
names_deny_file = 'lists/names'
helo_deny_file = 'lists/helos'
senders_deny_file = 'lists/senders'
senders_allow_file = 'lists/welcome'
recipients_deny_file = 'lists/recipients.cdb'
tcp_rules = 'lists/tcp.smtp'
[check.reputation]
trap_action = 'reject'
[check.recipient]
mode = 'enforce'
[[check.recipient.also]]
file = 'lists/known'
complete = ['known.example']
[[check.ezmlm.list]]
address = 'team@ours.example'
dir = 'team'
subscribers_only = true
deny = true
[[check.rbl.list]]
zone = '%{key}.bl.example'
key_file = 'lists/rbl.key'
[check.greylist]
mode = 'enforce'
recipients_off = ['.example', 'ghost']
";

pub(super) const KINDS: &[Kind] = &[
    kind("control/badmailfrom", "control/badmailfrom", InPlace)
        .content("@else.example\nfriend@pass.example\n", "@else.example\nfriend@pass.example\n@bad.example\n")
        .sender("x@bad.example")
        .refused("badmailfrom"),
    kind("control/badrcptto", "control/badrcptto", Appears)
        .content("", "sales@ours.example\n")
        .recipient("sales@ours.example")
        .refused("badrecipientto"),
    kind("check.access.clients_deny_file", "lists/clients", Rename)
        .content("198.51.100.1\n", "198.51.100.1\n198.51.100.2 ; new\n")
        .client("198.51.100.2")
        .refused("address 198.51.100.2 is denied"),
    kind("check.access.clients_allow_file", "lists/friends", Rename)
        .content("198.51.100.9\n", "198.51.100.9\n198.51.100.1\n")
        .client("198.51.100.1")
        .taken("address 198.51.100.1 is denied"),
    kind("check.access.names_deny_file", "lists/names", InPlace)
        .content(".pool.example\n", ".pool.example\n.dyn.example\n")
        .client_name("a.dyn.example")
        .refused("host name is denied"),
    kind("check.access.helo_deny_file", "lists/helos", InPlace)
        .content("friend\n", "friend\nenemy\n")
        .helo("enemy")
        .refused("HELO name is denied"),
    kind("check.access.senders_deny_file", "lists/senders", Link)
        .content("@else.example\n", "@worse.example\n")
        .sender("x@worse.example")
        .refused("envelope sender is denied"),
    kind("check.access.senders_allow_file", "lists/welcome", Rename)
        .content("ann@pass.example\n", "ann@pass.example\nfriend@pass.example\n")
        .sender("friend@pass.example")
        .taken("badmailfrom"),
    kind("check.access.recipients_deny_file", "lists/recipients.cdb", Cdb)
        .content("old@ours.example", "new@ours.example")
        .recipient("new@ours.example")
        .refused("recipient is denied"),
    kind("check.access.tcp_rules", "lists/tcp.smtp", Rename)
        .content(":allow\n", "198.51.100.3:deny\n:allow\n")
        .client("198.51.100.3")
        .refused("address 198.51.100.3 is denied"),
    // The domain is ours then, and its postmaster reachable for everybody.
    kind("control/rcpthosts", "control/rcpthosts", InPlace)
        .content("ours.example\n", "ours.example\nmore.example\n")
        .sender("x@else.example")
        .recipient("postmaster@more.example")
        .without_rcpthosts()
        .taken("badmailfrom"),
    // With it this is a mail host, and its own name local.
    kind("control/me", "control/me", Appears)
        .content("", "elsewhere.example\n")
        .recipient("nobody@elsewhere.example")
        .refused("no mailbox"),
    // Ours, and local.
    kind("control/locals", "control/locals", Appears)
        .content("", "here.example\nlocal.example\n")
        .sender("x@else.example")
        .recipient("postmaster@local.example")
        .without_rcpthosts()
        .said(Refuses("badmailfrom"), Refuses("no mailbox")),
    kind("control/virtualdomains", "control/virtualdomains", Appears)
        .content("", "virt.example:nobody\n")
        .live()
        .recipient("x@virt.example")
        .refused("no mailbox"),
    kind("control/percenthack", "control/percenthack", Appears)
        .content("", "hack.example\n")
        .live()
        .recipient("nobody%here.example@hack.example")
        .refused("no mailbox"),
    kind("control/envnoathost", "control/envnoathost", Appears)
        .content("", "here.example\n")
        .live()
        .recipient("ghost")
        .refused("no mailbox"),
    // A line more, that gives an address of its own to somebody.
    kind("users/cdb", "users/cdb", Cdb)
        .content("! all\x001\x001\0{}home\0-\0\n ", "! all\x001\x001\0{}home\0-\0\n!zoe\0 zoe\x001\x001\0{}home\0\0\n ")
        .recipient("zoe@here.example")
        .taken("no mailbox"),
    kind("users/assign", "users/assign", Appears)
        .content("", "=uma:uma:1:1:/home/uma:::\n.\n")
        .said(Takes, Warns("expected qmail-newu to be run")),
    kind(".qmail", "home/.qmail-joe", Appears).live().recipient("joe@here.example").taken("no mailbox"),
    kind("check.recipient.also.file", "lists/known", Rename)
        .content("ann@known.example\n", "ann@known.example\nliz@known.example\n")
        .recipient("liz@known.example")
        .taken("no mailbox"),
    kind("check.ezmlm.list.dir", "team/subscribers", Hashed)
        .content("ann@post.example", "sue@post.example")
        .sender("sue@post.example")
        .recipient("team@ours.example")
        .taken("only subscribers"),
    kind("check.ezmlm.list.dir", "team/digest/subscribers", Hashed)
        .content("", "dan@post.example")
        .sender("dan@post.example")
        .recipient("team@ours.example")
        .taken("only subscribers"),
    kind("check.ezmlm.list.dir", "team/allow/subscribers", Hashed)
        .content("bea@post.example", "may@post.example")
        .sender("may@post.example")
        .recipient("team@ours.example")
        .taken("only subscribers"),
    kind("check.ezmlm.list.dir", "team/mod/subscribers", Hashed)
        .content("bea@post.example", "lea@post.example")
        .sender("lea@post.example")
        .recipient("team@ours.example")
        .taken("only subscribers"),
    kind("check.ezmlm.list.dir", "team/deny/subscribers", Hashed)
        .content("foe@post.example", "sue@post.example")
        .sender("sue@post.example")
        .recipient("team@ours.example")
        .refused("told to refuse"),
    // Under another key the list lists somebody.
    kind("check.rbl.list.key_file", "lists/rbl.key", Rename)
        .content("oldkey\n", "newkey\n")
        .client("192.0.2.70")
        .refused("192.0.2.70"),
    kind("control/spfbehavior", "control/spfbehavior", InPlace)
        .content("1\n", "3\n")
        .sender("x@fail.example")
        .refused("See http"),
    kind("control/spfexp", "control/spfexp", Appears)
        .content("", "see our own page\n")
        .sender("x@fail.example")
        .said(Refuses("See http"), Refuses("see our own page")),
    kind("control/spfrules", "control/spfrules", Appears)
        .content("", "ip4:192.0.2.60\n")
        .client("192.0.2.60")
        .sender("x@mixed.example")
        .taken("see our own page"),
    // To the strictest, no record is as bad as a wrong one.
    kind("control/spfguess", "control/spfguess", Appears)
        .content("", "ip4:192.0.2.0/24\n")
        .spfbehavior("6")
        .sender("x@none.example")
        .taken("see our own page"),
    kind("control/traps", "control/traps", Appears)
        .content("", "trap@ours.example\n")
        .recipient("trap@ours.example")
        .refused("no mailbox"),
    kind("control/greylist_off", "control/greylist_off", Appears)
        .content("", "bob@grey.test\n")
        .recipient("bob@grey.test")
        .said(Defers("is new here"), Takes),
];
