//! What does a postmaster see? Sessions at a shell (tests/transcripts/) and the doctor, with a real daemon and real DNS.

#![allow(clippy::expect_used, reason = "what these helpers cannot have, no test can go on without")]

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tollgate_tests::{
    daemon::Daemon,
    dns::{Dns, List},
    program,
    scratch::Scratch,
};

/// The group of the sockets: there on every host.
const GROUP: &str = "root";

/// A daemon over a policy of which RESOLVER is the resolver's address.
struct Shell {
    scratch: Scratch,
    policy: String,
    daemon: Daemon,
    _dns: Dns,
}

impl Shell {
    fn start(name: &str, policy: &str) -> Self {
        let scratch = Scratch::new(name);
        let listed = |zone: &str| List::new(zone, "127.0.0.2:Listed, see https://lists.example/$");
        let lists = ["bl.example", "trial.example"].map(|zone| listed(zone).with("127.0.0.2").with("203.0.113.7"));
        let records = fs::read_to_string(folder().join("zone")).expect("a file of the transcripts");
        let dns = Dns::start_with(&scratch, &lists, &records);
        scratch.write("control/badmailfrom", "@spam.example\n");
        let policy = policy.replace("RESOLVER", &dns.address.to_string());
        let daemon = Daemon::start(&scratch, GROUP, &policy);
        Self { scratch, policy, daemon, _dns: dns }
    }

    /// What comes back for one line, as a terminal shows it.
    fn typed(&self, line: &str) -> String {
        let words = words(line);
        assert_eq!(words.first().map(String::as_str), Some("tollgate"), "{line}");
        let mut command = Command::new(program::ours("tollgate"));
        command.arg("--config").arg(self.daemon.config()).args(&words[1..]).env("COLUMNS", "100");
        let output = command.output().expect("tollgate runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().expect("an exit code");
        let exit = if code == 0 { String::new() } else { format!("exit {code}\n") };
        format!("{}{}{exit}", text(&output.stdout), text(&output.stderr))
    }

    /// Replaces a text of the configuration.
    fn edit(&mut self, from: &str, to: &str) {
        assert!(self.policy.contains(from), "the configuration holds no {from}");
        self.policy = self.policy.replace(from, to);
        self.daemon.configure(GROUP, &self.policy);
    }
}

/// Words as a shell splits them, as far as transcripts need it: blanks, and double quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (Vec::new(), false);
    let mut word: Option<String> = None;
    for char in line.chars() {
        match char {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// Do the parts around `…` stand in the line, in this order, from its start to its end?
fn fits(expected: &str, line: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (expected, line) = (squeeze(expected), squeeze(line));
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

/// A step of a transcript: what is typed, and what must come back.
fn steps(transcript: &str) -> Vec<(String, Vec<String>)> {
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in transcript.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(typed), _) => steps.push((typed.to_owned(), Vec::new())),
            (None, Some((_, expected))) => expected.push(line.to_owned()),
            (None, None) => panic!("a transcript starts with a line that is typed: {line}"),
        }
    }
    steps
}

fn folder() -> PathBuf {
    program::root().join("tests/transcripts")
}

/// What the daemon asks the DNS on its own account is counted when it likes, and left out.
fn play(name: &str) {
    let read = |file: &str| fs::read_to_string(folder().join(file)).expect("a file of the transcripts");
    let mut shell = Shell::start(name, &read("policy.toml"));
    for (typed, expected) in steps(&read(&format!("{name}.txt"))) {
        if let Some(change) = typed.strip_prefix("edit ") {
            let [from, to] = <[String; 2]>::try_from(words(change)).expect("edit FROM TO");
            shell.edit(&from, &to);
            continue;
        }
        let seen = shell.typed(&typed);
        let lines: Vec<&str> = seen.lines().filter(|line| !line.trim_start().starts_with("tollgate_dns_")).collect();
        let same = lines.len() == expected.len() && expected.iter().zip(&lines).all(|(want, line)| fits(want, line));
        assert!(same, "{name}.txt: $ {typed}\n--- seen\n{seen}--- expected\n{}", expected.join("\n"));
    }
}

#[test]
fn a_mail_is_rehearsed_as_the_page_says() {
    play("check");
}

#[test]
fn exceptions_are_made_and_shown() {
    play("exceptions");
}

#[test]
fn lists_are_asked_and_shown() {
    play("lists");
}

#[test]
fn every_list_is_looked_up() {
    play("lookup");
}

#[test]
fn reputations_are_shown_and_moved() {
    play("reputation");
}

#[test]
fn spf_is_evaluated_and_a_record_looked_through() {
    play("spf");
}

#[test]
fn the_daemon_is_steered() {
    play("steer");
}

/// The doctor's lines; the tests of this host (clock, user) are the host's.
fn doctor(config: &Path, user: &str) -> (bool, String) {
    let mut command = Command::new(program::ours("tollgate"));
    command.arg("--config").arg(config).args(["doctor", "--user", user]);
    let output = command.output().expect("tollgate runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

const POLICY: &str = "[policy]\ncontrol = \"control\"\n[dns]\nservers = [\"RESOLVER\"]\n";

#[test]
fn the_doctor_finds_a_healthy_gate_healthy() {
    let lists = "[[check.rbl.list]]\nzone = \"bl.example\"\n[[check.rbl.list]]\nzone = \"misspelt.example\"\n";
    let shell = Shell::start("doctor", &format!("{POLICY}{lists}"));
    let (good, said) = doctor(shell.daemon.config(), "root");
    for expected in [
        "ok    configuration: ",
        "ok    daemon: answers on ",
        "ok    policy socket: ",
        "ok    dns list: bl.example answers",
        "warn  dns list: misspelt.example does not list its test address 127.0.0.2",
        "ok    list: badmailfrom: ",
        "ok    clock: ",
        "ok    state folder: ",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    assert!(good && !said.contains("FAIL"), "{said}");
}

#[test]
fn the_doctor_sees_what_keeps_the_mail_server_out() {
    let mut shell = Shell::start("doctor-out", POLICY);
    // The socket is root's group's; nobody is in none.
    let (good, said) = doctor(shell.daemon.config(), "nobody");
    assert!(!good && said.contains("FAIL  policy socket: ") && said.contains("keeps nobody from"), "{said}");
    shell.edit("control = \"control\"", "contorl = \"control\"");
    let (good, said) = doctor(shell.daemon.config(), "root");
    assert!(!good && said.contains("FAIL  configuration: "), "{said}");
    assert!(said.contains("contorl: unknown key: did you mean \"control\"? (and 0 more)"), "{said}");
    shell.daemon.kill();
    let (good, said) = doctor(shell.daemon.config(), "root");
    assert!(!good && said.contains("FAIL  daemon: ") && said.contains("tollgated has ended"), "{said}");
    drop(shell.scratch);
}

/// A resolver that gives an address for every name, as some providers do.
struct Liar {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Liar {
    fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time-out");
        let address = socket.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut packet = [0; 512];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, client)) = socket.recv_from(&mut packet) else { continue };
                let _ = socket.send_to(&lie(&packet[..length]), client);
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The question with one A record behind it: 10.0.0.1, for a minute (RFC 1035 §4.1).
fn lie(question: &[u8]) -> Vec<u8> {
    // Header and question; an EDNS record that follows is not sent back.
    let name = question[12..].iter().position(|&byte| byte == 0).map_or(question.len(), |at| 12 + at + 5);
    let mut answer = question[..name.min(question.len())].to_vec();
    (answer[2], answer[3]) = (0x81, 0x80);
    answer[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
    answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
    answer
}

#[test]
fn the_doctor_notices_a_resolver_that_lies_and_one_that_is_silent() {
    let scratch = Scratch::new("liar");
    let (liar, silence) = (Liar::start(), UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket"));
    let silent = silence.local_addr().expect("an address");
    let policy = format!(
        "{}timeout_ms = 300\nattempts = 1\n[dns.resolver.paid]\nservers = [\"{silent}\"]\n",
        POLICY.replace("RESOLVER", &liar.address.to_string())
    );
    let config = scratch.write("tollgate.toml", policy);
    let (good, said) = doctor(&config, "root");
    assert!(!good && said.contains("FAIL  resolver: the default one invents answers ("), "{said}");
    assert!(said.contains("FAIL  resolver: paid does not answer (timeout)"), "{said}");
}

#[test]
fn transcripts_are_compared_as_their_page_says() {
    assert!(
        fits("a … c", "a   b c") && fits("a…", "abc") && fits("…", "") && fits("a", "a") && fits("(…) b…d", "(1) bcd")
    );
    assert!(!fits("a", "ab") && !fits("a…c", "ab") && !fits("…c", "cb") && !fits("a…b…c", "acb"));
    assert_eq!(words("a \"b c\"  d\"\" \"\""), ["a", "b c", "d", ""]);
    assert_eq!(steps("$ a\nx\ny\n$ b\n").len(), 2);
}
