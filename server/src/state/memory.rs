//! A store that forgets with the process: for tests.

use super::{StateError, Switches};
use crate::pipeline::SwitchState;
use std::sync::{Mutex, PoisonError};

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct Memory {
    // std mutex: held for a copy, never over an await.
    thrown: Mutex<Option<SwitchState>>,
}

impl Switches for Memory {
    fn thrown(&self, now: u64) -> Result<Option<SwitchState>, StateError> {
        let thrown = self.thrown.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(thrown.clone().filter(|state| state.until > now))
    }

    fn set_thrown(&self, state: Option<&SwitchState>) -> Result<(), StateError> {
        *self.thrown.lock().unwrap_or_else(PoisonError::into_inner) = state.cloned();
        Ok(())
    }
}
