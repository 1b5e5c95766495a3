//! Is the sender in `control/badmailfrom`? qmail's list with Tom Clegg's wildcard patch and the exemptions people added.
//!
//! The sender of a relay client is looked at too, as in stock qmail: whoever wants it otherwise exempts `"relay"`.

use crate::{
    ask::Answers,
    check::{Check, Def, Exemption, Finding, Outcome, Rows, Rule},
    clock::Now,
    config::{Build, Field, Kind, Network, Section},
    lists::{DIALECTS, Listing, load},
    mode::Mode,
    session::{Address, Connection, Facts, Stage},
};
use bytes::Bytes;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "badmailfrom",
    doc: "Refuses envelope senders that `control/badmailfrom` lists. The null sender is never listed. The refusal is heard at RCPT, as with qmail.",
    stages: &[Stage::Mail],
    rules: &[Rule::policy(
        "listed",
        "sorry, your envelope sender is in my badmailfrom list",
        "The list covers the sender: by its whole address, by `@host`, or by `.suffix`.",
    )],
    fields: FIELDS,
    tables: &[],
    mode: Mode::Enforce,
    // Not a question about the client: a trusted relay or our own host may carry a listed sender all the same.
    despite: &[Exemption::Relay, Exemption::TrustedClient],
    build: |section, build| Box::new(BadMailFrom::build(section, build)),
};

const FIELDS: &[Field] = &[
    Field {
        name: "file",
        kind: Kind::Path(""),
        doc: "The list: lines of text, or a cdb if its name ends in `.cdb`. Not set: `badmailfrom` in the control folder, which need not exist.",
    },
    Field {
        name: "entries",
        kind: Kind::Texts(&[]),
        doc: "More entries, in the file's forms: `user@host`, `@host`, `.suffix`.",
    },
    Field {
        name: "dialect",
        kind: Kind::Choice(DIALECTS),
        doc: "How the list is written. `spamcontrol`: patterns with `*`, `?` and `[a-z]` in order, the last one that matches decides; `!pattern` excepts, `?pattern` excepts for good (from this list alone); `pattern-` holds for clients without a host name, `domain=` for clients of other domains, `domain+` for clients that may not relay, and `~host` looks at the client's host name.",
    },
    Field {
        name: "wildcard",
        kind: Kind::Bool(true),
        doc: "Entries such as `.example.com` cover senders at all subdomains of it, but not at `example.com` itself.",
    },
    Field {
        name: "exempt",
        kind: Kind::Texts(&["127.0.0.1"]),
        doc: "Clients whose senders are not looked at: networks, or the word `relay` for clients that may relay. A loopback address counts for nothing behind a proxy.",
    },
];

struct BadMailFrom {
    list: Listing,
    exempt: Vec<Network>,
    exempt_relay: bool,
}

impl BadMailFrom {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let place = load::Place { texts: "entries", file: "file" };
        let default = build.control_file("badmailfrom");
        let list = load::addresses(
            section,
            build,
            (place, default),
            load::About::Senders { wildcard: section.bool("wildcard") },
        );
        let (mut exempt, mut exempt_relay) = (Vec::new(), false);
        for text in section.texts("exempt") {
            match text.parse() {
                _ if text == "relay" => exempt_relay = true,
                Ok(network) => exempt.push(network),
                Err(wrong) => section.fault("exempt", format!("{wrong}, or relay")),
            }
        }
        Self { list, exempt, exempt_relay }
    }

    fn exempts(&self, connection: &Connection) -> bool {
        // Behind a proxy every client of the world has the proxy's loopback address.
        let ip = connection.client_ip.filter(|ip| !(connection.via_proxy && ip.is_loopback()));
        let by_network = ip.is_some_and(|ip| self.exempt.iter().any(|network| network.contains(ip)));
        by_network || (self.exempt_relay && connection.is_relay())
    }
}

impl Check for BadMailFrom {
    fn decide(&self, _stage: Stage, facts: &Facts, _answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let Some(sender) = &facts.sender else { return };
        if self.exempts(&facts.connection) {
            return;
        }
        if let Some(entry) = self.list.find(&sender.address, &facts.connection) {
            found.push(Finding::new(0, Outcome::Reject, String::from_utf8_lossy(entry)));
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[("match", "ADDRESS: which entry covers this sender")]
    }

    fn inspect(&self, op: &str, args: &[String]) -> Result<Rows, String> {
        match (op, args) {
            ("match", [address]) => Ok(matched(&self.list, address)),
            ("match", _) => Err("expected one address: match ADDRESS".to_owned()),
            _ => Err(format!("there is no operation \"{op}\": expected match")),
        }
    }
}

/// One row: the address, and the entry of the list that covers it.
pub(super) fn matched(list: &Listing, address: &str) -> Rows {
    let parsed = Address::new(Bytes::copy_from_slice(address.as_bytes()));
    let entry = list.find(&parsed, &Connection::default()).map(|entry| String::from_utf8_lossy(entry).into_owned());
    let listed = if entry.is_some() { "listed" } else { "not listed" };
    Rows {
        columns: ["address", "result", "entry"].map(str::to_owned).to_vec(),
        rows: vec![vec![address.to_owned(), listed.to_owned(), entry.unwrap_or_default()]],
    }
}
