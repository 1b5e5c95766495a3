//! Which forms do lists take? Readers for qmail's control files, networks, tcprules, rbldnsd's zones and cdb; each turns
//! bytes into a matcher that is immutable, compact (ten million entries are a normal list) and quick to ask.
//!
//! [`load`] reads a list from where the configuration says; the other files know only bytes.

mod addresses;
mod cdb;
pub mod control;
pub mod control_files;
mod dialect;
mod ezmlm;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod keys;
pub mod load;
mod names;
mod networks;
pub mod qmail;
mod rbldnsd;
mod reachable;
mod spamcontrol;
mod tcprules;

pub use addresses::AddressList;
pub use cdb::{Cdb, CdbError};
pub use control_files::RcptHosts;
pub use dialect::{DIALECTS, Listing};
pub use ezmlm::{MailingList, MailingLists, Role, subscribers::bucket_of};
pub use keys::{KeyList, Keys, Sorted};
pub use names::NameList;
pub use networks::{NetworkSet, Networks};
pub use rbldnsd::{Domains, domain_zone, network_zone};
pub use reachable::{names_postmaster, postmaster_stays_reachable};
pub use spamcontrol::{SpamControlList, Standing};
pub use tcprules::{Client, Hit, KeyedBy, RuleLine, TcpRules};
