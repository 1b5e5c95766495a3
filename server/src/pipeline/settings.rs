//! What does `[policy]` say? What holds for all checks: modes, deadlines, sums, and which names and nets are ours.

use crate::{
    config::{Document, Fault, Field, Kind, Network, Section},
    files::{Absence, Demands, Files, Notes, Reader},
    lists::control,
    mode::Mode,
    session::{Address, Domain},
};
use bytes::Bytes;
use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// The declared keys of `[policy]`.
pub static FIELDS: &[Field] = &[
    Field {
        name: "mode",
        kind: Kind::Mode("enforce"),
        doc: "How strongly everything is meant. The most lenient of all modes that apply to a finding wins.",
    },
    Field {
        name: "host_modes",
        kind: Kind::TextMap,
        doc: "Modes of single mail hosts: `{ mx2 = \"monitor\" }`. The name is the host's label.",
    },
    Field {
        name: "domain_modes",
        kind: Kind::TextMap,
        doc: "Modes of recipient domains: `{ \"example.org\" = \"soft\", \".example.org\" = \"off\" }`. A leading dot means all domains below it.",
    },
    Field {
        name: "recipient_modes",
        kind: Kind::TextMap,
        doc: "Modes of single recipients: `{ \"ann@example.org\" = \"monitor\" }`.",
    },
    Field {
        name: "stage_deadline_ms",
        kind: Kind::Integer { default: 1500, min: 10, max: 30_000 },
        doc: "How long one stage waits for answers, in milliseconds. The caller's own deadline less 300 ms holds too.",
    },
    Field {
        name: "rehearsal_wait_ms",
        kind: Kind::Integer { default: 500, min: 0, max: 30_000 },
        doc: "How long of that, at most, answers are waited for that only checks in monitor want: what changes no answer \
              shall not delay one. What comes later is cached for the next session. After five sessions in a row to which not \
              one answer came, nobody waits for ten seconds.",
    },
    Field {
        name: "recall_wait_ms",
        kind: Kind::Integer { default: 50, min: 0, max: 30_000 },
        doc: "How long of that, at most, the store is waited for when something is not in memory. Then it is not known: \
              greylisting and limits let pass, reputation is neutral.",
    },
    Field {
        name: "sleepers_max",
        kind: Kind::Integer { default: 10, min: 0, max: 100_000 },
        doc: "Sessions of one mail host whose answers may be held back at the same time. Each is a process there.",
    },
    Field {
        name: "session_delay_max_ms",
        kind: Kind::Integer { default: 30_000, min: 0, max: 300_000 },
        doc: "How long answers of one session may be held back altogether, in milliseconds; one answer 30 s at most.",
    },
    Field { name: "score_mode", kind: Kind::Mode("monitor"), doc: "How strongly the sum of scores is meant." },
    Field {
        name: "defer_at",
        kind: Kind::Integer { default: 50, min: 1, max: 1_000_000 },
        doc: "Sum of scores from which a recipient is deferred.",
    },
    Field {
        name: "reject_at",
        kind: Kind::Integer { default: 100, min: 1, max: 1_000_000 },
        doc: "Sum of scores from which a recipient is refused.",
    },
    Field {
        name: "reply_ids",
        kind: Kind::Bool(true),
        doc: "End every refusal with its decision id, as in `[7dq2m0c4xk9vht3e]`, for `tollgate explain`. Off: qmail's replies keep their very bytes.",
    },
    Field {
        name: "domains",
        kind: Kind::Texts(&[]),
        doc: "Our domains; a leading dot means all domains below it. Not set: `rcpthosts` and `locals` of the control folder. For postmaster and abuse only: the mail server's relay test stays its own.",
    },
    Field {
        name: "own_addresses",
        kind: Kind::Networks(&[]),
        doc: "Addresses of our own hosts: as clients they are passed over by most checks, like loopback.",
    },
    Field {
        name: "trusted_relays",
        kind: Kind::Networks(&[]),
        doc: "Backup mail exchangers and forwarders: as clients they do not stand for the sender's side.",
    },
    Field {
        name: "authserv_id",
        kind: Kind::Text(""),
        doc: "The name under which results stand in Authentication-Results (RFC 8601 \u{a7}2.5): letters, digits, dots, hyphens. Not set: the mail host's own name. Fields that come in under this name are removed.",
    },
    Field {
        name: "control",
        kind: Kind::Path("/var/qmail/control"),
        doc: "qmail's control folder. Its files are used where they exist.",
    },
];

/// `[policy]`, read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of everything.
    pub mode: Mode,
    /// By host label, lower case.
    pub host_modes: HashMap<Vec<u8>, Mode>,
    /// By recipient domain, lower case; a leading dot means all below.
    pub domain_modes: HashMap<Vec<u8>, Mode>,
    /// By recipient, lower case.
    pub recipient_modes: HashMap<Vec<u8>, Mode>,
    /// How long one stage waits for answers.
    pub stage_deadline: Duration,
    /// How long of it answers are waited for that only checks in monitor want.
    pub rehearsal_wait: Duration,
    /// How long the store is waited for.
    pub recall_wait: Duration,
    /// Sessions of one mail host that may be held back at once.
    pub sleepers_max: usize,
    /// How long one session may be held back altogether, in milliseconds.
    pub session_delay_max_ms: u32,
    /// Of the sum of scores.
    pub score_mode: Mode,
    /// Sum from which a recipient is deferred.
    pub defer_at: i64,
    /// Sum from which a recipient is refused.
    pub reject_at: i64,
    /// Replies end with the decision's id.
    pub reply_ids: bool,
    /// Ours, lower case; a leading dot means all below.
    pub domains: Vec<String>,
    /// Ours.
    pub own_addresses: Vec<Network>,
    /// Not ours, but they bring us mail of others.
    pub trusted_relays: Vec<Network>,
    /// The name in Authentication-Results; empty = each mail host's own.
    pub authserv_id: String,
    /// qmail's control folder.
    pub control: PathBuf,
}

impl Settings {
    /// Reads `[policy]`, and qmail's lists of our domains where `domains` is not set.
    pub(super) fn read(document: &Document, files: &mut Files, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, "policy", &[FIELDS], &[], faults);
        let control = section.path("control").unwrap_or_default();
        let domains = if section.is_set("domains") {
            section.texts("domains").into_iter().map(|domain| domain.to_ascii_lowercase()).collect()
        } else {
            domains_of_qmail(&control, files, &section)
        };
        let (defer_at, reject_at) = (section.integer("defer_at"), section.integer("reject_at"));
        if defer_at > reject_at {
            section.fault("defer_at", format!("{defer_at} is more than reject_at = {reject_at}"));
        }
        Self {
            mode: section.mode("mode"),
            host_modes: modes(&section, "host_modes"),
            domain_modes: modes(&section, "domain_modes"),
            recipient_modes: modes(&section, "recipient_modes"),
            stage_deadline: Duration::from_millis(section.integer("stage_deadline_ms").unsigned_abs()),
            rehearsal_wait: Duration::from_millis(section.integer("rehearsal_wait_ms").unsigned_abs()),
            recall_wait: Duration::from_millis(section.integer("recall_wait_ms").unsigned_abs()),
            sleepers_max: usize::try_from(section.integer("sleepers_max")).unwrap_or(0),
            session_delay_max_ms: u32::try_from(section.integer("session_delay_max_ms")).unwrap_or(0),
            score_mode: section.mode("score_mode"),
            defer_at,
            reject_at,
            reply_ids: section.bool("reply_ids"),
            domains,
            own_addresses: section.networks("own_addresses"),
            trusted_relays: section.networks("trusted_relays"),
            authserv_id: authserv_id(&section),
            control,
        }
    }

    /// The mode of everything on this mail host.
    pub(super) fn host_mode(&self, host: &str) -> Mode {
        if self.host_modes.is_empty() {
            return self.mode;
        }
        self.mode.or_milder(self.host_modes.get(host.to_ascii_lowercase().as_bytes()).copied().unwrap_or_default())
    }

    /// The mode that a recipient and its domain have, whatever holds for others.
    pub(super) fn recipient_mode(&self, recipient: &Address) -> Mode {
        let own = self.recipient_modes.get(recipient.lower()).copied().unwrap_or_default();
        if self.domain_modes.is_empty() {
            return own;
        }
        let of = |domain: Domain<'_>| {
            let mut names = std::iter::once(domain.0).chain(domain.dot_suffixes());
            names.find_map(|name| self.domain_modes.get(name)).copied().unwrap_or_default()
        };
        own.or_milder(recipient.domain().map(of).unwrap_or_default())
    }

    /// Is this domain one of ours, as far as the configuration says?
    pub(super) fn is_ours(&self, domain: Domain<'_>) -> bool {
        let named = |name: &[u8]| self.domains.iter().any(|ours| ours.as_bytes() == name);
        named(domain.0) || domain.dot_suffixes().any(named)
    }
}

fn authserv_id(section: &Section<'_>) -> String {
    let id = section.text("authserv_id");
    if !id.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')) {
        section.fault("authserv_id", format!("\"{id}\": expected a name such as mx.example"));
    }
    id
}

fn modes(section: &Section<'_>, name: &str) -> HashMap<Vec<u8>, Mode> {
    let parse = |(key, word): (String, String)| match word.parse() {
        Ok(mode) => Some((key.to_ascii_lowercase().into_bytes(), mode)),
        Err(error) => {
            section.fault(name, format!("{key} = {error}"));
            None
        }
    };
    section.text_map(name).into_iter().filter_map(parse).collect()
}

/// `rcpthosts` and `locals`: a name a line.
fn domains_of_qmail(folder: &Path, files: &mut Files, section: &Section<'_>) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    for name in ["rcpthosts", "locals"] {
        let reader =
            Reader { form: "domains", absence: Absence::IsEmpty, parse: &read_domains, demands: Demands::NONE };
        match files.take(Files::CONTEXT, &folder.join(name), &reader) {
            Ok(read) => domains.extend(read.iter().flat_map(|read| read.iter().cloned())),
            Err(faults) => faults.into_iter().for_each(|fault| section.push(fault)),
        }
    }
    domains.sort();
    domains.dedup();
    domains
}

#[expect(clippy::unnecessary_wraps, reason = "other files can be wrong")]
fn read_domains(_: &Path, content: Bytes, notes: &mut Notes) -> Result<Vec<String>, Vec<Fault>> {
    let lower = |entry: control::Entry<'_>| String::from_utf8_lossy(entry.text).to_ascii_lowercase();
    let domains: Vec<String> = control::entries(&content).map(lower).collect();
    notes.entries = domains.len();
    Ok(domains)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Settings, Vec<String>) {
        let document = Document::parse("/nowhere/t.toml", text).expect("TOML");
        let faults = RefCell::default();
        let settings = Settings::read(&document, &mut Files::default(), &faults);
        (settings, faults.into_inner().iter().map(ToString::to_string).collect())
    }

    fn address(text: &str) -> Address {
        Address::new(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn recipients_and_domains_have_modes() {
        let (settings, faults) = read(
            "[policy]\nhost_modes = { mx2 = \"monitor\" }\nrecipient_modes = { \"Ann@a.example\" = \"off\" }\n\
             domain_modes = { \"a.example\" = \"soft\", \".a.example\" = \"monitor\" }\n",
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(settings.recipient_mode(&address("ANN@a.example")), Mode::Off);
        assert_eq!(settings.recipient_mode(&address("bob@A.example")), Mode::Soft);
        assert_eq!(settings.recipient_mode(&address("bob@x.y.a.example")), Mode::Monitor);
        assert_eq!(settings.recipient_mode(&address("bob@b.example")), Mode::Enforce);
        assert_eq!(settings.recipient_mode(&address("bob")), Mode::Enforce);
        assert_eq!((settings.host_mode("mx2"), settings.host_mode("mx1")), (Mode::Monitor, Mode::Enforce));
    }

    #[test]
    fn mistakes_are_told_together() {
        let (_, faults) =
            read("[policy]\ndefer_at = 9\nreject_at = 8\nhost_modes = { mx = \"harsh\" }\nmode = \"x\"\nmoed = 1\n");
        let told = faults.join("\n");
        for part in ["t.toml:2: [policy] defer_at: 9 is more than reject_at = 8", "t.toml:4: ", "t.toml:5: ", "moed"] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn our_domains_come_from_qmail_unless_they_are_set() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("rcpthosts"), "Here.example \n#x\n.under.example\n\n").expect("written");
        let control = folder.path().display();
        let (settings, faults) = read(&format!("[policy]\ncontrol = \"{control}\"\n"));
        assert_eq!(faults, [""; 0]);
        assert_eq!(settings.domains, [".under.example", "here.example"]);
        assert!(settings.is_ours(Domain(b"here.example")) && settings.is_ours(Domain(b"a.under.example")));
        assert!(!settings.is_ours(Domain(b"under.example")) && !settings.is_ours(Domain(b"x.here.example")));
        let (settings, _) = read(&format!("[policy]\ncontrol = \"{control}\"\ndomains = [\"B.example\"]\n"));
        assert_eq!(settings.domains, ["b.example"]);
    }
}
