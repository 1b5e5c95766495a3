//! Where are the programs under test? What cargo built beside this test, and the adapter built from it for Exim.

use crate::scratch::Scratch;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// The folder where cargo put the programs of this profile.
pub fn profile_folder() -> PathBuf {
    // target/<profile>/deps/e2e-0123 or target/<profile>/e2e
    let test = env::current_exe().unwrap_or_default();
    let folder = test.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
}

/// A program of this workspace: `tollgated` or `tollgate`.
///
/// # Panics
/// When it was not built.
pub fn ours(name: &str) -> PathBuf {
    built(&profile_folder(), name)
}

/// A program of this workspace in the folder where it was built.
///
/// # Panics
/// When it was not built.
pub fn built(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built; `cargo build --workspace` with this test's profile makes it",
        path.display()
    );
    path
}

/// The folder of libtollgate.
fn library() -> PathBuf {
    let target = profile_folder().parent().map_or_else(PathBuf::new, Path::to_owned);
    let path = target.join("shim/libtollgate.a");
    assert!(path.exists(), "{} is not built; `cargo build -p tollgate-shim --profile shim` makes it", path.display());
    path
}

/// Builds `tollgate-exim.so` by its own Makefile into the scratch folder.
///
/// # Panics
/// When it does not build.
pub fn adapter(scratch: &Scratch) -> PathBuf {
    let out = scratch.path("tollgate-exim.so");
    let mut make = Command::new("make");
    make.arg("-sC").arg(root().join("client-shim/exim"));
    make.arg(format!("OUT={}", out.display())).arg(format!("LIBRARY={}", library().display()));
    let made = make.output().unwrap_or_else(|error| panic!("make: {error}"));
    assert!(made.status.success(), "the Exim adapter does not build:\n{}", String::from_utf8_lossy(&made.stderr));
    out
}
