//! How do decisions reach the log? As one compact record each, through a bounded ring, to the log thread.

mod ring;

pub use ring::{Event, LogRing, Reported};
