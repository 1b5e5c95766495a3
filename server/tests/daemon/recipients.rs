//! Does a daemon know who has a mailbox: by this host's own files, live, and by what a host exported?

use crate::harness::{Daemon, Smtp};
use std::{fs, process::Command};
use tollgate_proto::v1::{Action, ListFile, ReloadRequest, StatusRequest};

/// Everything at here.example goes into one home, which `users/cdb` names: no account is needed.
fn configured(rest: &str) -> Daemon {
    let daemon = Daemon::configured("", "");
    for folder in ["home", "users"] {
        fs::create_dir(daemon.path(folder)).expect("a folder");
    }
    daemon.control("locals", "here.example\n");
    fs::write(daemon.path("home/.qmail-ann"), "").expect("written");
    let file = fs::File::create(daemon.path("users/cdb")).expect("a file");
    let mut maker = cdb::CDBMake::new(file).expect("a writer");
    let value = format!("all\x001\x001\0{}\0-\0", daemon.path("home").display());
    maker.add(b"!", value.as_bytes()).expect("added");
    maker.add(b"", b"").expect("added");
    maker.finish().expect("finished");
    daemon.configure("", &format!("{}[check.recipient]\nmode = 'enforce'\n{rest}", daemon.policy()));
    daemon
}

fn tollgate(daemon: &Daemon, args: &[&str]) -> String {
    said(daemon, args, 0)
}

/// What it prints, and ends with this code.
fn said(daemon: &Daemon, args: &[&str], code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let output = command.arg("--config").arg(daemon.path("tollgate.toml")).args(args).output().expect("runs");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn this_hosts_own_files_are_asked_live() {
    let mut daemon = configured("");
    daemon.run();
    let mut client = daemon.policy_client().await;
    let mut ask = async |ip, address| Smtp::from(ip, "a@there.example").talk(&mut client, address).await;
    assert_eq!(ask("192.0.2.1", "Ann@here.example").await.action(), Action::Continue);
    assert_eq!(ask("192.0.2.2", "x@foreign.example").await.action(), Action::Continue);
    let refused = ask("192.0.2.3", "bob@here.example").await;
    assert_eq!((refused.action(), refused.code), (Action::Reject, 550));
    assert!(refused.text.starts_with("sorry, no mailbox here by that name. (#5.1.1)"), "{}", refused.text);
    fs::write(daemon.path("home/.qmail-joe"), "").expect("written");
    assert_eq!(ask("192.0.2.4", "joe@here.example").await.action(), Action::Continue, "a new file counts at once");

    daemon.wait_for_line(&["event=decision", &format!("decision_id={}", refused.decision_id), "decided_by=recipient"]);
    let told = tollgate(&daemon, &["explain", &refused.decision_id]);
    assert!(told.contains("mailbox bob@here.example (live)") && told.contains("missing: nothing in "), "{told}");
    let way = said(&daemon, &["recipients", "explain", "<bob@here.example>"], 1);
    for part in ["here.example is local", "users/cdb", "user all", ".qmail-bob is not there", "answer", "missing: "] {
        assert!(way.contains(part), "{part}: {way}");
    }
    assert_eq!(way, said(&daemon, &["recipients", "explain", "--local", "bob@here.example"], 1));
    assert!(tollgate(&daemon, &["recipients", "explain", "joe@here.example"]).contains("exists: "));
    assert!(tollgate(&daemon, &["recipients", "sources"]).contains("live"));
    assert_eq!(daemon.metric("tollgate_mailbox_answers_total{answer=\"missing\"}"), Some(1.0));
}

/// Half of such a file would refuse mailboxes that exist.
#[tokio::test]
async fn a_control_file_that_cannot_be_right_leaves_the_one_before() {
    let mut daemon = configured("");
    daemon.control("virtualdomains", "virt.example:ann\nvirt2.example:ann\n");
    fs::write(daemon.path("home/.qmail-ann-default"), "").expect("written");
    daemon.run();
    let mut admin = daemon.admin_client().await;
    let mut client = daemon.policy_client().await;
    let mut refused = async |file: &str| {
        let mut admin = admin.clone();
        let request = ReloadRequest { force: false };
        let reply = admin.reload(request).await.expect("answers").into_inner();
        assert!(reply.faults.is_empty(), "{reply:?}");
        let verdict = Smtp::from("192.0.2.1", "a@there.example").talk(&mut client, "x@virt.example").await;
        assert_eq!((verdict.action(), verdict.degraded.len()), (Action::Continue, 0), "{file}: {}", verdict.text);
        let path = daemon.path(file).display().to_string();
        let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
        let row = |list: &ListFile| list.path == path && list.check == "recipient";
        let row = status.lists.into_iter().find(row).expect("it is shown");
        (row.entries, row.refused.replace(&format!("{path}: "), ""))
    };
    assert_eq!(refused("control/virtualdomains").await, (2, String::new()));
    assert_eq!(refused("users/cdb").await, (2, String::new()));
    daemon.control("virtualdomains", "");
    let expected = "no entries after 2: expected some, or no file; `tollgate reload --force` takes it".to_owned();
    assert_eq!(refused("control/virtualdomains").await, (2, expected));
    let path = daemon.path("control/virtualdomains");
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder");
    assert_eq!(refused("control/virtualdomains").await, (2, "not a regular file: expected one".to_owned()));
    let whole = fs::read(daemon.path("users/cdb")).expect("the cdb");
    fs::write(daemon.path("users/cdb"), &whole[..100]).expect("cut off");
    assert_eq!(refused("users/cdb").await.0, 2);
    // What was empty when the daemon started is not believed either, and nobody is refused.
    daemon.kill();
    daemon.run();
    admin = daemon.admin_client().await;
    let mut client = daemon.policy_client().await;
    let verdict = Smtp::from("192.0.2.2", "a@there.example").talk(&mut client, "x@here.example").await;
    assert_eq!((verdict.action(), verdict.degraded.join(" ").as_str()), (Action::Continue, "mailbox"));
    let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
    let told = |list: &ListFile| list.check == "recipient" && !list.refused.is_empty();
    assert_eq!(status.lists.iter().filter(|list| told(list)).count(), 2, "{:?}", status.lists);
}

#[tokio::test]
async fn an_exported_host_is_asked_without_its_files() {
    let daemon = configured("");
    let (control, output) = (daemon.path("control"), daemon.path("mx1.cdb"));
    let (control, output) = (control.to_str().expect("UTF-8"), output.to_str().expect("UTF-8"));
    let exported =
        tollgate(&daemon, &["recipients", "export", "--control", control, "--output", output, "--host", "mx1"]);
    assert!(exported.contains("mx1, "), "{exported}");
    let mut daemon = daemon;
    fs::remove_dir_all(daemon.path("home")).expect("removed");
    let snapshot = "[[check.recipient.snapshot]]\nhost = 'mx1'\nfile = 'mx1.cdb'\n";
    daemon.configure("", &format!("{}[check.recipient]\nmode = 'enforce'\n{snapshot}", daemon.policy()));
    daemon.run();
    let mut client = daemon.policy_client().await;
    let mut ask = async |ip, address| Smtp::from(ip, "a@there.example").talk(&mut client, address).await;
    assert_eq!(ask("192.0.2.1", "ann@here.example").await.action(), Action::Continue);
    assert_eq!(ask("192.0.2.2", "bob@here.example").await.code, 550);
}
