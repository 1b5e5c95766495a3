//! May the mail server's user connect to the policy socket? Judged from the modes of the path's parts; as root also
//! tried, as that user with its primary group only, because that is how tcpserver starts qmail-smtpd.

use super::{
    Patient, Report,
    account::{self, Account},
};
use std::{
    fs::{self, Metadata},
    io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const TEST: &str = "policy socket";

/// Bits of a mode, as the last three stand.
const EXECUTE: u32 = 0o1;
const WRITE: u32 = 0o2;

pub(super) fn examine(patient: &Patient, report: &mut Report) {
    let (socket, user) = (&patient.server.socket.path, &patient.user);
    let shown = socket.display();
    match fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => return report.fail(TEST, format!("{shown} is not a socket: move it away and start tollgated")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return report
                .fail(TEST, format!("{shown} is not there: start tollgated; until then mail passes unchecked"));
        }
        Err(error) => return report.fail(TEST, format!("{shown}: {error}: run the doctor as root")),
    }
    let account = match account::find(user) {
        Ok(Some(account)) => account,
        Ok(None) => {
            let text = format!("there is no user {user} here: name the mail server's user with --user");
            return report.warn(TEST, text);
        }
        Err(fault) => return report.warn(TEST, fault.to_string()),
    };
    judge(socket, user, &account, report);
    failure_file(&patient.server.failures.path, user, &account, report);
}

fn judge(socket: &Path, user: &str, account: &Account, report: &mut Report) {
    let shown = socket.display();
    let primary = Account { groups: Vec::new(), ..account.clone() };
    match (obstacle(socket, &primary), obstacle(socket, account)) {
        (Ok(None), _) if refused_in_fact(socket, account) => {
            report.fail(TEST, format!("{shown}: modes allow {user}, but the system refuses: look for ACLs or a jail"));
        }
        (Ok(None), _) => report.ok(TEST, format!("{shown}: {user} may connect")),
        (Ok(Some(_)), Ok(None)) => {
            let text = format!("{shown}: {user} may connect only by a group that is not its primary one");
            report.warn(TEST, format!("{text}: tcpserver sets the primary one only; set [server] group to it"));
        }
        (Ok(Some(blocking)), _) => {
            let text = format!("{} keeps {user} from {shown}: mail passes unchecked", describe(&blocking));
            report.fail(TEST, format!("{text}: set [server] group to {user}'s group, or chmod the folder"));
        }
        (Err((path, error)), _) => report.warn(TEST, format!("{}: {error}: run the doctor as root", path.display())),
    }
}

/// The part of the path that keeps the account out, if one does: folders must let it through, the socket be written.
fn obstacle(socket: &Path, account: &Account) -> Result<Option<PathBuf>, (PathBuf, io::Error)> {
    let socket = fs::canonicalize(socket).map_err(|error| (socket.to_owned(), error))?;
    let parts: Vec<&Path> = socket.ancestors().collect();
    for part in parts.into_iter().rev() {
        let found = fs::metadata(part).map_err(|error| (part.to_owned(), error))?;
        let bit = if part == socket { WRITE } else { EXECUTE };
        if !is_allowed(&found, account, bit) {
            return Ok(Some(part.to_owned()));
        }
    }
    Ok(None)
}

/// POSIX: only the first class that fits counts, even if a later one allows more.
fn is_allowed(found: &Metadata, account: &Account, bit: u32) -> bool {
    let shift = match () {
        () if account.uid == 0 => return true,
        () if found.uid() == account.uid => 6,
        () if found.gid() == account.gid || account.groups.contains(&found.gid()) => 3,
        () => 0,
    };
    found.mode() >> shift & bit != 0
}

fn describe(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(found) => {
            let (mode, uid, gid) = (found.mode() & 0o7777, found.uid(), found.gid());
            format!("{} (mode {mode:04o}, user {uid}, group {gid})", path.display())
        }
        Err(_) => path.display().to_string(),
    }
}

/// As root: what modes do not show (ACLs, other rules) shows when the user itself asks.
fn refused_in_fact(socket: &Path, account: &Account) -> bool {
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "test -w \"$0\""]).arg(socket).current_dir("/");
    command.uid(account.uid).gid(account.gid).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.code() == Some(1))
}

/// Mail servers append here what they had to decide alone; the daemon collects it.
fn failure_file(path: &Path, user: &str, account: &Account, report: &mut Report) {
    const TEST: &str = "failure record";
    let primary = Account { groups: Vec::new(), ..account.clone() };
    let Ok(found) = fs::metadata(path) else { return };
    match obstacle(path, &primary) {
        Ok(Some(blocking)) => {
            let text = format!("{} keeps {user} from {}", describe(&blocking), path.display());
            report.warn(TEST, format!("{text}: mail that passes without us is not counted"));
        }
        Ok(None) if found.len() > 0 => {
            let text = format!("{} holds {} bytes", path.display(), found.len());
            report.warn(TEST, format!("{text}: mail servers decided alone, and the daemon has not counted it yet"));
        }
        Ok(None) => report.ok(TEST, format!("{}: {user} may append", path.display())),
        Err((path, error)) => report.warn(TEST, format!("{}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    const STRANGER: Account = Account { uid: 4_000_000, gid: 4_000_000, groups: Vec::new() };

    /// A world-readable folder, with a file in place of the socket: only modes count.
    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("opened");
        let socket = folder.path().join("run/p.sock");
        fs::create_dir(folder.path().join("run")).expect("a folder");
        fs::write(&socket, "").expect("a file");
        (folder, socket)
    }

    fn blocked(socket: &Path, account: &Account) -> Option<PathBuf> {
        obstacle(socket, account).expect("everything can be looked at")
    }

    #[test]
    fn the_part_that_blocks_is_named() {
        let (_folder, socket) = scratch();
        let run = fs::canonicalize(socket.parent().expect("a folder")).expect("there");
        for (of_run, of_socket, expected) in [
            (0o755, 0o666, None),
            (0o755, 0o660, Some(run.join("p.sock"))),
            (0o750, 0o666, Some(run.clone())),
            (0o711, 0o662, None),
        ] {
            fs::set_permissions(&run, Permissions::from_mode(of_run)).expect("set");
            fs::set_permissions(&socket, Permissions::from_mode(of_socket)).expect("set");
            assert_eq!(blocked(&socket, &STRANGER), expected, "{of_run:o} {of_socket:o}");
        }
    }

    #[test]
    fn the_group_counts_and_the_first_class_that_fits_decides() {
        let (_folder, socket) = scratch();
        let found = fs::metadata(&socket).expect("there");
        let by_group = Account { groups: vec![found.gid()], ..STRANGER };
        fs::set_permissions(&socket, Permissions::from_mode(0o660)).expect("set");
        assert!(blocked(&socket, &STRANGER).is_some() && blocked(&socket, &by_group).is_none());
        fs::set_permissions(&socket, Permissions::from_mode(0o606)).expect("set");
        assert!(blocked(&socket, &by_group).is_some(), "a group without rights is not saved by the rest of the world");
    }

    #[test]
    fn root_tries_it_as_the_user() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (_folder, socket) = scratch();
        fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("set");
        assert!(!refused_in_fact(&socket, &STRANGER));
        fs::set_permissions(&socket, Permissions::from_mode(0o600)).expect("set");
        assert!(refused_in_fact(&socket, &STRANGER));
    }
}
