//! How does `tollgate.toml` become a policy? Text → sections with declared fields → values, with all faults at once.

mod build;
mod document;
mod fault;
mod field;
mod network;
mod section;
pub mod spelling;
mod values;

pub use build::{Build, LoadedFile};
pub use document::Document;
pub use fault::Fault;
pub use field::{Field, Kind};
pub use network::Network;
pub use section::{Section, Tables};

#[cfg(test)]
mod tests;
