//! Which mailboxes are there on a mail host? One home that everything at its domains goes to, with some `.qmail` files.

use crate::scratch::Scratch;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Makes the home, with these files in it, and `users/cdb` that names it, so that no account is needed. Gives the folder
/// `users`; the home is `home`.
///
/// # Panics
/// When it cannot.
#[expect(clippy::expect_used, reason = "no test can go on without it")]
pub fn home(scratch: &Scratch, files: &[&str]) -> PathBuf {
    let (home, users) = (scratch.path("home"), scratch.path("users"));
    for folder in [&home, &users] {
        fs::create_dir(folder).expect("a folder");
    }
    for file in files {
        scratch.write(&format!("home/{file}"), "");
    }
    write_users(&users.join("cdb"), &home).expect("users/cdb");
    users
}

/// A wildcard for every local part (qmail-newu's `+:all:1:1:HOME:-::`).
fn write_users(path: &Path, home: &Path) -> std::io::Result<()> {
    let mut maker = cdb::CDBMake::new(fs::File::create(path)?)?;
    let value = format!("all\x001\x001\0{}\0-\0", home.display());
    maker.add(b"!", value.as_bytes())?;
    maker.add(b"", b"")?;
    maker.finish()
}
