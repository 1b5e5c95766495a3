//! Can a DNS list be believed at the moment? What the checks see of it: one state for each list that is not well.

use std::{fmt, sync::Arc};

/// A DNS list, by the name the configuration gives it: the same over reloads and restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(u64);

impl ListId {
    /// No list.
    pub const NONE: Self = Self(0);

    /// The list called `name`.
    pub fn named(name: &str) -> Self {
        // FNV-1a: the names are few, and the administrator's own.
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        Self(name.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)).max(1))
    }

    /// As a number, for session state and stores.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The opposite of [`ListId::number`].
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// How far a list is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// In full.
    #[default]
    Healthy,
    /// It is asked and measured, but what it says changes no answer.
    Suspect,
    /// On trial after it was off: as suspect.
    HalfOpen,
    /// It is not asked.
    Off,
}

impl Health {
    /// All of them, for metrics.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Suspect, Self::HalfOpen, Self::Off];

    /// The word in logs, metrics and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Suspect => "suspect",
            Self::HalfOpen => "half_open",
            Self::Off => "off",
        }
    }
}

/// A list that is not healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailing {
    /// Which.
    pub list: ListId,
    /// Its name.
    pub name: Arc<str>,
    /// How far it is believed.
    pub health: Health,
    /// Why, in a word of a closed set.
    pub cause: &'static str,
}

impl fmt::Display for Ailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.name, self.health.name(), self.cause)
    }
}

/// All lists that are not healthy at one moment; immutable, swapped as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthBoard(Vec<Ailing>);

impl HealthBoard {
    /// The lists that are not healthy; healthy ones among them are left out.
    pub fn new(lists: impl IntoIterator<Item = Ailing>) -> Self {
        let mut ailing: Vec<_> = lists.into_iter().filter(|list| list.health != Health::Healthy).collect();
        ailing.sort_by_key(|list| list.list);
        Self(ailing)
    }

    /// How far a list is believed.
    pub fn health(&self, list: ListId) -> Health {
        self.0.iter().find(|ailing| ailing.list == list).map_or(Health::Healthy, |ailing| ailing.health)
    }

    /// Those that are not healthy.
    pub fn ailing(&self) -> &[Ailing] {
        &self.0
    }
}

impl fmt::Display for HealthBoard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all healthy");
        }
        for (at, ailing) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { ", " };
            write!(f, "{gap}{ailing}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_that_ail_are_on_the_board() {
        let list = |name: &str, health| Ailing { list: ListId::named(name), name: name.into(), health, cause: "probe" };
        let board = HealthBoard::new([list("a", Health::Healthy), list("b", Health::Off)]);
        assert_eq!(board.to_string(), "b off (probe)");
        assert_eq!(board.health(ListId::named("b")), Health::Off);
        assert_eq!(board.health(ListId::named("a")), Health::Healthy);
        assert_eq!(HealthBoard::default().to_string(), "all healthy");
    }
}
