//! Who sends? What SPF, the address and our memory say of the sending side. No check, but what those go by that remember
//! somebody.

use crate::{
    ask::{Answers, Question, SpfQuestion, SpfRole, SpfTerms, StateAnswer, StateQuestion, is_public, spf::Query},
    clock::Now,
    config::Network,
    lists::MailingLists,
    session::Facts,
    state::Subject,
};
use std::{net::IpAddr, sync::Arc};

/// What the client called itself. Without HELO qmail takes its PTR name, or `unknown`.
pub(super) fn helo_name(facts: &Facts) -> &[u8] {
    match &facts.helo {
        Some(helo) => &helo.name,
        None => facts.connection.client_name.as_deref().unwrap_or(b"unknown"),
    }
}

/// What SPF says about who sent this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SpfSays {
    /// This domain did: a pass that is an identity.
    Identity(String),
    /// We could not find out whether it was this domain, which is claimed.
    Unknown(String),
    /// Nobody in particular.
    Nobody,
}

/// The question that `check.spf` asks about the sender: asked on its terms, so that both share one evaluation.
pub(super) fn spf_question(facts: &Facts, terms: &Arc<SpfTerms>) -> Option<Question> {
    let ip = facts.connection.client_ip.filter(|&ip| is_public(ip))?;
    let query = Query::mail_from(ip, facts.sender.as_ref()?.address.raw(), helo_name(facts));
    query.domain()?;
    Some(Question::Spf(Arc::new(SpfQuestion { role: SpfRole::Sender, query, terms: terms.clone() })))
}

/// What came of it.
pub(super) fn spf_says(answers: &Answers) -> SpfSays {
    let Some((question, evaluation)) = answers.spf(SpfRole::Sender).next() else { return SpfSays::Nobody };
    let Some(domain) = question.query.domain().map(str::to_owned) else { return SpfSays::Nobody };
    match evaluation {
        Some(evaluation) if evaluation.is_identity => SpfSays::Identity(domain),
        Some(evaluation) if !evaluation.is_ours => SpfSays::Nobody,
        Some(_) | None => SpfSays::Unknown(domain),
    }
}

/// Does SPF say who sent this: now, or earlier in this transaction?
pub(super) fn is_identified(facts: &Facts, answers: &Answers) -> bool {
    facts.history.identified || answers.is_identified()
}

/// Does this mail only come back to a mailing list of ours: a bounce, or an answer to a mail of the list's?
pub(super) fn comes_back(facts: &Facts, lists: &MailingLists) -> bool {
    let (Some(sender), Some(recipient)) = (&facts.sender, &facts.recipient) else { return false };
    lists.comes_back(&sender.address, &recipient.address)
}

/// The net of an address that one site has to itself: /24 of IPv4, /64 of IPv6.
pub(super) fn net_of(ip: IpAddr) -> Network {
    Network::around(ip, if ip.is_ipv4() { 24 } else { 64 })
}

/// How has the client behaved?
pub(super) fn standing_question(ip: IpAddr) -> StateQuestion {
    StateQuestion::Standing(Subject::Ip(ip))
}

/// Is the client remembered well enough? Whom nobody knows is not.
pub(super) fn is_well_remembered(ip: IpAddr, at_least: f32, answers: &Answers, now: Now) -> bool {
    match answers.state(&standing_question(ip)) {
        StateAnswer::Standing(standing) => standing.reputation(now.unix_seconds()) >= at_least,
        StateAnswer::Unknown | StateAnswer::Nothing | StateAnswer::Triplet(_) | StateAnswer::Tokens(_) => false,
    }
}
