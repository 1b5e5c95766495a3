//! What may stand behind `tollgate reputation`?

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What of reputations.
#[derive(Args, Debug)]
pub(in crate::cli) struct ReputationArgs {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Show what is remembered of somebody, and for what
    ///
    /// Of an address its nets are shown, too, and what all together come to. Columns `hour`, `day` and `month` are the
    /// horizons of the formula (docs/reputation.md), `good` and `bad` the points of the longest.
    Show {
        /// An address, a net, helo:NAME, or a sender's domain
        #[arg(value_name = "SUBJECT")]
        subject: String,
    },
    /// Show which entry makes a recipient a trap
    Trap {
        /// The recipient
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    /// Show who is worst, or best
    ///
    /// Of all that the daemon has at hand, the worst first.
    Top {
        /// The best in place of the worst
        #[arg(long)]
        best: bool,
        /// Only these
        #[arg(long, value_enum, value_name = "KIND")]
        kind: Option<Kind>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
    },
    /// Forget what is remembered of somebody
    ///
    /// Of an address this leaves its nets as they are. The log says who wanted it, and why.
    ///
    /// Exit code: 0 = it is forgotten, 1 = nothing was remembered.
    Reset {
        /// An address, a net, helo:NAME, or a sender's domain
        #[arg(value_name = "SUBJECT")]
        subject: String,
        #[command(flatten)]
        why: Why,
    },
    /// Write everything that is remembered to standard output, one line of JSON for each subject
    ///
    /// With --rbldnsd it writes a zone for rbldnsd in place of that (dataset type `combined`): addresses as 127.0.0.2, nets as 127.0.0.3, domains
    /// that SPF proved as 127.0.0.4, each with a TXT record that says why. HELO names are left out: they can be forged.
    Export {
        /// Only these
        #[arg(long, value_enum, value_name = "KIND")]
        kind: Option<Kind>,
        /// Only reputations below this, -100 to 100 [default: all; with --rbldnsd: -50]
        #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
        below: Option<i32>,
        /// A zone for rbldnsd
        #[arg(long)]
        rbldnsd: bool,
    },
    /// Take in what `export` wrote
    ///
    /// Where both know somebody, whoever remembers more good is believed, and whoever remembers more bad: the same file
    /// twice changes nothing, and neither does a server's own export. What was reset since stays reset.
    ///
    /// Exit code: 0 = all was taken or known, 1 = some of it was refused.
    Import {
        /// The file; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        why: Why,
    },
}

/// Who changes something, and why.
#[derive(Args, Clone, Debug)]
pub(super) struct Why {
    /// Why: stands in the log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Who: stands beside the reason [default: your user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
}

/// Kinds of subjects.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Clients' addresses
    Ip,
    /// Nets
    Net,
    /// HELO names
    Helo,
    /// Senders' domains
    Domain,
}

impl Kind {
    /// The protocol's word; empty = all.
    pub(super) fn word(kind: Option<Self>) -> String {
        let word = match kind {
            None => "",
            Some(Self::Ip) => "ip",
            Some(Self::Net) => "net",
            Some(Self::Helo) => "helo",
            Some(Self::Domain) => "domain",
        };
        word.to_owned()
    }
}
