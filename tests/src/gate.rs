//! What stands between a client and the queue? All parts of the gate, started in order and ended in reverse.

use crate::{
    daemon::Daemon,
    dns::{Dns, List},
    dns_fault::Faults,
    exim::{self, MailHost},
    preset, program,
    scratch::Scratch,
    smtp::{Client, Transaction},
};
use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// A client nobody knows anything about.
pub const CLEAN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
/// The client that the tests' lists list.
pub const LISTED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66));
/// A client that may relay.
pub const RELAY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
/// A client nobody knows anything about, by IPv6.
pub const CLEAN_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10));
/// The client that the tests' lists list, by IPv6.
pub const LISTED_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x66));
/// The zone of the tests' own list.
pub const ZONE: &str = "bl.example";

/// Which configuration the policy starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The embedded defaults.
    Default,
    /// `tests/presets/seed.toml`: the host this project started from.
    Seed,
}

/// What a test wants to stand at the gate.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    preset: Preset,
    policy: String,
    control: Vec<(String, String)>,
    lists: Vec<List>,
    records: Vec<String>,
    environment: Vec<(&'static str, String)>,
    faulty: bool,
}

impl Plan {
    /// The embedded defaults and our two domains.
    pub fn new(name: &str) -> Self {
        Self::of(name, Preset::Default)
    }

    /// A preset and our two domains.
    pub fn of(name: &str, preset: Preset) -> Self {
        let name = format!("{name}-{}", if preset == Preset::Seed { "seed" } else { "default" });
        let (control, lists, records, environment) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { name, preset, policy: String::new(), control, lists, records, environment, faulty: false }
    }

    /// Adds lines to `[policy]`; further sections follow after their own headings, see [`preset::merge`].
    #[must_use]
    pub fn policy(mut self, lines: &str) -> Self {
        self.policy.push_str(lines);
        self.policy.push('\n');
        self
    }

    /// Writes a file of qmail's control folder.
    #[must_use]
    pub fn control(mut self, file: &str, content: &str) -> Self {
        self.control.push((file.to_owned(), content.to_owned()));
        self
    }

    /// Serves a DNS list.
    #[must_use]
    pub fn list(mut self, list: List) -> Self {
        self.lists.push(list);
        self
    }

    /// Gives a name a TXT record, which must not hold a quotation mark.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.records.push(format!("{name}. 300 IN TXT \"{text}\"\n"));
        self
    }

    /// Sets a variable of libtollgate's environment.
    #[must_use]
    pub fn shim(mut self, variable: &'static str, value: &str) -> Self {
        self.environment.push((variable, value.to_owned()));
        self
    }

    /// Lets the daemon ask the resolver through a proxy, [`Gate::faults`].
    #[must_use]
    pub fn with_faults(mut self) -> Self {
        self.faulty = true;
        self
    }

    /// Starts everything.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn start(self) -> Gate {
        let scratch = Scratch::new(&self.name);
        let control = scratch.path("control");
        assert!(fs::create_dir(&control).is_ok(), "{}", control.display());
        for (file, content) in &self.control {
            scratch.write(&format!("control/{file}"), content);
        }
        let dns = Dns::start_with(&scratch, &self.lists, &self.records.concat());
        let faults = self.faulty.then(|| Faults::start(dns.address));
        let base = self.base(&scratch, faults.as_ref().map_or(dns.address, |faults| faults.address));
        let daemon = Daemon::start(&scratch, exim::USER, &with_policy(&base, &self.policy));
        let mut environment = self.environment;
        environment.push(("TOLLGATE_SOCKET", daemon.socket().display().to_string()));
        environment.push(("TOLLGATE_FAILURE_FILE", daemon.failure_file().display().to_string()));
        let mail = MailHost::start(&scratch, &environment);
        Gate { mail, daemon, faults, dns, base, scratch }
    }

    /// The preset, with this machine's places and our domains.
    fn base(&self, scratch: &Scratch, resolver: SocketAddr) -> String {
        let preset = match self.preset {
            Preset::Default => String::new(),
            Preset::Seed => {
                let path = program::root().join("tests/presets/seed.toml");
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            }
        };
        let ours = format!(
            "[dns]\nservers = [\"{}\"]\n[policy]\ncontrol = \"{}\"\ndomains = [\"ours.example\", \"second.example\"]\n",
            resolver,
            scratch.path("control").display()
        );
        preset::merge(&preset, &ours)
    }
}

/// `base` with a test's lines, which begin inside `[policy]`.
fn with_policy(base: &str, lines: &str) -> String {
    preset::merge(base, &format!("[policy]\n{lines}"))
}

/// A gate in front of a mail host. Fields are dropped in this order.
#[derive(Debug)]
pub struct Gate {
    /// tcpserver, Exim and its queue.
    pub mail: MailHost,
    /// tollgated.
    pub daemon: Daemon,
    faults: Option<Faults>,
    /// unbound and rbldnsd.
    pub dns: Dns,
    base: String,
    /// Where everything lies.
    pub scratch: Scratch,
}

impl Gate {
    /// A client that said EHLO.
    pub fn client(&self, address: IpAddr) -> Client {
        Client::greet(self.mail.address, address)
    }

    /// One whole session with one transaction.
    pub fn deliver(&self, address: IpAddr, sender: &str, recipients: &[&str], subject: &str) -> Transaction {
        let mut client = self.client(address);
        let transaction = client.transaction(sender, recipients, subject);
        client.quit();
        transaction
    }

    /// What stands between the daemon and the resolver.
    ///
    /// # Panics
    /// When the plan was not [`Plan::with_faults`].
    pub fn faults(&self) -> &Faults {
        self.faults.as_ref().unwrap_or_else(|| panic!("a gate without faults"))
    }

    /// Writes a configuration with other lines in `[policy]`.
    pub fn configure(&self, policy: &str) {
        self.daemon.configure(exim::USER, &with_policy(&self.base, policy));
    }
}
