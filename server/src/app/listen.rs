//! How is a socket taken without taking somebody else's? A lock beside it keeps a second daemon out, and a socket
//! file that is already there is removed only if nobody answers on it.

use super::settings::Socket;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// Longest path of a Unix socket that every system takes, in octets (FreeBSD: 104 with the final NUL).
const PATH_OCTETS_MAX: usize = 103;

/// The file of a Unix socket; it is removed when this is dropped, unless it is somebody else's by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
    _lock: File,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // Nobody is left to tell; the next start removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds a Unix socket, non-blocking. `Err` is one line for the administrator.
pub(super) fn unix(socket: &Socket) -> Result<(UnixListener, SocketFile), String> {
    let path = &socket.path;
    let say = |what: &str, error: &dyn std::fmt::Display| format!("{}: {what}: {error}", path.display());
    if path.as_os_str().len() > PATH_OCTETS_MAX {
        return Err(say("cannot listen", &format!("path is too long: expected at most {PATH_OCTETS_MAX} bytes")));
    }
    let for_others = socket.group.is_some() || rustix::process::geteuid().is_root();
    folder(folder_of(path), if for_others { 0o755 } else { 0o700 })?;
    let lock = lock(path)?;
    remove_stale(path)?;
    let bound = bind_closed(path).map_err(|error| say("cannot listen", &error))?;
    chown(path, None, socket.group).map_err(|error| say("cannot give it to its group", &error))?;
    fs::set_permissions(path, Permissions::from_mode(socket.mode)).map_err(|error| say("cannot open it", &error))?;
    bound.set_nonblocking(true).map_err(|error| say("cannot listen", &error))?;
    let inode = fs::metadata(path).map_err(|error| say("cannot listen", &error))?.ino();
    Ok((bound, SocketFile { path: path.clone(), inode, _lock: lock }))
}

/// Binds a TCP socket. `Err` is one line for the administrator.
pub(super) fn tcp(address: SocketAddr) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).and_then(|bound| bound.set_nonblocking(true).map(|()| bound));
    bound.map_err(|error| format!("{address}: cannot listen: {error}"))
}

/// Where a file lies; one without a folder in its name lies in the working folder.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        None => Path::new("/"),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    }
}

/// Makes a folder (and its parents) if it is missing, and insists that an existing one is a folder of ours or root's:
/// in a folder of somebody else, that somebody decides who listens.
pub(super) fn folder(path: &Path, mode: u32) -> Result<(), String> {
    let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|error| say(&error))?;
    let found = fs::metadata(path).map_err(|error| say(&error))?;
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() == ours || found.uid() == 0 {
        Ok(())
    } else {
        Err(say(&format!("folder belongs to user {}: expected {ours} or 0", found.uid())))
    }
}

/// Held until the daemon ends, however it ends.
fn lock(path: &Path) -> Result<File, String> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let name = path.with_file_name(name);
    let say = |error: &dyn std::fmt::Display| format!("{}: {error}", name.display());
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(|error| say(&error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(format!("{}: another tollgated is running here (it holds {})", path.display(), name.display()))
        }
        Err(error) => Err(say(&error)),
    }
}

fn remove_stale(path: &Path) -> Result<(), String> {
    let say = |what: String| Err(format!("{}: {what}", path.display()));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return say(error.to_string()),
        Ok(found) if !found.file_type().is_socket() => {
            return say("there is something that is not a socket: expected nothing or a socket".to_owned());
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).or_else(|error| say(error.to_string()))
        }
        Ok(_) => say("somebody answers on this socket already".to_owned()),
        Err(error) => say(format!("cannot tell whether somebody answers on it: {error}")),
    }
}

/// Binds so that nobody can connect before owner and mode are right.
fn bind_closed(path: &Path) -> io::Result<UnixListener> {
    use rustix::{fs::Mode, process::umask};
    // Of the whole process, for a moment, while the daemon has one thread.
    let before = umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(path: PathBuf) -> Socket {
        Socket { path, group: None, mode: 0o660 }
    }

    #[test]
    fn every_file_lies_in_a_folder() {
        for (path, folder) in [("/run/t.sock", "/run"), ("a/t.sock", "a"), ("t.sock", "."), ("/", "/")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }

    #[test]
    fn a_second_one_is_refused_and_a_stale_file_replaced() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("run/tollgate.sock");
        let first = unix(&socket(path.clone())).expect("listens");
        assert_eq!(fs::metadata(&path).expect("the socket").mode() & 0o777, 0o660);
        let second = unix(&socket(path.clone())).expect_err("taken");
        assert!(second.contains("another tollgated is running"), "{second}");
        drop(first);
        assert!(!path.exists());
        // What a killed daemon leaves behind.
        drop(UnixListener::bind(&path).expect("binds"));
        assert!(path.exists());
        drop(unix(&socket(path)).expect("replaces it"));
    }

    #[test]
    fn a_socket_on_which_somebody_answers_is_left_alone() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("other.sock");
        let _somebody = UnixListener::bind(&path).expect("binds");
        let error = unix(&socket(path.clone())).expect_err("taken");
        assert!(error.contains("somebody answers"), "{error}");
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("precious");
        fs::write(&path, "x").expect("writes");
        assert!(unix(&socket(path.clone())).expect_err("refused").contains("not a socket"));
        assert_eq!(fs::read(&path).expect("still there"), b"x");
    }

    #[test]
    fn a_path_too_long_is_named() {
        let path = PathBuf::from(format!("/tmp/{}", "x".repeat(200)));
        assert!(unix(&socket(path)).expect_err("too long").contains("too long"));
    }
}
