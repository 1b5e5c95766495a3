//! How long is evidence kept, how much of it, and of which decisions? The `[decisions]` section.

use crate::config::{Document, Fault, Field, Kind, Section};
use std::{cell::RefCell, time::Duration};

/// Name of the section.
pub const SECTION: &str = "decisions";

/// The keys of `[decisions]`.
pub const FIELDS: &[Field] = &[
    Field {
        name: "keep_days",
        kind: Kind::Integer { default: 14, min: 0, max: 3_650 },
        doc: "How long decisions are kept on disk with their evidence, for `tollgate explain`. 0 = none is recorded, and what \
              was recorded is deleted.",
    },
    Field {
        name: "keep_mib",
        kind: Kind::Integer { default: 1_024, min: 16, max: 1_048_576 },
        doc: "Room for them in MiB: the oldest go first. About 1 KiB each.",
    },
    Field {
        name: "which",
        kind: Kind::Choice(&["notable", "all"]),
        doc: "Which decisions are recorded: those that `[log] decisions = \"notable\"` writes down, or all.",
    },
];

/// Days in seconds.
const DAY: u64 = 86_400;

/// Octets of a MiB.
const MIB: u64 = 1 << 20;

/// Bounds of a segment: deletion goes by whole segments, so it is a sixteenth of all within these.
const SEGMENT_MIN: u64 = MIB;
const SEGMENT_MAX: u64 = 16 * MIB;

/// The section, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long; zero = nothing is recorded.
    pub keep: Duration,
    /// How much, in octets.
    pub octets: u64,
    /// Every decision, or only notable ones.
    pub all: bool,
}

impl Settings {
    /// Reads the section; what is wrong goes to `faults`.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, SECTION, &[FIELDS], &[], faults);
        Self {
            keep: Duration::from_secs(section.integer("keep_days").unsigned_abs() * DAY),
            octets: section.integer("keep_mib").unsigned_abs() * MIB,
            all: section.choice("which") == "all",
        }
    }

    /// Nothing is recorded.
    pub fn off() -> Self {
        Self { keep: Duration::ZERO, octets: 0, all: false }
    }

    /// Is anything recorded?
    pub fn is_off(&self) -> bool {
        self.keep.is_zero()
    }

    /// Octets from which a segment is full.
    pub(super) fn segment_octets(&self) -> u64 {
        (self.octets / 16).clamp(SEGMENT_MIN, SEGMENT_MAX)
    }
}
