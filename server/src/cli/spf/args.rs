//! What may stand behind `tollgate spf`?

use crate::ask::spf::VOIDS_MAX;
use clap::{Args, Subcommand};
use std::{ffi::OsString, net::IpAddr, path::PathBuf};

/// A question, or one of the other things.
#[derive(Args, Debug)]
pub(in super::super) struct SpfArgs {
    #[command(flatten)]
    pub(super) query: SpfQuery,
    #[command(subcommand)]
    pub(super) what: Option<SpfWhat>,
}

/// Who is to be believed, and how much is to be shown.
#[derive(Args, Debug)]
pub(super) struct SpfQuery {
    /// Address of the client
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ip: Option<IpAddr>,
    /// Sender of MAIL FROM; "" or "<>" is the null sender, for which the HELO name is asked about, as without --from
    #[arg(long, value_name = "ADDRESS", requires = "ip")]
    pub(super) from: Option<OsString>,
    /// What the client says with HELO or EHLO
    #[arg(long, value_name = "NAME", requires = "ip")]
    pub(super) helo: Option<OsString>,
    /// Evaluate this text in place of the domain's record; all else comes from the DNS
    #[arg(long, value_name = "TEXT", requires = "ip")]
    pub(super) record: Option<String>,
    /// Terms before the failing end of the record, as `[check.spf] rules` and control/spfrules have them
    #[arg(long, value_name = "TERMS", requires = "ip", default_value = "")]
    pub(super) rules: String,
    /// Terms in place of a missing record, as `[check.spf] guess` and control/spfguess have them
    #[arg(long, value_name = "TERMS", requires = "ip", default_value = "")]
    pub(super) guess: String,
    /// How many terms may find nothing in the DNS
    #[arg(long, value_name = "N", requires = "ip", default_value_t = VOIDS_MAX)]
    pub(super) voids: usize,
    /// Show all that was looked up, with its times, as a tree
    #[arg(long, requires = "ip")]
    pub(super) trace: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum SpfWhat {
    /// Run a test suite in the form of openspf.org
    ///
    /// Each case is evaluated over the zone of its scenario; the DNS is not asked. Cases that come out wrong are printed
    /// with what was expected, at last how many are right.
    ///
    /// Exit code: 0 = all are right, 1 = at least one is not.
    Suite(SuiteArgs),
    /// Look for what is wrong with a domain's record, and with all that it includes
    ///
    /// Faults with their place, terms that ask the DNS and those that find nothing, counted as if nothing matched,
    /// includes that lead nowhere, terms that nobody reaches, ranges and ends that let everybody pass.
    ///
    /// Exit code: 0 = no error (warnings do not count), 1 = at least one, 75 = none, but a look-up failed.
    Lint(LintArgs),
    /// What the check of this name shows.
    #[command(external_subcommand)]
    Inspect(Vec<OsString>),
}

/// Which suite.
#[derive(Args, Debug)]
pub(super) struct SuiteArgs {
    /// The suite, such as rfc7208-tests.yml
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

/// Whose record.
#[derive(Args, Debug)]
pub(super) struct LintArgs {
    /// The domain
    #[arg(value_name = "DOMAIN")]
    pub(super) domain: OsString,
    /// An address of yours, which must pass; may be given several times
    #[arg(long = "ip", value_name = "ADDRESS")]
    pub(super) ours: Vec<IpAddr>,
    /// Look at this text in place of the domain's record: before you publish it
    #[arg(long, value_name = "TEXT")]
    pub(super) record: Option<String>,
}
