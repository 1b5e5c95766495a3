//! What does the log thread do? It empties the ring, writes lines, remembers decisions and records them with their evidence.
//!
//! It looks into the ring every [`LOOK`] instead of being woken: a core then pays no system call for a record.

use super::{Event, Line, LogRing, Notice, Recent, Settings, record};
use crate::{
    clock::Clock,
    decisions::{self, Archive, News, Recorded, Store},
    pipeline::{Decision, DecisionId},
};
use metrics::counter;
use std::{
    fs::{File, OpenOptions},
    io::{self, Stdout, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};
use tokio::{sync::oneshot, task::spawn_blocking};

/// How often the ring is looked into: at 16,000 decisions a second 320 wait, of [`LogRing::EVENTS_MAX`].
const LOOK: Duration = Duration::from_millis(20);

/// Lines collected before they are written with one system call.
const LINES_MAX: usize = 256;

/// Octets of records collected before they are written with one system call.
const RECORDS_OCTETS_MAX: usize = 1 << 20;

/// Commands that may wait for the log thread. Administrators ask, and they are few.
const COMMANDS_MAX: usize = 64;

/// What the log thread may be told.
enum Command {
    Explain(DecisionId, oneshot::Sender<Option<Arc<Decision>>>),
    Settings(Settings, decisions::Settings),
    Stop,
}

/// How others talk to the log thread.
#[derive(Clone)]
pub struct LogHandle {
    commands: SyncSender<Command>,
    archive: Archive,
    clock: Clock,
}

impl LogHandle {
    /// The decision of that name, if it is remembered or recorded (and the log thread has time). `Err` = what is recorded
    /// cannot be read, and why.
    pub async fn explain(&self, id: DecisionId) -> Result<Option<Recorded>, String> {
        let (reply, answer) = oneshot::channel();
        let asked = self.commands.try_send(Command::Explain(id, reply)).is_ok();
        // What the ring held has been written by the time the answer comes.
        let remembered = if asked { answer.await.ok().flatten() } else { None };
        if let Some(decision) = remembered {
            return Ok(Some(Recorded { decision: Decision::clone(&decision), left_out: 0 }));
        }
        let (archive, steady) = (self.archive.clone(), self.clock.steady());
        let found = spawn_blocking(move || archive.find(id, steady)).await.map_err(|error| error.to_string())?;
        found.map_err(|error| format!("{}: {error}", self.archive.folder().display()))
    }

    /// Other settings from now on; the file is opened anew.
    pub fn set(&self, settings: Settings, decisions: decisions::Settings) {
        // Waits at most until the next look. Nobody listens: the log thread has ended, and with it the daemon.
        let _ = self.commands.send(Command::Settings(settings, decisions));
    }

    /// Writes what is in the ring, then ends.
    pub fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }
}

/// The log thread's work.
pub struct Writer {
    ring: LogRing,
    settings: Settings,
    commands: Receiver<Command>,
    output: Output,
    recent: Recent,
    store: Store,
    clock: Clock,
    pending: String,
}

enum Output {
    Standard(Stdout),
    File(File),
}

impl Output {
    fn open(file: Option<&Path>) -> io::Result<Self> {
        match file {
            None => Ok(Self::Standard(io::stdout())),
            Some(path) => OpenOptions::new().append(true).create(true).mode(0o640).open(path).map(Self::File),
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Standard(stdout) => {
                stdout.write_all(text.as_bytes())?;
                stdout.flush()
            }
            Self::File(file) => file.write_all(text.as_bytes()),
        }
    }
}

impl Writer {
    /// Opens the output. `folder` is where decisions are recorded. `Err` is one line for the administrator.
    pub fn new(
        ring: LogRing,
        settings: Settings,
        (folder, decisions): (PathBuf, decisions::Settings),
        clock: Clock,
    ) -> Result<(Self, LogHandle), String> {
        let (sender, commands) = sync_channel(COMMANDS_MAX);
        let output = Output::open(settings.file.as_deref()).map_err(|error| {
            format!("{}: {error}", settings.file.as_deref().unwrap_or(Path::new("standard output")).display())
        })?;
        let handle = LogHandle { commands: sender, archive: Archive::new(folder.clone()), clock: clock.clone() };
        let (recent, store) = (Recent::new(settings.remember), Store::new(folder, decisions));
        let writer = Self { ring, settings, commands, output, recent, store, clock, pending: String::new() };
        writer.choose();
        Ok((writer, handle))
    }

    /// Tells the cores which decisions are wanted at all.
    fn choose(&self) {
        self.ring.take_notable_only(!self.settings.all && !self.store.wants_all());
    }

    /// Works until it is told to stop; the ring is empty then.
    pub fn run(mut self) {
        loop {
            let told = self.commands.recv_timeout(LOOK);
            self.empty_ring();
            match told {
                Ok(Command::Explain(id, reply)) => {
                    // Who asked may have gone.
                    let _ = reply.send(self.recent.get(id));
                }
                Ok(Command::Settings(settings, decisions)) => self.change(settings, decisions),
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn change(&mut self, settings: Settings, decisions: decisions::Settings) {
        match Output::open(settings.file.as_deref()) {
            Ok(output) => self.output = output,
            // The old file goes on: a log that cannot be opened must not stop the one that works.
            Err(_) => counter!("tollgate_log_failed_total").increment(1),
        }
        self.recent.resize(settings.remember);
        self.settings = settings;
        self.store.set(decisions);
        self.choose();
    }

    fn empty_ring(&mut self) {
        let mut lines = 0;
        // Bounded by the ring: what is pushed meanwhile waits for the next look.
        for _ in 0..LogRing::EVENTS_MAX {
            let Some(event) = self.ring.pop() else { break };
            self.take(&event);
            lines += 1;
            if lines % LINES_MAX == 0 {
                self.write();
            }
            if self.store.waiting() >= RECORDS_OCTETS_MAX {
                self.record();
            }
        }
        self.record();
        self.write();
        counter!("tollgate_log_dropped_total").absolute(self.ring.dropped());
    }

    fn take(&mut self, event: &Event) {
        let format = self.settings.format;
        match event {
            Event::Decision(decision) => {
                let is_notable = record::is_notable(decision);
                if is_notable {
                    self.recent.add(decision);
                }
                if is_notable || self.store.wants_all() {
                    self.store.add(decision);
                }
                if is_notable || self.settings.all {
                    record::decision(Line::new(format, &mut self.pending), decision);
                }
            }
            Event::Report(reported) => record::report(Line::new(format, &mut self.pending), reported),
            Event::Notice(notice) => record::notice(Line::new(format, &mut self.pending), notice),
        }
    }

    /// Puts decisions on disk. Trouble has one line when it begins, and one when it is over.
    fn record(&mut self) {
        let at = self.clock.now();
        let (event, words) = match self.store.write(at) {
            None => return,
            Some(News::Failed(error)) => ("decisions_failed", vec![("error", error)]),
            Some(News::Resumed(lost)) => ("decisions_resumed", vec![("lost", lost.to_string())]),
        };
        record::notice(Line::new(self.settings.format, &mut self.pending), &Notice { at, event, words });
    }

    fn write(&mut self) {
        if !self.pending.is_empty() && self.output.write(&self.pending).is_err() {
            counter!("tollgate_log_failed_total").increment(1);
        }
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decision_log::{Format, Reported},
        session::Facts,
    };
    use std::{fs, thread};

    fn settings(file: &Path) -> Settings {
        Settings { format: Format::Logfmt, file: Some(file.to_owned()), all: false, remember: 10 }
    }

    #[test]
    fn writes_everything_before_it_stops_and_opens_the_file_anew() {
        let scratch = tempfile::tempdir().expect("a folder");
        let (path, rotated) = (scratch.path().join("log"), scratch.path().join("log.1"));
        let ring = LogRing::default();
        let clock = Clock::manual(0);
        let decisions = (scratch.path().join("decisions"), decisions::Settings::off());
        let (writer, handle) = Writer::new(ring.clone(), settings(&path), decisions, clock.clone()).expect("opens");
        let at = clock.now();
        let thread = thread::spawn(move || writer.run());
        ring.push(Event::Report(Arc::new(Reported { at, facts: Facts::default(), lists: None })));
        fs::rename(&path, &rotated).expect("rotates");
        handle.set(settings(&path), decisions::Settings::off());
        // Commands are taken in order, so after this answer the new file is open.
        let asked = handle.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert!(runtime.block_on(asked.explain(DecisionId::default())).is_ok_and(|found| found.is_none()));
        ring.push(Event::Notice(Box::new(Notice { at, event: "stop", words: vec![("by", "a\nb".to_owned())] })));
        handle.stop();
        thread.join().expect("ends");
        assert_eq!(fs::read_to_string(rotated).expect("old").lines().count(), 1);
        assert_eq!(fs::read_to_string(path).expect("new"), "time=1970-01-01T00:00:00.000Z event=stop by=\"a\\x0ab\"\n");
    }
}
