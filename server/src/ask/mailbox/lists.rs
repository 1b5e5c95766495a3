//! Which addresses exist, whatever qmail's own files say? Lists of addresses: plain text, `fastforward`'s cdb, `vpopmail`'s
//! `vpasswd.cdb`, and whatever else can be written as one.
//!
//! A list only adds: an address that it does not name is left to the others. Only where a domain is declared complete does
//! the silence of all lists mean that there is no such address - unless it is one of a mailing list's own: nobody can
//! write down those to which its bounces come back (VERP).

use super::{Looked, Trace, shown};
use crate::{
    lists::{KeyList, MailingLists},
    session::Address,
};
use std::{collections::BTreeSet, sync::Arc};

/// A list with its name.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its file, or what stands for it.
    pub name: String,
    /// If set, the entries are local parts at this domain (lower case), else whole addresses.
    pub domain: String,
    /// The entries, in lower case.
    pub keys: KeyList,
}

/// Several lists, and the domains of which they know everybody.
#[derive(Clone, Debug, Default)]
pub struct KnownAddresses {
    /// In the order in which they are asked.
    pub lists: Vec<Named>,
    /// In lower case.
    pub complete: BTreeSet<Vec<u8>>,
    /// Addresses that these know are not missing because no list has them.
    pub mailing_lists: Arc<MailingLists>,
}

impl KnownAddresses {
    /// What they say; `None` = nothing: it is for others to say.
    pub(super) fn find(&self, address: &[u8], trace: &mut Trace) -> Option<Looked> {
        let address = Address::new(address.to_owned().into());
        let domain = address.domain()?.0;
        for list in &self.lists {
            if let Some(entry) = list.find(address.local_part(), domain) {
                return Some(Looked::exists(format!("{} has {}", list.name, shown(&entry))));
            }
            trace.note("lists", || format!("{} does not have it", list.name));
        }
        if !self.complete.contains(domain) {
            return None;
        }
        if let Some((list, role)) = self.mailing_lists.find(&address) {
            trace.note("lists", || format!("it is the mailing list {}'s ({})", list.address, role.name()));
            return None;
        }
        Some(Looked::missing(format!("no list has it, and the lists are complete for {}", shown(domain))))
    }
}

impl Named {
    /// The entry that covers an address: `user@host`, `@host` for all at a host; the same behind a colon, and `:user@` for all
    /// hosts (fastforward); or the local part alone in a list of one domain.
    fn find(&self, local: &[u8], domain: &[u8]) -> Option<Vec<u8>> {
        if !self.domain.is_empty() {
            let is_here = self.domain.as_bytes() == domain && self.keys.contains(local);
            return is_here.then(|| local.to_owned());
        }
        let forms: [&[&[u8]]; 5] = [
            &[local, b"@", domain],
            &[b"@", domain],
            &[b":", local, b"@", domain],
            &[b":@", domain],
            &[b":", local, b"@"],
        ];
        forms.into_iter().map(|form| form.concat()).find(|form| self.keys.contains(form))
    }
}
