//! Evaluations end within their limits whatever the DNS says, and say what they rest on.

use super::super::{
    dns::{Kind, Looked, Trouble},
    result::Input,
    suite,
    zone::{Entry, Zone},
};
use super::*;
use proptest::prelude::*;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Evaluations over a DNS in memory take no time; only the one that never ends waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

fn zone(entries: &[(&str, &str)]) -> Zone {
    let mut zone = Zone::default();
    for (name, text) in entries {
        let data = match text.split_once(' ') {
            Some(("A", ip)) => Data::A(ip.parse().expect("an address")),
            Some(("MX", name)) => Data::Mx(10, name.into()),
            Some(("PTR", name)) => Data::Ptr(name.into()),
            _ => Data::Txt(text.as_bytes().into()),
        };
        zone.add(name, Entry::Record(data));
    }
    zone
}

fn ask(dns: &impl Dns, sender: &str, local: &LocalPolicy) -> Evaluation {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let query = Query::mail_from(IpAddr::from([192, 0, 2, 1]), sender.as_bytes(), b"mx.example");
    let limits = Limits { time: PATIENCE, ..Limits::default() };
    runtime.expect("a runtime").block_on(check_host(dns, &query, &limits, local, true))
}

fn told(entries: &[(&str, &str)], local: &LocalPolicy) -> String {
    ask(&zone(entries), "ann@d.example", local).to_string()
}

#[test]
fn a_result_says_what_it_rests_on() {
    let none = LocalPolicy::default();
    for (record, said) in [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass by ip4:192.0.2.0/24 of d.example (0 look-ups, 0 void)"),
        ("v=spf1 a mx ?all", "neutral by ?all of d.example (2 look-ups, 2 void)"),
        ("v=spf1 a", "neutral (1 look-ups, 1 void)"),
        (
            "v=spf1 a mx exists:n.example",
            "permerror: more than 2 terms that find nothing in the DNS (3 look-ups, 3 void)",
        ),
        (
            "v=spf1 nonsense",
            "permerror: the record of d.example at 8: no mechanism: expected all, include, a, mx, ptr, ip4, ip6, exists or NAME= (0 look-ups, 0 void)",
        ),
        (
            "v=spf1 redirect=n.example",
            "permerror: n.example, to which it redirects, has no record (1 look-ups, 0 void)",
        ),
        ("something else", "none (0 look-ups, 0 void)"),
    ] {
        assert_eq!(told(&[("d.example", record)], &none), said, "{record}");
    }
}

#[test]
fn only_a_narrow_pass_says_who_it_was() {
    let narrow = |record: &str| {
        let entries = [
            ("d.example", record),
            ("d.example", "A 192.0.2.1"),
            ("wide.example", "v=spf1 ip4:192.0.0.0/8"),
            ("all.example", "v=spf1 +all"),
            ("1.2.0.192.in-addr.arpa", "PTR d.example"),
        ];
        let evaluation = ask(&zone(&entries), "ann@d.example", &LocalPolicy::default());
        assert_eq!(evaluation.result, SpfResult::Pass, "{record}");
        evaluation.is_identity
    };
    for record in ["v=spf1 a", "v=spf1 ip4:192.0.2.0/16", "v=spf1 exists:d.example"] {
        assert!(narrow(record), "{record}");
    }
    for record in [
        "v=spf1 all",
        "v=spf1 ptr",
        "v=spf1 a/15",
        "v=spf1 ip4:192.0.2.0/15",
        "v=spf1 include:wide.example",
        "v=spf1 redirect=all.example",
    ] {
        assert!(!narrow(record), "{record}");
    }
}

#[test]
fn what_a_result_depends_on_is_told_in_order() {
    let depends = |record: &str| {
        let entries =
            [("d.example", record), ("x.example", "v=spf1 exists:%{l}.%{h}.y.example ~all"), ("e.example", "%{l}")];
        ask(&zone(&entries), "ann@d.example", &LocalPolicy::default()).depends
    };
    assert_eq!(depends("nothing"), []);
    assert_eq!(depends("v=spf1 -all exp=e.example"), []);
    assert_eq!(depends("v=spf1 ip4:192.0.2.1 exists:%{l}.x"), [Input::Ip]);
    assert_eq!(depends("v=spf1 ip4:192.0.2.9 include:x.example -all"), [Input::Ip, Input::LocalPart, Input::Helo]);
    assert_eq!(depends("v=spf1 exists:%{d}.%{o}.x.example"), []);
}

#[test]
fn local_policy_rescues_and_guesses() {
    let rules = LocalPolicy::read("ip4:192.0.2.1", "").expect("terms");
    let guess = LocalPolicy::read("", "a/24 -all").expect("terms");
    let record = |text| [("d.example", text)];
    assert_eq!(told(&record("v=spf1 mx -all"), &rules), "pass by ip4:192.0.2.1 of local policy (1 look-ups, 1 void)");
    assert_eq!(told(&record("v=spf1 -all"), &rules), "fail by -all of d.example (0 look-ups, 0 void)");
    assert_eq!(told(&[], &rules), "pass by ip4:192.0.2.1 of local policy (0 look-ups, 0 void)");
    assert_eq!(told(&record("A 192.0.2.77"), &guess), "pass by a/24 of local policy (1 look-ups, 0 void)");
    assert_eq!(told(&[], &guess), "fail by -all of local policy (1 look-ups, 1 void)");
    assert_eq!(told(&record("v=spf1 ?all"), &guess), "neutral by ?all of d.example (0 look-ups, 0 void)");
    let mut silent = zone(&[("d.example", "x")]);
    silent.add("d.example", Entry::Silence);
    assert_eq!(ask(&silent, "ann@d.example", &guess).result, SpfResult::None);
}

#[test]
fn the_shortest_time_to_live_counts_and_our_own_failures_are_told() {
    struct Mixed;
    impl Dns for Mixed {
        async fn look_up(&self, name: &str, kind: Kind) -> Looked {
            let (said, seconds) = match (name, kind) {
                ("d.example", Kind::Txt) => (Said::Found(vec![Data::Txt(b"v=spf1 a mx -all"[..].into())]), 300),
                (_, Kind::A) => (Said::NotFound, 7),
                _ => (Said::Failed(Trouble::Ours("overload")), 60),
            };
            Looked::at_hand(said, Duration::from_secs(seconds))
        }
    }
    let evaluation = ask(&Mixed, "ann@d.example", &LocalPolicy::default());
    assert_eq!((evaluation.ttl, evaluation.is_ours), (Duration::from_secs(7), true));
    assert_eq!(evaluation.to_string(), "temperror: MX d.example: overload (2 look-ups, 1 void)");
}

#[test]
fn time_is_limited() {
    struct Never;
    impl Dns for Never {
        async fn look_up(&self, _name: &str, _kind: Kind) -> Looked {
            std::future::pending().await
        }
    }
    let evaluation = ask(&Never, "ann@d.example", &LocalPolicy::default());
    assert_eq!((evaluation.result, evaluation.is_ours), (SpfResult::TempError, false));
    assert_eq!(evaluation.ttl, Duration::ZERO, "the next one may be faster");
}

#[test]
fn a_trace_shows_the_tree() {
    let entries = [("d.example", "v=spf1 include:x.example -all"), ("x.example", "v=spf1 ip4:192.0.2.9")];
    let trace = ask(&zone(&entries), "ann@d.example", &LocalPolicy::default()).trace.expect("a trace");
    let expected = "\
TXT d.example: \"v=spf1 include:x.example -all\" [cached]
record of d.example: v=spf1 include:x.example -all
include:x.example
  TXT x.example: \"v=spf1 ip4:192.0.2.9\" [cached]
  record of x.example: v=spf1 ip4:192.0.2.9
  ip4:192.0.2.9
  = no match
= no match
-all
= match
";
    assert_eq!(trace.to_string(), expected);
}

#[test]
fn the_suites_own_examples_are_read() {
    let text = "---\ndescription: One\ntests:\n  a:\n    helo: mx.example\n    host: 192.0.2.1\n    mailfrom: a@d.example\n    \
                result: [fail, none]\n    explanation: no ann\nzonedata:\n  d.example:\n    - SPF: v=spf1 -all exp=e.d.example\n  \
                e.d.example:\n    - TXT: ['no', ' ann']\n";
    let scenarios = suite::read(text).expect("a suite");
    let [scenario] = scenarios.as_slice() else { panic!("{} scenarios", scenarios.len()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let evaluation = runtime.block_on(scenario.cases[0].run(&scenario.zone));
    assert_eq!(scenario.cases[0].judge(&evaluation), Ok(()));
    for (broken, fault) in
        [("tests: [", "no YAML"), ("a: b", "no tests"), ("tests:\n  a:\n    helo: x\n", "result is missing")]
    {
        assert!(suite::read(broken).is_err_and(|error| error.contains(fault)), "{broken}");
    }
}

/// A DNS that says anything to anybody, the same for the same question, and counts.
struct Wild {
    records: Vec<String>,
    asked: AtomicUsize,
}

impl Dns for Wild {
    async fn look_up(&self, name: &str, kind: Kind) -> Looked {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(name.is_ascii() && name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len())));
        let pick = name.bytes().fold(kind.name().len(), |sum, octet| sum.wrapping_mul(31) + usize::from(octet));
        let record = &self.records[pick % self.records.len()];
        let many = |data: &dyn Fn(u8) -> Data| (0..(pick % 14) as u8).map(data).collect::<Vec<_>>();
        let data = match kind {
            Kind::Txt => vec![Data::Txt(record.as_bytes().into())],
            Kind::A => many(&|number| Data::A([192, 0, 2, number].into())),
            Kind::Aaaa => Vec::new(),
            Kind::Mx => many(&|number| Data::Mx(number.into(), format!("mx{number}.example").into())),
            Kind::Ptr => many(&|number| Data::Ptr(format!("n{number}.d.example").into())),
        };
        let said = match pick % 11 {
            0 => Said::Failed(Trouble::Theirs("timeout")),
            1 => Said::NotFound,
            _ if data.is_empty() => Said::NotFound,
            _ => Said::Found(data),
        };
        Looked::at_hand(said, Duration::from_secs(1))
    }
}

/// Questions of one evaluation at most: records and `exp`, ten terms of up to eleven questions, one search for names.
const QUESTIONS_MAX: usize = 1 + 10 * 12 + 11 * 12;

proptest! {
    #[test]
    fn every_evaluation_ends_within_its_limits(
        records in prop::collection::vec(
            "v=spf1( [+~?-]?(a|mx|ptr|a:%\\{d\\}|mx:m.example|ptr:d.example|exists:%\\{p\\}.x.example|include:%\\{l\\}.example|include:a.example|ip4:192.0.2.0/29|all)){0,6}( redirect=(b|c).example)?( exp=%\\{p\\}.example)?",
            1..6,
        ),
        sender in "[a-d]@[a-d]\\.example",
    ) {
        let wild = Wild { records, asked: AtomicUsize::new(0) };
        let evaluation = ask(&wild, &sender, &LocalPolicy::default());
        prop_assert!(evaluation.lookups <= 11 && evaluation.voids <= 3, "{}", evaluation);
        prop_assert!(wild.asked.load(Ordering::Relaxed) <= QUESTIONS_MAX);
        let over = evaluation.lookups > 10 || evaluation.voids > 2;
        prop_assert!(!over || evaluation.result == SpfResult::PermError, "{}", evaluation);
    }
}
