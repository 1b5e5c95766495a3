//! By what is the sending side known, and under which keys is it remembered?
//!
//! The first of these that holds: the sender's domain, where SPF says that it sent this; the domain of the client's
//! host, where its name leads back to it and is no dial-up line's; the client's net. So a farm of many addresses is one
//! sender.

use super::Greylist;
use crate::{
    ask::{Answer, Answers, DnsAnswer, Health, ListId, Question, Record, StateAnswer, StateQuestion},
    checks::{
        client_name::{self, Class as NameClass, Forward, generic::registered},
        sending_side::{SpfSays, net_of, spf_says},
    },
    dns_lists::{Declared, Refusal, Subject},
    session::Facts,
    state::{Digest, Triplet},
};
use std::net::{IpAddr, Ipv4Addr};

/// The kind of an identity: a closed set, which metrics and reports count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The sender's domain (of a null sender, the HELO name's).
    Spf,
    /// The domain of the client's host.
    Rdns,
    /// The client's net.
    Net,
    /// Whoever: only bounces are remembered by that.
    Anyone,
}

impl Class {
    /// The word in keys, metrics and reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Spf => "spf",
            Self::Rdns => "rdns",
            Self::Net => "net",
            Self::Anyone => "anyone",
        }
    }

    /// The same for what is only rehearsed: nobody waits then, so nobody comes back.
    pub(super) const fn name_rehearsed(self) -> &'static str {
        match self {
            Self::Spf => "spf_rehearsed",
            Self::Rdns => "rdns_rehearsed",
            Self::Net => "net_rehearsed",
            Self::Anyone => "anyone_rehearsed",
        }
    }
}

/// What an identity is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is certain, and stands first: what comes back proves it.
    Main,
    /// We could not find out whether it holds. What is remembered of it counts, and what begins is remembered under it
    /// too: our own trouble must not make anybody wait twice.
    Doubtful,
    /// It holds as well: while look-ups failed, mail was remembered by it.
    Fallback,
    /// Any client will do: a bounce may come back from anywhere.
    Anyone,
}

/// One identity of the sending side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) class: Class,
    pub(super) name: String,
    pub(super) usage: Use,
}

impl Identity {
    fn new(class: Class, name: impl Into<String>, usage: Use) -> Self {
        Self { class, name: name.into(), usage }
    }

    /// Under which key is an attempt remembered?
    pub(super) fn triplet_key(&self, sender: &[u8], recipient: &[u8]) -> Digest {
        Digest::of(&[b"greylist", self.class.name().as_bytes(), self.name.as_bytes(), sender, recipient])
    }

    /// Under which key is remembered that it comes back?
    pub(super) fn proven_key(&self) -> Digest {
        Digest::of(&[b"proven", self.class.name().as_bytes(), self.name.as_bytes()])
    }
}

/// Under which key is remembered that somebody here has written to `sender`?
pub(super) fn correspondent_key(sender: &[u8], recipient: &[u8]) -> Digest {
    Digest::of(&[b"correspondent", sender, recipient])
}

impl Greylist {
    /// All identities that are looked at, the main one among them.
    pub(super) fn identities(&self, ip: IpAddr, facts: &Facts, answers: &Answers) -> Vec<Identity> {
        let mut identities = Vec::with_capacity(4);
        match spf_says(answers) {
            SpfSays::Identity(domain) => identities.push(Identity::new(Class::Spf, domain, Use::Main)),
            spf => {
                if let SpfSays::Unknown(domain) = spf {
                    identities.push(Identity::new(Class::Spf, domain, Use::Doubtful));
                }
                let of_host = self.host_domain(facts, answers);
                let of_net = if of_host.is_some() { Use::Fallback } else { Use::Main };
                identities.extend(of_host.map(|domain| Identity::new(Class::Rdns, domain, Use::Main)));
                identities.push(Identity::new(Class::Net, net_of(ip).to_string(), of_net));
            }
        }
        if facts.sender.as_ref().is_some_and(|sender| sender.address.is_null()) {
            identities.push(Identity::new(Class::Anyone, "", Use::Anyone));
        }
        identities
    }

    /// The domain of the client's host: its name leads back to it, and is not one of a pool of addresses.
    fn host_domain(&self, facts: &Facts, answers: &Answers) -> Option<String> {
        let ip = client_name::asked_about(facts)?;
        let identity = client_name::of(ip, answers, &self.patterns)?;
        let holds = identity.class == NameClass::Normal && identity.forward == Forward::Confirmed;
        holds.then(|| registered(&identity.name).to_owned()).filter(|domain| domain.contains('.'))
    }

    /// Is the client on a DNS list of good clients? Only what is believed counts, and what is only rehearsed does not.
    pub(super) fn is_welcome(&self, answers: &Answers) -> bool {
        self.welcoming.iter().any(|list| list.welcomes_now(answers))
    }
}

/// A DNS list of good clients.
pub(super) struct Welcoming {
    id: ListId,
    named_codes: Vec<Ipv4Addr>,
}

impl Welcoming {
    /// `None` = it is none, or changes no answer, or holds names, which can be forged.
    pub(super) fn of(list: &Declared) -> Option<Self> {
        let counts = list.welcomes && !list.monitored && list.subject == Subject::Address;
        counts.then(|| Self { id: list.id, named_codes: list.named_codes.clone() })
    }

    fn welcomes_now(&self, answers: &Answers) -> bool {
        let is_listing = |record: &Record| match record {
            Record::A(code) => Refusal::of(*code, &self.named_codes).is_none(),
            Record::Txt(_) => true,
            Record::Aaaa(_) | Record::Mx(..) | Record::Ptr(_) => false,
        };
        answers.list_health(self.id) == Health::Healthy
            && answers.iter().any(|(question, answered)| match (question, &answered.answer) {
                (Question::Dns(dns), Answer::Dns(DnsAnswer::Found(records))) => {
                    dns.list == self.id && records.iter().all(is_listing)
                }
                _ => false,
            })
    }
}

/// What is remembered under one identity.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) identity: Identity,
    pub(super) triplet_key: Digest,
    /// The attempt, be it forgotten by now.
    pub(super) triplet: Option<Triplet>,
    pub(super) proven_key: Digest,
    /// That it comes back, be it forgotten by now.
    pub(super) proven: Option<Triplet>,
}

impl Seen {
    pub(super) fn new(identity: Identity, sender: &[u8], recipient: &[u8]) -> Self {
        let (triplet_key, proven_key) = (identity.triplet_key(sender, recipient), identity.proven_key());
        Self { identity, triplet_key, triplet: None, proven_key, proven: None }
    }

    /// What has to be asked for it.
    pub(super) fn questions(&self) -> impl Iterator<Item = StateQuestion> {
        let proven = self.may_be_proven().then_some(StateQuestion::Triplet(self.proven_key));
        [StateQuestion::Triplet(self.triplet_key)].into_iter().chain(proven)
    }

    /// Does it count for it that it has come back?
    fn may_be_proven(&self) -> bool {
        matches!(self.identity.usage, Use::Main | Use::Doubtful)
    }

    /// Takes the answers in; `None` = one of them is not known.
    pub(super) fn answered(mut self, answers: &Answers) -> Option<Self> {
        self.triplet = remembered(self.triplet_key, answers)?;
        if self.may_be_proven() {
            self.proven = remembered(self.proven_key, answers)?;
        }
        Some(self)
    }
}

/// What is remembered under a key, be it nothing; `None` = we do not know.
fn remembered(key: Digest, answers: &Answers) -> Option<Option<Triplet>> {
    match answers.state(&StateQuestion::Triplet(key)) {
        StateAnswer::Triplet(triplet) => Some(Some(*triplet)),
        StateAnswer::Nothing => Some(None),
        StateAnswer::Unknown | StateAnswer::Standing(_) | StateAnswer::Tokens(_) => None,
    }
}
