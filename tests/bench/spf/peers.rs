//! Who evaluates SPF, and how is each one started? Programs around three libraries, in `tests/bench/spf-peers/`, and this
//! program itself around ours.

use super::ours;
use std::{ffi::OsString, path::PathBuf, process::Command};
use tollgate_tests::{program, scratch::Scratch};

/// Debian's packages are for Debian's own interpreter.
const PYTHON: &str = "/usr/bin/python3";

const LIBSPF2: &str = "its cache has room for 2^15 answers: with the 2^8 it takes by itself it would be a third slower";
const MAIL_AUTH: &str =
    "known: passes 150 of the 203 tests of RFC 7208's suite (no limit on void look-ups, among others)";
const PYSPF: &str = "known: passes all 203 tests; keeps nothing beyond one evaluation, so warm means dnspython's cache";

/// A program with the arguments that come before those all peers share.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What is known of it beforehand.
    pub(crate) known: &'static str,
    pub(crate) command: Vec<OsString>,
}

/// A peer, or why it is not there.
pub(crate) type Found = Result<Peer, (&'static str, String)>;

/// Builds what must be built.
pub(crate) fn all(scratch: &Scratch) -> Vec<Found> {
    vec![
        tollgate(),
        libspf2(scratch),
        mail_auth("mail-auth", "answers", MAIL_AUTH),
        mail_auth("mail-auth+", "records", "the same, with the caches of parsed records that its users may bring"),
        pyspf(),
    ]
}

fn folder() -> PathBuf {
    program::root().join("tests/bench/spf-peers")
}

fn tollgate() -> Found {
    let (name, known) =
        (ours::NAME, "known: passes all 203 tests; warm evaluates anew each time, over answers that are kept");
    let command = ours::command().map_err(|why| (name, why.to_string()))?;
    Ok(Peer { name, known, command })
}

fn libspf2(scratch: &Scratch) -> Found {
    let (name, program) = ("libspf2", scratch.path("peer-libspf2"));
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-o"]).arg(&program).arg(folder().join("libspf2.c"));
    run(compiler.args(["-lspf2", "-lresolv"])).map_err(|why| (name, format!("libspf2-dev? {why}")))?;
    Ok(Peer { name, known: LIBSPF2, command: vec![program.into()] })
}

fn mail_auth(name: &'static str, kept: &str, known: &'static str) -> Found {
    let target = program::profile_folder().join("spf-peers");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "-q", "--release", "--locked", "--manifest-path"]).arg(folder().join("Cargo.toml"));
    run(cargo.arg("--target-dir").arg(&target)).map_err(|why| (name, why))?;
    Ok(Peer { name, known, command: vec![target.join("release/peer-mail-auth").into(), kept.into()] })
}

fn pyspf() -> Found {
    let name = "pyspf";
    run(Command::new(PYTHON).args(["-c", "import spf, dns.resolver"]))
        .map_err(|why| (name, format!("python3-spf and python3-dnspython? {why}")))?;
    Ok(Peer { name, known: PYSPF, command: vec![PYTHON.into(), folder().join("pyspf.py").into()] })
}

/// `Err` is the last line of what it said.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(said.trim_end().lines().last().unwrap_or("failed").to_owned()) }
}
