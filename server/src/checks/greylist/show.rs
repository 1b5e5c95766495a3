//! What does greylisting cost, and what is remembered of one sender? `tollgate greylist OP`.

use super::{
    Greylist,
    who::{Class, Identity, Seen, Use, correspondent_key},
};
use crate::{
    ask::{StateAnswer, StateQuestion},
    check::{Memory, Rows, Waits},
    checks::{client_name::generic::registered, sending_side::net_of},
    session::{Address, parse_ip},
    state::{Digest, Record, Triplet},
};
use bytes::Bytes;

pub(super) const OPERATIONS: &[(&str, &str)] = &[
    ("report", "what it costs, since the daemon's start, by what senders are known by"),
    ("show", "IP SENDER RECIPIENT [HOSTNAME]: what is remembered of this mail; SENDER \"\" is a bounce's"),
];

pub(super) fn shown(greylist: &Greylist, op: &str, args: &[String], memory: &dyn Memory) -> Result<Rows, String> {
    match (op, args) {
        ("report", []) => Ok(report(&memory.waits())),
        ("report", _) => Err("expected no arguments: report".to_owned()),
        ("show", [ip, sender, recipient, name @ ..]) if name.len() < 2 => {
            show(greylist, [ip, sender, recipient], name.first(), memory)
        }
        ("show", _) => Err("expected an address, a sender and a recipient: show IP SENDER RECIPIENT [HOSTNAME]".into()),
        _ => Err(format!("there is no operation \"{op}\": expected report or show")),
    }
}

/// The share that has not come back holds mail that is still waiting, too.
fn report(waits: &[Waits]) -> Rows {
    let columns = ["known_by", "began_to_wait", "came_back", "not_back", "waited_p50_s", "waited_p95_s"];
    let classes = [Class::Spf, Class::Rdns, Class::Net];
    let names = classes.iter().flat_map(|class| [class.name(), class.name_rehearsed()]);
    let row = |name: &str| {
        let wait = waits.iter().find(|wait| wait.class == name)?;
        let missing = wait.begun.saturating_sub(wait.passed);
        let share = missing.saturating_mul(100).checked_div(wait.begun);
        let (p50, p95) = wait.p50_p95;
        let known = |number: u64| if wait.passed == 0 { String::new() } else { number.to_string() };
        let share = share.map_or_else(String::new, |percent| format!("{percent} %"));
        Some(vec![name.to_owned(), wait.begun.to_string(), wait.passed.to_string(), share, known(p50), known(p95)])
    };
    Rows { columns: columns.map(str::to_owned).to_vec(), rows: names.filter_map(row).collect() }
}

fn show(
    greylist: &Greylist,
    [ip, sender, recipient]: [&String; 3],
    name: Option<&String>,
    memory: &dyn Memory,
) -> Result<Rows, String> {
    let wrong = || format!("\"{ip}\" is no address: expected one such as 192.0.2.1 or 2001:db8::1");
    let ip = parse_ip(ip.as_bytes()).ok_or_else(wrong)?;
    let [sender, recipient] = [sender, recipient].map(|text| Address::new(Bytes::copy_from_slice(text.as_bytes())));
    let now = memory.now().unix_seconds();
    let look = |key: Digest| {
        let question = StateQuestion::Triplet(key);
        memory.look(&if greylist.is_rehearsal { question.rehearsed() } else { question })
    };
    let identity = |class, name: &str| Identity { class, name: name.to_ascii_lowercase(), usage: Use::Main };
    let domain = sender.domain().map(|domain| String::from_utf8_lossy(domain.0).into_owned());
    let identities = [
        domain.map(|domain| identity(Class::Spf, &domain)),
        name.map(|name| identity(Class::Rdns, registered(&name.to_ascii_lowercase()))),
        Some(identity(Class::Net, &net_of(ip).to_string())),
    ];
    let mut rows = Vec::new();
    for identity in identities.into_iter().flatten() {
        let seen = Seen::new(identity, sender.lower(), recipient.lower());
        let (class, name) = (seen.identity.class.name(), &seen.identity.name);
        let mut row =
            |what: &str, key| rows.push(vec![class.to_owned(), name.clone(), what.to_owned(), told(&look(key), now)]);
        row("this mail", seen.triplet_key);
        row("comes back", seen.proven_key);
    }
    let wrote = told(&look(correspondent_key(sender.lower(), recipient.lower())), now);
    let of_pair = String::from_utf8_lossy(sender.lower()).into_owned();
    rows.push(vec!["correspondent".to_owned(), of_pair, "written to".to_owned(), wrote]);
    Ok(Rows { columns: ["known_by", "name", "what", "remembered"].map(str::to_owned).to_vec(), rows })
}

fn told(answer: &StateAnswer, now: u64) -> String {
    let ago = |at: u64| now.saturating_sub(at);
    match answer {
        StateAnswer::Triplet(triplet) if triplet.expires_at() <= now => "nothing".to_owned(),
        StateAnswer::Triplet(Triplet { first, last, passed: 0, .. }) => {
            format!("first {} s ago, last {} s ago, waits", ago(*first), ago(*last))
        }
        StateAnswer::Triplet(Triplet { last, passed, .. }) => {
            format!("yes, for {} s, last {} s ago", ago(*passed), ago(*last))
        }
        StateAnswer::Nothing => "nothing".to_owned(),
        other => other.to_string(),
    }
}
