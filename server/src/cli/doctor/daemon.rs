//! Does the daemon answer, and is it the one that should? Asks it over the admin socket.

use super::{super::client::Server, Context, Patient, Report};
use crate::{cli::switch, paths};
use std::{
    fs,
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::Path,
};
use tollgate_proto::v1::{StatusReply, StatusRequest};

const TEST: &str = "daemon";

pub(super) fn examine(patient: &Patient, context: &Context<'_>, report: &mut Report) {
    let asked =
        Server::connect(context).and_then(|server| server.ask(async |mut admin| admin.status(StatusRequest {}).await));
    match asked {
        Ok(status) => healthy(patient, &status, report),
        Err(failure) => report.fail(TEST, failure.line()),
    }
    second_daemon(patient, report);
}

fn healthy(patient: &Patient, status: &StatusReply, report: &mut Report) {
    let (socket, version) = (patient.admin_socket.display(), &status.version);
    report.ok(TEST, format!("answers on {socket}: version {version}, policy generation {}", status.generation));
    if version != env!("CARGO_PKG_VERSION") {
        let text = format!("the daemon is version {version}, this command {}", env!("CARGO_PKG_VERSION"));
        report.warn(TEST, format!("{text}: restart the daemon after an upgrade"));
    }
    if let Some(off) = &status.off {
        report.warn(TEST, format!("every check is OFF {}: `tollgate on` ends it", switch::since(off)));
    }
    if !status.reload_error.is_empty() {
        let text = format!("the newest reload failed and the old policy is in force: {}", status.reload_error);
        report.fail(TEST, format!("{text}: see `tollgate config --check`"));
    }
    let file = patient.config.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    if file != status.config {
        let name = |file: &str| if file.is_empty() { "no file".to_owned() } else { file.to_owned() };
        let text = format!("the daemon was started with {}, this command reads {}", name(&status.config), name(&file));
        report.warn("configuration", format!("{text}: name it with --config or TOLLGATE_CONFIG"));
    }
    let changed = fs::metadata(&status.config).ok().and_then(|found| u64::try_from(found.mtime()).ok());
    if changed.is_some_and(|changed| changed > status.loaded_at) {
        report.warn("configuration", format!("{} is newer than the policy in force: `tollgate reload`", status.config));
    }
    for list in status.lists.iter().filter(|list| !list.refused.is_empty()) {
        let stays = format!("its {} entries of before stay in force", list.entries);
        report.fail("list", format!("{}: {}: {stays}", list.check, list.refused));
    }
    for list in status.lists.iter().filter(|list| !list.error.is_empty()) {
        report.fail("list", format!("{}: {}: {}", list.check, list.path, list.error));
    }
}

/// Two daemons, one by the system and one by hand: half of the mail is judged by the wrong one.
fn second_daemon(patient: &Patient, report: &mut Report) {
    let is_other =
        |path: &Path| path.exists() && fs::canonicalize(path).ok() != fs::canonicalize(&patient.admin_socket).ok();
    for socket in paths::admin_sockets().iter().filter(|path| is_other(path)) {
        if UnixStream::connect(socket).is_ok() {
            let text = format!("another daemon answers on {}", socket.display());
            report.warn(TEST, format!("{text}: which one do your mail servers ask?"));
        }
    }
}
