//! Which checks are there, and in which order do they speak? The one list; its order is the precedence at RCPT.
//!
//! A new check is one file, its module line and its entry here, and one case file (docs/new-check.md).

mod access;
mod badmailfrom;
mod badrcptto;
mod client_name;
mod exceptions;
mod ezmlm;
mod greylist;
mod helo;
mod penalty;
mod rate;
mod rbl;
mod rdns;
mod recipient;
mod reputation;
mod sender_domain;
mod sending_side;
mod spf;
mod whole_message;

use crate::check::Def;

/// All checks in the order of precedence: the first that rejects is the one that is heard.
pub static ALL: &[&Def] = &[
    &exceptions::DEF,
    &access::DEF,
    &rbl::DEF,
    &rdns::DEF,
    &helo::DEF,
    &badmailfrom::DEF,
    &sender_domain::DEF,
    &spf::DEF,
    &reputation::DEF,
    // rcpthosts speaks here: checks whose first stage is RCPT or later come after it.
    &badrcptto::DEF,
    &recipient::DEF,
    &ezmlm::DEF,
    &rate::DEF,
    &greylist::DEF,
    &whole_message::DEF,
];

/// Checks that settle something for all others (`config::Settled`), such as on what terms SPF is asked: they are built
/// first, whatever their place.
pub static SETTLING: &[&str] = &["rdns", "spf", "ezmlm"];

#[cfg(test)]
mod tests;
