//! What do we know of each DNS list over time: may it be believed, what is it worth, what does it cost?
//!
//! Cores and the I/O thread drop what they saw into a bounded queue ([`DnsLists::tell`]) and read two things without
//! a lock: the [`HealthBoard`] and each list's [`Account`]. Everything else is the keeper's, a task of the control
//! thread: `health` is the state machine, `probe` what lists are asked about themselves, `traffic` what our own
//! traffic says of them, `budget` what they may still be asked, `card` the report card, `keeper` the task that ties
//! them together and writes behind into the store. `refusal` tells codes that are no listing, `gone` knows the lists
//! that have died.

mod account;
pub mod budget;
pub mod card;
mod declared;
mod event;
mod gone;
pub mod health;
pub mod keeper;
pub mod metrics;
pub mod probe;
mod recent;
mod refusal;
mod settings;
pub mod traffic;

pub use account::{Account, Spend};
pub use declared::{Declared, LISTS_MAX, Probe, Protocol, Subject, Way};
pub use event::{Heard, ListEvent, ListsSeen, Remembered};
pub use gone::gone;
pub use refusal::Refusal;
pub use settings::{FIELDS, Settings};

use crate::ask::{HealthBoard, ListId};
use arc_swap::ArcSwap;
use crossbeam_queue::ArrayQueue;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// What waits for the keeper: it looks several times a second, so this is reached only when its thread stands still.
const EVENTS_MAX: usize = 65_536;

/// What all threads share about the DNS lists of the policy in force.
pub struct DnsLists {
    accounts: ArcSwap<HashMap<ListId, Arc<Account>>>,
    board: ArcSwap<HealthBoard>,
    events: ArrayQueue<ListEvent>,
    dropped: AtomicU64,
    resolver_lies: AtomicBool,
}

impl Default for DnsLists {
    fn default() -> Self {
        Self {
            accounts: ArcSwap::default(),
            board: ArcSwap::default(),
            events: ArrayQueue::new(EVENTS_MAX),
            dropped: AtomicU64::new(0),
            resolver_lies: AtomicBool::new(false),
        }
    }
}

impl DnsLists {
    /// Puts the lists of another policy in force. Those that were there before keep their accounts' counts.
    pub fn declare(&self, lists: &[Declared]) {
        let before = self.accounts.load();
        let account = |list: &Declared| {
            let known = before.get(&list.id).map(|account| account.spent());
            (list.id, Arc::new(Account::new(list.clone(), known)))
        };
        self.accounts.store(Arc::new(lists.iter().map(account).collect()));
    }

    /// The account of a list; `None` = no list of the policy in force.
    pub fn account(&self, list: ListId) -> Option<Arc<Account>> {
        self.accounts.load().get(&list).cloned()
    }

    /// All accounts, in no order.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.load().values().cloned().collect()
    }

    /// Which lists are not healthy.
    pub fn board(&self) -> Arc<HealthBoard> {
        self.board.load_full()
    }

    /// Shows another board.
    pub fn show(&self, board: HealthBoard) {
        self.board.store(Arc::new(board));
    }

    /// Does the default resolver invent answers? Then nothing it says can be believed.
    pub fn resolver_lies(&self) -> bool {
        self.resolver_lies.load(Ordering::Relaxed)
    }

    /// Says whether it does.
    pub fn show_resolver(&self, lies: bool) {
        self.resolver_lies.store(lies, Ordering::Relaxed);
    }

    /// Tells the keeper. Never waits; what does not fit is dropped and counted.
    pub fn tell(&self, event: ListEvent) {
        if self.events.push(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The oldest event, for the keeper.
    pub fn next(&self) -> Option<ListEvent> {
        self.events.pop()
    }

    /// Events dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(crate) mod tests;
