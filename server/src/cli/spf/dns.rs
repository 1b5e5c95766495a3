//! Which DNS does the command ask? The resolver of `[dns]`, through the daemon's own code.

use super::{
    super::{Context, Failure, exit},
    usage,
};
use crate::{
    ask::{
        Asker, Resolver, dns,
        spf::{Record, mail_domain},
        spf_answers::OverAsk,
    },
    clock::Clock,
    config::Document,
    paths,
};
use std::{cell::RefCell, sync::Arc};
use tokio::runtime::Builder;

/// Asks with a resolver that lives as long as the question.
pub(super) fn with_dns<T>(
    context: &Context<'_>,
    ask: impl AsyncFnOnce(&OverAsk<'_, Resolver>) -> T,
) -> Result<T, Failure> {
    let file = paths::config_file(context.common.config.as_deref());
    let document = Document::read(file.as_deref()).map_err(Failure::from_faults)?;
    let faults = RefCell::default();
    let config = dns::Config::read(&document, &faults);
    if !faults.borrow().is_empty() {
        return Err(Failure::from_faults(faults.into_inner()));
    }
    let refused = |error| usage(&format!("{error}: see [dns] and /etc/resolv.conf"));
    let (resolver, lookups) = Resolver::new(&config, Clock::system()).map_err(refused)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let dns = OverAsk::new(&resolver, Asker::default());
    runtime.block_on(async {
        tokio::select! {
            said = ask(&dns) => Ok(said),
            () = lookups.run() => Err(Failure::new(exit::SERVER, "the resolver has ended")),
        }
    })
}

/// A text that somebody wants to be evaluated as a record.
pub(super) fn record(text: &str) -> Result<Arc<[u8]>, Failure> {
    if Record::is_meant(text.as_bytes()) {
        return Ok(text.as_bytes().into());
    }
    Err(usage("--record: expected a text that starts with v=spf1 and a space"))
}

/// A domain that could have a record.
pub(super) fn domain(text: &[u8]) -> Result<Arc<str>, Failure> {
    mail_domain(text).ok_or_else(|| {
        let text = super::super::text::escaped(text);
        usage(&format!("\"{text}\" is no domain that could have a record: expected such as mail.example"))
    })
}
