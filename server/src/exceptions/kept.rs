//! What is known of each exception? What this server says of it, what others that share the store say, and its hits.

use super::{
    EXCEPTIONS_MAX, Excepted, Made,
    board::{Counted, Entry},
};
use crate::state::{Digest, Exception, Held, Hits, Record, Roll};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Exceptions kept, those that were removed before their time too: these stay until their end, so that every server that
/// shares the store hears of it.
pub(super) const KEPT_MAX: usize = 2 * EXCEPTIONS_MAX;

/// One exception.
#[derive(Debug, Default)]
struct One {
    /// What this server says of it, without hits; `None` = nothing, so far.
    own: Option<Exception>,
    /// What others say, told together.
    others: Option<Exception>,
    counted: Arc<Counted>,
    /// The store does not have what this server says.
    dirty: bool,
    /// Hits of this server that the store has.
    written: Hits,
}

impl One {
    /// What holds of it, with the hits of all servers.
    fn told(&self) -> Option<Exception> {
        let own = self.own.clone().map(|own| Exception { hits: self.counted.hits(), ..own });
        match (own, self.others.clone()) {
            (Some(own), Some(others)) => Some(own.together(others)),
            (None, Some(others)) => {
                let ours = Exception { hits: self.counted.hits(), ..others.clone() };
                Some(ours.together(others))
            }
            (own, None) => own,
        }
    }

    fn holding(&self, now: u64) -> Option<Exception> {
        self.told().filter(|said| said.until > now && !said.removed)
    }

    /// What is to be written; `None` = the store has it.
    fn unwritten(&self) -> Option<Exception> {
        let hits = self.counted.hits();
        let said = (self.dirty || hits != self.written).then(|| self.told()).flatten()?;
        Some(Exception { hits, ..said })
    }
}

/// What one turn of writing is about.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    pub(super) records: Vec<(Digest, Exception)>,
    pub(super) rolls: Vec<(usize, Roll)>,
    /// Records that have expired; they are removed from a store that does not forget by itself.
    pub(super) expired: Vec<Digest>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Kept {
    all: BTreeMap<Digest, One>,
    /// Rolls that the store does not have as they are.
    rolls: BTreeSet<usize>,
    expired: Vec<Digest>,
}

impl Kept {
    pub(super) fn make(&mut self, new: Exception, now: u64) -> Result<Made, String> {
        let alike = |said: &Exception| {
            let of = |said: &Exception| (said.allows, said.clients, said.sender.clone(), said.recipient.clone());
            of(said) == of(&new)
        };
        let holding = self.holding(now);
        let known = holding.iter().find(|(_, said)| alike(said)).map(|(id, _)| *id);
        if known.is_none() && (holding.len() >= EXCEPTIONS_MAX || self.all.len() >= KEPT_MAX) {
            return Err(format!(
                "there are {} exceptions, and {EXCEPTIONS_MAX} at most: remove some, or use the lists of [check.access]",
                holding.len()
            ));
        }
        let id = known.unwrap_or_else(|| id_of(&new));
        let revision = self.next_revision();
        let one = self.all.entry(id).or_default();
        one.own = Some(Exception { revision, removed: false, hits: Hits::default(), ..new });
        one.dirty = true;
        self.rolls.insert(Roll::of(id));
        let said = one.told().unwrap_or_default();
        Ok(Made { id, said, renewed: known.is_some() })
    }

    pub(super) fn remove(&mut self, id: Digest, now: u64) -> Option<Exception> {
        let revision = self.next_revision();
        let one = self.all.get_mut(&id)?;
        let said = one.holding(now)?;
        one.own = Some(Exception { revision, removed: true, hits: Hits::default(), ..said.clone() });
        one.dirty = true;
        Some(said)
    }

    /// Later than every change so far, of whichever exception: it tells which of two is the later one within a second.
    fn next_revision(&self) -> u32 {
        let said = self.all.values().flat_map(|one| one.own.iter().chain(&one.others));
        said.map(|said| said.revision).max().unwrap_or(0).saturating_add(1)
    }

    pub(super) fn holding(&self, now: u64) -> Vec<(Digest, Exception)> {
        self.all.iter().filter_map(|(id, one)| Some((*id, one.holding(now)?))).collect()
    }

    /// For the board: what holds, and where its hits are counted.
    pub(super) fn entries(&self, now: u64) -> Vec<Entry> {
        let entry = |(id, one): (&Digest, &One)| {
            let said = Exception { hits: Hits::default(), ..one.holding(now)? };
            let excepted = Excepted { id: *id, said: Arc::new(said) };
            Some(Entry { excepted, counted: one.counted.clone() })
        };
        self.all.iter().filter_map(entry).collect()
    }

    /// Takes in what the store holds. `true` = something holds now that did not, or otherwise.
    pub(super) fn take(&mut self, id: Digest, held: Held<Exception>) -> bool {
        if !self.all.contains_key(&id) && (self.all.len() >= KEPT_MAX || held == Held::default()) {
            return false;
        }
        let is_new = !self.all.contains_key(&id);
        let one = self.all.entry(id).or_default();
        let says = |one: &One| one.told().map(|said| (said.revision, said.removed, said.until, said.by, said.reason));
        let before = says(one);
        if let Some(own) = held.own.filter(|_| is_new) {
            one.written = own.hits;
            one.counted = Arc::new(Counted::of(own.hits));
            one.own = Some(Exception { hits: Hits::default(), ..own });
        }
        // A store that lost what others said has lost it, not they.
        one.others = held.others.or(one.others.take());
        let revision = |said: &Option<Exception>| said.as_ref().map_or(0, |said| said.revision);
        one.dirty |= one.own.is_some() && revision(&one.own) < revision(&one.others);
        says(one) != before
    }

    /// Lets go of what has ended. `true` = there was something.
    pub(super) fn sweep(&mut self, now: u64) -> bool {
        let ended = |one: &One| one.told().is_none_or(|said| said.until <= now);
        let ids: Vec<Digest> = self.all.iter().filter(|(_, one)| ended(one)).map(|(id, _)| *id).collect();
        for id in &ids {
            self.all.remove(id);
            self.rolls.insert(Roll::of(*id));
        }
        // Bounded by what is kept; what does not fit is found again by nobody, and harms nobody.
        self.expired.extend(ids.iter().take(KEPT_MAX.saturating_sub(self.expired.len())));
        !ids.is_empty()
    }

    /// What the store does not have: it counts as written from now on.
    pub(super) fn take_unwritten(&mut self) -> Unwritten {
        let mut records = Vec::new();
        for (id, one) in &mut self.all {
            let Some(record) = one.unwritten() else { continue };
            if one.own.is_none() {
                self.rolls.insert(Roll::of(*id));
            }
            one.own = Some(Exception { hits: Hits::default(), ..record.clone() });
            (one.dirty, one.written) = (false, record.hits);
            records.push((*id, record));
        }
        let rolls = std::mem::take(&mut self.rolls).into_iter().map(|number| (number, self.roll(number))).collect();
        Unwritten { records, rolls, expired: std::mem::take(&mut self.expired) }
    }

    /// The store did not take it.
    pub(super) fn not_written(&mut self, lost: Unwritten) {
        for (id, _) in lost.records {
            if let Some(one) = self.all.get_mut(&id) {
                one.dirty = true;
            }
        }
        self.rolls.extend(lost.rolls.into_iter().map(|(number, _)| number));
        self.expired.extend(lost.expired);
    }

    /// The store has nothing of it any more.
    pub(super) fn all_unwritten(&mut self) {
        for (id, one) in &mut self.all {
            one.dirty = true;
            self.rolls.insert(Roll::of(*id));
        }
    }

    /// One more, as it is, without a look at the others.
    #[cfg(test)]
    pub(super) fn plant(&mut self, id: Digest, said: Exception) {
        self.rolls.insert(Roll::of(id));
        self.all.insert(id, One { own: Some(said), dirty: true, ..One::default() });
    }

    fn roll(&self, number: usize) -> Roll {
        let on_it = self.all.iter().filter(|(id, _)| Roll::of(**id) == number);
        on_it.filter_map(|(id, one)| Some((*id, one.told()?.until))).collect()
    }
}

/// A name that no other has: of the scope and the moment.
fn id_of(new: &Exception) -> Digest {
    let clients = new.clients.map(|net| net.to_string()).unwrap_or_default();
    Digest::of(&[
        b"exception",
        &[u8::from(new.allows)],
        clients.as_bytes(),
        new.sender.as_bytes(),
        new.recipient.as_bytes(),
        &new.made_at.to_le_bytes(),
    ])
}
