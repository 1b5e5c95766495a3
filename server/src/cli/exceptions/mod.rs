//! `tollgate allow`, `deny`, `pardon` and `exceptions`: who is let through or kept out for a while?

mod args;

use super::{
    Context, Failure,
    client::Server,
    exit, json,
    switch::user,
    text::{columns, one_line},
    units::{span, utc},
};
use crate::{
    clock::Clock,
    config::Network,
    exceptions::{ID_LETTERS, WORDS_OCTETS_MAX},
};
pub(super) use args::{ExceptionsArgs, MakeArgs, PardonArgs};
use args::{What, Who};
use serde_json::json;
use tollgate_proto::v1::{
    Exception, ExceptionListRequest, ExceptionMakeRequest, ExceptionPardonRequest, ExceptionRemoveRequest, PardonScope,
};

/// `tollgate allow` and `tollgate deny`.
pub(super) fn make(allow: bool, args: MakeArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let MakeArgs { whom, mut client, mut sender, recipient, seconds, reason, who } = args;
    for one in whom {
        // Whatever looks like an address of a client is one; addresses of mail have an @, begin with a dot or stand in
        // brackets.
        let is_mail = one.contains('@') || one.starts_with(['.', '<', '*']);
        let (flag, place) = if one.parse::<Network>().is_ok() || !is_mail {
            ("--client", &mut client)
        } else {
            ("--sender", &mut sender)
        };
        if let Some(before) = place.replace(one.clone()) {
            let line = format!("{}: {flag} is {} already", one_line(&one), one_line(&before));
            return Err(Failure::new(exit::USAGE, line));
        }
    }
    if [&client, &sender, &recipient].iter().all(|scope| scope.is_none()) {
        let line = "expected whom it is about: a client, a sender, or --recipient";
        return Err(Failure::new(exit::USAGE, line));
    }
    let request = ExceptionMakeRequest {
        allow,
        clients: client.unwrap_or_default(),
        sender: sender.unwrap_or_default(),
        recipient: recipient.unwrap_or_default(),
        seconds,
        reason: words("--reason", reason)?,
        by: by(who)?,
    };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.exception_make(request).await)?;
    let made = reply.exception.unwrap_or_default();
    if context.common.json {
        json::print(context.out, &json!({ "exception": shown(&made), "renewed": reply.renewed }))?;
        return Ok(exit::FINE);
    }
    let renewed = if reply.renewed { " (renewed)" } else { "" };
    writeln!(context.out, "{} {}{renewed}; {}", id(&made), told(&made), undo(&made))?;
    if made.needs_spf {
        writeln!(
            context.out,
            "it holds only where SPF says that the sender sent the mail: give --client besides, if not"
        )?;
    }
    Ok(exit::FINE)
}

/// `tollgate pardon`.
pub(super) fn pardon(args: PardonArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let PardonArgs { id: decision_id, seconds, exact, client_only, sender_only, reason, who } = args;
    let scope = match (client_only, sender_only) {
        (true, _) => PardonScope::Client,
        (_, true) => PardonScope::Sender,
        (false, false) => PardonScope::ClientAndSender,
    };
    let reason = if reason.trim().is_empty() { String::new() } else { words("--reason", reason)? };
    let request = ExceptionPardonRequest { decision_id, seconds, reason, by: by(who)?, scope: scope.into(), exact };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.exception_pardon(request).await)?;
    let made = reply.exception.unwrap_or_default();
    if context.common.json {
        let (renewed, lists) = (reply.renewed, reply.lists);
        let value = json!({ "exception": shown(&made), "renewed": renewed, "lists": lists });
        json::print(context.out, &value)?;
        return Ok(exit::FINE);
    }
    let noted = match (reply.renewed, reply.lists) {
        (true, _) => " (renewed: it counts once)".to_owned(),
        (false, 0) => String::new(),
        (false, 1) => ", noted against 1 DNS list".to_owned(),
        (false, lists) => format!(", noted against {lists} DNS lists"),
    };
    writeln!(context.out, "pardoned: {} {}{noted}; {}", id(&made), told(&made), undo(&made))?;
    Ok(exit::FINE)
}

/// `tollgate exceptions`.
pub(super) fn run(args: ExceptionsArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    match args.what {
        What::List => list(context),
        What::Show { id } => show(id, context),
        What::Remove { id, who } => remove(id, who, context),
    }
}

fn asked(id: String, context: &Context<'_>) -> Result<Vec<Exception>, Failure> {
    let request = ExceptionListRequest { id };
    Ok(Server::connect(context)?.ask(async |mut admin| admin.exception_list(request).await)?.exceptions)
}

fn list(context: &mut Context<'_>) -> Result<u8, Failure> {
    let all = asked(String::new(), context)?;
    if context.common.json {
        let rows: Vec<_> = all.iter().map(shown).collect();
        json::print(context.out, &json!({ "exceptions": rows }))?;
        return Ok(exit::FINE);
    }
    if all.is_empty() {
        writeln!(context.out, "there are no exceptions")?;
        return Ok(exit::FINE);
    }
    let now = Clock::system().now().unix_seconds();
    let header = ["id", "action", "scope", "ends in", "hits", "changed", "last hit", "needed?", "by", "reason"];
    let rows = std::iter::once(header.map(str::to_owned).to_vec()).chain(all.iter().map(|one| cells(one, now)));
    write!(context.out, "{}", columns("", &rows.collect::<Vec<_>>()))?;
    Ok(exit::FINE)
}

fn cells(one: &Exception, now: u64) -> Vec<String> {
    let last = if one.last_hit == 0 { "never".to_owned() } else { ago(now, one.last_hit) };
    vec![
        id(one),
        one_line(&one.action),
        scope(one),
        span(one.until.saturating_sub(now)),
        one.hits.to_string(),
        one.changed.to_string(),
        last,
        need(one),
        one_line(&one.by),
        one_line(&one.reason),
    ]
}

fn ago(now: u64, then: u64) -> String {
    format!("{} ago", span(now.saturating_sub(then)))
}

fn show(wanted: String, context: &mut Context<'_>) -> Result<u8, Failure> {
    let mut all = asked(wanted.clone(), context)?;
    let wanted = one_line(&wanted);
    let one = match (all.pop(), all.is_empty()) {
        (None, _) => return Err(Failure::new(exit::NO, format!("{wanted}: there is no such exception"))),
        (Some(_), false) => return Err(Failure::new(exit::NO, format!("{wanted}: several ids begin so"))),
        (Some(one), true) => one,
    };
    if context.common.json {
        json::print(context.out, &shown(&one))?;
        return Ok(exit::FINE);
    }
    let spf = if one.needs_spf { ", where SPF says that the sender sent the mail" } else { "" };
    let rows = [
        ("id", one_line(&one.id)),
        ("action", one_line(&one.action)),
        ("scope", format!("{}{spf}", scope(&one))),
        ("made", utc(one.made_at)),
        ("until", utc(one.until)),
        ("by", one_line(&one.by)),
        ("reason", one_line(&one.reason)),
        ("hits", format!("{}, last {}", one.hits, utc(one.last_hit))),
        ("changed", format!("{}, last {}", one.changed, utc(one.last_changed))),
        ("needed?", need(&one)),
    ];
    write!(context.out, "{}", columns("", &rows.map(|(name, value)| vec![name.to_owned(), value])))?;
    Ok(exit::FINE)
}

fn remove(id_given: String, who: Who, context: &mut Context<'_>) -> Result<u8, Failure> {
    let request = ExceptionRemoveRequest { id: id_given, by: by(who)? };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.exception_remove(request).await)?;
    let was = reply.exception.unwrap_or_default();
    if context.common.json {
        json::print(context.out, &json!({ "exception": shown(&was) }))?;
    } else {
        writeln!(context.out, "ended: {} {}", id(&was), told(&was))?;
    }
    Ok(exit::FINE)
}

/// What is wrong with it is said before the daemon is asked.
fn words(flag: &str, text: String) -> Result<String, Failure> {
    if text.len() > WORDS_OCTETS_MAX || text.trim().is_empty() {
        let line = format!("{flag}: {} bytes: expected 1 to {WORDS_OCTETS_MAX}", text.trim().len());
        return Err(Failure::new(exit::USAGE, line));
    }
    Ok(text)
}

fn by(who: Who) -> Result<String, Failure> {
    words("--by", who.by.unwrap_or_else(user))
}

/// As much of the id as is shown.
fn id(one: &Exception) -> String {
    one_line(&one.id).chars().take(ID_LETTERS).collect()
}

fn scope(one: &Exception) -> String {
    let parts = [("clients", &one.clients), ("sender", &one.sender), ("recipient", &one.recipient)];
    let told = parts.iter().filter(|(_, text)| !text.is_empty());
    told.map(|(name, text)| format!("{name} {}", one_line(text))).collect::<Vec<_>>().join(", ")
}

/// `allow clients 192.0.2.0/24 until 2026-03-01 12:00:00 UTC`.
fn told(one: &Exception) -> String {
    format!("{} {} until {}", one_line(&one.action), scope(one), utc(one.until))
}

fn undo(one: &Exception) -> String {
    format!("`tollgate exceptions remove {}` ends it before", id(one))
}

fn need(one: &Exception) -> String {
    match one.need.as_str() {
        "unknown" => "no hit yet".to_owned(),
        "never_needed" => "never needed".to_owned(),
        "not_needed" => format!("not needed since {}", utc(one.last_changed)),
        other => one_line(other),
    }
}

/// With the names of the protocol.
fn shown(one: &Exception) -> serde_json::Value {
    json!({
        "id": one.id,
        "action": one.action,
        "clients": one.clients,
        "sender": one.sender,
        "recipient": one.recipient,
        "reason": one.reason,
        "by": one.by,
        "made_at": one.made_at,
        "until": one.until,
        "hits": one.hits,
        "changed": one.changed,
        "last_hit": one.last_hit,
        "last_changed": one.last_changed,
        "need": one.need,
        "needs_spf": one.needs_spf,
    })
}
