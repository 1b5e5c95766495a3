//! What is written down of each decision? One compact record each, through a bounded ring, to the log thread, which
//! writes one line and keeps the newest decisions for `tollgate explain`. docs/logging.md lists the keys.

mod line;
mod recent;
mod record;
mod ring;
mod settings;
mod writer;

pub use line::{LINE_OCTETS_MAX, Line, VALUE_OCTETS_MAX};
pub use recent::Recent;
pub use record::hex;
#[cfg(test)]
pub(crate) use record::tests::quiet;
pub use ring::{Event, LogRing, Notice, Reported};
pub use settings::{FIELDS, Format, SECTION, Settings};
pub use writer::{LogHandle, Writer};
