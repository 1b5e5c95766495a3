//! What does the log thread do? It empties the ring, writes lines, remembers decisions, and answers who asks for one.
//!
//! It looks into the ring every [`LOOK`] instead of being woken: a core then pays no system call for a record.

use super::{Event, Line, LogRing, Recent, Settings, record};
use crate::pipeline::{Decision, DecisionId};
use metrics::counter;
use std::{
    fs::{File, OpenOptions},
    io::{self, Stdout, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// How often the ring is looked into: at 16,000 decisions a second 320 wait, of [`LogRing::EVENTS_MAX`].
const LOOK: Duration = Duration::from_millis(20);

/// Lines collected before they are written with one system call.
const LINES_MAX: usize = 256;

/// Commands that may wait for the log thread. Administrators ask, and they are few.
const COMMANDS_MAX: usize = 64;

/// What the log thread may be told.
enum Command {
    Explain(DecisionId, oneshot::Sender<Option<Arc<Decision>>>),
    Settings(Settings),
    Stop,
}

/// How others talk to the log thread.
#[derive(Clone)]
pub struct LogHandle(SyncSender<Command>);

impl LogHandle {
    /// The decision of that name, if it is remembered (and the log thread has time).
    pub async fn explain(&self, id: DecisionId) -> Option<Arc<Decision>> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Command::Explain(id, reply)).ok()?;
        answer.await.ok()?
    }

    /// Other settings from now on; the file is opened anew.
    pub fn set(&self, settings: Settings) {
        // Waits at most until the next look. Nobody listens: the log thread has ended, and with it the daemon.
        let _ = self.0.send(Command::Settings(settings));
    }

    /// Writes what is in the ring, then ends.
    pub fn stop(&self) {
        let _ = self.0.send(Command::Stop);
    }
}

/// The log thread's work.
pub struct Writer {
    ring: LogRing,
    settings: Settings,
    commands: Receiver<Command>,
    output: Output,
    recent: Recent,
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
    /// Opens the output. `Err` is one line for the administrator.
    pub fn new(ring: LogRing, settings: Settings) -> Result<(Self, LogHandle), String> {
        let (sender, commands) = sync_channel(COMMANDS_MAX);
        let output = Output::open(settings.file.as_deref()).map_err(|error| {
            format!("{}: {error}", settings.file.as_deref().unwrap_or(Path::new("standard output")).display())
        })?;
        let recent = Recent::new(settings.remember);
        ring.take_notable_only(!settings.all);
        let writer = Self { ring, settings, commands, output, recent, pending: String::new() };
        Ok((writer, LogHandle(sender)))
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
                Ok(Command::Settings(settings)) => self.change(settings),
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn change(&mut self, settings: Settings) {
        match Output::open(settings.file.as_deref()) {
            Ok(output) => self.output = output,
            // The old file goes on: a log that cannot be opened must not stop the one that works.
            Err(_) => counter!("tollgate_log_failed_total").increment(1),
        }
        self.recent.resize(settings.remember);
        self.ring.take_notable_only(!settings.all);
        self.settings = settings;
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
        }
        self.write();
        counter!("tollgate_log_dropped_total").absolute(self.ring.dropped());
    }

    fn take(&mut self, event: &Event) {
        let format = self.settings.format;
        match event {
            Event::Decision(decision) => {
                if record::is_notable(decision) {
                    self.recent.add(decision);
                }
                record::decision(Line::new(format, &mut self.pending), decision);
            }
            Event::Report(reported) => record::report(Line::new(format, &mut self.pending), reported),
            Event::Notice(notice) => record::notice(Line::new(format, &mut self.pending), notice),
        }
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
        clock::Clock,
        decision_log::{Format, Notice, Reported},
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
        let (writer, handle) = Writer::new(ring.clone(), settings(&path)).expect("opens");
        let at = Clock::manual(0).now();
        let thread = thread::spawn(move || writer.run());
        ring.push(Event::Report(Arc::new(Reported { at, facts: Facts::default(), lists: None })));
        fs::rename(&path, &rotated).expect("rotates");
        handle.set(settings(&path));
        // Commands are taken in order, so after this answer the new file is open.
        let asked = handle.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert!(runtime.block_on(asked.explain(DecisionId::default())).is_none());
        ring.push(Event::Notice(Box::new(Notice { at, event: "stop", words: vec![("by", "a\nb".to_owned())] })));
        handle.stop();
        thread.join().expect("ends");
        assert_eq!(fs::read_to_string(rotated).expect("old").lines().count(), 1);
        assert_eq!(fs::read_to_string(path).expect("new"), "time=1970-01-01T00:00:00.000Z event=stop by=\"a\\x0ab\"\n");
    }
}
