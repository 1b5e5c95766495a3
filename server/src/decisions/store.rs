//! How does a decision get onto the disk? The log thread's half: it collects records, writes them with one system call, begins
//! new segments and deletes the oldest. Nothing here stops the log or the mail: what cannot be written waits, up to a bound,
//! is tried again after a while, and beyond the bound is lost and counted.
//!
//! Nothing is synced: a killed daemon loses at most what waited for the next look, a power cut what the system had not
//! written yet. What is torn by either is cut off when the segment is opened again.

use super::{
    Settings,
    folder::Folder,
    index::Index,
    record,
    segment::{Entry, HEAD, HEADER, Salt},
};
use crate::{
    clock::Now,
    pipeline::{Decision, DecisionId},
};
use metrics::{counter, gauge};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Octets that may wait for the disk: some thousand decisions.
pub(super) const PENDING_OCTETS_MAX: usize = 4 << 20;
/// How soon a write that failed is tried again, first and at most.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How often is looked whether something is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What the administrator should hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Writing has begun to fail, and why. Told once.
    Failed(String),
    /// It works again; so many decisions were lost meanwhile.
    Resumed(u64),
}

/// Writes decisions down.
#[derive(Debug)]
pub struct Store {
    folder: Folder,
    settings: Settings,
    active: Option<Active>,
    pending: Vec<Pending>,
    pending_octets: usize,
    trouble: Option<Trouble>,
    sweep_at: Option<Instant>,
}

/// A record on its way.
#[derive(Debug)]
struct Pending {
    time_ms: u64,
    id: DecisionId,
    payload: Vec<u8>,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    number: u64,
    file: File,
    octets: u64,
    salt: Salt,
    index: Index,
    written: Instant,
}

#[derive(Debug)]
struct Trouble {
    wait: Duration,
    again_at: Instant,
    lost: u64,
}

impl Store {
    /// Nothing is opened before there is something to write.
    pub fn new(folder: PathBuf, settings: Settings) -> Self {
        Self {
            folder: Folder::new(folder),
            settings,
            active: None,
            pending: Vec::new(),
            pending_octets: 0,
            trouble: None,
            sweep_at: None,
        }
    }

    /// Other settings from now on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
        self.sweep_at = None;
        if self.settings.is_off() {
            self.pending.clear();
            self.pending_octets = 0;
        }
    }

    /// Is every decision wanted? Else those that are notable, if any.
    pub fn wants_all(&self) -> bool {
        self.settings.all && !self.settings.is_off()
    }

    /// Takes a decision; it is written with the next [`Store::write`].
    pub fn add(&mut self, decision: &Decision) {
        if self.settings.is_off() {
            return;
        }
        let payload = record::encode(decision);
        if self.pending_octets + payload.len() > PENDING_OCTETS_MAX || payload.len() > record::OCTETS_MAX {
            counter!("tollgate_decisions_unrecorded_total").increment(1);
            self.trouble.iter_mut().for_each(|trouble| trouble.lost += 1);
            return;
        }
        self.pending_octets += payload.len();
        let (time_ms, id) = (decision.at.unix_millis(), decision.verdict.decision_id);
        self.pending.push(Pending { time_ms, id, payload });
    }

    /// Octets that wait so far.
    pub fn waiting(&self) -> usize {
        self.pending_octets
    }

    /// Writes what waits, and from time to time deletes what is too old or too much.
    pub fn write(&mut self, now: Now) -> Option<News> {
        let due = !self.pending.is_empty() || self.sweep_at.is_none_or(|at| at <= now.steady);
        if !due || self.trouble.as_ref().is_some_and(|trouble| now.steady < trouble.again_at) {
            return None;
        }
        match self.try_write(now) {
            Ok(()) => self.trouble.take().map(|trouble| News::Resumed(trouble.lost)),
            Err(error) => self.fail(&error, now),
        }
    }

    fn fail(&mut self, error: &io::Error, now: Now) -> Option<News> {
        counter!("tollgate_decisions_write_failed_total").increment(1);
        // Opened anew: what came of the write is looked at then, and a torn end cut off.
        self.active = None;
        if let Some(trouble) = &mut self.trouble {
            trouble.wait = (trouble.wait * 2).min(RETRY_MAX);
            trouble.again_at = now.steady + trouble.wait;
            return None;
        }
        self.trouble = Some(Trouble { wait: RETRY_FIRST, again_at: now.steady + RETRY_FIRST, lost: 0 });
        Some(News::Failed(format!("{}: {error}", self.folder.path().display())))
    }

    fn try_write(&mut self, now: Now) -> io::Result<()> {
        // First: what it deletes may be the room that the rest needs.
        if self.sweep_at.is_none_or(|at| at <= now.steady) {
            self.sweep(now)?;
            self.sweep_at = Some(now.steady + SWEEP_EVERY);
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let full = self.settings.segment_octets();
        let mut active = match self.active.take() {
            Some(active) => active,
            None => Active::open(&self.folder, full, now)?,
        };
        active.append(&self.pending, now)?;
        counter!("tollgate_decisions_recorded_total").increment(self.pending.len() as u64);
        self.pending.clear();
        self.pending_octets = 0;
        if active.octets < full {
            self.active = Some(active);
            return Ok(());
        }
        self.sweep_at = None;
        active.close(&self.folder)
    }

    /// Deletes the oldest segments while they are too old, or all together too large.
    fn sweep(&mut self, now: Now) -> io::Result<()> {
        let rests = |active: &Active| now.steady.saturating_duration_since(active.written) >= self.settings.keep;
        if let Some(active) = self.active.take_if(|active| rests(active)) {
            active.close(&self.folder)?;
        }
        let open = self.active.as_ref().map(|active| active.number);
        let listed = self.folder.list()?;
        let mut octets: u64 = listed.iter().map(|segment| segment.octets).sum();
        let keep_ms = u64::try_from(self.settings.keep.as_millis()).unwrap_or(u64::MAX);
        for segment in listed.iter().filter(|segment| Some(segment.number) != open) {
            let is_old = segment.written_ms.saturating_add(keep_ms) <= now.unix_millis();
            if is_old || octets > self.settings.octets || self.settings.is_off() {
                self.folder.delete(segment.number)?;
                octets -= segment.octets;
            }
        }
        gauge!("tollgate_decisions_bytes").set(octets as f64);
        Ok(())
    }
}

impl Active {
    /// Goes on with the newest segment if it has room, else begins another.
    fn open(folder: &Folder, full: u64, now: Now) -> io::Result<Self> {
        folder.make()?;
        let newest = folder.list()?.last().copied();
        let Some(newest) = newest else { return Self::begin(folder, 1, now) };
        match Self::go_on(folder, newest.number, now)? {
            Some(active) if active.octets < full => Ok(active),
            Some(active) => {
                active.close(folder)?;
                Self::begin(folder, newest.number + 1, now)
            }
            None => Self::begin(folder, newest.number + 1, now),
        }
    }

    fn begin(folder: &Folder, number: u64, now: Now) -> io::Result<Self> {
        let salt = Salt::random();
        let path = folder.segment(number);
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        if let Err(error) = file.write_all(&salt.header()) {
            // A segment without a header would be in the way for ever.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self { number, file, octets: HEADER as u64, salt, index: Index::new(), written: now.steady })
    }

    /// `None` = it is of another version, or damaged from its start on. Cuts off what a kill has left half written.
    fn go_on(folder: &Folder, number: u64, now: Now) -> io::Result<Option<Self>> {
        let Some(octets) = folder.read(number)? else { return Ok(None) };
        let Some((salt, (index, walk))) = Salt::of(&octets).zip(Index::of(&octets)) else { return Ok(None) };
        counter!("tollgate_decisions_damaged_total").increment(walk.damaged);
        let file = OpenOptions::new().append(true).open(folder.segment(number))?;
        if walk.end < octets.len() {
            file.set_len(walk.end as u64)?;
        }
        Ok(Some(Self { number, file, octets: walk.end as u64, salt, index, written: now.steady }))
    }

    fn append(&mut self, pending: &[Pending], now: Now) -> io::Result<()> {
        let octets = pending.iter().map(|record| HEAD + record.payload.len()).sum();
        let (mut batch, mut entries) = (Vec::with_capacity(octets), Vec::with_capacity(pending.len()));
        let start = usize::try_from(self.octets).unwrap_or(usize::MAX);
        for Pending { time_ms, id, payload } in pending {
            let at = start + batch.len();
            self.salt.append(&mut batch, *time_ms, *id, payload);
            entries.push(Entry { at, time_ms: *time_ms, id: *id, payload: at + HEAD..start + batch.len() });
        }
        if let Err(error) = self.file.write_all(&batch) {
            // So that what is tried again does not stand there twice. If this fails too, the torn end is cut off later.
            let _ = self.file.set_len(self.octets);
            return Err(error);
        }
        self.octets += batch.len() as u64;
        entries.iter().for_each(|entry| self.index.note(entry));
        self.written = now.steady;
        Ok(())
    }

    fn close(mut self, folder: &Folder) -> io::Result<()> {
        folder.write_index(self.number, &mut self.index, self.octets)
    }
}
