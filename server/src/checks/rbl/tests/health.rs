//! What becomes of a list that cannot be believed?

use super::*;
use crate::ask::{Ailing, Health, HealthBoard};

const TWO: &str = "[check.rbl]\ndefer_after_error = true\n[[check.rbl.list]]\nzone = \"bl.example\"\n\
                   [[check.rbl.list]]\nzone = \"two.example\"\n";

/// Judges 192.0.2.9, which both lists hold, while `bl.example` is in some state.
fn judged(health: Health) -> (Vec<String>, Vec<String>) {
    let check = rbl(TWO);
    let (facts, list) = (client("192.0.2.9"), ListId::named("bl.example"));
    let board = HealthBoard::new([Ailing { list, name: "bl.example".into(), health, cause: "silent" }]);
    let mut answers = Answers::default();
    answers.insert(Question::ListHealth, Answered::health(board.into()));
    let mut asked = Vec::new();
    for _round in 0..3 {
        let mut questions = Vec::new();
        check.needs(Stage::Connect, &facts, &answers, &mut questions);
        questions.retain(|question| answers.get(question).is_none());
        for question in questions {
            asked.push(question.to_string());
            answers.insert(question, answered(a(&["127.0.0.2"])));
        }
    }
    let mut found = Vec::new();
    check.decide(Stage::Rcpt, &facts, &answers, Clock::manual(1_000).now(), &mut found);
    asked.retain(|name| name.starts_with("A "));
    (lines(&found), asked)
}

#[test]
fn a_suspect_list_is_measured_and_changes_nothing() {
    for health in [Health::Suspect, Health::HalfOpen] {
        let (found, asked) = judged(health);
        let suspect = format!("listed Reject monitor | bl.example 127.0.0.2 ({})", health.name());
        assert_eq!(found, [suspect.as_str(), "listed Reject enforce | two.example 127.0.0.2"]);
        assert_eq!(asked, ["A 9.2.0.192.bl.example", "A 9.2.0.192.two.example"]);
    }
}

#[test]
fn a_list_that_is_off_is_not_asked_and_counts_as_failed() {
    let (found, asked) = judged(Health::Off);
    assert_eq!(asked, ["A 9.2.0.192.two.example"]);
    assert_eq!(found, ["listed Defer enforce | two.example 127.0.0.2"], "must not bounce after an error");
}

#[test]
fn a_healthy_list_decides() {
    assert_eq!(
        judged(Health::Healthy).0.first().map(String::as_str),
        Some("listed Reject enforce | bl.example 127.0.0.2")
    );
}

#[test]
fn what_was_heard_is_told_for_the_report_card() {
    let check = rbl(TWO);
    let facts = client("192.0.2.9");
    let mut answers = Answers::default();
    let question = |zone: &str| {
        let name = format!("9.2.0.192.{zone}");
        Question::Dns(DnsQuestion { list: ListId::named(zone), ..DnsQuestion::new(name, RecordType::A) })
    };
    answers.insert(question("bl.example"), answered(a(&["127.0.0.2"])));
    let mut effects = Vec::new();
    check.observe(&facts, &answers, &mut effects);
    let heard = |name: &str, heard| Effect::ListHeard(ListId::named(name), heard);
    assert_eq!(effects, [heard("bl.example", Heard::Listed), heard("two.example", Heard::Failed)]);
    answers.insert(question("two.example"), answered(DnsAnswer::NotFound));
    effects.clear();
    check.observe(&facts, &answers, &mut effects);
    assert_eq!(effects[1], heard("two.example", Heard::Clean));
}
