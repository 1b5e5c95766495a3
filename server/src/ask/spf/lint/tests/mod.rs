//! Every kind of finding, over zones in memory.

use super::{
    super::{
        dns::Data,
        zone::{Entry, Zone},
    },
    *,
};

mod bounds;

/// Lines of `NAME TYPE VALUE`; `dead.example` does not answer, and `host.example` has addresses of both families.
fn zone(lines: &str) -> Zone {
    let mut zone = Zone::default();
    let all = format!("host.example A 192.0.2.1\nhost.example AAAA 2001:db8::1\ndead.example SILENT -\n{lines}");
    for line in all.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, rest) = line.split_once(' ').expect("a name");
        let (kind, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let data = match kind {
            "A" => Data::A(value.parse().expect("an address")),
            "AAAA" => Data::Aaaa(value.parse().expect("an address")),
            "MX" => Data::Mx(10, value.into()),
            "TXT" => Data::Txt(value.as_bytes().into()),
            _ => {
                zone.add(name, Entry::Silence);
                continue;
            }
        };
        zone.add(name, Entry::Record(data));
    }
    zone
}

async fn report(lines: &str, ours: &[&str]) -> Report {
    let ours: Vec<IpAddr> = ours.iter().map(|ip| ip.parse().expect("an address")).collect();
    lint(&zone(lines), &"d.example".into(), &ours).await
}

/// What is said of `d.example` with this record.
async fn said(record: &str, more: &str) -> Vec<String> {
    let report = report(&format!("d.example TXT {record}\n{more}"), &[]).await;
    report.findings.iter().map(|finding| format!("{} {finding}", finding.level.name())).collect()
}

#[tokio::test]
async fn a_good_record_is_not_talked_about() {
    let more = "d.example A 192.0.2.1\nd.example AAAA 2001:db8::1\ni.example TXT v=spf1 mx:m.example ?all\n\
                m.example MX host.example\nwhy.example TXT ask %{s}";
    let record = "v=spf1 a include:i.example ip4:192.0.2.0/24 exists:%{i}.x.example exp=why.example -all";
    assert_eq!(said(record, more).await, Vec::<String>::new());
    let report = report(&format!("d.example TXT {record}\n{more}"), &["192.0.2.77", "2001:db8::1"]).await;
    let costs = [("a", 1), ("include:i.example", 2), ("exists:%{i}.x.example", 1)];
    let costs = costs.map(|(term, cost)| (term.to_owned(), cost)).to_vec();
    assert_eq!(report, Report { lookups: 4, costs, ..Report::default() });
}

#[tokio::test]
async fn what_is_written_wrong_is_told_with_its_level() {
    for (record, found) in [
        ("v=spf1 +all", "error d.example: +all: everybody in the world passes"),
        ("v=spf1 all", "error d.example: all: everybody in the world passes"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "error d.example: ip4:0.0.0.0/0: everybody in the world passes: /0"),
        (
            "v=spf1 ip4:10.0.0.0/15 -all",
            "warning d.example: ip4:10.0.0.0/15: very wide: are all of these addresses yours?",
        ),
        ("v=spf1 ip6:2000::/31 -all", "warning d.example: ip6:2000::/31: very wide: are all of these addresses yours?"),
        (
            "v=spf1 a:host.example//8 -all",
            "warning d.example: a:host.example//8: very wide: are all of these addresses yours?",
        ),
        ("v=spf1 ?all", "note d.example: ?all: says nothing about all others: ~all or -all would"),
        ("v=spf1 ip4:192.0.2.1", "note d.example: ends without all and redirect: whoever is not named is neutral"),
        (
            "v=spf1 ptr -all",
            "warning d.example: ptr: ptr is slow, and receivers may skip it: RFC 7208 5.5 says not to use it",
        ),
        ("v=spf1 ip4:192.0.2.1 ip4:192.0.2.1 -all", "note d.example: ip4:192.0.2.1: stands twice"),
        ("v=spf1 -all ip4:192.0.2.1", "warning d.example: ip4:192.0.2.1: never reached: it stands behind all"),
        (
            "v=spf1 redirect=d.example -all",
            "warning d.example: redirect=d.example: never used: all decides before it (RFC 7208 6.1)",
        ),
        ("v=spf1 moo=x -all", "warning d.example: moo=x: an unknown modifier: everybody ignores it"),
        (
            "v=spf1 IP4=192.0.2.1 -all",
            "warning d.example: IP4=192.0.2.1: everybody ignores it: a mechanism takes a colon, ip4:",
        ),
        (
            "v=spf1 exists:%{p}.x.example -all",
            "warning d.example: exists:%{p}.x.example: the macro p is slow and often finds nothing: RFC 7208 7.2 advises against it",
        ),
        (
            "v=spf1 -all exp=why.example",
            "warning d.example: exp=why.example: explains nothing: expected one text at why.example, in ASCII and with right macros",
        ),
    ] {
        assert_eq!(said(record, "").await, [found], "{record}");
    }
    assert_eq!(said("v=spf1 -ip4:0.0.0.0/0 ?ip4:10.0.0.0/8 ~all", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn who_is_included_to_fail_does_not_pass() {
    let everybody = "i.example TXT v=spf1 include:j.example ip4:10.0.0.0/8 +all\nj.example TXT v=spf1 +all";
    assert_eq!(said("v=spf1 -include:i.example ~all", everybody).await, Vec::<String>::new());
    let said = said("v=spf1 -include:i.example include:i.example ~all", everybody).await;
    assert_eq!(said.iter().filter(|line| line.contains("everybody in the world passes")).count(), 2, "{said:?}");
}

#[tokio::test]
async fn missing_spaces_are_suspected() {
    for word in ["include:host.examplemx:host.example", "include:i.example-all", "mx~all", "ip4:192.0.2.1ip4:192.0.2.2"]
    {
        let said = said(&format!("v=spf1 {word} -all"), "i.example-all TXT v=spf1 -all").await;
        let suspected = format!("warning d.example: {word}: is a space missing in it?");
        assert!(said.iter().any(|line| line.starts_with(&suspected)), "{word}: {said:?}");
    }
    for word in ["ip6:2001:db8:a::1", "a:host.example", "-all", "moo=include:x", "ip6:2001:db8::a:1/64"] {
        let said = said(&format!("v=spf1 {word} -all"), "").await;
        assert!(!said.iter().any(|line| line.contains("is a space missing")), "{word}: {said:?}");
    }
}

#[tokio::test]
async fn every_fault_is_told_with_its_place() {
    let report = report("d.example TXT v=spf1 moo ip4:1.2.3 a:b\u{e9}.example -all", &[]).await;
    let places: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.place.as_ref().map(|place| place.at), finding.term.as_str(), finding.level))
        .collect();
    let expected = [(Some(7), "moo"), (Some(15), "ip4:1.2.3"), (Some(24), "a:b??.example")]
        .map(|(at, term)| (at, term, Level::Error));
    assert_eq!(places, expected);
    let place = report.findings[2].place.clone().expect("a place");
    assert_eq!(&*place.record, "v=spf1 moo ip4:1.2.3 a:b??.example -all");
    let twice = said("v=spf1 exp=host.example exp=host.example -all", "host.example TXT no").await;
    assert!(
        twice.iter().any(|line| line == "error d.example: at 25: a second redirect= or exp=: expected one at most"),
        "{twice:?}"
    );
}

#[tokio::test]
async fn records_that_are_not_there_or_too_many() {
    let missing = report("d.example TXT \"v=spf1 -all\"\nd.example TXT v=spf1: -all", &[]).await;
    let said = missing.findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "d.example: has no record of SPF: anybody may use its name");
    assert_eq!(
        said[1],
        "d.example: a text that nobody takes for a record: expected v=spf1 and a space, not \"v=spf1 -all\""
    );
    let twice = report("d.example TXT v=spf1 -all\nd.example TXT v=spf1 ~all", &[]).await;
    assert_eq!(twice.findings[0].to_string(), "d.example: has 2 records of SPF: a permerror; put all terms into one");
    let long = report(&format!("d.example TXT v=spf1 -all {}", "ip4:192.0.2.1 ".repeat(40)), &[]).await;
    assert!(long.findings.iter().any(|finding| finding.text.starts_with("name and texts have 5")), "{long:?}");
}

#[tokio::test]
async fn what_terms_lead_to_is_looked_at() {
    let many: String = (0..11).map(|number| format!("many.example MX h{number}.example\n")).collect();
    let zone = format!(
        "i.example TXT v=spf1 include:d.example -all\nnull.example MX \nlame.example MX nowhere.example\n{many}"
    );
    for (term, found) in [
        (
            "include:nowhere.example",
            "error d.example: include:nowhere.example: nowhere.example has no record: a permerror for whoever gets that far",
        ),
        (
            "include:i.example",
            "error d.example: its record leads to itself again: a permerror for whoever gets that far",
        ),
        (
            "include:%{l}.example",
            "note d.example: include:%{l}.example: depends on who asks: not followed, so it may cost more",
        ),
        (
            "a:nowhere.example",
            "warning d.example: a:nowhere.example: nowhere.example has no address: a void look-up for every client",
        ),
        (
            "exists:nowhere.example",
            "warning d.example: exists:nowhere.example: nowhere.example does not exist: a void look-up for every client",
        ),
        ("mx", "warning d.example: mx: d.example has no MX record: a void look-up for every client"),
        (
            "mx:lame.example",
            "warning d.example: mx:lame.example: nowhere.example has no address: a void look-up for every client",
        ),
        ("mx:null.example", "warning d.example: mx:null.example: matches nobody: null.example takes no mail (null MX)"),
        (
            "mx:many.example",
            "error d.example: mx:many.example: many.example has 11 mail exchangers, more than 10: a permerror",
        ),
        ("a:dead.example", "warning d.example: a:dead.example: A dead.example failed: timeout"),
        ("include:dead.example", "warning dead.example: TXT dead.example failed: timeout"),
        ("a:a..example", "warning d.example: a:a..example: matches nobody: the DNS can have no such name"),
        (
            "include:a..example",
            "error d.example: include:a..example: leads to no domain: a permerror for whoever gets that far",
        ),
    ] {
        let said = said(&format!("v=spf1 {term} -all"), &zone).await;
        assert!(said.contains(&found.to_owned()), "{term}: {said:#?}");
    }
    let said = said("v=spf1 redirect=nowhere.example", &zone).await;
    assert_eq!(
        said,
        [
            "error d.example: redirect=nowhere.example: nowhere.example has no record: a permerror for whoever gets that far"
        ]
    );
}

#[tokio::test]
async fn terms_are_counted_over_all_records_as_if_none_matched() {
    let tree = "i.example TXT v=spf1 a:host.example mx:m.example -all a:host.example\nm.example MX host.example\n\
                r.example TXT v=spf1 include:i.example exists:%{i}.example ?all\n";
    for (record, lookups, level) in [
        ("v=spf1 include:i.example redirect=r.example", 8, Some(Level::Warning)),
        ("v=spf1 include:i.example include:i.example redirect=r.example", 11, Some(Level::Error)),
        ("v=spf1 include:i.example -all redirect=r.example", 3, None),
        (
            "v=spf1 a:host.example a:host.example mx:m.example ptr exists:host.example redirect=r.example",
            10,
            Some(Level::Warning),
        ),
    ] {
        let report = report(&format!("d.example TXT {record}\n{tree}"), &[]).await;
        let told = report.findings.iter().find(|finding| finding.text.contains("ask the DNS"));
        assert_eq!((report.lookups, told.map(|finding| finding.level)), (lookups, level), "{record}");
        assert!(!report.is_incomplete);
    }
}

#[tokio::test]
async fn void_terms_are_counted_for_each_family() {
    let v4 = "v1.example A 192.0.2.1\nv2.example A 192.0.2.1\nv3.example A 192.0.2.1\n";
    let said = said("v=spf1 a:v1.example a:v2.example -all", v4).await;
    assert_eq!(said, Vec::<String>::new(), "two are allowed, and most hosts have no IPv6");
    let report = report(&format!("d.example TXT v=spf1 a:v1.example a:v2.example a:v3.example -all\n{v4}"), &[]).await;
    assert_eq!((report.voids, report.count(Level::Error)), (3, 1), "{report:?}");
}

#[tokio::test]
async fn addresses_of_ours_have_to_pass() {
    let zone = "d.example TXT v=spf1 ip4:192.0.2.0/24 ip4:10.0.0.0/8 a:dead.example -all";
    let report = report(zone, &["192.0.2.1", "10.0.0.1", "198.51.100.1"]).await;
    let said = report.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!said.contains("192.0.2.1 "), "{said}");
    assert!(
        said.contains("10.0.0.1 passes by what anybody may pass by: pass by ip4:10.0.0.0/8 of d.example"),
        "{said}"
    );
    assert!(said.contains("198.51.100.1 could not be tried: temperror: A dead.example: timeout"), "{said}");
    assert!(report.has_failed);
    let report = super::tests::report("d.example TXT v=spf1 ~all", &["198.51.100.1"]).await;
    let expected =
        "d.example: 198.51.100.1 is one of yours and does not pass: softfail by ~all of d.example (0 look-ups, 0 void)";
    assert_eq!((report.count(Level::Error), report.findings[0].to_string().as_str()), (1, expected));
}
