//! Which moments of an SMTP session are there, and in which order?

use std::fmt;

/// The stages, named with SMTP's words, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The client connected: addresses and names are known.
    Connect,
    /// HELO or EHLO was given.
    Helo,
    /// The sender is known.
    Mail,
    /// One recipient is known. What earlier stages found is voiced here.
    Rcpt,
    /// DATA was given: all recipients are known.
    Data,
    /// How the message or the connection ended. Teaches only.
    Outcome,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 6] = [Self::Connect, Self::Helo, Self::Mail, Self::Rcpt, Self::Data, Self::Outcome];

    /// The word in configuration, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Helo => "helo",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Outcome => "outcome",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
