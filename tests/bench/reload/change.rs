//! What changes in the files, one kind after the other, and who is answered otherwise once it holds?

use crate::lists::Lists;
use std::{error::Error, net::Ipv4Addr};

/// How many kinds of files there are.
const KINDS: u32 = 9;

/// Who is asked about to see whether a change holds.
pub(crate) struct Change {
    pub(crate) client_ip: String,
    pub(crate) sender: String,
    pub(crate) recipient: String,
    /// The mail server does not say whether it relays for the recipient.
    pub(crate) rcpthosts_unknown: bool,
    /// They are refused once it holds, and were not before; or the other way round.
    pub(crate) refused: bool,
}

/// Changes the file whose turn it is. No two numbers make the same change.
pub(crate) fn make(lists: &Lists, number: u32) -> Result<Change, Box<dyn Error>> {
    let ip = Ipv4Addr::from(0xc633_0000 + number);
    let mut change = Change {
        client_ip: "203.0.113.77".to_owned(),
        sender: "ann@there.example".to_owned(),
        recipient: "bob@ours.example".to_owned(),
        rcpthosts_unknown: false,
        refused: true,
    };
    match number % KINDS {
        0 => {
            change.sender = format!("x@new{number}.example");
            lists.append("control/badmailfrom", &format!("@new{number}.example\n"))?;
        }
        1 => {
            change.recipient = format!("new{number}@ours.example");
            lists.append("control/badrcptto", &format!("new{number}@ours.example\n"))?;
        }
        2 => {
            change.client_ip = ip.to_string();
            lists.clients(Some(ip))?;
        }
        3 => {
            change.sender = format!("x@newer{number}.example");
            lists.senders(Some(format!("@newer{number}.example")))?;
        }
        4 => {
            change.client_ip = ip.to_string();
            lists.rules(Some(ip))?;
        }
        _ => taken(lists, number, &mut change)?,
    }
    Ok(change)
}

/// Changes by which somebody is let in.
fn taken(lists: &Lists, number: u32, change: &mut Change) -> Result<(), Box<dyn Error>> {
    change.refused = false;
    match number % KINDS {
        5 => {
            // One of those that are refused, as long as there are more of them than changes.
            let ip = Ipv4Addr::from(0x0a00_0000 + number);
            change.client_ip = ip.to_string();
            lists.zone(Some(ip))
        }
        6 => {
            change.sender = format!("new{number}@there.example");
            change.recipient = "team@ours.example".to_owned();
            lists.subscribe(&change.sender)
        }
        7 => {
            change.recipient = format!("new{number}@here.example");
            lists.text(&format!("home/.qmail-new{number}"), "")?;
            lists.snapshot()
        }
        _ => {
            // A domain of ours: whoever it is, postmaster is reachable there.
            change.sender = "x@d0.example".to_owned();
            change.recipient = format!("postmaster@new{number}.example");
            change.rcpthosts_unknown = true;
            lists.append("control/rcpthosts", &format!("new{number}.example\n"))
        }
    }
}
