//! Why was that? The newest decisions with their evidence, in memory, bounded: for `tollgate explain`.

use crate::{
    pipeline::{Decision, DecisionId},
    session::{Address, Facts},
};
use bytes::Bytes;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// At most so many decisions; the oldest goes first.
#[derive(Debug)]
pub struct Recent {
    decisions_max: usize,
    order: VecDeque<DecisionId>,
    by_id: HashMap<DecisionId, Arc<Decision>>,
}

impl Recent {
    /// Remembers up to `decisions_max`.
    pub fn new(decisions_max: usize) -> Self {
        Self { decisions_max, order: VecDeque::new(), by_id: HashMap::new() }
    }

    /// Another bound.
    pub fn resize(&mut self, decisions_max: usize) {
        self.decisions_max = decisions_max;
        self.shrink();
    }

    /// Remembers one.
    pub fn add(&mut self, decision: &Decision) {
        let id = decision.verdict.decision_id;
        if self.by_id.insert(id, Arc::new(compact(decision))).is_none() {
            self.order.push_back(id);
        }
        self.shrink();
    }

    /// The decision of that name, if it is remembered.
    pub fn get(&self, id: DecisionId) -> Option<Arc<Decision>> {
        self.by_id.get(&id).cloned()
    }

    fn shrink(&mut self) {
        while self.order.len() > self.decisions_max {
            if let Some(oldest) = self.order.pop_front() {
                self.by_id.remove(&oldest);
            }
        }
    }
}

/// A copy that keeps no request buffer alive: the facts' bytes are slices of one, which has 8 KiB or more.
fn compact(decision: &Decision) -> Decision {
    let mut copy = decision.clone();
    let Facts { connection, helo, sender, recipient, .. } = &mut copy.facts;
    let own = |bytes: &mut Bytes| *bytes = Bytes::copy_from_slice(bytes);
    own(&mut connection.server_name);
    let optional = [
        &mut connection.client_name,
        &mut connection.client_ident,
        &mut connection.authenticated_user,
        &mut connection.relayclient,
        &mut connection.rblsmtpd,
        &mut connection.spfbehavior,
        &mut connection.qmailrrtdenyall,
        &mut connection.databytes,
    ];
    optional.into_iter().flatten().for_each(own);
    helo.iter_mut().for_each(|helo| own(&mut helo.name));
    let own = |address: &mut Address| *address = Address::new(Bytes::copy_from_slice(address.raw()));
    sender.iter_mut().for_each(|sender| own(&mut sender.address));
    recipient.iter_mut().for_each(|recipient| own(&mut recipient.address));
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ask::Answers,
        clock::Clock,
        pipeline::{Course, Verdict},
        session::Stage,
    };
    use std::time::Duration;

    #[test]
    fn the_oldest_is_forgotten() {
        let decision = |id| Decision {
            stage: Stage::Rcpt,
            facts: Facts::default(),
            at: Clock::manual(0).now(),
            took: Duration::ZERO,
            verdict: Verdict { decision_id: id, ..Verdict::default() },
            findings: Vec::new(),
            evidence: Answers::default(),
            decided_by: "",
            would_have: None,
            lists: None,
            off: false,
            generation: 1,
            course: Course::default(),
        };
        let ids: Vec<DecisionId> = (0..4).map(|_| DecisionId::random()).collect();
        let mut recent = Recent::new(3);
        ids.iter().for_each(|&id| recent.add(&decision(id)));
        assert!(recent.get(ids[0]).is_none());
        assert!(ids[1..].iter().all(|&id| recent.get(id).is_some()));
        recent.resize(1);
        assert!(recent.get(ids[2]).is_none() && recent.get(ids[3]).is_some());
        recent.resize(0);
        recent.add(&decision(ids[0]));
        assert!(recent.get(ids[0]).is_none() && recent.by_id.is_empty());
    }
}
