//! Where is a disk that can be full? A small file system in memory, mounted over a folder; needs root.

use crate::skip;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted file system; dropping it unmounts it.
#[derive(Debug)]
pub struct Mount(PathBuf);

impl Mount {
    /// Mounts one of so many MiB over a folder. `None` = the test is skipped, and says so: nobody may mount here.
    pub fn over(folder: &Path, mib: u32) -> Option<Self> {
        let size = format!("size={mib}m,mode=0711");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            skip::say("what a full disk does", "no file system can be mounted here");
            return None;
        }
        Some(Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: whoever still has files there is about to end.
        let _ended = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
