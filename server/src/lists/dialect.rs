//! In which dialect is a list of addresses written? qmail's own, or SpamControl's; the same question to both.

use super::{AddressList, SpamControlList, Standing};
use crate::session::{Address, Connection};
use std::sync::Arc;

/// The key that chooses it.
pub const DIALECTS: &[&str] = &["qmail", "spamcontrol"];

/// A list of addresses in one dialect or the other.
#[derive(Clone, Debug)]
pub enum Listing {
    /// Whole addresses, `@host`, and with wildcards `.suffix`.
    Qmail(AddressList),
    /// Patterns in order, with signs; of several lists the later is the more significant.
    SpamControl(Vec<Arc<SpamControlList>>),
}

impl Listing {
    /// The entry that covers the address, if there is one. Nothing covers the null sender.
    pub fn find<'a>(&'a self, address: &'a Address, connection: &Connection) -> Option<&'a [u8]> {
        match self {
            Self::Qmail(list) => list.find(address),
            Self::SpamControl(lists) => {
                let standing = Standing { host: connection.client_name.as_deref(), may_relay: connection.is_relay() };
                SpamControlList::find(lists, address, standing)
            }
        }
    }
}
