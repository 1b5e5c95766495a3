//! Who is let through or kept out by an administrator's word: made, listed, ended. `pardon` takes a refusal back.
//!
//! A change holds at once, is in the store when the reply comes, and has a line in the log that says who and why.

mod pardon;

pub(super) use pardon::pardon;

use crate::{
    app::Running,
    config::Network,
    exceptions::{Excepted, Made, Need, WORDS_OCTETS_MAX, action, scope},
    lists::names_postmaster,
    pipeline::Settings,
    rpc::convert::printable,
    state::{Digest, Exception, Record},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::task::spawn_blocking;
use tollgate_proto::v1;
use tonic::Status;

/// Makes an exception, or renews it.
pub(super) async fn make(
    running: &Running,
    request: v1::ExceptionMakeRequest,
) -> Result<v1::ExceptionMakeReply, Status> {
    let v1::ExceptionMakeRequest { allow, clients, sender, recipient, seconds, reason, by } = request;
    let now = running.clock.now();
    let typed = |text: &str| !text.trim().is_empty();
    let new = Exception {
        allows: allow,
        clients: typed(&clients).then(|| scope::clients(&clients)).transpose().map_err(Status::invalid_argument)?,
        sender: read(&sender, scope::sender)?,
        recipient: read(&recipient, scope::recipient)?,
        made_at: now.unix_seconds(),
        until: until(now.unix_seconds(), seconds)?,
        by: words("by", &by)?,
        reason: words("reason", &reason)?,
        ..Exception::default()
    };
    check_scope(&new, running.engine.policy().settings()).map_err(Status::invalid_argument)?;
    let made = running.engine.recall().exceptions.make(new, now).map_err(Status::failed_precondition)?;
    tell(running, "exception", &made);
    keep(running).await?;
    Ok(v1::ExceptionMakeReply { exception: Some(shown(made.id, &made.said)), renewed: made.renewed })
}

/// All that hold, or those of some ids.
pub(super) fn list(running: &Running, request: &v1::ExceptionListRequest) -> v1::ExceptionListReply {
    let wanted = request.id.trim().to_ascii_lowercase();
    let mut all = running.engine.recall().exceptions.all(running.clock.now());
    all.retain(|(id, _)| id.to_string().starts_with(&wanted));
    v1::ExceptionListReply { exceptions: all.iter().map(|(id, said)| shown(*id, said)).collect() }
}

/// Ends one before its time.
pub(super) async fn remove(
    running: &Running,
    request: v1::ExceptionRemoveRequest,
) -> Result<v1::ExceptionRemoveReply, Status> {
    let (exceptions, now) = (&running.engine.recall().exceptions, running.clock.now());
    let by = words("by", &request.by)?;
    let (id, _) = exceptions.find(&request.id, now).map_err(Status::not_found)?;
    let Some(said) = exceptions.remove(id, now) else {
        return Err(Status::not_found("it has just ended by itself"));
    };
    let words = vec![("exception", Excepted::shown(id)), ("scope", scope::told(&said)), ("by", by)];
    running.ring.notice(now, "exception_removed", words);
    keep(running).await?;
    Ok(v1::ExceptionRemoveReply { exception: Some(shown(id, &said)) })
}

/// Writes it, now.
async fn keep(running: &Running) -> Result<(), Status> {
    let (recall, store) = (running.engine.recall().clone(), running.exceptions.clone());
    let kept = spawn_blocking(move || recall.exceptions.write(&*store)).await;
    let kept = kept.map_err(|error| error.to_string()).and_then(|kept| kept.map_err(|error| error.to_string()));
    kept.map_err(|error| Status::internal(format!("done, but not over a restart as yet: {error}")))
}

fn tell(running: &Running, event: &'static str, made: &Made) {
    running.ring.notice(running.clock.now(), event, told(made));
}

/// For the log: what, for whom, until when, who, why.
fn told(made: &Made) -> Vec<(&'static str, String)> {
    let Made { id, said, renewed } = made;
    vec![
        ("exception", Excepted::shown(*id)),
        ("action", action(said).to_owned()),
        ("scope", scope::told(said)),
        ("until", said.until.to_string()),
        ("renewed", renewed.to_string()),
        ("by", said.by.clone()),
        ("reason", said.reason.clone()),
    ]
}

fn read(text: &str, read: fn(&str) -> Result<String, String>) -> Result<String, Status> {
    if text.trim().is_empty() { Ok(String::new()) } else { read(text).map_err(Status::invalid_argument) }
}

fn until(now: u64, seconds: u32) -> Result<u64, Status> {
    let most = Exception::LIFETIME_SECONDS;
    if !(1..=most).contains(&seconds.into()) {
        return Err(Status::invalid_argument(format!("seconds = {seconds}: expected 1 to {most}")));
    }
    Ok(now + u64::from(seconds))
}

/// Who changes what others rely on says so, and why.
fn words(key: &str, text: &str) -> Result<String, Status> {
    let text = text.trim();
    if text.is_empty() || text.len() > WORDS_OCTETS_MAX {
        return Err(Status::invalid_argument(format!(
            "{key}: expected 1 to {WORDS_OCTETS_MAX} octets: others will ask"
        )));
    }
    Ok(text.to_owned())
}

/// What no exception may say. `Err` is one line.
fn check_scope(new: &Exception, settings: &Settings) -> Result<(), String> {
    let (any_sender, any_recipient) = (new.sender.is_empty(), new.recipient.is_empty());
    if new.clients.is_none() && any_sender && any_recipient {
        return Err("it is about everybody: expected clients, a sender or a recipient".to_owned());
    }
    if new.sender == scope::NULL && scope::is_forgeable(new) {
        return Err("the null sender is everybody's: expected the clients that it comes from besides".to_owned());
    }
    if new.allows {
        return Ok(());
    }
    if names_postmaster(new.recipient.as_bytes(), &settings.domains) {
        return Err(format!("{}: expected postmaster and abuse to stay reachable", new.recipient));
    }
    let ours = |net: &Network| covers_ours(net, settings).map(|ours| (*net, ours));
    match new.clients.as_ref().filter(|_| any_sender && any_recipient).and_then(ours) {
        Some((net, ours)) => Err(format!("clients {net}: {ours} is our own: expected other clients")),
        None => Ok(()),
    }
}

/// One of our own hosts or relays that is among these clients, or has them among its addresses.
fn covers_ours(net: &Network, settings: &Settings) -> Option<Network> {
    let loopback =
        [Network::around(IpAddr::V4(Ipv4Addr::LOCALHOST), 8), Network::around(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)];
    let all = loopback.iter().chain(&settings.own_addresses).chain(&settings.trusted_relays);
    let overlaps = |ours: &&Network| net.contains(ours.address) || ours.contains(net.address);
    all.copied().find(|ours| overlaps(&ours))
}

/// As the wire writes it.
fn shown(id: Digest, said: &Exception) -> v1::Exception {
    v1::Exception {
        id: id.to_string(),
        action: action(said).to_owned(),
        clients: said.clients.map(|net| net.to_string()).unwrap_or_default(),
        sender: printable(said.sender.as_bytes()),
        recipient: printable(said.recipient.as_bytes()),
        reason: printable(said.reason.as_bytes()),
        by: printable(said.by.as_bytes()),
        made_at: said.made_at,
        until: said.until,
        hits: said.hits.all,
        changed: said.hits.changed,
        last_hit: said.hits.last,
        last_changed: said.hits.last_changed,
        need: Need::of(said.hits).name().to_owned(),
        needs_spf: scope::is_forgeable(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Document;

    fn settings() -> Settings {
        let text = "[policy]\ndomains = [\"here.example\", \".sub.example\"]\nown_addresses = [\"203.0.113.0/28\"]\n\
                    trusted_relays = [\"198.51.100.7\"]\n";
        let document = Document::parse("t.toml", text).expect("TOML");
        crate::pipeline::Policy::build(&document, 1).map(|policy| policy.settings().clone()).expect("a policy")
    }

    fn check(allows: bool, clients: &str, sender: &str, recipient: &str) -> Result<(), String> {
        let (sender, recipient) = (sender.to_owned(), recipient.to_owned());
        let new = Exception { allows, clients: clients.parse().ok(), sender, recipient, ..Exception::default() };
        check_scope(&new, &settings())
    }

    #[test]
    fn what_may_not_be_said_is_refused_in_one_line() {
        for (allows, clients, sender, recipient, expected) in [
            (true, "", "", "", "about everybody"),
            (false, "", "", "", "about everybody"),
            (true, "", "<>", "", "null sender"),
            (true, "10.0.0.0/8", "<>", "you@here.example", "null sender"),
            (false, "", "", "postmaster@here.example", "stay reachable"),
            (false, "192.0.2.1", "", "abuse@a.sub.example", "stay reachable"),
            (false, "203.0.113.3", "", "", "203.0.113.0/28 is our own"),
            (false, "203.0.112.0/20", "", "", "203.0.113.0/28 is our own"),
            (false, "198.51.100.0/24", "", "", "198.51.100.7/32 is our own"),
            (false, "127.0.0.1", "", "", "127.0.0.0/8 is our own"),
            (false, "::1", "", "", "::1/128 is our own"),
        ] {
            let said = check(allows, clients, sender, recipient).expect_err(expected);
            assert!(said.contains(expected) && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn everything_else_may() {
        for (allows, clients, sender, recipient) in [
            (true, "127.0.0.1", "", ""),
            (true, "192.0.2.0/24", "<>", ""),
            (true, "", "@there.example", ""),
            (true, "", "", "postmaster@here.example"),
            (false, "", "<>", ""),
            (false, "", "", "@here.example"),
            (false, "", "", "abuse@elsewhere.example"),
            (false, "198.51.100.7", "ann@there.example", ""),
            (false, "192.0.2.0/24", "", ""),
        ] {
            assert_eq!(check(allows, clients, sender, recipient), Ok(()), "{clients} {sender} {recipient}");
        }
    }

    #[test]
    fn spans_and_words_are_bounded() {
        assert!(until(10, 0).is_err() && until(10, 34_560_001).is_err());
        assert_eq!(until(10, 34_560_000).ok(), Some(34_560_010));
        assert!(words("by", " \t").is_err() && words("by", &"x".repeat(201)).is_err());
        assert_eq!(words("by", " hans ").ok().as_deref(), Some("hans"));
    }
}
