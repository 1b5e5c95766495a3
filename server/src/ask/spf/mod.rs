//! May this client send mail for this domain? RFC 7208, complete.
//!
//! The folder knows nothing of the rest of the server and could be a crate: it asks the world through [`Dns`], and is
//! asked with a [`Query`]. `record` and `text` read what domains publish, `evaluate` decides, `explanation` has their
//! words, `local` what an administrator adds, `trace` what was looked up. `lint` tells an owner what is wrong. `zone` is a
//! DNS of its own for tests, `instead` one with a record that is not published yet, and `suite` runs those of openspf.org.

mod dns;
mod domain;
mod evaluate;
mod explanation;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod instead;
mod limits;
pub mod lint;
mod local;
mod query;
mod record;
mod result;
pub mod suite;
#[cfg(test)]
mod tests;
mod text;
mod trace;
pub mod zone;

pub use dns::{Data, Dns, Kind, Looked, Said, Trouble};
pub use domain::mail_domain;
pub use evaluate::check_host;
pub use explanation::Explanation;
pub use instead::Instead;
pub use limits::{LOOKUPS_MAX, Limits, TIME_MAX, VOIDS_MAX};
pub use local::LocalPolicy;
pub use query::Query;
pub use record::{Cidr, Directive, DomainSpec, Mechanism, Modifier, ParseError, Qualifier, Record, Term};
pub use result::{Evaluation, Flaw, Input, Matched, SpfResult};
pub use text::{Letter, Macro, MacroText, Macros, Part, Place};
pub use trace::{Event, Trace};
