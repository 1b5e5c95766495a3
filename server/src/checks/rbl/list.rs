//! What is one DNS list to this check? What a listing means, what is looked up in it, and how the world is asked.

use super::codes::Codes;
use crate::{dns_lists::Declared, mode::Mode, session::Stage};
use std::{fmt, sync::Arc};

/// What a listing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Reject,
    Defer,
    Score(i32),
    /// Later lists and later checks leave the client alone.
    Allow,
    /// Later lists leave the client alone; the weight counts.
    EndCheck(i32),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reject => f.write_str("reject"),
            Self::Defer => f.write_str("defer"),
            Self::Score(weight) => write!(f, "score {weight:+}"),
            Self::Allow => f.write_str("allow"),
            Self::EndCheck(weight) => write!(f, "end_check {weight:+}"),
        }
    }
}

/// Which records are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Both,
    A,
    Txt,
}

impl Query {
    /// The word in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::A => "a",
            Self::Txt => "txt",
        }
    }
}

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Client,
    Sender,
    Helo,
    /// Sender and HELO.
    Names,
    ClientName,
}

impl Subject {
    /// The word in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Sender => "sender",
            Self::Helo => "helo",
            Self::Names => "names",
            Self::ClientName => "client_name",
        }
    }
}

/// Codes that mean one thing.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    pub(super) codes: Vec<Codes>,
    pub(super) label: String,
    pub(super) action: Action,
    pub(super) mode: Mode,
    /// Not voiced before it.
    pub(super) stage: Stage,
}

/// A list.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// How the world is asked.
    pub(super) declared: Declared,
    pub(super) subject: Subject,
    pub(super) query: Query,
    /// From `[[check.rbl.code]]`, in file order.
    pub(super) meanings: Vec<Meaning>,
    /// What the codes in no `meanings` entry mean.
    pub(super) rest: Meaning,
    pub(super) text: Option<Arc<str>>,
    pub(super) mode: Mode,
    /// Name of the resolver in the configuration; empty = the default one.
    pub(super) resolver: String,
}

impl List {
    pub(super) fn name(&self) -> &str {
        &self.declared.name
    }
}
