//! How strongly is a finding meant? The same four words at every grain: all, host, check, list, code, domain, recipient.

use std::{fmt, str::FromStr};

/// Modes from strict to lenient. Where several grains speak about one finding, the most lenient wins: to rehearse
/// or to switch off one thing never makes another thing stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// A finding does what it says.
    #[default]
    Enforce,
    /// Every 5xx becomes the matching 4xx.
    Soft,
    /// Evaluated, counted and logged as `would_have`; changes no answer.
    Monitor,
    /// Not evaluated at all.
    Off,
}

impl Mode {
    /// All modes, strict to lenient.
    pub const ALL: [Self; 4] = [Self::Enforce, Self::Soft, Self::Monitor, Self::Off];

    /// The word in configuration, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Soft => "soft",
            Self::Monitor => "monitor",
            Self::Off => "off",
        }
    }

    /// The more lenient of two.
    #[must_use]
    pub fn or_milder(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == word)
            .ok_or_else(|| format!("\"{word}\" is not a mode: expected enforce, soft, monitor or off"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_lenient_grain_wins() {
        assert_eq!(Mode::Enforce.or_milder(Mode::Monitor), Mode::Monitor);
        assert_eq!(Mode::Off.or_milder(Mode::Soft), Mode::Off);
    }

    #[test]
    fn words_round_trip() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        assert!("Enforce".parse::<Mode>().is_err());
    }
}
