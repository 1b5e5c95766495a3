//! What was seen on the way to an answer? Kept for `tollgate recipients explain`, and for nobody else.

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file, program or name that was asked.
    pub what: &'static str,
    /// What it said.
    pub said: String,
}

/// The way, if anybody wants to know it.
#[derive(Clone, Debug, Default)]
pub struct Trace(Option<Vec<Step>>);

impl Trace {
    /// Steps kept: an address of 900 octets has no more parts.
    const STEPS_MAX: usize = 2_000;

    /// Keeps what is seen.
    pub fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    /// Notes a step; `said` is asked only where steps are kept.
    pub(super) fn note(&mut self, what: &'static str, said: impl FnOnce() -> String) {
        if let Some(steps) = self.0.as_mut().filter(|steps| steps.len() < Self::STEPS_MAX) {
            steps.push(Step { what, said: said() });
        }
    }

    /// What was seen, first things first.
    pub fn steps(&self) -> &[Step] {
        self.0.as_deref().unwrap_or_default()
    }
}
