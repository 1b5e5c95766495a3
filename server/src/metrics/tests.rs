//! Is every metric written down in `docs/metrics.txt`? `TOLLGATE_BLESS=1` writes it anew.

use crate::{
    app::meters,
    ask::{MailboxAnswers, Resolver, SpfAnswers, dns, mailbox_answers, spf_answers},
    clock::Clock,
    config::Document,
    dns_lists::metrics::{self as list_metrics, ListMetrics},
    pipeline::Policy,
    recall::{self, Recall},
    snapshot,
};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Labels whose values come from the list of checks or from the configuration: a new check must not need a new page.
const OF_CHECKS: [&str; 6] = ["check", "rule", "step", "list", "resolver", "class"];

#[derive(Default)]
struct Family {
    kind: &'static str,
    doc: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct Listing(RefCell<BTreeMap<String, Family>>);

impl Listing {
    fn describe(&self, kind: &'static str, name: &KeyName, doc: &str) {
        let mut families = self.0.borrow_mut();
        let family = families.entry(name.as_str().to_owned()).or_default();
        (family.kind, family.doc) = (kind, doc.trim_end_matches('.').to_owned());
    }

    fn register(&self, key: &Key) {
        let mut families = self.0.borrow_mut();
        let family = families.entry(key.name().to_owned()).or_default();
        for label in key.labels() {
            family.labels.entry(label.key().to_owned()).or_default().insert(label.value().to_owned());
        }
    }

    fn page(&self) -> String {
        let mut page = String::from(
            "Every metric of tollgated. Labels have these values and no others; `*` stands for\nthe names that `tollgate pipeline` and docs/configuration.md show, and for those of lists and resolvers in tollgate.toml.\n",
        );
        for (name, family) in self.0.borrow().iter() {
            assert!(!family.kind.is_empty(), "{name} is not described");
            _ = write!(page, "\n{name} ({})\n    {}\n", family.kind, family.doc);
            for (label, values) in &family.labels {
                let own = || values.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
                let shown = if OF_CHECKS.contains(&label.as_str()) { "*".to_owned() } else { own() };
                _ = writeln!(page, "    {label}: {shown}");
            }
        }
        page
    }
}

impl Recorder for Listing {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, doc: SharedString) {
        self.describe("counter", &key, &doc);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, doc: SharedString) {
        self.describe("gauge", &key, &doc);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, doc: SharedString) {
        self.describe("histogram", &key, &doc);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.register(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.register(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.register(key);
        Histogram::noop()
    }
}

#[test]
fn every_metric_is_written_down() {
    let listing = Listing::default();
    with_local_recorder(&listing, || {
        Policy::build(&Document::default(), 1).expect("the defaults");
        // A server of its own: the machine's resolv.conf is none of a test's business.
        let config = dns::Config { servers: vec![([127, 0, 0, 1], 53).into()], ..dns::Config::default() };
        let (resolver, _lookups) = Resolver::new(&config, Clock::manual(0)).expect("a resolver");
        let (answers, _evaluations) = SpfAnswers::new(resolver, config.spf, Clock::manual(0));
        MailboxAnswers::new(std::sync::Arc::new(answers), Clock::manual(0));
        meters::describe();
        list_metrics::describe();
        ListMetrics::new(&"bl.example".into());
        list_metrics::resolver("default", false);
        recall::keeper::register_metrics(&Recall::alone(recall::Bounds::default(), Clock::manual(0)));
    });
    snapshot::compare("docs/metrics.txt", &listing.page());
}

#[test]
fn names_say_what_they_count() {
    let listing = Listing::default();
    with_local_recorder(&listing, || {
        Policy::build(&Document::default(), 1).expect("the defaults");
        meters::describe();
        list_metrics::describe();
        spf_answers::metrics::describe();
        mailbox_answers::metrics::describe();
    });
    for (name, family) in listing.0.borrow().iter() {
        assert!(name.starts_with("tollgate_"), "{name}");
        assert_eq!(name.ends_with("_total"), family.kind == "counter", "{name}");
        let of_terms = [spf_answers::metrics::LOOKUPS, spf_answers::metrics::VOIDS].contains(&name.as_str());
        assert!(family.kind != "histogram" || name.ends_with("_seconds") || of_terms, "{name}");
    }
}
