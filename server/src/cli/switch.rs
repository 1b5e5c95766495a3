//! `tollgate off` and `tollgate on`: the kill switch.

use super::{Context, Failure, args::OffArgs, client::Server, exit, json, text::one_line, units::utc};
use crate::pipeline::KillSwitch;
use nix::unistd::{Uid, User, getuid};
use serde_json::json;
use tollgate_proto::v1::{SwitchRequest, SwitchState};

pub(super) fn off(args: OffArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let by = args.by.unwrap_or_else(user);
    for (flag, text) in [("--reason", &args.reason), ("--by", &by)] {
        if text.len() > KillSwitch::TEXT_OCTETS_MAX || text.trim().is_empty() {
            let line = format!("{flag}: {} bytes: expected 1 to {}", text.trim().len(), KillSwitch::TEXT_OCTETS_MAX);
            return Err(Failure::new(exit::USAGE, line));
        }
    }
    switch(SwitchRequest { seconds: args.seconds, reason: args.reason, by }, context)
}

pub(super) fn on(context: &mut Context<'_>) -> Result<u8, Failure> {
    switch(SwitchRequest { seconds: 0, reason: String::new(), by: user() }, context)
}

fn switch(request: SwitchRequest, context: &mut Context<'_>) -> Result<u8, Failure> {
    let reply = Server::connect(context)?.ask(async |mut admin| admin.switch(request).await)?;
    if context.common.json {
        json::print(context.out, &json!({ "off": json::switch(reply.off.as_ref()) }))?;
    } else {
        match &reply.off {
            Some(off) => writeln!(context.out, "OFF {}; `tollgate on` ends it before", since(off))?,
            None => writeln!(context.out, "on: every check does what the configuration says")?,
        }
    }
    Ok(exit::FINE)
}

/// `until 2026-03-01 12:00:00 UTC by root: the list went mad`.
pub(super) fn since(off: &SwitchState) -> String {
    format!("until {} by {}: {}", utc(off.until), one_line(&off.by), one_line(&off.reason))
}

/// Who types: sudo's caller, else the login name; where neither is told, as in a cron job, the name that the system has.
pub(super) fn user() -> String {
    user_of(|name| std::env::var(name).ok(), getuid())
}

fn user_of(variable: impl Fn(&str) -> Option<String>, uid: Uid) -> String {
    let told =
        ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| variable(name).filter(|user| !user.is_empty()));
    let known = || User::from_uid(uid).ok().flatten().map(|user| user.name);
    told.or_else(known).unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_types_has_a_name_without_variables_too() {
        let root = Uid::from_raw(0);
        assert_eq!(user_of(|_| None, root), "root");
        assert_eq!(user_of(|_| Some(String::new()), root), "root");
        assert_eq!(user_of(|name| (name == "LOGNAME").then(|| "hans".to_owned()), root), "hans");
        assert_eq!(user_of(|name| Some(name.to_lowercase()), root), "sudo_user");
        assert_eq!(user_of(|_| None, Uid::from_raw(4_294_967_000)), "uid 4294967000");
    }
}
