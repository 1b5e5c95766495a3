//! Has the client a name in the DNS, does the name lead back to it, and does it look like a mail server's?
//!
//! Only the DNS's own answers count; the name that the mail server looked up may be forged and is not used. Where a
//! look-up failed nothing is found.

use super::{
    client_name::{self, Class, Forward, generic::Patterns},
    penalty::{Keys, Penalties, action, weight},
};
use crate::{
    ask::{Answers, Question},
    check::{Check, Def, Finding, Rows, Rule},
    clock::Now,
    config::{Build, Field, Kind, Section},
    mode::Mode,
    session::{Facts, Stage, parse_ip},
};

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "rdns",
    doc: "Scores clients whose address has no name in the DNS (PTR), a name that does not lead back to the address, or \
          one that looks like a dial-up line's. Names are looked up for public addresses only, and a look-up that \
          fails counts for nothing.",
    stages: &[Stage::Connect],
    rules: RULES,
    fields: FIELDS,
    tables: &[],
    mode: Mode::Monitor,
    despite: &[],
    build: |section, build| Box::new(Rdns::read(section, build)),
};

const NONE: usize = 0;
const UNCONFIRMED: usize = 1;
const GENERIC: usize = 2;

const RULES: &[Rule] = &[
    Rule {
        name: "none",
        code: 550,
        code_defer: 450,
        // RFC 7372 §3.3: reverse DNS validation failed.
        status: "5.7.25",
        text: "sorry, your address %{client_ip} has no name in the DNS",
        doc: "The address has no PTR record.",
    },
    Rule {
        name: "unconfirmed",
        code: 550,
        code_defer: 450,
        status: "5.7.25",
        text: "sorry, the name of your address %{client_ip} does not lead back to it",
        doc: "None of the address's names has the address (forward-confirmed reverse DNS).",
    },
    Rule {
        name: "generic",
        code: 550,
        code_defer: 450,
        status: "5.7.1",
        text: "sorry, your address %{client_ip} looks like a dial-up line's: use your provider's mail server",
        doc: "All names of the address look like names that a provider makes from addresses: octets of the address, or \
              words such as `dyn` and `dsl`, and none such as `mail` or `static`.",
    },
];

const KEYS: &[Keys; 3] = &[
    Keys { action: Some("none_action"), weight: "none_weight" },
    Keys { action: Some("unconfirmed_action"), weight: "unconfirmed_weight" },
    Keys { action: Some("generic_action"), weight: "generic_weight" },
];

const FIELDS: &[Field] = &[
    action(
        "none_action",
        "What a client without a name meets: score (adds none_weight), defer, reject, or off (nothing).",
    ),
    weight("none_weight", 30, "What a client without a name adds to the score."),
    action("unconfirmed_action", "The same for a client whose names do not lead back to it."),
    weight("unconfirmed_weight", 10, "What a client whose names do not lead back to it adds to the score."),
    action("generic_action", "The same for a client with a dial-up line's name."),
    weight("generic_weight", 20, "What a client with a dial-up line's name adds to the score."),
    Field {
        name: "generic",
        kind: Kind::Texts(&[]),
        doc: "More signs of a dial-up line: suffixes (`.dyn.example` makes all names below it generic) and words \
              (`xdsl` counts as a whole label, or between hyphens, digits apart).",
    },
    Field {
        name: "not_generic",
        kind: Kind::Texts(&[]),
        doc: "Signs of a server, in the same forms: names below such a suffix are never generic, and such a word \
              speaks against it as `mail` and `static` do.",
    },
];

struct Rdns {
    patterns: Patterns,
    penalties: Penalties<3>,
}

impl Rdns {
    fn read(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        build.settled.generic_names = section.texts("generic");
        build.settled.not_generic_names = section.texts("not_generic");
        Self { patterns: Patterns::read(section), penalties: Penalties::read(section, KEYS) }
    }
}

impl Check for Rdns {
    fn needs(&self, _stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        if let Some(ip) = client_name::asked_about(facts) {
            client_name::ask(ip, answers, ask);
        }
    }

    fn decide(&self, _stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let identity = client_name::asked_about(facts).and_then(|ip| client_name::of(ip, answers, &self.patterns));
        let Some(identity) = identity else { return };
        let detail = || identity.to_string();
        match identity.class {
            Class::None => found.extend(self.penalties.finding(NONE, detail())),
            Class::Generic => found.extend(self.penalties.finding(GENERIC, detail())),
            Class::Normal => {}
        }
        if identity.forward == Forward::Unconfirmed {
            found.extend(self.penalties.finding(UNCONFIRMED, detail()));
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[("class", "IP NAME: is this a generic name of the address?")]
    }

    fn inspect(&self, op: &str, args: &[String]) -> Result<Rows, String> {
        match (op, args) {
            ("class", [ip, name]) => {
                let wrong = || format!("\"{ip}\" is no address: expected one such as 192.0.2.1 or 2001:db8::1");
                let address = parse_ip(ip.as_bytes()).ok_or_else(wrong)?;
                let class = if self.patterns.is_generic(name, address) { Class::Generic } else { Class::Normal };
                Ok(Rows {
                    columns: ["address", "name", "class"].map(str::to_owned).to_vec(),
                    rows: vec![vec![address.to_string(), name.clone(), class.name().to_owned()]],
                })
            }
            ("class", _) => Err("expected an address and a name: class IP NAME".to_owned()),
            _ => Err(format!("there is no operation \"{op}\": expected class")),
        }
    }
}
