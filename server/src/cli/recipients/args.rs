//! What may stand behind `tollgate recipients`?

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What of recipients.
#[derive(Args, Debug)]
pub(in crate::cli) struct RecipientsArgs {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Show how an address finds its mailbox, step by step, and whether it does
    ///
    /// Each file that is asked, what it says, and the answer: exists, missing, or unknown (then mail is taken). The daemon
    /// answers; with --local this program does, with the rights of your user: those of the mail server's user count.
    ///
    /// Exit code: 0 = it exists, or nothing is known and mail to it is taken; 1 = it is missing.
    Explain {
        /// The recipient
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// The mail host, where the daemon knows several
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        /// Ask no daemon: read the configuration and qmail's files here
        #[arg(long)]
        local: bool,
    },
    /// Show who is asked about the recipients of which mail host
    Sources,
    /// Write a snapshot of this mail host, for a daemon elsewhere
    ///
    /// Everything that decides whether a recipient exists, in one cdb file: control files, users/cdb, accounts, and which
    /// .qmail files lie in the homes. The file is replaced at once when it is complete; if anything cannot be read, the old
    /// one stays. Run it as root, by cron. No daemon is needed.
    Export {
        /// Where to
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// qmail's control folder
        #[arg(long, value_name = "FOLDER", default_value = "/var/qmail/control")]
        control: PathBuf,
        /// The folder of users/cdb [default: `users` beside the control folder]
        #[arg(long, value_name = "FOLDER")]
        users: Option<PathBuf>,
        /// The accounts; where they lie in a directory service, what `getent passwd` printed
        #[arg(long, value_name = "FILE", default_value = "/etc/passwd")]
        passwd: PathBuf,
        /// The host's label, as Tollgate's log names it [default: what `me` in the control folder says]
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
    },
}
