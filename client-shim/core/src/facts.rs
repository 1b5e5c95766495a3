//! What is known of the connection, and who says so: the mail server (`tollgate_set`) or tcpserver's environment?

use crate::{
    buffer::{Buffer, decimal, first},
    sys::Sys,
};
use core::ffi::CStr;

/// The longest value of a fact; a longer one is cut.
pub(crate) const FACT_MAX: usize = 255;
/// The longest textual address, with a scope behind it.
const IP_MAX: usize = 64;

/// What a mail server may say by `tollgate_set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Address of the client.
    ClientIp,
    /// Port of the client.
    ClientPort,
    /// PTR name of the client.
    ClientName,
    /// What the client's ident server said.
    ClientIdent,
    /// Address the client connected to.
    ServerIp,
    /// Port the client connected to.
    ServerPort,
    /// Name the mail server gives itself.
    ServerName,
    /// The client may relay; the value is the suffix of every recipient.
    RelayClient,
    /// User who passed AUTH.
    User,
    /// The session is encrypted.
    Tls,
    /// `rfc`, or qmail's style.
    ReplyStyle,
    /// The mail server offers AUTH.
    AuthOffered,
    /// The mail server takes forged Authentication-Results fields out of messages.
    RemovesForged,
}

impl Fact {
    /// The fact's number in `tollgate.h`.
    pub fn from_number(number: i32) -> Option<Fact> {
        Some(match number {
            1 => Fact::ClientIp,
            2 => Fact::ClientPort,
            3 => Fact::ClientName,
            4 => Fact::ClientIdent,
            5 => Fact::ServerIp,
            6 => Fact::ServerPort,
            7 => Fact::ServerName,
            8 => Fact::RelayClient,
            9 => Fact::User,
            10 => Fact::Tls,
            11 => Fact::ReplyStyle,
            12 => Fact::AuthOffered,
            13 => Fact::RemovesForged,
            _ => return None,
        })
    }

    /// The variable that says it when the mail server does not. AUTH is believed from the mail server only.
    fn variable(self) -> Option<&'static CStr> {
        match self {
            Fact::ClientIp => Some(c"TCPREMOTEIP"),
            Fact::ClientPort => Some(c"TCPREMOTEPORT"),
            Fact::ClientName => Some(c"TCPREMOTEHOST"),
            Fact::ClientIdent => Some(c"TCPREMOTEINFO"),
            Fact::ServerIp => Some(c"TCPLOCALIP"),
            Fact::ServerPort => Some(c"TCPLOCALPORT"),
            Fact::ServerName => Some(c"TCPLOCALHOST"),
            Fact::RelayClient => Some(c"RELAYCLIENT"),
            Fact::User | Fact::Tls | Fact::ReplyStyle | Fact::AuthOffered | Fact::RemovesForged => None,
        }
    }
}

/// What the mail server said of one fact.
struct Said {
    is_said: bool,
    is_unset: bool,
    value: Buffer<FACT_MAX>,
}

impl Said {
    const NOTHING: Said = Said { is_said: false, is_unset: false, value: Buffer::new() };
}

/// Number of facts.
const FACTS: usize = 13;

/// Everything the mail server said.
pub(crate) struct Facts {
    said: [Said; FACTS],
}

impl Facts {
    pub(crate) const fn new() -> Self {
        Facts { said: [Said::NOTHING; FACTS] }
    }

    pub(crate) fn clear(&mut self) {
        for said in &mut self.said {
            said.is_said = false;
        }
    }

    /// The mail server says: `None` = unset, whatever the environment holds.
    pub(crate) fn set(&mut self, fact: Fact, value: Option<&[u8]>) {
        if let Some(said) = self.said.get_mut(fact as usize) {
            said.is_said = true;
            said.is_unset = value.is_none();
            said.value.set(value.unwrap_or(b""));
        }
    }

    /// What is known; the environment is read now, for it may change in mid-session.
    pub(crate) fn get<'a, S: Sys>(&'a self, sys: &'a S, fact: Fact) -> Option<&'a [u8]> {
        match self.said.get(fact as usize) {
            Some(said) if said.is_said => (!said.is_unset).then_some(said.value.as_slice()),
            _ => fact.variable().and_then(|name| variable(sys, name)),
        }
    }

    pub(crate) fn is_set<S: Sys>(&self, sys: &S, fact: Fact) -> bool {
        self.get(sys, fact).is_some()
    }

    /// An address; empty = unknown.
    pub(crate) fn ip<'a, S: Sys>(&'a self, sys: &'a S, fact: Fact) -> &'a [u8] {
        first(self.get(sys, fact).unwrap_or(b""), IP_MAX)
    }

    /// A port; 0 = unknown.
    pub(crate) fn port<S: Sys>(&self, sys: &S, fact: Fact) -> u16 {
        self.get(sys, fact).and_then(decimal).and_then(|port| u16::try_from(port).ok()).unwrap_or(0)
    }
}

/// An environment variable, cut.
pub(crate) fn variable<'a, S: Sys>(sys: &'a S, name: &CStr) -> Option<&'a [u8]> {
    sys.env(name).map(|value| first(value, FACT_MAX))
}
