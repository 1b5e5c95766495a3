//! How do files come into force when they change? The section `[lists]`.

use super::Guard;
use crate::config::{Document, Fault, Field, Kind, Section};
use std::{cell::RefCell, time::Duration};

/// The section's keys.
pub const FIELDS: &[Field] = &[
    Field {
        name: "watch",
        kind: Kind::Bool(true),
        doc: "Take files into force as soon as they change, in place or by a rename. Off: at `tollgate reload` and SIGHUP only.",
    },
    Field {
        name: "poll_s",
        kind: Kind::Integer { default: 5, min: 1, max: 3_600 },
        doc: "Every so many seconds files are looked at even if the system reports no change, as over NFS.",
    },
    Field {
        name: "guard_entries_min",
        kind: Kind::Integer { default: 10, min: 1, max: 10_000_000 },
        doc: "Lists with fewer entries may change as they like. Longer ones are held to the two bounds below: a new version \
              beyond them is refused, and the one before stays, until `tollgate reload --force`.",
    },
    Field {
        name: "shrink_to_percent",
        kind: Kind::Integer { default: 50, min: 0, max: 100 },
        doc: "What must be left of a list's entries, in percent. 0 = it may even become empty.",
    },
    Field {
        name: "grow_to_percent",
        kind: Kind::Integer { default: 1_000, min: 100, max: 1_000_000_000 },
        doc: "What a list may grow to at once, in percent of its entries.",
    },
];

/// The section as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Files come into force when they change.
    pub watch: bool,
    /// Between two looks at them.
    pub poll: Duration,
    /// How much a list may change.
    pub guard: Guard,
}

impl Settings {
    /// Reads `[lists]`. Every fault is added; with a fault the result is not to be used.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, "lists", &[FIELDS], &[], faults);
        let number = |name| usize::try_from(section.integer(name)).unwrap_or_default();
        Self {
            watch: section.bool("watch"),
            poll: Duration::from_secs(section.integer("poll_s").unsigned_abs()),
            guard: Guard {
                entries_min: number("guard_entries_min"),
                shrink_to_percent: number("shrink_to_percent"),
                grow_to_percent: number("grow_to_percent"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_line_the_guard_is_the_usual_one() {
        let faults = RefCell::default();
        let settings = Settings::read(&Document::default(), &faults);
        assert_eq!((settings.guard, settings.watch, settings.poll.as_secs()), (Guard::default(), true, 5));
        let document = Document::parse("t.toml", "[lists]\npoll_s = 0\nshrink_to_percent = 101\n").expect("TOML");
        Settings::read(&document, &faults);
        assert_eq!(faults.into_inner().len(), 2);
    }
}
