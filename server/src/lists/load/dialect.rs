//! How does a list of addresses become a matcher, in the dialect that the section names?

use super::{Ending, Place, file, keys, refusing_keys, warn_of_dos_lines};
use crate::{
    config::{Build, Fault, Section},
    files::{Demands, Notes},
    lists::{AddressList, Listing, SpamControlList, control},
};
use bytes::Bytes;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Senders; with wildcards, entries such as `.suffix` count.
    Senders {
        /// They do.
        wildcard: bool,
    },
    /// Recipients that are refused: postmaster and abuse of our domains must not be among them.
    Recipients,
}

/// A list of addresses; the section has a key `dialect`. `default` is read when no file is named.
pub fn addresses(
    section: &Section<'_>,
    build: &mut Build<'_>,
    (place, default): (Place, PathBuf),
    about: About,
) -> Listing {
    if section.choice("dialect") == "spamcontrol" {
        return Listing::SpamControl(patterns(section, build, (place, default), about));
    }
    let (keys, wildcard) = match about {
        About::Senders { wildcard } => (keys(section, build, place, Some(default)), wildcard),
        About::Recipients => (refusing_keys(section, build, place, Some(default)), false),
    };
    let list = AddressList::new(keys, wildcard);
    if let Some(warning) = list.find_useless() {
        build.warn(warning);
    }
    Listing::Qmail(list)
}

/// The file's entries, then the configuration's own: these are the more significant.
fn patterns(
    section: &Section<'_>,
    build: &mut Build<'_>,
    (place, default): (Place, PathBuf),
    about: About,
) -> Vec<Arc<SpamControlList>> {
    let domains = build.domains;
    let always = |list: &SpamControlList| match about {
        About::Senders { .. } => Ok(()),
        About::Recipients => list.postmaster_stays_reachable(domains),
    };
    let texts = section.texts(place.texts);
    let own = SpamControlList::new(texts.iter().map(String::as_bytes).filter(|text| !text.is_empty()));
    let own = own.and_then(|own| always(&own).map(|()| own)).unwrap_or_else(|wrong| {
        section.fault(place.texts, wrong);
        SpamControlList::default()
    });
    let demands = Demands { always: &always, ..Demands::NONE };
    let file = file(section, build, (place.file, Some(default)), ("spamcontrol", &read, demands));
    [file, Some(Arc::new(own))].into_iter().flatten().collect()
}

fn read(path: &Path, content: Bytes, notes: &mut Notes) -> Result<SpamControlList, Vec<Fault>> {
    let fault = |text: String| vec![Fault::of_file(path, text)];
    if Ending::of(path) != Ending::Other {
        return Err(fault("in SpamControl's dialect the order counts: expected lines of text".to_owned()));
    }
    warn_of_dos_lines(notes, &content);
    let list = SpamControlList::new(control::entries(&content).map(|entry| entry.text)).map_err(fault)?;
    notes.entries = list.len();
    Ok(list)
}
