//! How do decisions reach the log? As one compact record each, through a bounded ring, to the log thread.

mod ring;
mod settings;

pub use settings::{FIELDS, Format, SECTION, Settings};

pub use ring::{Event, LogRing, Reported};
