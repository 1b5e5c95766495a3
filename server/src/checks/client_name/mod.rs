//! Who is the client in the DNS? Its names (PTR), whether they lead back to it, and the class that follows. No check, but
//! what several go by.

pub(super) mod generic;

use crate::{
    ask::{
        Answers, DnsAnswer, DnsQuestion, HostAddresses, Question, Record, RecordType, host_name, is_public, reversed,
    },
    session::Facts,
};
use generic::Patterns;
use std::{fmt, net::IpAddr, sync::Arc};

/// Names of one address that are looked up: who has more is hosting the world, and says nothing by them.
const CONFIRMED_NAMES_MAX: usize = 5;

/// smtp-delay's classes of clients, from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The address has no name.
    None,
    /// All its names look like a dial-up line's.
    Generic,
    /// All others.
    Normal,
}

impl Class {
    /// The word in details and tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Generic => "generic",
            Self::Normal => "normal",
        }
    }
}

/// Do the names lead back to the address?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forward {
    /// One of them does.
    Confirmed,
    /// None does.
    Unconfirmed,
    /// There is no name, a look-up failed, or there are more names than are looked up.
    Unknown,
}

/// What the DNS says of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) class: Class,
    pub(crate) forward: Forward,
    /// One of the names, for evidence; empty = it has none.
    pub(crate) name: Arc<str>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.name())?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

/// The client's address, where the world may be asked about it.
pub(crate) fn asked_about(facts: &Facts) -> Option<IpAddr> {
    let connection = &facts.connection;
    connection.client_ip.filter(|&ip| is_public(ip) && connection.server_ip != Some(ip))
}

/// Asks for the names, then for the addresses of the same family that the names have.
pub(crate) fn ask(ip: IpAddr, answers: &Answers, ask: &mut Vec<Question>) {
    let question = names_of(ip);
    let names = names(answers.dns(&question));
    ask.push(Question::Dns(question));
    for name in names.iter().take(CONFIRMED_NAMES_MAX).filter_map(|name| host_name(name.as_bytes())) {
        HostAddresses::ask_about(&name, ip, ask);
    }
}

/// Who the client is; `None` = the look-up of its names failed.
pub(crate) fn of(ip: IpAddr, answers: &Answers, patterns: &Patterns) -> Option<Identity> {
    let answer = answers.dns(&names_of(ip));
    if matches!(answer, DnsAnswer::Failed(_)) {
        return None;
    }
    let names = names(answer);
    let Some(&first) = names.first() else {
        return Some(Identity { class: Class::None, forward: Forward::Unknown, name: "".into() });
    };
    let steps: Vec<Forward> =
        names.iter().enumerate().map(|(at, name)| forward(name, at >= CONFIRMED_NAMES_MAX, ip, answers)).collect();
    let has = |wanted| steps.contains(&wanted);
    let forward = [Forward::Confirmed, Forward::Unknown].into_iter().find(|&step| has(step));
    let forward = forward.unwrap_or(Forward::Unconfirmed);
    // Whoever has the address writes any name beside it: those that do not lead back count only if none does.
    let counts = |step: Forward| step != Forward::Unconfirmed || forward == Forward::Unconfirmed;
    let counting = || names.iter().zip(&steps).filter(|&(_, &step)| counts(step)).map(|(name, _)| *name);
    let normal = counting().find(|name| !patterns.is_generic(name, ip));
    let class = if normal.is_some() { Class::Normal } else { Class::Generic };
    let name = normal.or_else(|| counting().next()).unwrap_or(first);
    Some(Identity { class, forward, name: Arc::clone(name) })
}

/// The client's name as the mail server found it, where its addresses can be asked about.
fn given(facts: &Facts) -> Option<(IpAddr, String)> {
    let ip = asked_about(facts)?;
    Some((ip, host_name(facts.connection.client_name.as_deref()?)?))
}

/// Asks whether the name that the mail server found leads back to the client.
pub(crate) fn ask_about_given(facts: &Facts, ask: &mut Vec<Question>) {
    if let Some((ip, name)) = given(facts) {
        HostAddresses::ask_about(&name, ip, ask);
    }
}

/// Does it? Whoever has an address writes any name beside it; only the name's own zone says whose it is.
pub(crate) fn is_given_confirmed(facts: &Facts, answers: &Answers) -> bool {
    given(facts).is_some_and(|(ip, name)| HostAddresses::of_family(&name, ip, answers).found.contains(&ip))
}

fn names_of(ip: IpAddr) -> DnsQuestion {
    let tree = if ip.is_ipv4() { "in-addr" } else { "ip6" };
    DnsQuestion::new(format!("{}.{tree}.arpa", reversed(ip)), RecordType::Ptr)
}

/// The names in alphabetical order, so that their order in the answer changes nothing. The root is no name.
fn names(answer: &DnsAnswer) -> Vec<&Arc<str>> {
    let DnsAnswer::Found(records) = answer else { return Vec::new() };
    let mut names: Vec<&Arc<str>> = records.iter().filter_map(pointed_at).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn pointed_at(record: &Record) -> Option<&Arc<str>> {
    if let Record::Ptr(name) = record { Some(name) } else { None }
}

fn forward(name: &str, beyond: bool, ip: IpAddr, answers: &Answers) -> Forward {
    // What is no host's name cannot lead anywhere.
    let Some(name) = host_name(name.as_bytes()) else { return Forward::Unconfirmed };
    if beyond {
        return Forward::Unknown;
    }
    let addresses = HostAddresses::of_family(&name, ip, answers);
    match (addresses.found.contains(&ip), addresses.failed) {
        (true, _) => Forward::Confirmed,
        (false, true) => Forward::Unknown,
        (false, false) => Forward::Unconfirmed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{Answer, Answered, Failure};
    use std::time::Duration;

    const IP: [u8; 4] = [192, 0, 2, 9];

    fn answered(answer: DnsAnswer) -> Answered {
        Answered { answer: Answer::Dns(answer), ..Answered::failed(Failure::Timeout, Duration::ZERO) }
    }

    /// The identity of 192.0.2.9 with these names, of which each has an address, none, or fails; and what was asked.
    fn identity(names: &[(&str, Option<DnsAnswer>)]) -> (Option<Identity>, usize) {
        let ip = IpAddr::from(IP);
        let mut answers = Answers::default();
        let mut asked = Vec::new();
        super::ask(ip, &answers, &mut asked);
        let records = names.iter().map(|(name, _)| Record::Ptr((*name).into())).collect();
        answers.insert(asked[0].clone(), answered(DnsAnswer::Found(records)));
        asked.clear();
        super::ask(ip, &answers, &mut asked);
        for (name, answer) in names {
            let question = Question::Dns(DnsQuestion::new(*name, RecordType::A));
            if let Some(answer) = answer.clone().filter(|_| asked.contains(&question)) {
                answers.insert(question, answered(answer));
            }
        }
        (of(ip, &answers, &Patterns::default()), asked.len() - 1)
    }

    fn here() -> Option<DnsAnswer> {
        Some(DnsAnswer::Found([Record::A([192, 0, 2, 8].into()), Record::A(IP.into())].into()))
    }

    fn elsewhere() -> Option<DnsAnswer> {
        Some(DnsAnswer::Found([Record::A([192, 0, 2, 8].into())].into()))
    }

    #[test]
    fn names_that_do_not_lead_back_count_only_if_none_does() {
        let (generic, forged) = ("192-0-2-9.dyn.isp.example", "mx.bank.example");
        for (names, class, forward) in [
            ([(generic, here()), (forged, elsewhere())], Class::Generic, Forward::Confirmed),
            ([(generic, here()), (forged, here())], Class::Normal, Forward::Confirmed),
            // It may be confirmed: nobody knows.
            ([(generic, here()), (forged, None)], Class::Normal, Forward::Confirmed),
            ([(generic, elsewhere()), (forged, elsewhere())], Class::Normal, Forward::Unconfirmed),
            ([(generic, elsewhere()), (forged, None)], Class::Normal, Forward::Unknown),
            ([(generic, None), (forged, elsewhere())], Class::Generic, Forward::Unknown),
        ] {
            let (identity, _) = identity(&names);
            let identity = identity.expect("names were found");
            assert_eq!((identity.class, identity.forward), (class, forward), "{names:?}");
        }
    }

    #[test]
    fn a_few_names_are_looked_up_and_more_are_unknown() {
        let names: Vec<String> = (0..9).map(|number| format!("h{number}.example")).collect();
        let some = |count: usize, answer: fn() -> Option<DnsAnswer>| {
            identity(&names[..count].iter().map(|name| (name.as_str(), answer())).collect::<Vec<_>>())
        };
        let forward = |count, answer| some(count, answer).0.expect("names were found").forward;
        assert_eq!(some(9, elsewhere).1, CONFIRMED_NAMES_MAX);
        assert_eq!(forward(9, elsewhere), Forward::Unknown);
        assert_eq!(forward(5, elsewhere), Forward::Unconfirmed);
        assert_eq!(forward(9, here), Forward::Confirmed);
    }

    #[test]
    fn what_is_no_host_name_is_not_looked_up() {
        let (identity, asked) = identity(&[("odd\\032name.example", None)]);
        assert_eq!((identity.map(|identity| identity.forward), asked), (Some(Forward::Unconfirmed), 0));
    }

    #[test]
    fn nothing_is_known_without_an_answer() {
        assert_eq!(of(IpAddr::from(IP), &Answers::default(), &Patterns::default()), None);
    }
}
