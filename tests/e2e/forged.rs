//! Do forged Authentication-Results leave a message that comes in through Exim? With a scripted daemon behind it.

use tollgate_tests::{
    exim::{MailHost, Stored},
    fake::{Daemon, OUR_RESULTS},
    gate::CLEAN,
    scratch::Scratch,
    smtp::Client,
};

/// Each bears the name of ours, `mail.test`.
const FORGED: [&str; 5] = [
    "Authentication-Results: mail.test; spf=pass",
    "AUTHENTICATION-results \t:\r\n\t(a (nested\\) one)) \"MAIL.test\" 1\r\n ; spf=pass",
    "Authentication-Results: mail.test.; none",
    "Authentication-Results: (never closed mail.test; none",
    "X-Lone: a\rAuthentication-Results: mail.test; none",
];
const KEPT: [&str; 3] = [
    "Authentication-Results: relay.test; spf=pass\r\n\tsmtp.mailfrom=a@clean.test",
    "X-Authentication-Results: mail.test; kept=1",
    "Authentication-Results: mail.test.evil.test; kept=2",
];

fn mail_host(scratch: &Scratch, daemon: &Daemon) -> MailHost {
    let none = scratch.path("failures").display().to_string();
    MailHost::start(scratch, &[("TOLLGATE_SOCKET", daemon.socket()), ("TOLLGATE_FAILURE_FILE", none)])
}

fn deliver(mail: &MailHost, sender: &str, header: &[&str], body: &str) -> Stored {
    let mut client = Client::greet(mail.address, CLEAN);
    for line in [format!("MAIL FROM:<{sender}>"), "RCPT TO:<bob@ours.example>".to_owned()] {
        assert_eq!(client.say(&line).code, 250, "{line}");
    }
    assert_eq!(client.say("DATA").code, 354);
    let sent = client.say(format!("{}\r\nSubject: {sender}\r\n\r\n{body}\r\n.", header.join("\r\n")));
    assert_eq!(sent.code, 250, "{sent:?}");
    client.quit();
    mail.stored_as(sender).expect("in the queue")
}

/// Header fields as they will be sent: of each its text, without the length and type of Exim's spool.
fn sent(stored: &Stored) -> Vec<String> {
    let (_, fields) = stored.header.rsplit_once("\n\n").expect("envelope and header");
    let mut left = Vec::new();
    let mut rest = fields;
    while let Some((length, kind)) = rest.get(..3).and_then(|digits| digits.parse::<usize>().ok()).zip(rest.get(3..4)) {
        let field = &rest[5..5 + length];
        left.extend((kind != "*").then(|| field.to_owned()));
        rest = &rest[5 + length..];
    }
    assert_eq!(rest, "", "the whole header was read");
    left
}

/// Of these, the Authentication-Results.
fn results(fields: &[String]) -> Vec<&str> {
    let is_result = |field: &&String| field.to_lowercase().starts_with("authentication-results");
    fields.iter().filter(is_result).map(String::as_str).collect()
}

#[test]
fn forged_results_go_and_ours_come_on_top() {
    let (scratch, daemon) = (Scratch::new("forged"), Daemon::start());
    let mail = mail_host(&scratch, &daemon);
    let mixed: Vec<&str> = KEPT.iter().chain(&KEPT).zip(FORGED).flat_map(|(kept, forged)| [*kept, forged]).collect();
    let body = "Authentication-Results: mail.test; spf=pass";
    let stored = deliver(&mail, "a@judged.test", &mixed, body);
    let fields = sent(&stored);
    let left: Vec<String> = KEPT.map(|field| field.replace("\r\n", "\n") + "\n").to_vec();
    let ours = format!("{OUR_RESULTS}\n");
    assert_eq!(fields.first(), Some(&ours), "on top");
    assert_eq!(results(&fields), [&*ours, &left[0], &left[2], &left[0]]);
    assert!(fields.contains(&left[1]), "{fields:?}");
    assert!(stored.body.ends_with(&format!("\n{body}\n")), "{}", stored.body);
}

#[test]
fn without_results_of_ours_nothing_is_forged() {
    let (scratch, daemon) = (Scratch::new("not-forged"), Daemon::start());
    let mail = mail_host(&scratch, &daemon);
    assert_eq!(results(&sent(&deliver(&mail, "a@clean.test", &FORGED[..3], "body"))).len(), 3);
    daemon.stop();
    assert_eq!(results(&sent(&deliver(&mail, "b@judged.test", &FORGED[..3], "body"))).len(), 3);
}
