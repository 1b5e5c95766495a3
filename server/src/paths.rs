//! Where do sockets, state and configuration lie when nobody says so? The same answer for daemon and command line.
//!
//! A system daemon (root, or a user who owns the folders) uses `/run/tollgate` and `/var/lib/tollgate`; anybody else
//! gets folders of their own by the XDG rules, so that `cargo run` works without root.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Sockets of the system's daemon.
pub const SYSTEM_RUN: &str = "/run/tollgate";
/// State of the system's daemon.
pub const SYSTEM_STATE: &str = "/var/lib/tollgate";
/// Configuration of the system's daemon.
pub const SYSTEM_CONFIG: &str = "/etc/tollgate/tollgate.toml";
/// Name of the policy socket within the run folder: mail servers ask here.
pub const POLICY_SOCKET: &str = "tollgate.sock";
/// Name of the admin socket within the run folder: `tollgate` asks here.
pub const ADMIN_SOCKET: &str = "admin.sock";
/// Environment variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "TOLLGATE_CONFIG";

/// The folder in which a daemon of this user puts its sockets.
pub fn run_folder() -> PathBuf {
    if is_usable(Path::new(SYSTEM_RUN)) { SYSTEM_RUN.into() } else { own_run_folder() }
}

/// The folder in which a daemon of this user keeps its state.
pub fn state_folder() -> PathBuf {
    if is_usable(Path::new(SYSTEM_STATE)) { SYSTEM_STATE.into() } else { own_state_folder() }
}

/// The configuration: the flag, else `TOLLGATE_CONFIG`, else the system's file if there is one, else none (defaults).
pub fn config_file(flag: Option<&Path>) -> Option<PathBuf> {
    let named = || env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
    let system = || Some(PathBuf::from(SYSTEM_CONFIG)).filter(|path| path.exists());
    flag.map(Path::to_owned).or_else(named).or_else(system)
}

/// Where an administrator looks for a running daemon's admin socket, likeliest first: the own folder's daemon was
/// started by this very user, so it goes first when it is there.
pub fn admin_sockets() -> [PathBuf; 2] {
    [own_run_folder().join(ADMIN_SOCKET), Path::new(SYSTEM_RUN).join(ADMIN_SOCKET)]
}

/// Root, or somebody who may write there, uses the system's folder. It need not exist yet for root.
fn is_usable(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    rustix::process::geteuid().is_root() || access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

fn own_run_folder() -> PathBuf {
    folder_variable("XDG_RUNTIME_DIR").map_or_else(
        || env::temp_dir().join(format!("tollgate-{}", rustix::process::geteuid().as_raw())),
        |folder| folder.join("tollgate"),
    )
}

fn own_state_folder() -> PathBuf {
    folder_variable("XDG_STATE_HOME")
        .or_else(|| folder_variable("HOME").map(|home| home.join(".local/state")))
        .map_or_else(own_run_folder, |folder| folder.join("tollgate"))
}

/// XDG: a variable that is empty or holds a relative path counts as unset; so does a folder that is not there.
fn folder_variable(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os(name)?);
    let exists = || fs::metadata(&folder).is_ok_and(|metadata| metadata.is_dir());
    (folder.is_absolute() && (name != "XDG_RUNTIME_DIR" || exists())).then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_goes_before_everything() {
        assert_eq!(config_file(Some(Path::new("/x/t.toml"))), Some(PathBuf::from("/x/t.toml")));
    }

    #[test]
    fn every_folder_is_absolute() {
        for folder in [run_folder(), state_folder(), own_run_folder(), own_state_folder()] {
            assert!(folder.is_absolute(), "{}", folder.display());
        }
    }
}
