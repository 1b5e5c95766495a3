//! How is memory filled at the start? Page by page, behind: meanwhile single questions go to the store.

use super::{super::kinds::Kind, Parts, RecallStore};
use crate::state::{Cursor, Shelf, Standing, StateError, Tokens, Triplet};

/// Records read at once.
const PAGE: usize = 2_000;

/// Where it is.
#[derive(Default)]
pub(super) struct Warm {
    kind: usize,
    from: Option<Cursor>,
    /// Entries that had been driven out when this kind was begun.
    evicted: Option<u64>,
    /// There was no room for something.
    full: bool,
}

impl Warm {
    /// One page. `true` = that was all.
    pub(super) fn turn(&mut self, parts: &Parts) -> Result<bool, StateError> {
        match self.kind {
            0 => self.page::<Standing>(parts),
            1 => self.page::<Triplet>(parts),
            _ => self.page::<Tokens>(parts),
        }?;
        Ok(self.kind > 2)
    }

    fn page<R: Kind>(&mut self, parts: &Parts) -> Result<(), StateError>
    where
        dyn RecallStore: Shelf<R>,
    {
        let (table, now) = (R::table(&parts.recall), parts.clock.now().unix_seconds());
        let evicted = *self.evicted.get_or_insert_with(|| table.evicted().0);
        let page = Shelf::<R>::walk(&*parts.store, self.from.as_ref(), PAGE)?;
        for (key, held) in page.records {
            let is_alive = held.clone().all().is_some_and(|record| record.expires_at() > now);
            if is_alive && !table.fill_if_room(key, held, now) {
                self.full = true;
            }
        }
        self.from = page.next;
        if self.from.is_none() || self.full {
            // In a shared store there may always be something new.
            if !self.full && !parts.store.is_shared() {
                table.set_complete_unless_evicted_since(evicted);
            }
            *self = Self { kind: self.kind + 1, ..Self::default() };
        }
        Ok(())
    }
}
