//! Does what is known of DNS lists survive a kill? Their health, what was spent on them, and the report card.

use crate::{
    dns::{self, Said, Server},
    harness::{Daemon, Smtp, wait_for},
};
use std::{fs, net::UdpSocket, thread, time::Duration};
use tollgate_proto::v1;

/// Kills before the test gives up, each a little later than the one before. What is known is written within seconds, so
/// one of them comes after that.
const KILLS_MAX: u32 = 10;
const LATER: Duration = Duration::from_secs(1);

/// Refuses to answer, as a list does whose free limit is reached.
fn refusing(name: &str, kind: u8) -> Said {
    match kind {
        _ if !name.ends_with(".bl.example") => Said::NotThere,
        dns::A => Said::Found(vec![127, 255, 255, 254]),
        _ => Said::NoData,
    }
}

fn daemon(server: &Server) -> Daemon {
    let mut daemon = Daemon::configured("", "");
    let off = ["rdns", "helo", "sender_domain"].map(|check| format!("[check.{check}]\nmode = 'off'\n")).concat();
    let dns = format!("[dns]\nservers = ['{}']\ntimeout_ms = 10000\n", server.address);
    let list = "[[check.rbl.list]]\nzone = 'bl.example'\nbudget_per_day = 1000\n";
    daemon.configure("", &format!("{}{dns}{off}{list}", daemon.policy()));
    daemon.run();
    daemon
}

async fn list(daemon: &Daemon) -> Option<v1::DnsList> {
    daemon.admin_client().await.lists(v1::ListsRequest {}).await.ok()?.into_inner().lists.pop()
}

async fn report(daemon: &Daemon) -> v1::ListReportReply {
    let request = v1::ListReportRequest { window: v1::Window::Day.into() };
    daemon.admin_client().await.list_report(request).await.expect("answers").into_inner()
}

/// A session, and everything it told counted.
async fn session(daemon: &Daemon) {
    daemon.wait_for_line(&["event=list_health", "list=bl.example", "to=suspect", "cause=refused"]);
    let mut client = daemon.policy_client().await;
    let verdict = Smtp::from("192.0.2.9", "a@there.example").talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), v1::Action::Continue, "a refusal is no listing");
    wait_for("the list to be counted", || {
        daemon.metric("tollgate_list_heard_total{list=\"bl.example\",heard=\"failed\"} ").filter(|&heard| heard > 0.5)
    });
}

#[tokio::test]
async fn health_spending_and_report_card_survive_a_kill() {
    let server = Server::start(refusing);
    let mut daemon = daemon(&server);
    // Where nobody answers: what is known there was remembered. (Look-ups take 10 s before they fail.)
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket").local_addr().expect("an address");
    let text = fs::read_to_string(daemon.path("tollgate.toml")).expect("the configuration");
    let silenced = text.replace(&server.address.to_string(), &silent.to_string());
    for kills in 1..=KILLS_MAX {
        session(&daemon).await;
        thread::sleep(LATER * kills);
        daemon.kill();
        fs::write(daemon.path("tollgate.toml"), &silenced).expect("writes");
        daemon.run();
        let mut known = None;
        while known.is_none() {
            // The keeper's first turn takes the list up.
            known = list(&daemon).await;
        }
        let (known, card) = (known.expect("it is there"), report(&daemon).await);
        if known.health == "suspect" && known.lookups_today > 0 && card.connections > 0 {
            assert_eq!(known.cause, "refused");
            assert_eq!((card.lists[0].name.as_str(), card.lists[0].failed), ("bl.example", card.connections));
            return;
        }
        daemon.kill();
        fs::write(daemon.path("tollgate.toml"), &text).expect("writes");
        daemon.run();
    }
    panic!("forgotten {KILLS_MAX} times");
}
