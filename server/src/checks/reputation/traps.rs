//! Is the recipient a trap, and is whoever writes to it to blame?
//!
//! An address that never existed, or has long been dead, is written to by those who harvested it. But bounces of forged
//! mail come to it, too, and a forwarder, a list of good clients or a large provider carries what others send.

use crate::{
    ask::{Answers, StateAnswer, StateQuestion},
    clock::Now,
    config::{Build, Section},
    lists::{AddressList, load},
    session::{Facts, Rcpthosts},
    state::Subject,
};

/// The traps.
pub(super) struct Traps(AddressList);

impl Traps {
    pub(super) fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let place = load::Place { texts: "traps", file: "traps_file" };
        let default = build.control_file("traps");
        let list = AddressList::new(load::refusing_keys(section, build, place, Some(default)), false);
        if let Some(warning) = list.find_useless() {
            build.warn(warning);
        }
        Self(list)
    }

    /// The entry that makes the recipient under question a trap.
    pub(super) fn entry<'a>(&self, facts: &'a Facts) -> Option<&'a [u8]> {
        let recipient = facts.recipient.as_ref().filter(|tried| tried.rcpthosts != Rcpthosts::Refused)?;
        let address = &recipient.address;
        // At whatever domain: `@host` may stand for one of which nobody told us that it is ours.
        let exempt = [b"postmaster".as_slice(), b"abuse"].contains(&address.local_part());
        self.0.find(address).filter(|_| !exempt)
    }

    /// The entry that covers an address.
    pub(super) fn covers<'a>(&self, address: &'a crate::session::Address) -> Option<&'a [u8]> {
        self.0.find(address)
    }
}

/// Is this client to blame? Trusted relays and clients that may relay never come here: the engine passes them over.
pub(super) fn is_held_to_account(facts: &Facts, answers: &Answers, now: Now) -> bool {
    let bounces = facts.sender.as_ref().is_none_or(|sender| sender.address.is_null());
    if bounces || facts.history.welcomed {
        return false;
    }
    super::subjects(facts, super::is_identified(facts, answers)).into_iter().all(|subject| {
        let vouches = matches!(subject, Subject::Ip(_) | Subject::Domain(_));
        !vouches
            || match answers.state(&StateQuestion::Standing(subject)) {
                StateAnswer::Standing(standing) => !standing.is_well_known(now.unix_seconds()),
                // It may be the best of clients.
                StateAnswer::Unknown => false,
                _ => true,
            }
    })
}
