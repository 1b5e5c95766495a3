//! Which files does the daemon read, and how are they written?

use std::{
    error::Error,
    fs,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tollgate::{
    ask::mailbox::{Places, collect, write},
    clock::Clock,
    lists::{bucket_of, qmail::Passwd},
    session::Address,
};

/// Entries of every list but the one whose size is given.
const ENTRIES: u32 = 1_000;

pub(crate) type Done = Result<(), Box<dyn Error>>;

/// A folder with a configuration and all its lists.
pub(crate) struct Lists {
    folder: TempDir,
    socket: PathBuf,
    networks: u32,
}

impl Lists {
    /// A list of so many networks, and short ones of all other kinds.
    pub(crate) fn new(networks: u32) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let lists = Self { socket: folder.path().join("tollgate.sock"), folder, networks };
        for folder in ["control", "users", "home", "team", "team/subscribers"] {
            fs::create_dir(lists.path(folder))?;
        }
        lists.text("control/badmailfrom", &many(|name| format!("@{name}")))?;
        lists.text("control/badrcptto", &many(|name| format!("{name}@ours.example")))?;
        lists.text("control/rcpthosts", &format!("ours.example\n{}", many(str::to_owned)))?;
        lists.text("control/locals", "here.example\n")?;
        lists.clients(None)?;
        lists.zone(None)?;
        lists.senders(None)?;
        lists.rules(None)?;
        names().try_for_each(|name| lists.subscribe(&format!("ann@{name}")))?;
        let home = lists.path("home");
        let all = (b"!".to_vec(), format!("all\x001\x001\0{}\0-\0", home.display()).into_bytes());
        lists.cdb("users/cdb", &[all, Default::default()])?;
        names().try_for_each(|name| lists.text(&format!("home/.qmail-{}", name.replace('.', ":")), ""))?;
        lists.snapshot()?;
        fs::write(lists.config(), CONFIGURATION.replace("{at}", &lists.folder.path().display().to_string()))?;
        Ok(lists)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("tollgate.toml")
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A whole file, renamed into its place.
    pub(crate) fn text(&self, name: &str, text: &str) -> Done {
        fs::write(self.path("new"), text)?;
        Ok(fs::rename(self.path("new"), self.path(name))?)
    }

    /// A line more, in place.
    pub(crate) fn append(&self, name: &str, line: &str) -> Done {
        Ok(fs::File::options().append(true).open(self.path(name))?.write_all(line.as_bytes())?)
    }

    /// The networks that are refused, as text.
    pub(crate) fn clients(&self, more: Option<Ipv4Addr>) -> Done {
        let usual = (0..self.networks).map(|number| Ipv4Addr::from(0x0a00_0000 + number));
        self.text("clients", &usual.chain(more).map(|ip| format!("{ip}\n")).collect::<String>())
    }

    /// Those that are trusted, as a zone of rbldnsd.
    pub(crate) fn zone(&self, more: Option<Ipv4Addr>) -> Done {
        let usual = (0..ENTRIES).map(|number| Ipv4Addr::from(0xac10_0000 + number));
        self.text("friends.rbldnsd", &usual.chain(more).map(|ip| format!("{ip} :127.0.0.2:\n")).collect::<String>())
    }

    /// Senders that are refused, as a cdb.
    pub(crate) fn senders(&self, more: Option<String>) -> Done {
        let keys = names().map(|name| format!("@{name}")).chain(more);
        self.cdb("senders.cdb", &keys.map(|key| (key.into_bytes(), Vec::new())).collect::<Vec<_>>())
    }

    /// tcpserver's rules, as `tcprules` writes them.
    pub(crate) fn rules(&self, more: Option<Ipv4Addr>) -> Done {
        let usual = (0..ENTRIES).map(|number| Ipv4Addr::from(0xac11_0000 + number));
        let deny = |ip: Ipv4Addr| (ip.to_string().into_bytes(), b"D\0".to_vec());
        self.cdb("tcp.smtp.cdb", &usual.chain(more).map(deny).collect::<Vec<_>>())
    }

    /// As ezmlm-sub does: the file of the address's hash, anew.
    pub(crate) fn subscribe(&self, address: &str) -> Done {
        let name = format!("team/subscribers/{}", bucket_of(&Address::new(address.to_owned().into())));
        let before = fs::read_to_string(self.path(&name)).unwrap_or_default();
        self.text(&name, &format!("{before}T{address}\0"))
    }

    /// As `tollgate recipients export` does.
    pub(crate) fn snapshot(&self) -> Done {
        let places = Places { control: self.path("control"), users: self.path("users") };
        let now = Clock::system().now().unix_seconds();
        Ok(write(&collect(&places, &Passwd::default(), "mx1", now)?, &self.path("mx1.cdb"))?)
    }

    fn cdb(&self, name: &str, records: &[(Vec<u8>, Vec<u8>)]) -> Done {
        let mut maker = cdb::CDBMake::new(fs::File::create(self.path("new"))?)?;
        records.iter().try_for_each(|(key, value)| maker.add(key, value))?;
        maker.finish()?;
        Ok(fs::rename(self.path("new"), self.path(name))?)
    }
}

fn names() -> impl Iterator<Item = String> {
    (0..ENTRIES).map(|number| format!("d{number}.example"))
}

fn many(line: impl Fn(&str) -> String) -> String {
    names().map(|name| line(&name) + "\n").collect()
}

const CONFIGURATION: &str = "\
[server]
socket = '{at}/tollgate.sock'
admin_socket = '{at}/admin.sock'
state = '{at}/state'
metrics = ''
[policy]
control = '{at}/control'
[log]
file = '{at}/log'
[check.access]
clients_deny_file = 'clients'
clients_allow_file = 'friends.rbldnsd'
senders_deny_file = 'senders.cdb'
tcp_rules = 'tcp.smtp.cdb'
[check.recipient]
mode = 'enforce'
[[check.recipient.snapshot]]
host = 'mx1'
file = 'mx1.cdb'
[[check.ezmlm.list]]
address = 'team@ours.example'
dir = 'team'
subscribers_only = true
[check.rdns]
mode = 'off'
[check.helo]
mode = 'off'
[check.sender_domain]
mode = 'off'
[check.spf]
mode = 'off'
[check.reputation]
mode = 'off'
[check.rate]
mode = 'off'
[check.greylist]
mode = 'off'
";
