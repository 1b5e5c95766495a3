//! What does a mail host look like on which the qmail-smtpd under test runs?
//!
//! `TOLLGATE_QMAIL_SMTPD` names the program. It must have been built for a root of its own (`conf-qmail`): that of
//! `TOLLGATE_QMAIL_ROOT`, by default the folder above the program's `bin`. The control files and the qmail-queue in
//! that root are written by this test, so a root that holds anybody's mail is refused.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::talk::Client;
use tollgate_tests::skip;

/// Keeps message, envelope and SPFRESULT under the pid that is the message's qp. A short envelope means "forget it".
const QUEUE: &str = r#"#!/bin/sh
# qmail-queue of Tollgate's tests
echo "${SPFRESULT-unset}" > queue/$$.spfresult
cat > queue/$$.message && cat <&1 > queue/$$.envelope || exit 53
[ "`tail -c 2 queue/$$.envelope | od -An -tx1 | tr -d ' \n'`" = 0000 ] && exit 0
rm -f queue/$$.message queue/$$.envelope
exit 54
"#;

/// By this it is known, in whatever version.
const QUEUE_HEAD: &str = "#!/bin/sh\n# qmail-queue of Tollgate's tests\n";

/// The checkpassword of trees with AUTH: `joe` may enter with `pw`.
const CHECKPASSWORD: &str = r#"#!/bin/sh
# checkpassword of Tollgate's tests
case "`tr '\0' ' ' <&3`" in "joe pw "*) exec "$@" ;; esac
exit 1
"#;

const CONTROL: [(&str, &str); 3] =
    [("me", "mail.test\n"), ("rcpthosts", "mail.test\n"), ("badmailfrom", "bad@stock.test\n")];

struct Qmail {
    smtpd: PathBuf,
    root: PathBuf,
}

/// A running tcpserver with the program behind it; ends when dropped.
pub(crate) struct Host {
    tcpserver: Child,
    port: u16,
    root: &'static Path,
}

/// A host whose sessions have these variables, or `None`, and a line that says so, without a program to test.
pub(crate) fn host(variables: &[(&str, &str)]) -> Option<Host> {
    let qmail = qmail()?;
    let mut command = Command::new("tcpserver");
    command.args(["-1", "-HR", "-l", "mail.test", "127.0.0.1", "0"]);
    // Loopback clients are exempt from much: this one comes from elsewhere.
    command.args(["env", "TCPREMOTEIP=192.0.2.9"]).arg(&qmail.smtpd);
    command.arg(qmail.root.join("bin/checkpassword")).arg("true");
    for name in ["RELAYCLIENT", "RBLSMTPD", "DATABYTES"] {
        command.env_remove(name);
    }
    command.env("TOLLGATE_FAILURE_FILE", "").envs(variables.iter().copied());
    let mut tcpserver = command.stdout(Stdio::piped()).spawn().expect("tcpserver (package ucspi-tcp) runs");
    let mut line = String::new();
    let stdout = tcpserver.stdout.as_mut().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("tcpserver tells its port");
    let port = line.trim().parse().expect("a port number");
    Some(Host { tcpserver, port, root: &qmail.root })
}

impl Host {
    pub(crate) fn connect(&self) -> Client {
        Client::new(self.port)
    }

    /// What a client connects to.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Puts a key and a certificate where the TLS patches look for them.
    pub(crate) fn make_certificate(&self) {
        let (key, certificate) = (self.root.join("key.pem"), self.root.join("certificate.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.test"]);
        openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        assert!(openssl.output().expect("openssl runs").status.success());
        let both = [key, certificate].map(|path| fs::read_to_string(path).expect("openssl wrote it")).concat();
        fs::write(self.control().join("servercert.pem"), both).expect("servercert.pem");
    }

    /// The folder of the control files.
    pub(crate) fn control(&self) -> PathBuf {
        self.root.join("control")
    }

    pub(crate) fn message(&self, qp: u32) -> String {
        self.queued(&format!("{qp}.message"))
    }

    pub(crate) fn envelope(&self, qp: u32) -> String {
        self.queued(&format!("{qp}.envelope"))
    }

    /// SPFRESULT as qmail-queue had it.
    pub(crate) fn spf_result(&self, qp: u32) -> String {
        self.queued(&format!("{qp}.spfresult")).trim_end().to_owned()
    }

    fn queued(&self, name: &str) -> String {
        fs::read_to_string(self.root.join("queue").join(name)).expect("qmail-queue kept it")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Sessions that are still open end when their client goes.
        self.tcpserver.kill().and_then(|()| self.tcpserver.wait()).expect("tcpserver ended");
    }
}

fn qmail() -> Option<&'static Qmail> {
    static QMAIL: OnceLock<Option<Qmail>> = OnceLock::new();
    QMAIL.get_or_init(prepare).as_ref()
}

fn prepare() -> Option<Qmail> {
    let Some(smtpd) = std::env::var_os("TOLLGATE_QMAIL_SMTPD").map(PathBuf::from) else {
        skip::say("qmail_dialogue", "TOLLGATE_QMAIL_SMTPD names no qmail-smtpd with the hook");
        return None;
    };
    assert!(smtpd.is_file(), "TOLLGATE_QMAIL_SMTPD={}: no such file", smtpd.display());
    let above_bin = || smtpd.parent().and_then(Path::parent).map(Path::to_owned);
    let root = std::env::var_os("TOLLGATE_QMAIL_ROOT").map(PathBuf::from).or_else(above_bin).expect("a root");
    refuse_foreign(&root);
    for folder in ["bin", "control", "queue"] {
        fs::create_dir_all(root.join(folder)).expect("a folder of the root");
    }
    for (name, text) in CONTROL {
        fs::write(root.join("control").join(name), text).expect("a control file");
    }
    for (name, script) in [("qmail-queue", QUEUE), ("checkpassword", CHECKPASSWORD)] {
        let path = root.join("bin").join(name);
        fs::write(&path, script).expect("a script");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a script that may run");
    }
    Some(Qmail { smtpd, root })
}

/// Stops before anything is written into a root that is not the test's.
fn refuse_foreign(root: &Path) {
    let shown = root.display();
    let me = fs::read_to_string(root.join("control/me")).unwrap_or_default();
    assert!(me.is_empty() || me == CONTROL[0].1, "{shown}/control/me is not mail.test: not a scratch root");
    let queue = fs::read_to_string(root.join("bin/qmail-queue")).unwrap_or_default();
    let is_ours = queue.is_empty() || queue.starts_with(QUEUE_HEAD);
    assert!(is_ours, "{shown}/bin/qmail-queue is not this test's: not a scratch root");
}
