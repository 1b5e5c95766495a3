//! The files of a daemon whose configuration names all of them, in all other forms: cdb, zones of rbldnsd, SpamControl's
//! dialect, another host's snapshot.

use super::kinds::{
    How::{Cdb, Exported, InPlace, Rename},
    Kind,
    Says::{Defers, Takes, Warns},
    kind,
};

pub(super) const CONFIGURATION: &str = "\
[check.badmailfrom]
file = 'lists/badmailfrom'
dialect = 'spamcontrol'
[check.badrcptto]
file = 'lists/badrcptto'
dialect = 'spamcontrol'
[check.access]
clients_deny_file = 'lists/clients.rbldnsd'
clients_allow_file = 'lists/friends.cdb'
names_deny_file = 'lists/names.domains'
helo_deny_file = 'lists/helos.rbldnsd'
senders_deny_file = 'lists/senders.domains'
senders_allow_file = 'lists/welcome.cdb'
recipients_deny_file = 'lists/recipients'
tcp_rules = 'lists/tcp.smtp.cdb'
[check.spf]
mode = 'off'
[check.reputation]
traps_file = 'lists/traps'
trap_action = 'reject'
[check.recipient]
mode = 'enforce'
source = 'live'
users = 'accounts'
[[check.recipient.snapshot]]
host = 'mx2'
file = 'lists/mx2.cdb'
[[check.recipient.also]]
file = 'lists/fastforward.cdb'
complete = ['fast.example']
[[check.recipient.also]]
file = 'lists/vpasswd.cdb'
domain = 'vpop.example'
complete = ['vpop.example']
[check.greylist]
mode = 'enforce'
recipients_off = ['.example']
recipients_off_file = 'lists/unhurried'
";

pub(super) const KINDS: &[Kind] = &[
    kind("check.badmailfrom.file", "lists/badmailfrom", InPlace)
        .content(
            "*@*.else.example\nfriend@pass.example\n",
            "*@*.else.example\nfriend@pass.example\n*@mail[0-9].example\n",
        )
        .sender("x@mail7.example")
        .refused("badmailfrom"),
    kind("check.badrcptto.file", "lists/badrcptto", Rename)
        .content("sales-*@ours.example\n", "sales-*@ours.example\n!sales-x@ours.example\n")
        .recipient("sales-x@ours.example")
        .taken("badrecipientto"),
    kind("check.access.clients_deny_file", "lists/clients.rbldnsd", Rename)
        .content("198.51.100.0/28 :2:listed\n", "198.51.100.0/28 :2:listed\n!198.51.100.4\n")
        .client("198.51.100.4")
        .taken("address 198.51.100.4 is denied"),
    kind("check.access.clients_allow_file", "lists/friends.cdb", Cdb)
        .content("198.51.100.64/26", "198.51.100.64/26\n198.51.100.5")
        .client("198.51.100.5")
        .taken("address 198.51.100.5 is denied"),
    kind("check.access.names_deny_file", "lists/names.domains", Rename)
        .content(".pool.example\n", ".pool.example\n.dial.example\n")
        .client_name("a.dial.example")
        .refused("host name is denied"),
    kind("check.access.helo_deny_file", "lists/helos.rbldnsd", Rename)
        .content("nasty.example\n", "nasty.example\nnastier.example\n")
        .helo("nastier.example")
        .refused("HELO name is denied"),
    kind("check.access.senders_deny_file", "lists/senders.domains", InPlace)
        .content("worse.example\n", "worse.example\nworst.example\n")
        .sender("x@worst.example")
        .refused("envelope sender is denied"),
    kind("check.access.senders_allow_file", "lists/welcome.cdb", Cdb)
        .content("ann@pass.example", "friend@pass.example")
        .sender("friend@pass.example")
        .taken("badmailfrom"),
    kind("check.access.recipients_deny_file", "lists/recipients", InPlace)
        .content("old@ours.example\n", "old@ours.example\nshut@ours.example\n")
        .recipient("shut@ours.example")
        .refused("recipient is denied"),
    kind("check.access.tcp_rules", "lists/tcp.smtp.cdb", Cdb)
        .content("\n198.51.100.200 D\0", "\n198.51.100.200 D\0\n198.51.100.201 D\0")
        .client("198.51.100.201")
        .refused("address 198.51.100.201 is denied"),
    kind("check.recipient.users", "accounts/cdb", Cdb)
        .content("! all\x001\x001\0{}home\0-\0\n ", "! all\x001\x001\0{}home\0-\0\n!kim\0 kim\x001\x001\0{}home\0\0\n ")
        .recipient("kim@here.example")
        .taken("no mailbox"),
    kind("check.recipient.users", "accounts/assign", Rename)
        .content("=kim:kim:1:1:/home/kim:::\n.\n", "=Kim:kim:1:1:/home/kim:::\n+EvE:eve:1:1:/home/eve:::\n.\n")
        .said(Takes, Warns("+EvE matches nothing")),
    kind("check.recipient.snapshot.file", "lists/mx2.cdb", Exported)
        .content("", "home/.qmail-tim")
        .host("mx2")
        .recipient("tim@here.example")
        .taken("no mailbox"),
    kind("check.recipient.also.file", "lists/fastforward.cdb", Cdb)
        .content(":dave@fast.example x", ":dave@fast.example x\n:rita@fast.example x")
        .recipient("rita@fast.example")
        .taken("no mailbox"),
    kind("check.recipient.also.file", "lists/vpasswd.cdb", Cdb)
        .content("postmaster x", "postmaster x\nlou x")
        .recipient("lou@vpop.example")
        .taken("no mailbox"),
    kind("check.reputation.traps_file", "lists/traps", Rename)
        .content("old-trap@ours.example\n", "old-trap@ours.example\nnew-trap@ours.example\n")
        .recipient("new-trap@ours.example")
        .refused("no mailbox"),
    kind("check.greylist.recipients_off_file", "lists/unhurried", InPlace)
        .content("joe@grey.test\n", "joe@grey.test\nliz@grey.test\n")
        .recipient("liz@grey.test")
        .said(Defers("is new here"), Takes),
];
