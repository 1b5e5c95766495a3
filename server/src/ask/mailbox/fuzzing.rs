//! Is whatever stands in `users/assign`, `users/cdb`, `passwd`, the control files or a snapshot read within its bounds? The
//! bodies of the fuzz target `users` (`server/fuzz/`), and of the test that tries its finds again.

use super::{Host, Owner, Snapshot, Stat, Trace, look};
use crate::lists::{
    Cdb,
    qmail::{Account, Assign, ControlFiles, Controls, Passwd, Users, UsersError, assigned},
};
use std::borrow::Cow;

/// Addresses that are looked for in whatever was read, beside one of its own.
const ADDRESSES: [&[u8]; 4] = [b"ann-foo@here.example", b"", b"a%b%c@d", b"x@.y."];

/// The octets as all files of a host at once.
struct Everything<'a> {
    controls: Controls,
    users: Option<&'a dyn Users>,
    passwd: Passwd,
}

impl Host for Everything<'_> {
    fn envnoathost(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.controls.envnoathost)
    }

    fn is_percent_hacked(&self, domain: &[u8]) -> bool {
        self.controls.percenthack.contains(domain)
    }

    fn is_local(&self, domain: &[u8]) -> Result<bool, String> {
        Ok(self.controls.locals.as_ref().is_some_and(|locals| locals.contains(domain)))
    }

    fn virtualdomain(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.controls.virtualdomains.get(key).map(|prepend| Cow::Borrowed(prepend.as_slice()))
    }

    fn users(&self) -> Result<Option<&dyn Users>, UsersError> {
        Ok(self.users)
    }

    fn account(&self, name: &[u8]) -> Result<Option<Account>, String> {
        Ok(self.passwd.get(name).cloned())
    }

    fn owner(&self, home: &[u8]) -> Owner {
        Owner::Uid(home.len() as u32)
    }

    fn stat(&self, _home: &[u8], name: &[u8]) -> Stat {
        assert!(name.starts_with(b".qmail") && !name.contains(&0), "{}", name.escape_ascii());
        Stat::NotThere
    }
}

/// Reads octets as every file that says where mail goes. The first line is an address, too.
///
/// # Panics
/// When text and cdb of `users/assign` would not agree, or an answer fills more than a line.
pub fn users(octets: &[u8]) {
    let file = Some(octets);
    let controls = Controls::read(&ControlFiles {
        me: file,
        locals: file,
        virtualdomains: file,
        percenthack: file,
        envnoathost: file,
    });
    let (assign, cdb) = (Assign::parse(octets).ok(), Cdb::new(octets.to_vec()).ok());
    let own = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let addresses = || ADDRESSES.into_iter().chain([&own[..own.len().min(900)]]);
    if let Some(assign) = &assign {
        let keys: Vec<_> = assign.records().map(|(key, _)| key).collect();
        assert!(keys.iter().all(|key| key.is_empty() || (key[0] == b'!' && !key.iter().any(u8::is_ascii_uppercase))));
    }
    let of_cdb = cdb.as_ref().map(|cdb| cdb as &dyn Users);
    let users = assign.as_ref().map(|assign| assign as &dyn Users).or(of_cdb);
    for address in addresses() {
        let local = address.split(|&octet| octet == 0).next().unwrap_or_default();
        let _ = users.map(|users| assigned(users, local));
    }
    let host = Everything { controls, users, passwd: Passwd::parse(octets) };
    addresses().for_each(|address| look_for(&host, address));
    if let Some(snapshot) = cdb.and_then(|cdb| Snapshot::new(cdb).ok()) {
        addresses().for_each(|address| look_for(&snapshot, address));
    }
}

fn look_for(host: &dyn Host, address: &[u8]) {
    let mut trace = Trace::kept();
    let looked = look(host, address, &mut trace);
    let is_line = |text: &str| text.chars().all(|char| !char.is_control());
    assert!(is_line(&looked.why) && trace.steps().iter().all(|step| is_line(&step.said)), "{looked}");
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn what_was_found_once_is_tried_again() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/users");
        let mut tried = 0;
        for entry in fs::read_dir(folder).expect("the corpus") {
            super::users(&fs::read(entry.expect("an entry").path()).expect("read"));
            tried += 1;
        }
        assert!(tried > 4, "{tried}");
    }
}
