//! Has a list changed more than lists do? Feeds arrive cut off, empty, or with all the Internet in them.

/// Bounds of what one version of a list may have more or less than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Lists shorter than this may change as they like: people edit them by hand.
    pub entries_min: usize,
    /// What must be left of the entries, in percent; 0 = nothing need be.
    pub shrink_to_percent: usize,
    /// What they may grow to, in percent.
    pub grow_to_percent: usize,
}

/// Entries from which on an empty file is more likely a full disk than somebody's wish.
const EMPTIED_MIN: usize = 2;

impl Default for Guard {
    /// From 10 entries on: half of them, ten times as many.
    fn default() -> Self {
        Self { entries_min: 10, shrink_to_percent: 50, grow_to_percent: 1_000 }
    }
}

impl Guard {
    /// May a list of `before` entries become one of `now`? `Err` says what is out of bounds.
    pub(super) fn compare(&self, before: usize, now: usize) -> Result<(), String> {
        if now == 0 && before >= EMPTIED_MIN && self.shrink_to_percent > 0 {
            return Err(format!("no entries after {before}: expected some, or no file"));
        }
        self.bounds(before, now)
    }

    /// May a list of `before` entries go, file and all?
    pub(super) fn gone(&self, before: usize) -> Result<(), String> {
        self.bounds(before, 0)
    }

    fn bounds(&self, before: usize, now: usize) -> Result<(), String> {
        let part = |percent: usize| before.saturating_mul(percent) / 100;
        if before < self.entries_min.max(1) {
            return Ok(());
        }
        if now < part(self.shrink_to_percent) || (now == 0 && self.shrink_to_percent > 0) {
            let least = part(self.shrink_to_percent).max(1);
            return Err(format!("{now} entries after {before}: expected at least {least}"));
        }
        if now > part(self.grow_to_percent) {
            let most = part(self.grow_to_percent);
            return Err(format!("{now} entries after {before}: expected at most {most}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_shrink_and_grow_within_bounds() {
        let guard = Guard::default();
        for (before, now, good) in [
            (0, 1_000_000, true),
            (9, 0, false),
            (2, 0, false),
            (1, 0, true),
            (9, 1, true),
            (9, 1_000, true),
            (10, 5, true),
            (10, 4, false),
            (10, 0, false),
            (10, 100, true),
            (10, 101, false),
        ] {
            assert_eq!(guard.compare(before, now).is_ok(), good, "{before} -> {now}");
        }
        let told =
            |before| [guard.compare(before, 0), guard.gone(before)].map(|result| result.err().unwrap_or_default());
        assert_eq!(
            told(10),
            ["no entries after 10: expected some, or no file", "0 entries after 10: expected at least 5"]
        );
        assert_eq!(told(9), ["no entries after 9: expected some, or no file", ""]);
    }

    #[test]
    fn nothing_need_be_left_where_nothing_is_asked_for() {
        let guard = Guard { shrink_to_percent: 0, ..Guard::default() };
        assert!(guard.compare(1_000, 0).is_ok());
        let guard = Guard { shrink_to_percent: 1, ..Guard::default() };
        assert!(guard.compare(20, 0).is_err(), "one in a hundred of twenty is still one");
    }
}
