//! Weights, the check's own thresholds, lists that end the check, and stages before which a code is not voiced.

use super::*;

fn three(settings: &str, lists: [&str; 3]) -> String {
    let list =
        |(at, rest): (usize, &&str)| format!("[[check.rbl.list]]\nzone = \"l{at}.example\"\nquery = \"a\"\n{rest}");
    format!("[check.rbl]\n{settings}{}", lists.iter().enumerate().map(list).collect::<String>())
}

/// All three list 192.0.2.9.
fn judged(text: &str) -> Vec<String> {
    let names: Vec<String> = (0..3).map(|at| format!("9.2.0.192.l{at}.example")).collect();
    let table: Vec<_> = names.iter().map(|name| (name.as_str(), RecordType::A, a(&["127.0.0.2"]))).collect();
    let found = judge(&*rbl(text), &client("192.0.2.9"), &table).0;
    lines(&found).into_iter().filter(|line| !line.starts_with("scored")).collect()
}

const SCORE_3: &str = "action = \"score\"\nweight = 3\n";

#[test]
fn the_checks_own_thresholds_work_as_postscreens_do() {
    let at = |settings: &str, lists| judged(&three(settings, lists));
    assert_eq!(at("", [SCORE_3; 3]), Vec::<String>::new(), "no threshold of its own");
    assert_eq!(at("reject_at = 9\n", [SCORE_3; 3]), ["summed Reject enforce | sum 9"]);
    assert_eq!(at("reject_at = 10\n", [SCORE_3; 3]), Vec::<String>::new());
    assert_eq!(at("defer_at = 9\nreject_at = 10\n", [SCORE_3; 3]), ["summed Defer enforce | sum 9"]);
    let good = "action = \"score\"\nweight = -4\n";
    assert_eq!(at("reject_at = 6\n", [SCORE_3, SCORE_3, good]), Vec::<String>::new(), "praise counts");
    let (_, faults) = build(&three("defer_at = 5\nreject_at = 4\n", [SCORE_3; 3]));
    assert!(faults[0].contains("[check.rbl] defer_at: 5 is more than reject_at = 4"), "{faults:?}");
}

#[test]
fn lists_on_trial_are_summed_for_rehearsal_only() {
    let trial = "action = \"score\"\nweight = 3\nmode = \"monitor\"\n";
    assert_eq!(judged(&three("reject_at = 9\n", [SCORE_3, SCORE_3, trial])), ["summed Reject monitor | sum 9"]);
    assert_eq!(
        judged(&three("defer_at = 6\nreject_at = 9\n", [SCORE_3, SCORE_3, trial])),
        ["summed Defer enforce | sum 6", "summed Reject monitor | sum 9"]
    );
}

#[test]
fn a_list_of_good_clients_may_end_the_check() {
    let end = "action = \"end_check\"\nweight = -2\n";
    let text = three("", [SCORE_3, end, ""]);
    let names: Vec<String> = (0..3).map(|at| format!("9.2.0.192.l{at}.example")).collect();
    let table: Vec<_> = names.iter().map(|name| (name.as_str(), RecordType::A, a(&["127.0.0.2"]))).collect();
    let found = judge(&*rbl(&text), &client("192.0.2.9"), &table).0;
    assert_eq!(
        lines(&found),
        ["scored Score(3) enforce | l0.example 127.0.0.2", "scored Score(-2) enforce | l1.example 127.0.0.2"]
    );
    // Where it does not know the client, the others speak.
    let found = judge(&*rbl(&text), &client("192.0.2.9"), &[table[0].clone(), table[2].clone()]).0;
    assert_eq!(lines(&found)[1], "listed Reject enforce | l2.example 127.0.0.2");
}

#[test]
fn a_code_is_not_voiced_before_its_stage() {
    let text = "[[check.rbl.list]]\nzone = \"bl.example\"\nquery = \"a\"\n\
                [[check.rbl.code]]\nlist = \"bl.example\"\ncodes = [\"127.0.0.10-11\"]\nlabel = \"pbl\"\nstage = \"rcpt\"\n\
                [[check.rbl.code]]\nlist = \"bl.example\"\ncodes = [\"127.0.0.2\"]\nlabel = \"sbl\"\n";
    let check = rbl(text);
    let question = DnsQuestion { list: ListId::named("bl.example"), ..DnsQuestion::new(NAME, RecordType::A) };
    let mut answers = Answers::default();
    answers.insert(Question::Dns(question), answered(a(&["127.0.0.2", "127.0.0.10"])));
    let at = |stage| {
        let mut found = Vec::new();
        check.decide(stage, &client("192.0.2.9"), &answers, Clock::manual(1_000).now(), &mut found);
        lines(&found)
    };
    let (pbl, sbl) =
        ("listed Reject enforce | bl.example 127.0.0.10 pbl", "listed Reject enforce | bl.example 127.0.0.2 sbl");
    assert_eq!(at(Stage::Connect), [sbl]);
    assert_eq!(at(Stage::Mail), [sbl]);
    assert_eq!(at(Stage::Rcpt), [pbl, sbl]);
}
