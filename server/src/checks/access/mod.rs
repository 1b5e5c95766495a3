//! Does the postmaster allow or deny this client, name, sender or recipient? Lists, and tcpserver's rules.
//!
//! Who may be allowed follows from what can be forged: a client by its network, a sender only with an SPF pass or from a
//! network given with it, nobody by HELO; a host name lifts a rule only if it leads back to the client. A denial by network yields to an allowance by a network as small or smaller, and an
//! allowance that holds silences every denial of this check but that of a recipient: it says who may write, not to whom.

mod fields;
mod rules;

use super::{
    client_name::{ask_about_given, is_given_confirmed},
    sending_side::{is_identified, spf_question},
};
use crate::{
    ask::{Answers, Question, SpfTerms},
    check::{Check, Def, Finding, Outcome, Rows},
    clock::Now,
    config::{Build, Network, Section},
    files::Demands,
    lists::{AddressList, KeyList, NameList, NetworkSet, Networks, TcpRules, load},
    mode::Mode,
    session::{Address, Facts, Helo, Sender, Stage, Tried, parse_ip},
};
use bytes::Bytes;
use rules::TcpRefusal;
use std::sync::Arc;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "access",
    doc: "Allows and denies by lists of our own: networks, host names, HELO names, senders, recipients, and tcpserver's rules with their RBLSMTPD. \
          A denied recipient is refused whoever is allowed, here or by an exception.",
    stages: &[Stage::Connect, Stage::Helo, Stage::Mail, Stage::Rcpt],
    rules: rules::RULES,
    fields: fields::FIELDS,
    tables: &[fields::SENDER_ALLOW],
    mode: Mode::Enforce,
    despite: &[],
    build: |section, build| Box::new(Access::build(section, build)),
};

/// Smallest prefixes of a network that a sender is bound to, IPv4 and IPv6: 10.0.0.0/8 is one's own, half of the Internet
/// is everybody's.
const SENDERS_PREFIX_MIN: (u8, u8) = (8, 16);

struct Access {
    clients_allow: Networks,
    clients_deny: Networks,
    sender_allow: Vec<(AddressList, Vec<Network>)>,
    senders_allow: AddressList,
    spf_terms: Arc<SpfTerms>,
    names_deny: NameList,
    helo_deny: NameList,
    senders_deny: AddressList,
    recipients_deny: AddressList,
    tcp_rules: Option<Arc<TcpRules>>,
    obey_rblsmtpd: bool,
}

impl Access {
    fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let clients_allow = load::networks(section, build, fields::CLIENTS_ALLOW);
        let clients_deny = clients_deny(section, build, &clients_allow);
        let recipients_deny = load::refusing_keys(section, build, fields::RECIPIENTS_DENY, None);
        let recipients_deny = addresses(section, build, fields::RECIPIENTS_DENY, recipients_deny);
        let senders_deny = load::keys(section, build, fields::SENDERS_DENY, None);
        let senders_deny = addresses(section, build, fields::SENDERS_DENY, senders_deny);
        let senders_allow = load::keys(section, build, fields::SENDERS_ALLOW, None);
        let senders_allow = addresses(section, build, fields::SENDERS_ALLOW, senders_allow);
        Self {
            clients_allow,
            clients_deny,
            sender_allow: section.tables(fields::SENDER_ALLOW.0).iter().map(sender_allow).collect(),
            senders_allow,
            spf_terms: build.settled.spf_terms.clone(),
            names_deny: NameList::new(load::keys(section, build, fields::NAMES_DENY, None)),
            helo_deny: NameList::new(load::keys(section, build, fields::HELO_DENY, None)),
            senders_deny,
            recipients_deny,
            tcp_rules: load::tcp_rules(section, build, "tcp_rules"),
            obey_rblsmtpd: section.bool("obey_rblsmtpd"),
        }
    }

    /// One allowance, or every denial; a denied recipient in either case.
    fn find(&self, facts: &Facts, answers: &Answers, found: &mut Vec<Finding>) {
        let refusal = self.tcp_refusal(&facts.connection, is_given_confirmed(facts, answers));
        let allowance =
            self.sender_allowance(facts, answers).or_else(|| self.client_allowance(facts, refusal.as_ref()));
        match allowance {
            Some(allowance) => found.extend([Some(allowance), self.recipient_denial(facts)].into_iter().flatten()),
            None => self.denials(facts, refusal, found),
        }
    }

    /// Why the sender is trusted, if it is.
    fn sender_allowance(&self, facts: &Facts, answers: &Answers) -> Option<Finding> {
        let sender = &facts.sender.as_ref()?.address;
        let bound = |(list, networks): &(AddressList, Vec<Network>)| {
            let (entry, ip) = (list.find(sender)?, facts.connection.client_ip?);
            let network = networks.iter().find(|network| network.contains(ip))?;
            Some(format!("{} from {network}", shown(entry)))
        };
        let proven = || {
            let entry = self.senders_allow.find(sender).filter(|_| is_identified(facts, answers))?;
            Some(format!("{} by SPF", shown(entry)))
        };
        let detail = self.sender_allow.iter().find_map(bound).or_else(proven)?;
        Some(Finding::new(rules::SENDER_ALLOWED, Outcome::Allow, detail))
    }

    /// Why the client is trusted, if it is.
    fn client_allowance(&self, facts: &Facts, refusal: Option<&TcpRefusal>) -> Option<Finding> {
        let ip = facts.connection.client_ip?;
        let allowed = self.clients_allow.longest(ip)?;
        let denied = self.clients_deny.longest(ip).map(|network| network.prefix);
        let narrowest = denied.max(refusal.map(|refusal| refusal.prefix));
        let holds = narrowest.is_none_or(|denied| allowed.prefix >= denied);
        holds.then(|| Finding::new(rules::CLIENT_ALLOWED, Outcome::Allow, allowed.to_string()))
    }

    fn denials(&self, facts: &Facts, refusal: Option<TcpRefusal>, found: &mut Vec<Finding>) {
        let mut deny = |rule, entry: Option<String>| {
            found.extend(entry.map(|entry| Finding::new(rule, Outcome::Reject, entry)));
        };
        let connection = &facts.connection;
        let client = connection.client_ip.and_then(|ip| self.clients_deny.longest(ip));
        deny(rules::CLIENT_DENIED, client.map(|network| network.to_string()));
        let name = connection.client_name.as_ref().and_then(|name| self.names_deny.find(name));
        deny(rules::NAME_DENIED, name.as_deref().map(shown));
        let helo = facts.helo.as_ref().and_then(|helo| self.helo_deny.find(&helo.name));
        deny(rules::HELO_DENIED, helo.as_deref().map(shown));
        let sender = facts.sender.as_ref().and_then(|sender| self.senders_deny.find(&sender.address));
        deny(rules::SENDER_DENIED, sender.map(shown));
        found.extend(self.recipient_denial(facts));
        found.extend(refusal.map(|refusal| refusal.finding));
    }

    fn recipient_denial(&self, facts: &Facts) -> Option<Finding> {
        let entry = self.recipients_deny.find(&facts.recipient.as_ref()?.address)?;
        Some(Finding::new(rules::RECIPIENT_DENIED, Outcome::Reject, shown(entry)))
    }
}

fn shown(entry: &[u8]) -> String {
    String::from_utf8_lossy(entry).into_owned()
}

fn addresses(section: &Section<'_>, build: &mut Build<'_>, place: load::Place, keys: KeyList) -> AddressList {
    let list = AddressList::new(keys, true);
    if let Some(warning) = list.find_useless().filter(|_| section.is_set(place.file)) {
        build.warn(warning);
    }
    list
}

/// A list that covers our own hosts has gone mad, or was meant for something else. One that suddenly covers who is allowed
/// may have, too. Either is for a human to decide.
fn clients_deny(section: &Section<'_>, build: &mut Build<'_>, allowed: &Networks) -> Networks {
    let own = build.own_addresses;
    let unless_forced = |denied: &NetworkSet| match own.iter().find_map(|own| Some((denied.covering(own)?, own))) {
        Some((network, own)) => Err(format!("{network} covers our own {own}: expected other networks")),
        None => Ok(()),
    };
    let since = |before: &NetworkSet, now: &NetworkSet| {
        let newly = |allowed: &Network| now.covering(allowed).filter(|_| before.covering(allowed).is_none());
        match allowed.iter().find_map(|allowed| Some((newly(&allowed)?, allowed))) {
            Some((network, allowed)) => {
                Err(format!("{network} covers {allowed}, which is allowed: expected other networks"))
            }
            None => Ok(()),
        }
    };
    load::networks_if(
        section,
        build,
        fields::CLIENTS_DENY,
        Demands { unless_forced: &unless_forced, since: &since, ..Demands::NONE },
    )
}

fn sender_allow(table: &Section<'_>) -> (AddressList, Vec<Network>) {
    let (sender, networks) = (table.text("sender"), table.networks("networks"));
    if sender.is_empty() {
        table.fault("sender", "nothing: expected user@host, @host or .suffix");
    }
    if networks.is_empty() {
        table.fault("networks", "a sender can be forged: expected the networks it comes from");
    }
    for network in &networks {
        let least = if network.address.is_ipv4() { SENDERS_PREFIX_MIN.0 } else { SENDERS_PREFIX_MIN.1 };
        if network.prefix < least {
            let line =
                format!("{network}: a sender can be forged: expected the networks it comes from, /{least} or smaller");
            table.fault("networks", line);
        }
    }
    (AddressList::of(&sender), networks)
}

impl Check for Access {
    /// Only what would change something.
    fn needs(&self, _stage: Stage, facts: &Facts, _answers: &Answers, ask: &mut Vec<Question>) {
        if self.depends_on_name(&facts.connection) {
            ask_about_given(facts, ask);
        }
        if facts.sender.as_ref().is_some_and(|sender| self.senders_allow.find(&sender.address).is_some()) {
            ask.extend(spf_question(facts, &self.spf_terms));
        }
    }

    fn decide(&self, _stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        self.find(facts, answers, found);
    }

    fn counts_despite_allowed(&self, rule: usize) -> bool {
        rule == rules::RECIPIENT_DENIED
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("client", "IP [NAME]: what the lists say of a client"),
            ("helo", "NAME: what they say of a HELO name"),
            ("sender", "ADDRESS [IP]: what they say of a sender, from a client"),
            ("recipient", "ADDRESS: what they say of a recipient"),
            ("rule", "IP [NAME]: tcpserver's rule for a client, with the variables it sets"),
        ]
    }

    fn inspect(&self, op: &str, args: &[String]) -> Result<Rows, String> {
        if op == "rule" {
            return self.rule_rows(args);
        }
        let facts = imagined(op, args)?;
        let mut found = Vec::new();
        self.find(&facts, &Answers::default(), &mut found);
        let row = |finding: &Finding| {
            vec![rules::RULES[finding.rule].name.to_owned(), format!("{:?}", finding.outcome), finding.detail.clone()]
        };
        Ok(Rows {
            columns: ["rule", "outcome", "entry"].map(str::to_owned).to_vec(),
            rows: found.iter().map(row).collect(),
        })
    }
}

/// A session of which only the arguments are known.
fn imagined(op: &str, args: &[String]) -> Result<Facts, String> {
    let mut facts = Facts::default();
    let [first, rest @ ..] = args else { return Err(format!("expected an argument: {op} WHAT")) };
    let (ip, name) = if op == "client" { (Some(first), rest.first()) } else { (rest.first(), None) };
    if let Some(text) = ip {
        let wrong = || format!("\"{text}\" is no address: expected one such as 192.0.2.1 or 2001:db8::1");
        facts.connection.client_ip = Some(parse_ip(text.as_bytes()).ok_or_else(wrong)?);
    }
    facts.connection.client_name = name.map(|name| Bytes::from(name.clone()));
    let value = Bytes::from(first.clone());
    match op {
        "client" => {}
        "helo" => facts.helo = Some(Helo { name: value, esmtp: true }),
        "sender" => facts.sender = Some(Sender { address: Address::new(value), declared_size: 0 }),
        "recipient" => facts.recipient = Some(Tried { address: Address::new(value), ..Tried::default() }),
        _ => return Err(format!("there is no operation \"{op}\": expected client, helo, sender, recipient or rule")),
    }
    Ok(facts)
}
