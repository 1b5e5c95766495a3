//! Over which store is remembered? As `[state]` says: sled in the state folder, a Redis, or none.

use super::Start;
use crate::{
    clock::Clock,
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

/// Who reads and writes the store behind it; `None` = there is no store.
pub(super) fn keeper(settings: &Settings, engine: &Engine, start: &Start) -> Result<Option<Keeper>, String> {
    let store: Arc<dyn RecallStore> = match &settings.store {
        Store::Memory => return Ok(None),
        Store::Sled => start.state.clone(),
        Store::Redis(redis) => Arc::new(Redis::new(redis, start.clock.clone()).map_err(|error| error.to_string())?),
    };
    let parts = Parts {
        recall: engine.recall().clone(),
        store,
        clock: start.clock.clone(),
        ring: start.ring.clone(),
        records_max: settings.records_max,
    };
    Keeper::start(parts).map(Some).map_err(|error| format!("cannot start the keeper of memory: {error}"))
}
