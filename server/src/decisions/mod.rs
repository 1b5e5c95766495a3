//! What did we decide, on what evidence, weeks later? Every decision worth it, with its recorded answers, in append-only
//! segment files below the state folder: for `tollgate explain`, and to be decided again.
//!
//! `record` is one decision in octets, `segment` a file of them, `index` how one is found in it, `folder` which segments
//! there are. The log thread writes through the `store`, and reads nothing but what it needs to go on after a kill; who looks
//! something up does so through the `archive`, on a thread of its own, and shares nothing with it but the files.

mod archive;
mod folder;
mod index;
pub mod record;
mod segment;
mod settings;
mod store;
#[cfg(test)]
mod tests;

pub use archive::{Archive, Scan, Stored};
pub use record::Recorded;
pub use settings::{FIELDS, SECTION, Settings};
pub use store::{News, Store};

/// The folder's name within the state folder.
pub const FOLDER: &str = "decisions";
