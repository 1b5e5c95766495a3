//! `tollgate check`: what would happen to a mail?

use super::{Context, Failure, args::CheckArgs, client::Server, decision, exit, json};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};
use tollgate_proto::v1::{Action, CheckReply, CheckRequest, Connection, Helo, Mail, Rcpthosts};

pub(super) fn run(args: CheckArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let request = request(args);
    let reply = Server::connect(context)?.ask_to_work(async |mut admin| admin.check(request).await)?;
    if context.common.json {
        json::print(context.out, &json::check(&reply))?;
    } else {
        for each in &reply.decisions {
            decision::print(context.out, each)?;
        }
    }
    Ok(exit_code(&reply))
}

/// The worst verdict of all.
fn exit_code(reply: &CheckReply) -> u8 {
    let any = |action| reply.decisions.iter().any(|each| decision::verdict(each).action() == action);
    if any(Action::Reject) {
        exit::NO
    } else if any(Action::Defer) {
        exit::DEFERRED
    } else {
        exit::FINE
    }
}

fn request(args: CheckArgs) -> CheckRequest {
    let bytes = |text: OsString| bytes::Bytes::from(text.into_vec());
    let connection = Connection {
        client_ip: args.ip.to_string().into(),
        client_name: args.name.map(bytes),
        server_ip: args.server_ip.map(|ip| ip.to_string().into()).unwrap_or_default(),
        host: args.host.map(bytes).unwrap_or_default(),
        tls: args.tls,
        authenticated_user: args.user.map(bytes),
        relayclient: args.relay.then(bytes::Bytes::new),
        // As a hooked mail server does: so all header fields are seen.
        removes_forged: true,
        ..Connection::default()
    };
    let rcpthosts = match args.rcpthosts.as_deref() {
        Some("allowed") => Rcpthosts::Allowed,
        Some("refused") => Rcpthosts::Refused,
        _ => Rcpthosts::Unknown,
    };
    CheckRequest {
        connection: Some(connection),
        helo: args.helo.map(|helo| Helo { helo: bytes(helo), esmtp: true }),
        mail: args.from.map(|from| Mail { sender: address(&from), declared_size: 0 }),
        recipients: args.rcpt.iter().map(|recipient| address(recipient)).collect(),
        rcpthosts: rcpthosts.into(),
    }
}

/// An envelope address; people paste it with its brackets.
fn address(text: &OsStr) -> bytes::Bytes {
    let text = text.as_bytes();
    let inner = text.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(text);
    bytes::Bytes::copy_from_slice(inner)
}
