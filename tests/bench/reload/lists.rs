//! Which files does the daemon read, and what changes in them?

use std::{
    cell::Cell,
    error::Error,
    fs,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder with a configuration and all its lists.
pub(crate) struct Lists {
    folder: TempDir,
    socket: PathBuf,
    networks: u32,
    changes: Cell<u32>,
}

/// Who is refused once a change holds.
pub(crate) struct Change {
    pub(crate) client_ip: String,
    pub(crate) sender: String,
    pub(crate) recipient: String,
}

impl Lists {
    /// A list of so many networks, and short ones of all other kinds.
    pub(crate) fn new(networks: u32) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let lists = Self { socket: folder.path().join("tollgate.sock"), folder, networks, changes: Cell::new(0) };
        fs::create_dir(lists.path("control"))?;
        lists.text("control/badmailfrom", &many("@", 1_000, ""))?;
        lists.text("control/badrcptto", &many("", 1_000, "@ours.example"))?;
        lists.text("clients", &lists.clients(&[]))?;
        lists.cdb("senders.cdb", &[])?;
        let at = folder_name(lists.folder.path());
        fs::write(
            lists.config(),
            format!(
                "[server]\nsocket = '{at}/tollgate.sock'\nadmin_socket = '{at}/admin.sock'\nstate = '{at}/state'\nmetrics = ''\n\
                 [policy]\ncontrol = '{at}/control'\ndomains = ['ours.example']\n[log]\nfile = '{at}/log'\n\
                 [check.access]\nclients_deny_file = '{at}/clients'\nsenders_deny_file = '{at}/senders.cdb'\n\
                 [check.rdns]\nmode = 'off'\n[check.helo]\nmode = 'off'\n[check.sender_domain]\nmode = 'off'\n\
                 [check.spf]\nmode = 'off'\n[check.reputation]\nmode = 'off'\n[check.rate]\nmode = 'off'\n[check.greylist]\nmode = 'off'\n"
            ),
        )?;
        Ok(lists)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("tollgate.toml")
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Changes the next kind of file.
    pub(crate) fn change(&self) -> Result<Change, Box<dyn Error>> {
        let number = self.changes.get();
        self.changes.set(number + 1);
        let mut change = Change {
            client_ip: "203.0.113.77".to_owned(),
            sender: "ann@there.example".to_owned(),
            recipient: "bob@ours.example".to_owned(),
        };
        match number % 4 {
            0 => {
                change.sender = format!("x@new{number}.example");
                self.append("control/badmailfrom", &format!("@new{number}.example\n"))?;
            }
            1 => {
                change.recipient = format!("new{number}@ours.example");
                self.append("control/badrcptto", &format!("new{number}@ours.example\n"))?;
            }
            2 => {
                let ip = Ipv4Addr::from(0xc633_0000 + number);
                change.client_ip = ip.to_string();
                self.text("clients", &self.clients(&[ip]))?;
            }
            _ => {
                change.sender = format!("x@newer{number}.example");
                self.cdb("senders.cdb", &[format!("@newer{number}.example")])?;
            }
        }
        Ok(change)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clients(&self, more: &[Ipv4Addr]) -> String {
        let usual = (0..self.networks).map(|number| Ipv4Addr::from(0x0a00_0000 + number));
        usual.chain(more.iter().copied()).map(|ip| format!("{ip}\n")).collect()
    }

    fn text(&self, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
        fs::write(self.path("new"), text)?;
        Ok(fs::rename(self.path("new"), self.path(name))?)
    }

    fn append(&self, name: &str, line: &str) -> Result<(), Box<dyn Error>> {
        Ok(fs::File::options().append(true).open(self.path(name))?.write_all(line.as_bytes())?)
    }

    fn cdb(&self, name: &str, more: &[String]) -> Result<(), Box<dyn Error>> {
        let mut maker = cdb::CDBMake::new(fs::File::create(self.path("new"))?)?;
        for number in 0..1_000 {
            maker.add(format!("@cdb{number}.example").as_bytes(), b"")?;
        }
        for key in more {
            maker.add(key.as_bytes(), b"")?;
        }
        maker.finish()?;
        Ok(fs::rename(self.path("new"), self.path(name))?)
    }
}

fn folder_name(path: &Path) -> String {
    path.display().to_string()
}

fn many(before: &str, count: u32, after: &str) -> String {
    (0..count).map(|number| format!("{before}d{number}.example{after}\n")).collect()
}
