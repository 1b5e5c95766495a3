//! What may stand on the command line? Every command and flag, with the words its help says.

use crate::checks;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{ffi::OsString, path::PathBuf};

/// Heading of the flags that every command has.
const EVERYWHERE: &str = "Options of every command";

/// Ask and steer Tollgate, the mail policy daemon
///
/// Most commands ask the running daemon (tollgated) over its admin socket. Text that came from mail clients is printed
/// with control and non-ASCII bytes escaped (\x1b), so that nobody can play with your terminal.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Common {
    /// The configuration file [default: $TOLLGATE_CONFIG, else /etc/tollgate/tollgate.toml if it exists, else none:
    /// built-in defaults]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The daemon's admin socket [default: the configuration's, else where a daemon of yours or the system's listens]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let a client, a sender or a recipient through for a while
    ///
    /// Makes an exception: no check refuses what it is about, but the mail server itself (rcpthosts), lists of denied
    /// recipients and recipients that do not exist. It ends by itself. With several scopes, all must hold. An allowance
    /// for a sender without a client net of /16 (IPv6: /32) or smaller holds only where SPF says that the sender sent
    /// the mail, since anybody can claim to be somebody. The same scope again renews the exception.
    ///
    /// Where several exceptions are about one mail, a denial holds unless an allowance names all that it names (clients,
    /// sender, recipient), each as exactly or more exactly; of the same scope the later counts.
    Allow(super::exceptions::MakeArgs),
    /// Ask what would happen to a mail, without sending one
    ///
    /// Runs an imagined SMTP session through the running daemon's policy: connect, then HELO, MAIL FROM, every RCPT TO
    /// and DATA as far as they are given. Nothing is changed, learnt or logged. Prints the verdict of each stage, what
    /// every check found, the evidence (each question with its answer) and the time it took.
    ///
    /// Exit code: 0 = everything passes, 1 = something is refused (5xx), 75 = nothing is refused but something is
    /// deferred (4xx).
    Check(CheckArgs),
    /// Print or verify a configuration
    Config(ConfigArgs),
    /// Keep a client, a sender or a recipient out for a while
    ///
    /// Makes an exception that refuses what it is about, whatever the checks say; it ends by itself. Postmaster and abuse
    /// of our domains stay reachable for everybody. See `tollgate allow` for which of several exceptions wins.
    Deny(super::exceptions::MakeArgs),
    /// Look for what keeps the gate from working, one line for each test
    ///
    /// Tests what usually goes wrong: may qmail's user reach the policy socket, does the daemon answer, does the
    /// resolver answer and tell the truth, are the configured lists there, is the clock right, can state be written.
    /// Each line says ok, warn or FAIL, and what to do. Run it as root: only root can look as another user looks.
    ///
    /// Exit code: 0 = no FAIL, 1 = at least one FAIL.
    Doctor(DoctorArgs),
    /// Show or end exceptions: who is let through or kept out, by whom, why, until when, and whether it still matters
    Exceptions(super::exceptions::ExceptionsArgs),
    /// Show why a decision fell: the evidence behind an id
    ///
    /// The id stands in brackets at the end of a refusal, and in the log. Either case; o, i and l are read as 0, 1, 1.
    /// The daemon keeps recent decisions only.
    ///
    /// Exit code: 1 = the daemon does not know the id (any more).
    Explain(ExplainArgs),
    /// Write what another program's command line does as configuration
    Import(ImportArgs),
    /// Look for mistakes in qmail's control files and tcpserver's rules
    ///
    /// Reads them as qmail does and prints one line for each oddity, FILE:LINE: what, and what was expected: an error
    /// opens a relay, loses mail or has no effect; a warning is most likely not meant; a note is good to know. What
    /// could not be found, and so was not looked at, is told at the end. Nothing is changed, and no daemon is needed.
    ///
    /// Exit code: 0 = no error, 1 = at least one error.
    Lint(LintArgs),
    /// Show how the DNS lists are doing, or what each is worth
    ///
    /// One line a list: may it be believed, since when, why not; what it costs today, and when its free limit will be
    /// reached; what its newest probe said. Those that are not healthy stand first.
    ///
    /// Exit code: 0 = all are healthy, 1 = at least one is not.
    Lists(ListsArgs),
    /// Ask every DNS list about an address or a domain
    ///
    /// Each list's answer is printed as it comes: listed, not listed, or failed and why, with return codes and what they
    /// mean, the list's own text, how long the answer may be kept, its age and the time it took; at last the verdict
    /// that would follow. The look-ups count for the lists' budgets.
    ///
    /// Exit code: 0 = no list holds it, 1 = at least one does, 75 = none does, but not all answered.
    Lookup(LookupArgs),
    /// Switch every check off for a while: all mail goes on as if nobody had been asked
    Off(OffArgs),
    /// Switch the checks on again, before the time given to `off` is over
    On,
    /// Take a refusal back: let those through who were refused
    ///
    /// Makes an exception for the client's net (/24, of IPv6 /64) and the sender of a decision, for 7 days. Besides, it
    /// speaks for their reputation, and stands in the report cards of the DNS lists that had listed the client.
    ///
    /// Exit code: 1 = the decision is not known (any more).
    Pardon(super::exceptions::PardonArgs),
    /// Show which check speaks at which stage, in order of precedence
    ///
    /// Asks the running daemon; with --config, or when no daemon runs, the table is made from the file.
    Pipeline,
    /// Show how a recipient finds its mailbox; export a mail host's recipients
    ///
    /// What qmail would bounce for want of a .qmail file is refused at RCPT (docs/recipients.md).
    Recipients(super::recipients::RecipientsArgs),
    /// Read the configuration and all lists again
    ///
    /// With a mistake anywhere the old policy stays in force, and every mistake is printed with its line.
    ///
    /// Exit code: 64 = the old policy stayed, or the old version of a list.
    Reload {
        /// Take lists, too, that grew or shrank more than `[lists]` allows, hold all addresses, or cover our own hosts or an
        /// allowed client
        #[arg(long)]
        force: bool,
    },
    /// Show who is remembered for what; reset, export and import it
    ///
    /// A reputation is a number from -100 to 100 that follows from what somebody did, and fades (docs/reputation.md).
    /// Addresses, nets, HELO names and domains proven by SPF have one.
    Reputation(super::reputation::ReputationArgs),
    /// May this client send for this sender? Evaluate SPF, run a suite, look through a record
    ///
    /// Evaluates within the command, over the resolver of [dns]; no daemon is needed. Prints the result, the mechanism
    /// that decided and whose record it stands in, how much of the limits of RFC 7208 was used, how long the result
    /// holds, the domain's explanation, and whether a pass says who sent the mail. Rules and guesses of your own count where they are given.
    ///
    /// Exit code: 0 = an answer, whatever it is; 75 = temperror: the DNS could not be read this time.
    Spf(super::spf::SpfArgs),
    /// Show what the daemon is doing: policy, lists, sockets, counters
    Status,
    /// A check shows what it knows: tollgate CHECK OP ARGS
    #[command(external_subcommand)]
    Inspect(Vec<OsString>),
}

/// Where the files are.
#[derive(Args, Debug)]
pub(super) struct LintArgs {
    /// qmail's control folder
    #[arg(value_name = "FOLDER", default_value = "/var/qmail/control")]
    pub(super) control: PathBuf,
    /// The folder of `assign` and `cdb` [default: `users` beside the control folder]
    #[arg(long, value_name = "FOLDER")]
    pub(super) users: Option<PathBuf>,
    /// tcpserver's rules as text; the cdb stands beside them [default: tcp.smtp in /etc, /etc/tcprules.d or /etc/qmail, or
    /// /etc/tcprules.d/tcp.qmail-smtp]
    #[arg(long, value_name = "FILE")]
    pub(super) tcp_rules: Option<PathBuf>,
    /// The script that starts tcpserver: are its flags such that the rules can match? [default: qmail-smtpd/run where
    /// services usually are, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) run: Option<PathBuf>,
    /// The user qmail-smtpd runs as: may it read the files? [default: qmaild, if there is one]
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
}

/// The session to imagine.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Address of the client
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ip: std::net::IpAddr,
    /// The client's name by its address (PTR), as the mail server would pass it on
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<OsString>,
    /// What the client says with HELO or EHLO
    #[arg(long, value_name = "NAME")]
    pub(super) helo: Option<OsString>,
    /// Sender of MAIL FROM; "" or "<>" is the null sender
    #[arg(long, value_name = "ADDRESS")]
    pub(super) from: Option<OsString>,
    /// Recipient of RCPT TO; may be given several times
    #[arg(long, value_name = "ADDRESS", requires = "from")]
    pub(super) rcpt: Vec<OsString>,
    /// What the mail server's own relay test (rcpthosts) says of the recipients
    #[arg(long, value_name = "ANSWER", value_parser = ["allowed", "refused"])]
    pub(super) rcpthosts: Option<String>,
    /// The client may relay, as RELAYCLIENT="" does
    #[arg(long)]
    pub(super) relay: bool,
    /// The client has passed AUTH as this user
    #[arg(long, value_name = "USER")]
    pub(super) user: Option<OsString>,
    /// Label of the mail host the client is connected to
    #[arg(long, value_name = "HOST")]
    pub(super) host: Option<OsString>,
    /// Address of the mail host
    #[arg(long, value_name = "ADDRESS")]
    pub(super) server_ip: Option<std::net::IpAddr>,
    /// The session is encrypted
    #[arg(long)]
    pub(super) tls: bool,
}

/// What to do with a configuration.
#[derive(Args, Debug)]
#[group(id = "what", required = true, multiple = false)]
pub(super) struct ConfigArgs {
    /// Print a complete file: every key with its meaning, range and default, commented out
    #[arg(long, group = "what")]
    pub(super) print_default: bool,
    /// Read FILE and all lists it names exactly as the daemon does at its start, and print every mistake with its line
    /// (exit code 64). Without FILE: the one the daemon would read
    #[arg(long, group = "what", value_name = "FILE", num_args = 0..=1)]
    pub(super) check: Option<Option<PathBuf>>,
    /// Print every key with the value in force, defaults included. With FILE: as the file would set them. Without:
    /// as the running daemon has them
    #[arg(long, group = "what", value_name = "FILE", num_args = 0..=1)]
    pub(super) effective: Option<Option<PathBuf>>,
}

/// How to look.
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// The user the mail server runs as: must reach the policy socket
    #[arg(long, value_name = "USER", default_value = "qmaild")]
    pub(super) user: String,
}

/// Which decision.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// The decision's id
    #[arg(value_name = "ID")]
    pub(super) id: String,
}

/// Whose command line.
#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    pub(super) from: ImportFrom,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportFrom {
    /// Write what rblsmtpd's options do as TOML
    ///
    /// Reads the options of rblsmtpd (ucspi-tcp 0.88, netqmail's A-record patch, ucspi-tcp6) as they stand in a run
    /// script, in quotes: tollgate import rblsmtpd '-b -r bl.example -a wl.example'. A whole line from tcpserver to
    /// qmail-smtpd will do. The configuration goes to standard output, and what must be known about it (lists that are
    /// gone, above all) to standard error. Nothing is asked and nothing is changed.
    Rblsmtpd {
        /// The options
        #[arg(value_name = "ARGS", required = true, allow_hyphen_values = true, trailing_var_arg = true)]
        args: Vec<OsString>,
    },
}

/// What of the lists.
#[derive(Args, Debug)]
pub(super) struct ListsArgs {
    #[command(subcommand)]
    pub(super) what: Option<ListsWhat>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum ListsWhat {
    /// What is each list worth: hits that no other list has, refusals that need it, what speaks against it, its cost
    Report {
        /// The span of time that ends now
        #[arg(long, value_enum, default_value_t, value_name = "SPAN")]
        window: Window,
    },
}

/// The span of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Window {
    /// The last hour
    Hour,
    /// The last 24 hours
    #[default]
    Day,
    /// The last 30 days
    Month,
}

/// Whom to look up, and where.
#[derive(Args, Debug)]
pub(super) struct LookupArgs {
    /// An address, or a domain
    #[arg(value_name = "IP|DOMAIN")]
    pub(super) subject: String,
    /// Ask the zones of this file in place of the configured lists: one a line, # starts a comment
    #[arg(long, value_name = "FILE")]
    pub(super) zones: Option<PathBuf>,
}

/// For how long, and why.
#[derive(Args, Debug)]
pub(super) struct OffArgs {
    /// How long: a number with s, m, h or d, as in 90s, 30m, 1h30m, 7d; at most 7d. It ends by itself
    #[arg(long = "for", value_name = "TIME", value_parser = super::units::seconds)]
    pub(super) seconds: u32,
    /// Why: shown in `tollgate status` and in the log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Who: shown beside the reason [default: your user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
}

/// Show what a check knows
///
/// Without OP, what it can show is listed. The daemon answers.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true, max_term_width = 100)]
pub(super) struct InspectArgs {
    /// What to show; without it the check's operations are listed
    #[arg(value_name = "OP")]
    pub(super) op: Option<String>,
    /// What the operation asks for
    #[arg(value_name = "ARGS")]
    pub(super) args: Vec<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Ends the help of `tollgate` itself.
pub(super) fn after_help() -> String {
    let checks: Vec<&str> = checks::ALL.iter().map(|def| def.name).collect();
    format!(
        "Checks that can be asked (tollgate CHECK lists what each can show): {}\n\n\
         Exit codes: 0 fine; 1 the answer is no; 64 command line or configuration wrong; 69 daemon not reachable; \
         70 the daemon could not do it; 75 deferred; 77 not permitted",
        checks.join(", ")
    )
}
