//! How are DNS lists watched? The section `[dns_lists]`.

use crate::config::{Document, Fault, Field, Kind, Section};
use std::{cell::RefCell, time::Duration};

/// The section's keys.
pub const FIELDS: &[Field] = &[Field {
    name: "probe_seconds",
    kind: Kind::Integer { default: 1_800, min: 10, max: 86_400 },
    doc: "Every so many seconds each list is asked for its test entries (RFC 5782 §5) and a name made up: up to three \
          look-ups on its budget. A list in doubt is asked every ten seconds at first, then every minute.",
}];

/// The section as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Between two probes of a healthy list.
    pub probe_every: Duration,
}

impl Settings {
    /// Reads `[dns_lists]`. Every fault is added; with a fault the result is not to be used.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, "dns_lists", &[FIELDS], &[], faults);
        let seconds = u64::try_from(section.integer("probe_seconds")).unwrap_or_default();
        Self { probe_every: Duration::from_secs(seconds) }
    }
}

impl Default for Settings {
    /// The section without a line in it.
    fn default() -> Self {
        Self::read(&Document::default(), &RefCell::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_interval_within_its_bounds() {
        let read = |text: &str| {
            let document = Document::parse("t.toml", text).expect("TOML");
            let faults = RefCell::default();
            let settings = Settings::read(&document, &faults);
            (settings.probe_every.as_secs(), faults.into_inner().len())
        };
        assert_eq!(read(""), (1_800, 0));
        assert_eq!(read("[dns_lists]\nprobe_seconds = 60\n"), (60, 0));
        assert_eq!(read("[dns_lists]\nprobe_seconds = 9\n").1, 1);
    }
}
