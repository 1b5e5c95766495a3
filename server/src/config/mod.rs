//! How does `tollgate.toml` become a policy? Text → sections with declared fields → values, with all faults at once.

mod build;
mod catalogue;
mod document;
mod fault;
mod field;
mod file;
mod network;
pub mod pem;
mod printed;
mod reference;
mod render;
mod secret;
mod section;
pub mod spelling;
mod values;

pub use build::{Build, Settled};
pub use catalogue::{TOPICS, Topic, refuse_unknown_sections};
pub use document::Document;
pub use fault::Fault;
pub use field::{Field, Kind};
pub(crate) use file::read_regular;
pub use network::Network;
pub use printed::{default_file, effective};
pub use reference::page;
pub use secret::Secret;
pub use section::{Section, Tables};

#[cfg(test)]
mod tests;
