//! A DNS in memory: for the suites of openspf.org, for `tollgate spf --record`, and for tests.

use super::dns::{Data, Dns, Kind, Looked, Said, Trouble};
use std::{collections::HashMap, future::ready, time::Duration};

/// Links of a chain of CNAMEs that are followed.
const CHAIN_MAX: usize = 8;
/// Every answer holds this long.
const TTL: Duration = Duration::from_secs(300);

/// What a name has, in the order in which it is looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A record.
    Record(Data),
    /// The name is another one's alias.
    Cname(String),
    /// From here on no answer comes, unless one has been found before.
    Silence,
}

/// Names with their entries. What is not there does not exist.
#[derive(Clone, Debug, Default)]
pub struct Zone(HashMap<String, Vec<Entry>>);

impl Zone {
    /// Adds an entry behind those that the name has.
    pub fn add(&mut self, name: &str, entry: Entry) {
        self.0.entry(name.trim_end_matches('.').to_ascii_lowercase()).or_default().push(entry);
    }

    /// The names, in no order, with their entries.
    pub fn names(&self) -> impl Iterator<Item = (&str, &[Entry])> {
        self.0.iter().map(|(name, entries)| (name.as_str(), entries.as_slice()))
    }

    fn said(&self, name: &str, kind: Kind) -> Said {
        let mut name = name.to_ascii_lowercase();
        for _ in 0..CHAIN_MAX {
            let Some(entries) = self.0.get(&name) else { return Said::NotFound };
            let alias = entries.iter().find_map(|entry| if let Entry::Cname(to) = entry { Some(to) } else { None });
            match alias {
                Some(to) => name = to.to_ascii_lowercase(),
                None => return listed(entries, kind),
            }
        }
        // A loop.
        Said::Failed(Trouble::Theirs("servfail"))
    }
}

fn listed(entries: &[Entry], kind: Kind) -> Said {
    let is_wanted = |data: &Data| {
        matches!(
            (data, kind),
            (Data::A(_), Kind::A)
                | (Data::Aaaa(_), Kind::Aaaa)
                | (Data::Mx(..), Kind::Mx)
                | (Data::Txt(_), Kind::Txt)
                | (Data::Ptr(_), Kind::Ptr)
        )
    };
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            Entry::Record(data) if is_wanted(data) => found.push(data.clone()),
            Entry::Silence if found.is_empty() => return Said::Failed(Trouble::Theirs("timeout")),
            _ => {}
        }
    }
    if found.is_empty() { Said::NotFound } else { Said::Found(found) }
}

impl Dns for Zone {
    fn look_up(&self, name: &str, kind: Kind) -> impl Future<Output = Looked> + Send {
        ready(Looked::at_hand(self.said(name, kind), TTL))
    }
}
