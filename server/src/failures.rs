//! What did mail servers decide without us? The library leaves a record of each call that failed in the failure file;
//! the daemon counts and logs the records, so that what passed unasked is known afterwards.
//!
//! The format is the library's (`client-shim/core/src/record.rs`). Another user writes this file: it is read as
//! outside input, bounded, and never through a link.

use crate::{app::meters, clock::Now, decision_log::LogRing};
use rustix::fs::{Mode, OFlags};
use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{PermissionsExt, fchown},
    path::{Path, PathBuf},
    time::Duration,
};

/// Octets of one record, with its LF.
pub const RECORD_OCTETS: usize = 128;

/// Octets that are read of one file: the library lets it grow no further.
const FILE_OCTETS_MAX: u64 = 1 << 20;

/// Records of one file that are logged one by one; all are counted.
const LOGGED_MAX: usize = 200;

/// How long a library may still be writing into a file that has been renamed.
pub const SETTLE: Duration = Duration::from_secs(1);

/// How often the file is looked at.
pub const EVERY: Duration = Duration::from_secs(10);

/// Stages, reasons and outcomes that are counted by name; anything else is `other`.
const STAGES: &[&str] = &["connect", "helo", "mail", "rcpt", "data", "report"];
const REASONS: &[&str] = &["connect", "timeout", "broken", "malformed"];
const OUTCOMES: &[&str] = &["pass", "defer"];

/// The failure file, and who may write to it.
#[derive(Clone, Debug)]
pub struct FailureFile {
    /// Where.
    pub path: PathBuf,
    /// The mail servers' group.
    pub group: Option<u32>,
}

impl FailureFile {
    /// Makes an empty file if there is none, so that mail servers need no right to make one.
    pub fn make(&self) -> io::Result<()> {
        match self.fresh(&self.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Puts an empty file in the place of one that has records, and returns where the records are now.
    pub fn take(&self) -> io::Result<Option<PathBuf>> {
        let taken = self.path.with_extension("collecting");
        if taken.exists() {
            // A daemon ended between the two steps.
            return Ok(Some(taken));
        }
        match fs::symlink_metadata(&self.path) {
            Ok(found) if found.len() == 0 => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return self.make().map(|()| None),
            Err(error) => return Err(error),
        }
        let fresh = self.path.with_extension("fresh");
        let _ = fs::remove_file(&fresh);
        self.fresh(&fresh)?;
        fs::rename(&self.path, &taken)?;
        fs::rename(&fresh, &self.path)?;
        Ok(Some(taken))
    }

    /// Counts and logs the records in `taken`, then removes it.
    pub fn collect(&self, taken: &Path, now: Now, ring: &LogRing) -> io::Result<()> {
        let content = read(taken);
        fs::remove_file(taken)?;
        let content = content?;
        let read: Vec<_> = content.chunks(RECORD_OCTETS).map(Record::parse).collect();
        for record in &read {
            match record {
                Some(record) => meters::failure_record(record.stage, record.reason, record.outcome),
                None => meters::failure_record_unreadable(),
            }
        }
        for record in read.iter().flatten().take(LOGGED_MAX) {
            ring.notice(now, "unanswered", record.words());
        }
        ring.notice(now, "unanswered_total", vec![("records", read.len().to_string())]);
        Ok(())
    }

    fn fresh(&self, path: &Path) -> io::Result<()> {
        let file = File::options().write(true).create_new(true).open(path)?;
        fchown(&file, None, self.group)?;
        file.set_permissions(Permissions::from_mode(0o660))
    }
}

/// A file of somebody else: no link, no FIFO, no more than the bound.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut content = Vec::new();
    file.take(FILE_OCTETS_MAX).read_to_end(&mut content)?;
    Ok(content)
}

/// One record, as far as it is counted, and its words for the log.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    stage: &'static str,
    reason: &'static str,
    outcome: &'static str,
    at: String,
    said: String,
    smtpd_pid: String,
    session_id: String,
    client_ip: String,
}

impl Record {
    fn parse(record: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(record.strip_suffix(b"\n")?).ok()?;
        let mut words = text.split(' ').filter(|word| !word.is_empty()).map(ToOwned::to_owned);
        let mut word = || words.next();
        if word()? != "TG1" {
            return None;
        }
        let at = word()?;
        let (stage, said, outcome) = (word()?, word()?, word()?);
        let reason = if said.starts_with("status-") { "status" } else { known(REASONS, &said) };
        Some(Self {
            at,
            stage: known(STAGES, &stage),
            reason,
            outcome: known(OUTCOMES, &outcome),
            said,
            smtpd_pid: word()?,
            session_id: word()?,
            client_ip: word()?,
        })
    }

    fn words(&self) -> Vec<(&'static str, String)> {
        vec![
            ("stage", self.stage.to_owned()),
            ("outcome", self.outcome.to_owned()),
            ("reason", self.said.clone()),
            ("at", self.at.clone()),
            ("client_ip", self.client_ip.clone()),
            ("session_id", self.session_id.clone()),
            ("smtpd_pid", self.smtpd_pid.clone()),
        ]
    }
}

fn known(words: &[&'static str], word: &str) -> &'static str {
    words.iter().find(|&&known| known == word).copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        decision_log::{Event, LogRing},
    };
    use std::os::unix::fs::{MetadataExt, symlink};

    fn record(line: &str) -> Vec<u8> {
        format!("{line:<127}\n").into_bytes()
    }

    fn file(scratch: &tempfile::TempDir) -> FailureFile {
        FailureFile { path: scratch.path().join("failures"), group: None }
    }

    const RECORD: &str = "TG1 1700000000 rcpt timeout pass 12345 0123456789abcdef0123456789abcdef 192.0.2.1";

    #[test]
    fn records_are_read_as_the_library_writes_them() {
        let read = Record::parse(&record(RECORD)).expect("a record");
        assert_eq!((read.stage, read.reason, read.outcome), ("rcpt", "timeout", "pass"));
        assert_eq!((read.client_ip.as_str(), read.smtpd_pid.as_str()), ("192.0.2.1", "12345"));
        let status = Record::parse(&record(&RECORD.replace("timeout", "status-8"))).expect("a record");
        assert_eq!((status.reason, status.said.as_str()), ("status", "status-8"));
        for wrong in ["", "TG2 1 rcpt timeout pass 1 a b", "TG1 1 rcpt", "\u{e9}"] {
            assert_eq!(Record::parse(&record(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn collected_once_counted_and_an_empty_file_stays() {
        let scratch = tempfile::tempdir().expect("a folder");
        let failures = file(&scratch);
        assert_eq!(failures.take().expect("makes it"), None);
        assert_eq!(fs::metadata(&failures.path).expect("a file").mode() & 0o777, 0o660);
        let mut content = record(RECORD);
        content.extend(record("nonsense"));
        content.extend(b"cut short");
        fs::write(&failures.path, content).expect("writes");
        let taken = failures.take().expect("takes").expect("records");
        assert_eq!(fs::metadata(&failures.path).expect("an empty one").len(), 0);
        let ring = LogRing::default();
        failures.collect(&taken, Clock::manual(0).now(), &ring).expect("collects");
        let notices: Vec<_> = std::iter::from_fn(|| ring.pop())
            .map(|event| match event {
                Event::Notice(notice) => notice,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(notices.iter().map(|notice| notice.event).collect::<Vec<_>>(), ["unanswered", "unanswered_total"]);
        assert_eq!(notices[1].words, [("records", "3".to_owned())]);
        assert!(!taken.exists());
        assert_eq!(failures.take().expect("looks"), None);
    }

    #[test]
    fn a_link_is_not_followed() {
        let scratch = tempfile::tempdir().expect("a folder");
        let failures = file(&scratch);
        let secret = scratch.path().join("secret");
        fs::write(&secret, record(RECORD)).expect("writes");
        symlink(&secret, &failures.path).expect("links");
        let taken = failures.take().expect("takes").expect("something");
        assert!(failures.collect(&taken, Clock::manual(0).now(), &LogRing::default()).is_err());
        assert!(secret.exists() && !taken.exists());
    }
}
