//! Is the recipient in `control/badrcptto`? Addresses that get no mail although their domain is ours.
//!
//! It speaks after rcpthosts, so only about domains that the mail server accepts. Relay clients pass it over, as in the
//! patch; whoever is allowed otherwise (a list, an exception) does not: the address is closed, whoever writes to it.

use super::badmailfrom::matched;
use crate::{
    ask::Answers,
    check::{Check, Def, Exemption, Finding, Outcome, Rows, Rule},
    clock::Now,
    config::{Build, Field, Kind, Section},
    lists::{DIALECTS, Listing, load},
    mode::Mode,
    session::{Facts, Rcpthosts, Stage},
};

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "badrcptto",
    doc: "Refuses recipients that `control/badrcptto` lists. An entry for postmaster or abuse at one of our domains is refused when the list is loaded.",
    stages: &[Stage::Rcpt],
    rules: &[Rule::policy(
        "listed",
        // The odd word is the patch's own, and bounce classifiers know it.
        "sorry, this recipient is in my badrecipientto list",
        "The list covers the recipient: by its whole address or by `@host`.",
    )],
    fields: FIELDS,
    tables: &[],
    mode: Mode::Enforce,
    despite: &[Exemption::Allowed, Exemption::TrustedClient],
    build: |section, build| Box::new(BadRcptTo::build(section, build)),
};

const FIELDS: &[Field] = &[
    Field {
        name: "file",
        kind: Kind::Path(""),
        doc: "The list: lines of text, or a cdb if its name ends in `.cdb`. Not set: `badrcptto` in the control folder, which need not exist.",
    },
    Field {
        name: "entries",
        kind: Kind::Texts(&[]),
        doc: "More entries, in the file's forms: `user@host` or `@host`.",
    },
    Field {
        name: "dialect",
        kind: Kind::Choice(DIALECTS),
        doc: "How the list is written. `spamcontrol`: patterns with `*`, `?` and `[a-z]` in order, the last one that matches decides; `!pattern` excepts, `?pattern` excepts for good (from this list alone); `pattern-` holds for clients without a host name, `domain=` for clients of other domains, `domain+` for clients that may not relay, and `~host` looks at the client's host name.",
    },
];

struct BadRcptTo {
    list: Listing,
}

impl BadRcptTo {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let place = load::Place { texts: "entries", file: "file" };
        let default = build.control_file("badrcptto");
        let list = load::addresses(section, build, (place, default), load::About::Recipients);
        Self { list }
    }
}

impl Check for BadRcptTo {
    fn decide(&self, _stage: Stage, facts: &Facts, _answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let Some(recipient) = &facts.recipient else { return };
        if recipient.rcpthosts == Rcpthosts::Refused {
            return;
        }
        if let Some(entry) = self.list.find(&recipient.address, &facts.connection) {
            found.push(Finding::new(0, Outcome::Reject, String::from_utf8_lossy(entry)));
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[("match", "ADDRESS: which entry covers this recipient")]
    }

    fn inspect(&self, op: &str, args: &[String]) -> Result<Rows, String> {
        match (op, args) {
            ("match", [address]) => Ok(matched(&self.list, address)),
            ("match", _) => Err("expected one address: match ADDRESS".to_owned()),
            _ => Err(format!("there is no operation \"{op}\": expected match")),
        }
    }
}
