//! Over which store is remembered? As `[state]` says: sled in the state folder, a Redis, or none. What an administrator
//! ordered is kept in any case: without a Redis in the state folder.

use super::Start;
use crate::{
    clock::Clock,
    exceptions::{self, keeper::Store as ExceptionStore},
    pipeline::Engine,
    recall::{
        Recall,
        keeper::{Keeper, Parts, RecallStore},
    },
    state::{Redis, Settings, Store},
};
use std::sync::Arc;

/// What is at hand, empty still.
pub(super) fn at_hand(settings: &Settings, clock: &Clock) -> Recall {
    match settings.store {
        Store::Memory => Recall::alone(settings.bounds, clock.clone()),
        Store::Sled => Recall::over_store(settings.bounds, clock.clone(), false),
        Store::Redis(_) => Recall::over_store(settings.bounds, clock.clone(), true),
    }
}

/// Who reads and writes what is kept.
pub(super) struct Keepers {
    /// What is remembered; `None` = nowhere.
    memory: Option<Keeper>,
    exceptions: exceptions::keeper::Keeper,
    /// Where exceptions are kept.
    pub(super) exception_store: Arc<dyn ExceptionStore>,
}

impl Keepers {
    /// Starts them. Exceptions are known when this returns, if their store answers.
    pub(super) fn start(settings: &Settings, engine: &Engine, start: &Start) -> Result<Self, String> {
        let (remembered, exception_store) = stores(settings, start)?;
        let (recall, clock, ring) = (engine.recall(), &start.clock, &start.ring);
        let parts = exceptions::keeper::Parts {
            recall: recall.clone(),
            store: exception_store.clone(),
            clock: clock.clone(),
            ring: ring.clone(),
        };
        let exceptions = exceptions::keeper::Keeper::start(parts)
            .map_err(|error| format!("cannot start the keeper of exceptions: {error}"))?;
        let records_max = settings.records_max;
        let parts =
            |store| Parts { recall: recall.clone(), store, clock: clock.clone(), ring: ring.clone(), records_max };
        let memory = remembered.map(|store| Keeper::start(parts(store))).transpose();
        let memory = memory.map_err(|error| format!("cannot start the keeper of memory: {error}"))?;
        Ok(Self { memory, exceptions, exception_store })
    }

    /// Ends them when all is written, or a store fails.
    pub(super) fn stop(self) {
        self.exceptions.stop();
        self.memory.into_iter().for_each(Keeper::stop);
    }
}

type Stores = (Option<Arc<dyn RecallStore>>, Arc<dyn ExceptionStore>);

/// Over which store is remembered (`None` = over none), and where exceptions are kept.
fn stores(settings: &Settings, start: &Start) -> Result<Stores, String> {
    let sled = || start.state.clone();
    Ok(match &settings.store {
        Store::Memory => (None, sled()),
        Store::Sled => (Some(sled()), sled()),
        Store::Redis(redis) => {
            let redis = Arc::new(Redis::new(redis, start.clock.clone()).map_err(|error| error.to_string())?);
            (Some(redis.clone()), redis)
        }
    })
}
