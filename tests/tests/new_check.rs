//! Does docs/new-check.md tell the truth? Follows it in a copy of the repository: one file, two lines, one case file;
//! then the check must be in the configuration, the pipeline, the metrics, and in what a running daemon explains.

#![allow(clippy::expect_used, reason = "a test program: what cannot be done is a failure")]

use std::{
    collections::BTreeMap,
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tollgate_proto::v1::{Connection, Helo, Mail, RcptRequest, Session, Verdict, policy_client::PolicyClient};
use tollgate_tests::{daemon::Daemon, process::Process, program, scratch::Scratch, wait};

/// The check of the page.
const CHECK: &str = "short_helo";
/// What the new check does; those that watch by default would ask this machine's resolver.
const POLICY: &str = r#"
[policy]
score_mode = "enforce"
reject_at = 50
[check.short_helo]
mode = "enforce"
weight = 60
[check.rdns]
mode = "off"
[check.helo]
mode = "off"
[check.sender_domain]
mode = "off"
"#;
/// For building the server once: a busy machine of two cores takes minutes.
const BUILD_BOUND: Duration = Duration::from_secs(1_800);

/// A code block with a file's name behind its language.
struct Block {
    language: String,
    file: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        if let Some((language, file)) = info.split_once(' ') {
            blocks.push(Block { language: language.to_owned(), file: file.to_owned(), text });
        }
    }
    blocks
}

/// A copy of the repository: every file's path and content.
struct Tree(BTreeMap<PathBuf, Vec<u8>>);

impl Tree {
    /// What git knows, and what it would be told of with `git add .`.
    fn of_repository() -> Self {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(program::root());
        let listed = git.output().expect("git runs");
        assert!(listed.status.success(), "git: {}", String::from_utf8_lossy(&listed.stderr));
        let names = String::from_utf8(listed.stdout).expect("names in UTF-8");
        let content = |name: &str| match fs::read(program::root().join(name)) {
            Ok(content) => Some((PathBuf::from(name), content)),
            Err(error) => {
                // What was deleted and is not committed yet is still listed.
                assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
                None
            }
        };
        Self(names.split_terminator('\0').filter_map(content).collect())
    }

    /// Does what the page says, and returns the new files and the number of lines added to old ones.
    fn follow(&mut self, page: &str) -> (Vec<String>, usize) {
        let (mut new_files, mut added) = (Vec::new(), 0);
        for block in blocks(page) {
            let path = PathBuf::from(&block.file);
            if block.language == "diff" {
                let content = self.0.get_mut(&path).unwrap_or_else(|| panic!("{} is not there", block.file));
                let (text, lines) = patched(std::str::from_utf8(content).expect("a text"), &block.text);
                *content = text.into_bytes();
                added += lines;
            } else {
                let before = self.0.insert(path, block.text.into_bytes());
                assert!(before.is_none(), "{} is there already", block.file);
                new_files.push(block.file);
            }
        }
        (new_files, added)
    }

    /// Makes the folder equal to it, touching only what differs: cargo goes by the time of the last change.
    fn write(&self, folder: &Path) {
        for path in files_in(folder) {
            if !self.0.contains_key(path.strip_prefix(folder).expect("a path within the folder")) {
                fs::remove_file(&path).expect("a file of the last run can be removed");
            }
        }
        for (path, content) in &self.0 {
            let path = folder.join(path);
            if fs::read(&path).ok().as_ref() != Some(content) {
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of the copy");
                fs::write(&path, content).expect("a file of the copy");
            }
        }
    }
}

/// All files below a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Builds the copy's programs and plays all its cases; returns the folder of the programs.
fn build(tree: &Path, target: &Path, log: &Path) -> PathBuf {
    let (name, folder) = profile();
    let programs = target.join(folder);
    if !programs.exists() {
        borrow_dependencies(&programs);
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--locked", "-p", "tollgate", "--test", "cases", "--profile", name]);
    cargo.current_dir(tree).env("CARGO_TARGET_DIR", target);
    let mut running = Process::start(&mut cargo, log);
    let status = wait::until_some("cargo to build the copy", BUILD_BOUND, || running.ended());
    assert!(status.success(), "{}", running.log());
    eprintln!("crates that were built for the copy: {}", running.log().matches("   Compiling ").count());
    programs
}

/// The profile this test was built with, and its folder.
fn profile() -> (&'static str, &'static str) {
    let folder = program::profile_folder();
    [("dev", "debug"), ("release", "release"), ("ci", "ci")]
        .into_iter()
        .find(|(_, name)| folder.ends_with(name))
        .unwrap_or_else(|| panic!("{}: a profile this test does not know", folder.display()))
}

/// `text` with the lines of a diff's hunk added; its other lines must stand in `text` one after another, once.
fn patched(text: &str, hunk: &str) -> (String, usize) {
    let kept: String = hunk.lines().filter_map(|line| line.strip_prefix(' ')).map(|line| format!("{line}\n")).collect();
    let wanted: String = hunk.lines().map(|line| format!("{}\n", &line[1..])).collect();
    assert_eq!(text.matches(&kept).count(), 1, "expected once, line after line:\n{kept}");
    let added = hunk.lines().filter(|line| line.starts_with('+')).count();
    (text.replace(&kept, &wanted), added)
}

/// Hard links to what was built beside this test, so that only the server itself is built again.
fn borrow_dependencies(programs: &Path) {
    for folder in ["deps", "build", ".fingerprint"] {
        link_all(&program::profile_folder().join(folder), &programs.join(folder));
    }
}

fn link_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of the copy's target");
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        // Ours are built for another place.
        if name.to_string_lossy().contains("tollgate") {
            continue;
        }
        if path.is_dir() {
            link_all(&path, &to.join(name));
        } else {
            // What cannot be linked is built.
            let _ = fs::hard_link(path, to.join(name));
        }
    }
}

/// One call at RCPT, as a mail server makes it.
fn refused(socket: PathBuf) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { tokio::net::UnixStream::connect(socket).await.map(hyper_util::rt::TokioIo::new) }
        });
        let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector(connector).await.expect("the daemon takes the connection");
        let request = RcptRequest {
            session: Some(Session { session_id: vec![7; 16].into(), seq: 1, session_state: bytes::Bytes::new() }),
            connection: Some(Connection { client_ip: "192.0.2.9".into(), ..Connection::default() }),
            helo: Some(Helo { helo: "friend".into(), esmtp: false }),
            mail: Some(Mail { sender: "ann@client.example".into(), declared_size: 0 }),
            recipient: "you@here.example".into(),
            rcpthosts: 1,
        };
        PolicyClient::new(channel).rcpt(request).await.expect("a verdict").into_inner()
    })
}

fn said(programs: &Path, words: &[&str]) -> String {
    let output = Command::new(programs.join("tollgate")).args(words).output().expect("tollgate runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

#[test]
fn the_recipe_gives_a_check_that_everything_knows() {
    let page = fs::read_to_string(program::root().join("docs/new-check.md")).expect("the page");
    let mut tree = Tree::of_repository();
    let (new_files, added) = tree.follow(&page);
    let expected = [format!("server/src/checks/{CHECK}.rs"), format!("tests/cases/{CHECK}.toml")];
    assert_eq!((new_files.as_slice(), added), (&expected[..], 2), "one file, two lines, one case file");
    // In a place that stays: what has not changed since the last run is not built again.
    let folder = program::profile_folder().with_file_name("new-check");
    tree.write(&folder.join("tree"));
    let scratch = Scratch::new("new-check");
    let programs = build(&folder.join("tree"), &folder.join("target"), &scratch.path("cargo.log"));

    let default = said(&programs, &["config", "--print-default"]);
    assert!(default.contains("[check.short_helo]") && default.contains("#labels_min = 2"), "{default}");
    let daemon = Daemon::start_from(&programs, &scratch, "root", POLICY);
    let said = |words: &[&str]| daemon.tool(words).output;
    let pipeline = said(&["pipeline"]);
    assert!(pipeline.lines().any(|line| line.starts_with(CHECK) && line.contains("enforce")), "{pipeline}");
    let limits = said(&[CHECK, "limits"]);
    assert!(limits.ends_with("2           60\n"), "{limits}");
    let rehearsed = said(&[
        "check",
        "--ip",
        "192.0.2.9",
        "--helo",
        "friend",
        "--from",
        "ann@client.example",
        "--rcpt",
        "you@here.example",
    ]);
    assert!(rehearsed.contains("few_labels  score +60"), "{rehearsed}");

    let verdict = refused(daemon.socket());
    assert_eq!(verdict.code, 553, "{verdict:?}");
    let id = verdict.decision_id;
    let explained = wait::until_some("the log thread to know the decision", wait::SOON, || {
        Some(daemon.tool(&["explain", &id])).filter(|said| said.good)
    });
    assert!(explained.output.contains("few_labels  score +60"), "{}", explained.output);
    assert!(daemon.metrics().sum("tollgate_check_runs_total", &[("check", CHECK)]) >= 1.0, "its runs are counted");
}
