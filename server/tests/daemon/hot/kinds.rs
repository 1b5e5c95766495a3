//! What is a kind of file: how is it edited, who is asked about, and what is said of them before and after?

use crate::harness::{Daemon, Smtp};
use bytes::Bytes;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};
use tollgate::{lists::bucket_of, session::Address};
use tollgate_proto::v1::{Action, RcptRequest, Rcpthosts, StatusRequest, Verdict};

/// A file, an edit of it, and what that changes for whom.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// The key that names it (`check.access.clients_deny_file`), or its place where qmail has it.
    pub(super) what: &'static str,
    /// Below the daemon's folder. Of a database in several files: their folder.
    pub(super) file: &'static str,
    pub(super) how: How,
    /// What it holds before, and after. `{}` is the daemon's folder.
    pub(super) content: [&'static str; 2],
    probe: Probe,
    pub(super) said: [Says; 2],
    /// The policy is built from it, so that the daemon's status shows it. What is asked live is not.
    pub(super) is_shown: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum How {
    /// Written over.
    InPlace,
    /// Written beside, and renamed.
    Rename,
    /// A link is pointed elsewhere, by renaming another over it.
    Link,
    /// As `tcprules` and the like do: another cdb, renamed. A line is a record: its key, and behind a blank its value.
    Cdb,
    /// It has not been there before, nor perhaps its folder.
    Appears,
    /// ezmlm's: each address goes into the file of its hash.
    Hashed,
    /// `tollgate recipients export`; the content names a `.qmail` file that is new since.
    Exported,
}

/// What is said of somebody, with a part of the words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Takes,
    Refuses(&'static str),
    Defers(&'static str),
    /// The mail goes on, and status tells of an oddity of the file.
    Warns(&'static str),
}
use Says::{Refuses, Takes};

/// Whom is asked about.
#[derive(Clone, Copy)]
struct Probe {
    client_ip: &'static str,
    client_name: &'static str,
    host: &'static str,
    helo: &'static str,
    sender: &'static str,
    recipient: &'static str,
    rcpthosts: Rcpthosts,
    spfbehavior: &'static str,
}

/// Ann writes to Bob, and nothing is the matter with that.
const ANN: Probe = Probe {
    client_ip: "192.0.2.1",
    client_name: "",
    host: "mx1",
    helo: "client.example",
    sender: "ann@there.example",
    recipient: "bob@ours.example",
    rcpthosts: Rcpthosts::Allowed,
    spfbehavior: "",
};

/// A row of the tables.
pub(super) const fn kind(what: &'static str, file: &'static str, how: How) -> Kind {
    Kind { what, file, how, content: [""; 2], probe: ANN, said: [Takes; 2], is_shown: true }
}

impl Kind {
    pub(super) const fn content(self, before: &'static str, after: &'static str) -> Self {
        Self { content: [before, after], ..self }
    }

    pub(super) const fn live(self) -> Self {
        Self { is_shown: false, ..self }
    }

    pub(super) const fn client(self, client_ip: &'static str) -> Self {
        Self { probe: Probe { client_ip, ..self.probe }, ..self }
    }

    pub(super) const fn client_name(self, client_name: &'static str) -> Self {
        Self { probe: Probe { client_name, ..self.probe }, ..self }
    }

    pub(super) const fn host(self, host: &'static str) -> Self {
        Self { probe: Probe { host, ..self.probe }, ..self }
    }

    pub(super) const fn helo(self, helo: &'static str) -> Self {
        Self { probe: Probe { helo, ..self.probe }, ..self }
    }

    pub(super) const fn sender(self, sender: &'static str) -> Self {
        Self { probe: Probe { sender, ..self.probe }, ..self }
    }

    pub(super) const fn recipient(self, recipient: &'static str) -> Self {
        Self { probe: Probe { recipient, ..self.probe }, ..self }
    }

    /// The mail server does not say whether it relays for the recipient.
    pub(super) const fn without_rcpthosts(self) -> Self {
        Self { probe: Probe { rcpthosts: Rcpthosts::Unknown, ..self.probe }, ..self }
    }

    pub(super) const fn spfbehavior(self, spfbehavior: &'static str) -> Self {
        Self { probe: Probe { spfbehavior, ..self.probe }, ..self }
    }

    pub(super) const fn said(self, before: Says, after: Says) -> Self {
        Self { said: [before, after], ..self }
    }

    /// Taken before, refused after.
    pub(super) const fn refused(self, words: &'static str) -> Self {
        self.said(Takes, Refuses(words))
    }

    /// Refused before, taken after.
    pub(super) const fn taken(self, words: &'static str) -> Self {
        self.said(Refuses(words), Takes)
    }

    pub(super) fn path(&self, daemon: &Daemon) -> PathBuf {
        daemon.path(self.file)
    }

    /// Brings a version into its place.
    pub(super) fn place(&self, daemon: &Daemon, version: usize) {
        let path = self.path(daemon);
        let content = self.content[version].replace("{}", &daemon.path("").display().to_string());
        let beside = path.with_extension("new");
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        match self.how {
            How::InPlace => fs::write(path, content).expect("written"),
            How::Appears if version == 0 => {}
            How::Rename | How::Appears => {
                fs::write(&beside, content).expect("written");
                fs::rename(beside, path).expect("renamed");
            }
            How::Link => {
                let target = format!("{}.{version}", path.file_name().expect("a name").display());
                fs::write(path.with_file_name(&target), content).expect("written");
                symlink(target, &beside).expect("a link");
                fs::rename(beside, path).expect("renamed");
            }
            How::Cdb => {
                write_cdb(&beside, &content);
                fs::rename(beside, path).expect("renamed");
            }
            How::Hashed => content.split_whitespace().for_each(|address| subscribe(&path, address)),
            How::Exported => export(daemon, &path, &content),
        }
    }

    /// What the daemon says of the recipient.
    pub(super) async fn verdict(&self, daemon: &Daemon) -> Verdict {
        let mut client = daemon.policy_client().await;
        client.rcpt(self.probe.request()).await.expect("answers").into_inner()
    }

    /// Is this what is said? `Err` tells what is.
    pub(super) async fn finds(&self, daemon: &Daemon, says: Says) -> Result<(), String> {
        let verdict = self.verdict(daemon).await;
        let (action, words) = match says {
            Takes | Says::Warns(_) => (Action::Continue, ""),
            Refuses(words) => (Action::Reject, words),
            Says::Defers(words) => (Action::Defer, words),
        };
        if verdict.action() != action || !verdict.text.contains(words) {
            return Err(format!("{} ({}): {:?} {}", self.what, self.file, verdict.action(), verdict.text));
        }
        let Says::Warns(words) = says else { return Ok(()) };
        let status = daemon.admin_client().await.status(StatusRequest {}).await.expect("answers").into_inner();
        let path = self.path(daemon);
        let warned = status.lists.iter().any(|list| Path::new(&list.path) == path && list.error.contains(words));
        warned.then_some(()).ok_or(format!("{} ({}): no warning", self.what, self.file))
    }

    /// Waits until what is said is as it is to be after the edit.
    pub(super) async fn in_force(&self, daemon: &Daemon) {
        let mut last = Ok(());
        for _ in 0..1_000 {
            last = self.finds(daemon, self.said[1]).await;
            if last.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("not in force: {last:?}");
    }
}

impl Probe {
    fn request(&self) -> RcptRequest {
        let mut request = Smtp::from(self.client_ip, self.sender).rcpt_request(self.recipient);
        let octets = |text: &'static str| Bytes::from_static(text.as_bytes());
        let given = |text: &'static str| Some(octets(text)).filter(|octets| !octets.is_empty());
        let connection = request.connection.as_mut().expect("a connection");
        connection.host = octets(self.host);
        connection.client_name = given(self.client_name);
        connection.spfbehavior = given(self.spfbehavior);
        request.helo.as_mut().expect("a HELO").helo = octets(self.helo);
        request.rcpthosts = self.rcpthosts.into();
        request
    }
}

fn write_cdb(path: &Path, records: &str) {
    let mut maker = cdb::CDBMake::new(fs::File::create(path).expect("a file")).expect("a writer");
    for record in records.lines() {
        let (key, value) = record.split_once(' ').unwrap_or((record, ""));
        maker.add(key.as_bytes(), value.as_bytes()).expect("a record");
    }
    maker.finish().expect("tables");
}

/// ezmlm writes a file anew, beside it, and renames it. Without an address there is no database yet.
fn subscribe(database: &Path, address: &str) {
    if address.is_empty() {
        return;
    }
    let bucket = bucket_of(&Address::new(address.to_owned().into()));
    let (path, beside) = (database.join(bucket.to_string()), database.join(format!("{bucket}n")));
    fs::create_dir_all(database).expect("made");
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&beside, format!("{before}T{address}\0")).expect("written");
    fs::rename(beside, path).expect("renamed");
}

fn export(daemon: &Daemon, path: &Path, dot_qmail: &str) {
    let passwd = daemon.path("no-accounts");
    fs::write(&passwd, "").expect("written");
    if !dot_qmail.is_empty() {
        fs::write(daemon.path(dot_qmail), "").expect("written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["recipients", "export", "--host", "mx2"]).arg("--output").arg(path);
    command.arg("--control").arg(daemon.path("control")).arg("--users").arg(daemon.path("accounts"));
    let output = command.arg("--passwd").arg(passwd).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
