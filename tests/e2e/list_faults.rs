//! What does the mail see when a DNS list or the way to it is faulty? A proxy makes each fault between the daemon and
//! unbound; Exim asks as on a mail host. A failed look-up refuses nobody and lets nobody in whom another list refuses;
//! an answer that gets through is heard; no reply waits longer than the stage deadline.
//!
//! Faults begin after a first, healthy session, and befall the names of clients only: what lists are asked about
//! themselves is another matter, of `list_breaker`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use tollgate_tests::{
    dns::List,
    dns_fault::Fault,
    gate::{Gate, Plan, ZONE},
    smtp::Reply,
    wait,
};

/// Names of the clients below 192.0.2.0/24 and 2001:db8::/32 in the list.
const CLIENTS: [&str; 2] = ["2.0.192.bl.example", "8.b.d.0.1.0.0.2.bl.example"];
/// Of one stage, as configured here.
const DEADLINE: Duration = Duration::from_millis(1_200);
/// A busy machine. That the daemon itself kept the deadline is seen by the library's: it waits two seconds, then counts
/// a stage without an answer.
const SLACK: Duration = Duration::from_secs(6);
/// How long a look-up waits: nobody who waits for its end has an answer in time.
const LOOKUP_MS: u32 = 9_000;
/// SERVFAIL and REFUSED (RFC 1035 §4.1.1).
const SERVFAIL: u8 = 2;
const REFUSED: u8 = 5;

/// A client of which the list knows nothing.
fn clean(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, number).into()
}

/// A client that the list lists: its upper half.
fn listed(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, 128 + number).into()
}

fn listed_v6(number: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x66, number).into()
}

/// What the list has a client refused with.
fn refusal(client: IpAddr) -> String {
    format!("{client} is listed by {ZONE}: Listed, see https://bl.example/{client}")
}

/// A gate with one list, whose look-ups may take `timeout_ms`.
fn gate(name: &str, timeout_ms: u32) -> Gate {
    let list = List::new(ZONE, "127.0.0.2:Listed, see https://bl.example/$");
    let list = list.with("192.0.2.128/25").with("2001:db8::66:0/112");
    let deadline = DEADLINE.as_millis();
    let gate = Plan::new(name).list(list).with_faults().policy(&format!(
        "stage_deadline_ms = {deadline}\nreply_ids = false\n[dns]\ntimeout_ms = {timeout_ms}\nattempts = 1\n\
         failure_ttl_seconds = 1\n[[check.rbl.list]]\nzone = \"{ZONE}\"\n"
    ));
    let gate = gate.start();
    assert_refused(&gate, listed(1));
    gate
}

/// A gate whose clients' names are `fault`y from now on.
fn faulty(name: &str, timeout_ms: u32, fault: &Fault) -> Gate {
    let gate = gate(name, timeout_ms);
    for zone in CLIENTS {
        gate.faults().set(zone, fault.clone());
    }
    gate
}

/// What RCPT answers to `client`, in a session in which no reply takes longer than the deadline.
#[track_caller]
fn answer(gate: &Gate, client: IpAddr) -> Reply {
    let mut longest = Duration::ZERO;
    let mut timed = |step: &mut dyn FnMut() -> Reply| {
        let started = wait::now();
        let reply = step();
        longest = longest.max(started.elapsed());
        reply
    };
    let mut dialogue = None;
    timed(&mut || {
        let (connected, greeting) = tollgate_tests::smtp::Client::connect(gate.mail.address, client);
        dialogue = Some(connected);
        greeting
    });
    let mut dialogue = dialogue.expect("a connection");
    let mut said = Reply { code: 0, text: String::new() };
    for line in ["EHLO client.example", "MAIL FROM:<ann@sender.example>", "RCPT TO:<bob@ours.example>"] {
        said = timed(&mut || dialogue.say(line));
    }
    dialogue.quit();
    assert!(longest < DEADLINE + SLACK, "a reply to {client} took {longest:?}");
    said
}

#[track_caller]
fn assert_refused(gate: &Gate, client: IpAddr) {
    let said = answer(gate, client);
    assert_eq!((said.code, said.words()), (553, refusal(client)));
}

#[track_caller]
fn assert_accepted(gate: &Gate, client: IpAddr) {
    let said = answer(gate, client);
    assert_eq!(said.code, 250, "{client}: {said:?}");
}

/// The daemon itself answered every stage of these sessions, in the library's two seconds.
fn assert_answered(gate: &Gate, sessions: u32) {
    gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "closed")], sessions.into());
    let metrics = gate.daemon.metrics();
    let alone = metrics.sum("tollgate_unanswered_total", &[]) + metrics.sum("tollgate_failure_records_total", &[]);
    assert!(alone < 0.5, "{alone} stages went on without an answer");
}

/// Of `fault` comes neither a refusal nor a session without an answer, and what failed is told.
fn assert_nothing_is_known(name: &str, timeout_ms: u32, fault: &Fault) {
    let gate = faulty(name, timeout_ms, fault);
    for client in [clean(1), listed(2), listed_v6(2)] {
        assert_accepted(&gate, client);
    }
    // What was found before is still known.
    assert_refused(&gate, listed(1));
    assert!(gate.faults().asked(CLIENTS[0]) >= 2 && gate.faults().asked(CLIENTS[1]) >= 1, "{name}: not asked");
    let degraded = gate.daemon.metrics().sum("tollgate_degraded_total", &[]);
    assert!(degraded > 2.5, "{name}: nobody says what was not known");
    assert_answered(&gate, 5);
    // The fault is over: so are its consequences.
    for zone in CLIENTS {
        gate.faults().clear(zone);
    }
    assert_refused(&gate, listed(3));
    assert_refused(&gate, listed_v6(3));
}

/// `fault` changes nothing.
fn assert_all_is_known(name: &str, timeout_ms: u32, fault: &Fault) {
    let gate = faulty(name, timeout_ms, fault);
    assert_accepted(&gate, clean(1));
    assert_refused(&gate, listed(2));
    assert_refused(&gate, listed_v6(2));
    assert_answered(&gate, 4);
}

#[test]
fn a_silent_list_costs_the_deadline_and_refuses_nobody() {
    assert_nothing_is_known("silent", LOOKUP_MS, &Fault::Silent);
}

#[test]
fn a_list_that_fails_refuses_nobody() {
    assert_nothing_is_known("servfail", LOOKUP_MS, &Fault::Code(SERVFAIL));
    assert_nothing_is_known("refused", LOOKUP_MS, &Fault::Code(REFUSED));
}

#[test]
fn a_truncated_answer_is_fetched_by_tcp_or_not_known() {
    for rest in [false, true] {
        assert_all_is_known("truncated", LOOKUP_MS, &Fault::Truncated { rest, tcp: true });
        assert_nothing_is_known("cut-off", LOOKUP_MS, &Fault::Truncated { rest, tcp: false });
    }
}

#[test]
fn an_answer_with_another_id_is_none() {
    assert_nothing_is_known("wrong-id", 500, &Fault::WrongId { right_follows: false });
    assert_all_is_known("wrong-id-first", LOOKUP_MS, &Fault::WrongId { right_follows: true });
}

#[test]
fn noise_is_no_answer() {
    assert_nothing_is_known("garbage", 500, &Fault::Garbage);
}

#[test]
fn an_answer_after_the_deadline_serves_the_next_session() {
    let gate = faulty("slow", LOOKUP_MS, &Fault::Slow(Duration::from_secs(2)));
    for client in [clean(1), listed(2), listed_v6(2)] {
        assert_accepted(&gate, client);
    }
    // The look-up goes on when its session has ended; its text is asked for then, and is late too.
    let asked_again = |client| {
        wait::until("the late answer to be heard", wait::SOON, || answer(&gate, client).code == 553);
        assert_refused(&gate, client);
    };
    asked_again(listed(2));
    asked_again(listed_v6(2));
    assert_answered(&gate, 7);
}

#[test]
fn lost_packets_are_sent_again() {
    let gate = gate("lost", 1_000);
    // Most clients are on no list: a server that says so again and again is not a bad one.
    for number in 10..20 {
        assert_accepted(&gate, clean(number));
    }
    for (round, fault) in [(1, Fault::LosesFirst), (2, Fault::LosesEvery(3))] {
        for zone in CLIENTS {
            gate.faults().set(zone, fault.clone());
        }
        // A question is repeated within its time: the second datagram is in time.
        assert_accepted(&gate, clean(round));
        assert_refused(&gate, listed(10 + round));
        assert_refused(&gate, listed_v6(round.into()));
    }
    assert_answered(&gate, 17);
}

#[test]
fn a_refusal_code_is_no_listing() {
    for code in [[127, 255, 255, 254], [127, 0, 0, 1], [10, 0, 0, 1]] {
        let gate = faulty("refusal-code", LOOKUP_MS, &Fault::Says(code.into()));
        for client in [clean(1), listed(2), listed_v6(2)] {
            assert_accepted(&gate, client);
        }
        assert_answered(&gate, 4);
    }
}

#[test]
fn a_resolver_that_rewrites_lists_nobody() {
    let gate = faulty("rewriting", LOOKUP_MS, &Fault::Rewrites([203, 0, 113, 7].into()));
    // The listed ones first: one invented answer, and the list is not believed for a while.
    assert_refused(&gate, listed(2));
    assert_refused(&gate, listed_v6(2));
    assert_accepted(&gate, clean(1));
    assert_answered(&gate, 4);
}

#[test]
fn an_alias_is_followed_to_what_is_listed_or_not() {
    let gate = faulty("alias", LOOKUP_MS, &Fault::Alias("129.2.0.192.bl.example".to_owned()));
    let said = answer(&gate, clean(1));
    let words = format!("192.0.2.1 is listed by {ZONE}: Listed, see https://bl.example/192.0.2.129");
    assert_eq!((said.code, said.words()), (553, words), "through the alias");
    for zone in CLIENTS {
        gate.faults().set(zone, Fault::Alias("9.2.0.192.bl.example".to_owned()));
    }
    assert_accepted(&gate, listed(2));
    assert_accepted(&gate, listed_v6(2));
    assert_answered(&gate, 4);
}

#[test]
fn a_hundred_texts_make_one_short_reply() {
    let gate = faulty("texts", LOOKUP_MS, &Fault::Texts(100));
    let said = answer(&gate, clean(1));
    assert_eq!(said.code, 553, "{said:?}");
    let words = said.words();
    let text = words.strip_prefix(&format!("192.0.2.1 is listed by {ZONE}: ")).expect("the usual words");
    // The first text alone, which is as long as rblsmtpd lets a text be.
    assert!(text.starts_with("text 000 x") && text.ends_with('x') && text.len() <= 200, "{text}");
    assert!(said.text.lines().all(|line| line.len() <= 512 - "553-\r\n".len()), "{said:?}");
    assert_answered(&gate, 2);
}
