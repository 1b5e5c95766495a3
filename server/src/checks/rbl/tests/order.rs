//! Does the order in which answers come, or what they hold, ever change the findings' sense? Whatever the DNS says.

use super::*;
use crate::ask::{Ailing, Health, HealthBoard};
use proptest::prelude::*;

const MANY: &str = "[check.rbl]\ndefer_after_error = true\n\
    [[check.rbl.list]]\nzone = \"l0.example\"\n[[check.rbl.list]]\nzone = \"l1.example\"\naction = \"allow\"\n\
    [[check.rbl.list]]\nzone = \"l2.example\"\naction = \"score\"\nweight = 3\n\
    [[check.rbl.list]]\nzone = \"l3.example\"\nquery = \"txt\"\n[[check.rbl.list]]\nzone = \"l4.example\"\naction = \"defer\"\n\
    [[check.rbl.code]]\nlist = \"l0.example\"\ncodes = [\"127.0.0.0/24 mask 2\"]\nlabel = \"two\"\n\
    [[check.rbl.code]]\nlist = \"l0.example\"\ncodes = [\"127.0.0.0/24 mask 4\"]\nlabel = \"four\"\n";

fn any_answer() -> impl Strategy<Value = DnsAnswer> {
    let code = prop_oneof![
        4 => (0..=255_u8).prop_map(|last| [127, 0, 0, last]),
        1 => any::<[u8; 4]>(),
    ];
    let records = proptest::collection::vec(
        prop_oneof![
            code.prop_map(|octets| Record::A(octets.into())),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(|text| Record::Txt(text.into())),
            any::<[u8; 16]>().prop_map(|octets| Record::Aaaa(octets.into())),
        ],
        0..8,
    );
    prop_oneof![
        4 => records.prop_map(|records| DnsAnswer::Found(records.into())),
        1 => Just(DnsAnswer::NotFound),
        1 => proptest::sample::select(&Failure::ALL[..]).prop_map(DnsAnswer::Failed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever came from the DNS, of whatever type, in whatever order: no panic, the same findings, printable texts.
    #[test]
    fn the_order_of_answers_never_changes_the_findings(
        given in proptest::collection::vec((any_answer(), any_answer()), 5),
        order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(),
        turns in 0..8_usize,
        health in proptest::collection::vec(proptest::sample::select(&Health::ALL[..]), 5),
    ) {
        let check = rbl(MANY);
        let facts = client("192.0.2.9");
        let turned = |answer: &DnsAnswer| match answer {
            DnsAnswer::Found(records) => {
                let mut records = records.to_vec();
                let turns = turns % records.len().max(1);
                records.rotate_left(turns);
                DnsAnswer::Found(records.into())
            }
            other => other.clone(),
        };
        let entry = |at: usize, turn: bool| {
            let (kind, answer) = match at % 2 {
                0 => (RecordType::A, &given[at / 2].0),
                _ => (RecordType::Txt, &given[at / 2].1),
            };
            let zone = format!("l{}.example", at / 2);
            let name = format!("9.2.0.192.{zone}");
            let question = Question::Dns(DnsQuestion { list: ListId::named(&zone), ..DnsQuestion::new(name, kind) });
            (question, answered(if turn { turned(answer) } else { answer.clone() }))
        };
        let ailing = health.iter().enumerate().map(|(at, &health)| {
            let name = format!("l{at}.example");
            Ailing { list: ListId::named(&name), name: name.into(), health, cause: "test" }
        });
        let board = std::sync::Arc::new(HealthBoard::new(ailing));
        let judged = |order: &[usize], turn: bool| {
            let mut answers = Answers::default();
            answers.insert(Question::ListHealth, Answered::health(board.clone()));
            for &at in order {
                let (question, answered) = entry(at, turn);
                answers.insert(question, answered);
            }
            let mut found = Vec::new();
            check.decide(Stage::Rcpt, &facts, &answers, Clock::manual(1_000).now(), &mut found);
            found
        };
        let straight = judged(&(0..10).collect::<Vec<_>>(), false);
        let shuffled = judged(&order, true);
        prop_assert_eq!(format!("{straight:?}"), format!("{shuffled:?}"));
        for finding in &straight {
            let printable = |value: &String| value.bytes().all(|byte| (32..=126).contains(&byte));
            prop_assert!(finding.vars.iter().all(|(_, value)| printable(value)), "{:?}", finding);
        }
    }

    /// Patterns of return codes are read without panic, and shown in a form that reads back.
    #[test]
    fn any_text_is_a_pattern_or_a_fault(text in "[0-9./ \\-mask]{0,30}|127\\.0\\.0\\.[0-9]{1,3}(-[0-9.]{1,9})?( mask [0-9]{1,8})?") {
        if let Ok(codes) = text.parse::<super::super::codes::Codes>() {
            prop_assert_eq!(codes.to_string().parse(), Ok(codes));
        }
    }
}
