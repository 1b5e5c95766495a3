//! What may stand behind `tollgate allow`, `deny`, `pardon` and `exceptions`?

use crate::cli::units;
use clap::{Args, Subcommand};

/// Who changes something.
#[derive(Args, Clone, Debug)]
pub(super) struct Who {
    /// Who: shown beside the reason [default: your user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
}

/// Whom, for how long, and why.
#[derive(Args, Debug)]
pub(in crate::cli) struct MakeArgs {
    /// A client's address or net, or a sender (user@host, @host or .suffix)
    #[arg(value_name = "CLIENT|SENDER")]
    pub(super) whom: Vec<String>,
    /// Clients: an address or a net
    #[arg(long, value_name = "NET")]
    pub(super) client: Option<String>,
    /// Sender: user@host, @host or .suffix; <> is the null sender
    #[arg(long, value_name = "ADDRESS")]
    pub(super) sender: Option<String>,
    /// Recipient: user@host, @host or .suffix
    #[arg(long, value_name = "ADDRESS")]
    pub(super) recipient: Option<String>,
    /// How long: a number with s, m, h or d, as in 12h, 7d; at most 400d. It ends by itself
    #[arg(long = "for", value_name = "TIME", value_parser = units::lasting)]
    pub(super) seconds: u32,
    /// Why: shown in `tollgate exceptions list` and in the log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) who: Who,
}

/// Which decision, and how far its pardon goes.
#[derive(Args, Debug)]
pub(in crate::cli) struct PardonArgs {
    /// The decision's id, as the refused mail has it in brackets
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// How long: a number with s, m, h or d; at most 400d
    #[arg(long = "for", value_name = "TIME", default_value = "7d", value_parser = units::lasting)]
    pub(super) seconds: u32,
    /// The client's address alone, not its net
    #[arg(long, conflicts_with = "sender_only")]
    pub(super) exact: bool,
    /// For the client, whoever the sender is
    #[arg(long, conflicts_with = "sender_only")]
    pub(super) client_only: bool,
    /// For the sender, wherever SPF says that it sends from
    #[arg(long)]
    pub(super) sender_only: bool,
    /// Why: stands behind the decision's id
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) who: Who,
}

/// What of exceptions.
#[derive(Args, Debug)]
pub(in crate::cli) struct ExceptionsArgs {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// All that hold, in the order in which they were made
    ///
    /// `hits` are decisions in which an exception spoke, `changed` those of them that would have been another without it.
    /// `never needed`: it spoke, and never changed one. `not needed since`: it has changed none since then, and spoke a
    /// day and more later.
    List,
    /// One of them, with everything that is known of it
    ///
    /// Exit code: 1 = there is none.
    Show {
        /// Its id, or as much of its front as is unique
        #[arg(value_name = "ID")]
        id: String,
    },
    /// End one before its time
    ///
    /// Exit code: 1 = there is none.
    Remove {
        /// Its id, or as much of its front as is unique
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        who: Who,
    },
}
