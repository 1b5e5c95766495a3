//! Who gets a local part's mail? `users/cdb` says, as to `qmail-lspawn`; what it does not know, the host's accounts do, as
//! to `qmail-getpw`.

use super::{Host, Looked, Owner, Trace, shown};
use crate::lists::qmail::{Assigned, assigned};

/// Names of users are shorter (`GETPW_USERLEN`, with a NUL): longer ones are not tried.
const NAME_OCTETS_MAX: usize = 31;

/// Separates a user's name from an extension (`conf-break`).
const BREAK: u8 = b'-';

/// Gets what no user has (`conf-users`).
const ALIAS: &[u8] = b"alias";

/// What `qmail-local` is started with.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) user: Vec<u8>,
    pub(super) home: Vec<u8>,
    /// Empty = a user's own address.
    pub(super) dash: Vec<u8>,
    pub(super) ext: Vec<u8>,
}

/// Who, and with which extension. `Err` = the answer is known already.
pub(super) fn find(host: &dyn Host, local: &[u8], trace: &mut Trace) -> Result<Delivery, Looked> {
    let trouble = |error| Looked::trouble(format!("users/cdb: {error}"));
    match host.users().map_err(trouble)? {
        None => trace.note("users/cdb", || "there is none".to_owned()),
        Some(users) => match assigned(users, local).map_err(trouble)? {
            None => trace.note("users/cdb", || format!("gives {} to nobody", shown(local))),
            Some(Assigned::Malformed { by }) => {
                return Err(Looked::unknown(format!("users/cdb: the record {} has too few fields", shown(&by))));
            }
            Some(Assigned::To { by, user, home, dash, ext }) => {
                trace.note("users/cdb", || {
                    format!(
                        "{}: user {}, home {}, dash \"{}\", extension \"{}\"",
                        shown(&by),
                        shown(&user),
                        shown(&home),
                        shown(&dash),
                        shown(&ext)
                    )
                });
                return Ok(Delivery { user, home, dash, ext });
            }
        },
    }
    match account(host, local, trace)? {
        Some(delivery) => Ok(delivery),
        None => alias(host, local, trace),
    }
}

/// The longest part of the local part, up to its end or a `-`, that is the name of a user who owns a home.
fn account(host: &dyn Host, local: &[u8], trace: &mut Trace) -> Result<Option<Delivery>, Looked> {
    for end in (0..=local.len().min(NAME_OCTETS_MAX)).rev() {
        if !matches!(local.get(end), None | Some(&BREAK)) {
            continue;
        }
        let name = local[..end].to_ascii_lowercase();
        let Some(account) = host.account(&name).map_err(Looked::trouble)? else {
            trace.note("passwd", || format!("there is no user \"{}\"", shown(&name)));
            continue;
        };
        let home = shown(&account.home);
        if account.uid == 0 {
            trace.note("passwd", || format!("{} is root, who gets no mail", shown(&name)));
            continue;
        }
        match host.owner(&account.home) {
            Owner::Uid(uid) if uid == account.uid => {
                trace.note("passwd", || format!("user {}, home {home}", shown(&name)));
                let (dash, ext) = match local.get(end + 1..) {
                    Some(ext) => (vec![b'-'], ext.to_owned()),
                    None => Default::default(),
                };
                return Ok(Some(Delivery { user: name, home: account.home, dash, ext }));
            }
            Owner::Uid(uid) => {
                trace.note("passwd", || {
                    format!("{} does not own {home}: user {uid} does, {} expected", shown(&name), account.uid)
                });
            }
            Owner::Unseen(why) => trace.note("passwd", || format!("user {}, home {home}: {why}", shown(&name))),
            Owner::Trouble(why) => return Err(Looked::trouble(format!("home {home}: {why}"))),
        }
    }
    Ok(None)
}

/// The user who gets everything else. Whether that user owns a home is not asked, nor by `qmail-getpw`.
fn alias(host: &dyn Host, local: &[u8], trace: &mut Trace) -> Result<Delivery, Looked> {
    match host.account(ALIAS).map_err(Looked::trouble)? {
        Some(account) => {
            trace.note("passwd", || format!("user alias, home {}", shown(&account.home)));
            Ok(Delivery { user: ALIAS.to_owned(), home: account.home, dash: vec![b'-'], ext: local.to_owned() })
        }
        None => Err(Looked::missing(format!("{} is no user's, and there is no user alias", shown(local)))),
    }
}
