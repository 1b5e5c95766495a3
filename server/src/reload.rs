//! How does the configuration come into force? Start and reload are one path: read, build, put in force. On any fault
//! the old policy stays, and every fault is named.

use crate::{
    app,
    ask::dns,
    config::{Document, Fault, refuse_unknown_sections},
    decision_log,
    pipeline::Policy,
};
use std::{cell::RefCell, path::Path};

/// A configuration without faults.
pub struct Loaded {
    /// As written.
    pub document: Document,
    /// `[policy]` and all checks.
    pub policy: Policy,
    /// `[server]`.
    pub server: app::Settings,
    /// `[log]`.
    pub log: decision_log::Settings,
    /// `[dns]`.
    pub dns: dns::Config,
}

/// Reads and builds everything. `None` = the embedded defaults. Gives all faults at once, in file order.
pub fn load(config: Option<&Path>, generation: u64) -> Result<Loaded, Vec<Fault>> {
    let document = Document::read(config)?;
    let faults = RefCell::new(Vec::new());
    refuse_unknown_sections(&document, &faults);
    let server = app::Settings::read(&document, &faults);
    let log = decision_log::Settings::read(&document, &faults);
    let dns = dns::Config::read(&document, &faults);
    let mut faults = faults.into_inner();
    match Policy::build(&document, generation) {
        Ok(policy) if faults.is_empty() => Ok(Loaded { policy, document, server, log, dns }),
        Ok(_) => Err(Fault::sorted(faults)),
        Err(more) => {
            faults.extend(more);
            faults.dedup();
            Err(Fault::sorted(faults))
        }
    }
}
