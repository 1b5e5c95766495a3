//! Is this address one of a mailing list's, and what is it for? ezmlm's and ezmlm-idx's addresses: the list itself, its
//! owner, where its bounces and confirmations come back to, and commands.
//!
//! Nothing here proves that an address was really given out: a cookie in it is ezmlm's to check. `subscribers` knows who
//! is in a list's files.

pub(super) mod subscribers;

use super::keys::Sorted;
use crate::session::Address;
use std::{collections::HashMap, sync::Arc};

/// What an address of a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The list itself: who writes there writes to all.
    Post,
    /// `L-owner`: a person.
    Owner,
    /// `L-return-…`: where bounces come back to (VERP), of the list, its digest, its warnings and probes.
    Bounce,
    /// `L-sc.…` and its like, `L-accept-…`, `L-reject-…`, `L-confirm-…`, `L-discard-…`: an answer to a mail of the list's.
    Reply,
    /// `L-subscribe`, `L-help` and other commands.
    Command,
}

impl Role {
    /// The word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Owner => "owner",
            Self::Bounce => "bounce",
            Self::Reply => "reply",
            Self::Command => "command",
        }
    }
}

/// One list.
#[derive(Clone, Debug, Default)]
pub struct MailingList {
    /// Its address, in lower case.
    pub address: String,
    /// Who may post where only subscribers may: subscribers, those of the digest, those allowed, moderators. `None` =
    /// everybody may.
    pub posters: Option<Vec<Arc<Sorted>>>,
    /// Who may not post.
    pub denied: Vec<Arc<Sorted>>,
}

/// The lists of this host.
#[derive(Clone, Debug, Default)]
pub struct MailingLists {
    lists: Vec<MailingList>,
    by_address: HashMap<Box<[u8]>, usize>,
}

impl MailingLists {
    /// All of them. Of two with one address the first counts.
    pub fn new(lists: Vec<MailingList>) -> Self {
        let mut by_address = HashMap::new();
        for (at, list) in lists.iter().enumerate() {
            by_address.entry(list.address.as_bytes().into()).or_insert(at);
        }
        Self { lists, by_address }
    }

    /// The list whose address this is, and what for.
    pub fn find(&self, address: &Address) -> Option<(&MailingList, Role)> {
        if self.lists.is_empty() {
            return None;
        }
        let (local, domain) = (address.local_part(), address.domain()?.0);
        let list = |name: &[u8]| self.by_address.get(&[name, b"@", domain].concat()[..]).map(|&at| &self.lists[at]);
        if let Some(list) = list(local) {
            return Some((list, Role::Post));
        }
        // As many as an address has hyphens; it is bounded. The longest name first: lists may be named `a` and `a-b`.
        let hyphens = local.iter().enumerate().rev().filter(|&(_, &byte)| byte == b'-').map(|(at, _)| at);
        hyphens.filter_map(|at| Some((list(&local[..at])?, role(&local[at + 1..])?))).next()
    }

    /// Does this mail only come back to a list: a bounce to where bounces come back to, or an answer to a mail of the
    /// list's? Whoever sends it, it is the list that began.
    pub fn comes_back(&self, sender: &Address, recipient: &Address) -> bool {
        // qmail-send's double bounces come from `#@[]`.
        let is_bounce = sender.is_null() || sender.raw() == b"#@[]";
        match self.find(recipient) {
            Some((_, Role::Bounce)) => is_bounce,
            Some((_, Role::Reply)) => true,
            Some((_, Role::Post | Role::Owner | Role::Command)) | None => false,
        }
    }

    /// Lists.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// No lists.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }
}

impl MailingList {
    /// May only subscribers post, and is this no one of them?
    pub fn keeps_out(&self, sender: &Address) -> bool {
        self.posters.as_ref().is_some_and(|posters| !is_in(posters, sender))
    }

    /// Is the sender denied?
    pub fn denies(&self, sender: &Address) -> bool {
        is_in(&self.denied, sender)
    }
}

/// A list has at most 53 files in each of five databases.
fn is_in(files: &[Arc<Sorted>], sender: &Address) -> bool {
    files.iter().any(|addresses| addresses.contains(sender.lower()))
}

/// Commands of ezmlm-manage, ezmlm-get and ezmlm-request.
const COMMANDS: [&[u8]; 21] = [
    b"allow",
    b"deny",
    b"edit",
    b"faq",
    b"get",
    b"help",
    b"index",
    b"info",
    b"list",
    b"log",
    b"lists",
    b"mod",
    b"put",
    b"query",
    b"request",
    b"subscribe",
    b"system",
    b"thread",
    b"unsubscribe",
    b"which",
    b"author",
];
/// Letters in front of a confirmation's time: subscribe, unsubscribe, their forms for moderators and receipts.
const CONFIRMATIONS: &[u8] = b"strvuw";
/// Letters of a cookie: each one of `a` to `p`.
const COOKIE_OCTETS: usize = 20;

/// What stands behind the list's name and a hyphen, in lower case.
fn role(text: &[u8]) -> Option<Role> {
    // The digest has all addresses of a list but the list's own; subscribers of sub-lists have theirs, too.
    let text = [b"digest-".as_slice(), b"allow-", b"deny-", b"mod-"]
        .iter()
        .find_map(|twin| text.strip_prefix(*twin))
        .unwrap_or(text);
    let begins = |word: &&[u8]| text.starts_with(word);
    match text {
        b"owner" => Some(Role::Owner),
        _ if text.starts_with(b"return-") => Some(Role::Bounce),
        _ if [b"accept-".as_slice(), b"reject-", b"confirm-", b"discard-"].iter().any(begins) => Some(Role::Reply),
        [letter, b'c', b'.', rest @ ..] if CONFIRMATIONS.contains(letter) => is_cookie(rest).then_some(Role::Reply),
        _ => {
            // A command may be followed by numbers, options and an address: `get.1_20`, `threadv7`, `subscribe-user=host`.
            let end = text.iter().position(|byte| matches!(byte, b'.' | b'-') || byte.is_ascii_digit());
            let word = &text[..end.unwrap_or(text.len())];
            let plain = word.strip_suffix(b"v").unwrap_or(word);
            COMMANDS.iter().any(|command| *command == word || *command == plain).then_some(Role::Command)
        }
    }
}

/// `<time>.<cookie>-user=host`.
fn is_cookie(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(cookie) = text[digits..].strip_prefix(b".").and_then(|rest| rest.split_at_checked(COOKIE_OCTETS)) else {
        return false;
    };
    let (cookie, rest) = cookie;
    digits > 0 && cookie.iter().all(|byte| (b'a'..=b'p').contains(byte)) && rest.starts_with(b"-")
}

#[cfg(test)]
mod tests;
