//! Does a lint end, whatever the DNS says?

use super::super::{
    super::{
        dns::{Data, Kind, Looked, Said, Trouble},
        zone::{Entry, Zone},
    },
    *,
};
use proptest::prelude::*;

/// A DNS in which every name has the same endless record.
struct Endless(String);

impl Dns for Endless {
    fn look_up(&self, name: &str, _: Kind) -> impl Future<Output = Looked> + Send {
        let text = self.0.replace("NAME", &name[..name.len().min(200)]);
        std::future::ready(Looked::at_hand(Said::Found(vec![Data::Txt(text.as_bytes().into())]), Duration::ZERO))
    }
}

/// A DNS of which nothing is known, by our own fault.
struct Down;

impl Dns for Down {
    fn look_up(&self, _: &str, _: Kind) -> impl Future<Output = Looked> + Send {
        std::future::ready(Looked::at_hand(Said::Failed(Trouble::Ours("unreachable")), Duration::ZERO))
    }
}

#[tokio::test]
async fn it_ends_whatever_the_dns_says() {
    let wide: String = (0..400).map(|number| format!(" include:{number}.NAME")).collect();
    for record in [wide, " a".repeat(6_000), " include:x.NAME".repeat(3), " redirect=%{d}.x.example".to_owned()] {
        let report = lint(&Endless(format!("v=spf1{record}")), &"d.example".into(), &[]).await;
        assert!(report.is_incomplete && report.findings.len() < 300, "{report:?}");
    }
    let report = lint(&Down, &"d.example".into(), &[]).await;
    assert!(report.has_failed, "{report:?}");
}

proptest! {
    #[test]
    fn any_text_is_looked_through(text in "v=spf1( [+~?-]?(a|mx|all|ip4|ptr|include|exists|exp|redirect|[a-z]{1,3})[:=/]?[ -~]{0,20}){0,6}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let mut zone = Zone::default();
        zone.add("d.example", Entry::Record(Data::Txt(text.as_bytes().into())));
        let report = runtime.block_on(lint(&zone, &"d.example".into(), &[]));
        for finding in report.findings {
            prop_assert!(finding.place.is_none_or(|place| place.at <= place.record.len()));
            prop_assert!(!finding.text.contains('\n'));
        }
    }
}
