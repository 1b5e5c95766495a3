//! Does the HELO argument say who the client is: a name or literal by the rules, not ours, that exists in the DNS?
//!
//! One fault is found at most, the worst. That name and address do not match may only score: RFC 5321 §4.1.4 forbids to
//! refuse mail for it. Where a look-up failed nothing is found.

mod form;
mod rules;

use super::penalty::Penalties;
use crate::{
    ask::{Answers, DnsAnswer, DnsQuestion, HostAddresses, Question, RecordType, is_public},
    check::{Check, Def, Finding},
    clock::Now,
    config::{Build, Network, Section},
    lists::NameList,
    mode::Mode,
    session::{Connection, Facts, Helo, Stage},
};
use form::Form;
use rules::{BARE_ADDRESS, MISMATCH, MISSING, NO_DOT, OWN_NAME, SYNTAX, UNRESOLVABLE};
use std::net::IpAddr;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "helo",
    doc: "Scores HELO and EHLO arguments that are no name or literal, that are our own, or that the DNS does not know. \
          A valid address literal is no fault, a name that is not the client's may only score, clients of private \
          addresses are passed over, and a look-up that fails counts for nothing.",
    // At MAIL it is known that no HELO came.
    stages: &[Stage::Helo, Stage::Mail],
    rules: rules::RULES,
    fields: rules::FIELDS,
    tables: &[],
    mode: Mode::Monitor,
    despite: &[],
    build: |section, build| Box::new(HeloCheck::build(section, build)),
};

struct HeloCheck {
    /// Our domains and names; `.suffix` covers all names below it.
    own_names: NameList,
    own_addresses: Vec<Network>,
    penalties: Penalties<7>,
}

/// What is wrong with an argument: the rule, and the detail.
type Fault = (usize, String);

impl HeloCheck {
    fn build(section: &Section<'_>, build: &Build<'_>) -> Self {
        let mismatch = section.integer(rules::MISMATCH_WEIGHT);
        if mismatch >= build.defer_at {
            let limit = build.defer_at;
            let why = "no mail may be refused for a mismatch alone (RFC 5321 \u{a7}4.1.4)";
            section.fault(rules::MISMATCH_WEIGHT, format!("{mismatch}: expected less than defer_at = {limit}: {why}"));
        }
        Self {
            own_names: NameList::of(build.domains.iter().chain(&section.texts("own_names"))),
            own_addresses: build.own_addresses.to_vec(),
            penalties: Penalties::read(section, rules::KEYS),
        }
    }

    fn is_own_name(&self, name: &str, connection: &Connection) -> bool {
        let server = &connection.server_name;
        let server = server.strip_suffix(b".").unwrap_or(server);
        server.eq_ignore_ascii_case(name.as_bytes()) || self.own_names.find(name.as_bytes()).is_some()
    }

    fn is_own_address(&self, ip: IpAddr, connection: &Connection) -> bool {
        connection.server_ip == Some(ip) || self.own_addresses.iter().any(|network| network.contains(ip))
    }

    /// What can be seen without the DNS, or the name that must be looked up, if any.
    fn seen(&self, helo: &Helo, ip: IpAddr, connection: &Connection) -> Result<Option<String>, Fault> {
        match Form::of(&helo.name) {
            Form::Malformed(why) => Err((SYNTAX, why.to_owned())),
            Form::Literal(own) | Form::BareAddress(own) if self.is_own_address(own, connection) => {
                Err((OWN_NAME, own.to_string()))
            }
            Form::BareAddress(address) => Err((BARE_ADDRESS, address.to_string())),
            Form::Literal(address) if address == ip => Ok(None),
            Form::Literal(address) => Err((MISMATCH, format!("literal {address}"))),
            Form::Name(name) if self.is_own_name(&name, connection) => Err((OWN_NAME, name)),
            Form::Name(name) if !name.contains('.') => Err((NO_DOT, name)),
            Form::Name(name) => Ok(Some(name)),
        }
    }

    /// The name to look up, where one of the rules wants to know about it.
    fn looked_up(&self, facts: &Facts) -> Option<String> {
        let ip = judged(facts)?;
        let wanted = self.penalties.wants(UNRESOLVABLE) || self.penalties.wants(MISMATCH);
        let helo = facts.helo.as_ref().filter(|_| wanted)?;
        self.seen(helo, ip, &facts.connection).ok().flatten()
    }
}

/// The client's address, if it is one of the public Internet: private ones are hosts of ours, whatever they say.
fn judged(facts: &Facts) -> Option<IpAddr> {
    let connection = &facts.connection;
    connection.client_ip.filter(|&ip| is_public(ip) && connection.server_ip != Some(ip))
}

fn mx(name: &str) -> DnsQuestion {
    DnsQuestion::new(name, RecordType::Mx)
}

/// What the DNS says of a name that is none of ours.
fn in_dns(name: &str, ip: IpAddr, answers: &Answers) -> Option<Fault> {
    let addresses = HostAddresses::of(name, answers);
    if addresses.found.contains(&ip) || addresses.failed {
        return None;
    }
    if !addresses.are_none() {
        return Some((MISMATCH, format!("{name} is {}", addresses.found[0])));
    }
    match answers.about(name, RecordType::Mx) {
        DnsAnswer::Found(_) => Some((MISMATCH, format!("{name} has no address"))),
        DnsAnswer::NotFound => Some((UNRESOLVABLE, name.to_owned())),
        DnsAnswer::Failed(_) => None,
    }
}

impl Check for HeloCheck {
    fn needs(&self, _stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        let Some(name) = self.looked_up(facts) else { return };
        HostAddresses::ask(&name, ask);
        if HostAddresses::of(&name, answers).are_none() {
            ask.push(Question::Dns(mx(&name)));
        }
    }

    fn decide(&self, _stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let Some(ip) = judged(facts) else { return };
        let fault = match &facts.helo {
            None => Some((MISSING, String::new())),
            Some(helo) => match self.seen(helo, ip, &facts.connection) {
                Err(fault) => Some(fault),
                Ok(name) => name.and_then(|name| in_dns(&name, ip, answers)),
            },
        };
        found.extend(fault.and_then(|(rule, detail)| self.penalties.finding(rule, detail)));
    }
}
