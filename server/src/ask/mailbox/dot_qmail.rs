//! Is there a `.qmail` file for the extension, or a `.qmail…default` that covers it? `qmail-local`'s search.
//!
//! It asks whether there is anything of that name: `qmail-local` itself wants a regular file, and defers mail where homes or
//! files are unsafe. So what is there counts, and what cannot be looked at is not known.

use super::{Host, Looked, Stat, Trace, owner::Delivery, shown};

/// The answer; every way through says one.
pub(super) fn search(host: &dyn Host, delivery: &Delivery, trace: &mut Trace) -> Result<Looked, Looked> {
    let Delivery { user, home, dash, ext } = delivery;
    if dash.is_empty() {
        return Ok(Looked::exists(format!("the own address of user {}", shown(user))));
    }
    let safe: Vec<u8> =
        ext.iter().map(|octet| if *octet == b'.' { b':' } else { octet.to_ascii_lowercase() }).collect();
    let exact = [b".qmail", dash.as_slice(), &safe].concat();
    let is_break = |end: &usize| *end == 0 || safe[end - 1] == b'-';
    let defaults = (0..=safe.len()).rev().filter(is_break);
    let defaults = defaults.map(|end| [b".qmail", dash.as_slice(), &safe[..end], b"default"].concat());
    for name in std::iter::once(exact.clone()).chain(defaults) {
        let path = || format!("{}/{}", shown(home), shown(&name));
        match host.stat(home, &name) {
            Stat::There => return Ok(Looked::exists(format!("{} is there", path()))),
            Stat::NotThere => trace.note(".qmail", || format!("{} is not there", path())),
            Stat::Other(error) => return Ok(Looked::unknown(format!("unable to stat {}: {error}", path()))),
        }
    }
    Ok(Looked::missing(format!("nothing in {} covers {}", shown(home), shown(&exact))))
}
