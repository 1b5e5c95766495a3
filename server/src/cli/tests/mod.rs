//! What does each command print, ask and return? Against a daemon that says what the test wants.

mod answers;
mod exceptions;
mod fake;
mod lint;
mod lists;
mod mistakes;
mod recipients;
mod reputation;
mod spf;

use fake::{Daemon, Replies};
use std::ffi::OsString;
use tempfile::TempDir;

/// Exit code, standard output, standard error.
pub(super) type Seen = (u8, String, String);

/// Runs one command line, given as words.
pub(super) fn tollgate(words: &[&str]) -> Seen {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = std::iter::once("tollgate").chain(words.iter().copied()).map(OsString::from);
    let code = super::run(line, &mut out, &mut err);
    (code, String::from_utf8(out).expect("a text"), String::from_utf8(err).expect("a text"))
}

/// A daemon in a folder of its own.
fn daemon(replies: Replies) -> (TempDir, Daemon) {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::start(folder.path(), replies);
    (folder, daemon)
}

/// Asks that daemon; nothing may stand on standard error.
fn ask(daemon: &Daemon, words: &[&str]) -> (u8, String) {
    let socket = daemon.socket.display().to_string();
    let (code, out, err) = tollgate(&[&["--socket", &socket], words].concat());
    assert_eq!(err, "");
    (code, out)
}
