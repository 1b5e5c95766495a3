//! Which keys does `[check.access]` have?

use crate::{
    config::{Field, Kind},
    lists::load::Place,
};

pub(super) const CLIENTS_ALLOW: Place = Place { texts: "clients_allow", file: "clients_allow_file" };
pub(super) const CLIENTS_DENY: Place = Place { texts: "clients_deny", file: "clients_deny_file" };
pub(super) const NAMES_DENY: Place = Place { texts: "names_deny", file: "names_deny_file" };
pub(super) const HELO_DENY: Place = Place { texts: "helo_deny", file: "helo_deny_file" };
pub(super) const SENDERS_ALLOW: Place = Place { texts: "senders_allow", file: "senders_allow_file" };
pub(super) const SENDERS_DENY: Place = Place { texts: "senders_deny", file: "senders_deny_file" };
pub(super) const RECIPIENTS_DENY: Place = Place { texts: "recipients_deny", file: "recipients_deny_file" };

const NETWORKS_FILE: &str = "A file of networks, one a line (a remark may follow after a blank, `;` or `#`), a cdb with networks as keys if its name ends in `.cdb`, or a zone of rbldnsd (ip4set, ip4trie, ip6trie and their like) if it ends in `.rbldnsd`. Tcprules' form `192.0.2.` counts too.";
const NAMES_FILE: &str = "A file of entries in control-file form, a cdb with entries as keys if its name ends in `.cdb`, or domains as in a dnset of rbldnsd if it ends in `.rbldnsd` or `.domains`.";
const ADDRESSES_FILE: &str = "A file of entries in `badmailfrom`'s forms, a cdb with entries as keys if its name ends in `.cdb`, or domains as in a dnset of rbldnsd if it ends in `.rbldnsd` or `.domains`.";

const fn networks(name: &'static str, doc: &'static str) -> Field {
    Field { name, kind: Kind::Networks(&[]), doc }
}

const fn texts(name: &'static str, doc: &'static str) -> Field {
    Field { name, kind: Kind::Texts(&[]), doc }
}

const fn file(name: &'static str, doc: &'static str) -> Field {
    Field { name, kind: Kind::Path(""), doc }
}

pub(super) const FIELDS: &[Field] = &[
    networks(
        CLIENTS_ALLOW.texts,
        "Clients that are trusted. Where a client is allowed and denied, the smaller network counts; of equal ones the allowed.",
    ),
    file(CLIENTS_ALLOW.file, NETWORKS_FILE),
    networks(CLIENTS_DENY.texts, "Clients that are refused."),
    file(CLIENTS_DENY.file, NETWORKS_FILE),
    texts(
        NAMES_DENY.texts,
        "Host names of clients that are refused, as the mail server looked them up: `mx.example`, or `.example` for all below it.",
    ),
    file(NAMES_DENY.file, NAMES_FILE),
    texts(
        HELO_DENY.texts,
        "HELO and EHLO names that are refused: `friend`, or `.dyn.example` for all below it. No HELO name ever allows.",
    ),
    file(HELO_DENY.file, NAMES_FILE),
    texts(
        SENDERS_ALLOW.texts,
        "Senders that are trusted where SPF says that they sent the mail: a pass, and not through `+all`, `ptr` or a vast range. `user@host`, `@host`, or `.suffix` for all subdomains.",
    ),
    file(SENDERS_ALLOW.file, ADDRESSES_FILE),
    texts(SENDERS_DENY.texts, "Senders that are refused: `user@host`, `@host`, or `.suffix` for all subdomains."),
    file(SENDERS_DENY.file, ADDRESSES_FILE),
    texts(
        RECIPIENTS_DENY.texts,
        "Recipients that are refused, to whoever is allowed too: `user@host`, `@host`, or `.suffix` for all subdomains. Postmaster and abuse of our domains cannot be.",
    ),
    file(RECIPIENTS_DENY.file, ADDRESSES_FILE),
    file(
        "tcp_rules",
        "tcpserver's rules (`tcp.smtp`, or the `.cdb` made of it): `deny` and a text in RBLSMTPD refuse. They allow nothing here. A rule keyed by a host name stands in place of what the address's says only if the name leads back to the client (its A or AAAA record), one keyed by `info@` never.",
    ),
    Field {
        name: "obey_rblsmtpd",
        kind: Kind::Bool(true),
        doc: "Refuse what the mail server's RBLSMTPD says, as rblsmtpd does: `-text` refuses for good with the text, `text` for now. An empty RBLSMTPD stops look-ups in DNS lists, see `[check.rbl]`.",
    },
];

/// `[[check.access.sender_allow]]`: senders can be forged, so that each is bound to networks. `senders_allow` has those that
/// SPF proves.
pub(super) const SENDER_ALLOW: (&str, &[Field]) = (
    "sender_allow",
    &[
        Field {
            name: "sender",
            kind: Kind::Text(""),
            doc: "A trusted sender: `user@host`, `@host`, or `.suffix` for all subdomains.",
        },
        networks(
            "networks",
            "The networks from which this sender is trusted; at least one, each of /8 (IPv6: /16) or smaller.",
        ),
    ],
);
