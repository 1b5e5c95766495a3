//! Which DNS lists are known to be gone, and what became of them?
//!
//! A list that has died is worse than none: some zones time out, some hold nothing any more, and some list the whole
//! world, on purpose or because their domain has another owner. The facts are those of dnsbl.com and of the operators'
//! own notices.

const EASYNET: &str = "the lists of Easynet closed in December 2003";
const VIRBL: &str = "the virus list of BIT closed in 2017";

/// Zone and reason; everything below a zone has gone with it. Of two that fit, the longer stands first.
const GONE: &[(&str, &str)] = &[
    ("dnsdbl.sorbs.net", "is misspelt: SORBS was dnsbl.sorbs.net, and that shut down on 5 June 2024"),
    ("sorbs.net", "SORBS shut down on 5 June 2024, and its zones were emptied"),
    ("cbl.abuseat.org", "the CBL became a part of Spamhaus: its data is in xbl.spamhaus.org and zen.spamhaus.org"),
    ("dsbl.org", "DSBL closed in 2008, and its name servers were switched off on 9 March 2009"),
    ("ordb.org", "ORDB closed in December 2006, and has listed the whole world since March 2008"),
    ("njabl.org", "NJABL closed in 2013, and its domain was seen listing the whole world in 2019"),
    ("ahbl.org", "AHBL closed in 2014, and lists the whole world since 1 January 2015"),
    ("rfc-ignorant.org", "rfc-ignorant.org closed in 2012"),
    ("maps.vix.com", "MAPS left vix.com long ago, and its lists were closed to the public in 2001"),
    ("mail-abuse.org", "the lists of MAPS were closed to the public in 2001 and became a paid service"),
    ("orbs.org", "ORBS closed in 2001"),
    ("orbz.org", "ORBZ closed in 2002"),
    ("osirusoft.com", "the lists of Osirusoft closed in August 2003 by listing the whole world"),
    ("relays.monkeys.com", "the lists of monkeys.com closed in September 2003"),
    ("blackholes.easynet.nl", EASYNET),
    ("dynablock.easynet.nl", EASYNET),
    ("proxies.easynet.nl", EASYNET),
    ("wirehub.net", "the lists of Wirehub became Easynet's, and closed in December 2003"),
    ("opm.blitzed.org", "the open proxy list of Blitzed closed in 2006"),
    ("block.blars.org", "the Blars list was given up about 2006, and its domain has listed the whole world"),
    ("bl.spamcannibal.org", "SpamCannibal was given up, and its domain has listed the whole world since May 2018"),
    ("bl.emailbasura.org", "Email Basura is gone, and its domain has listed the whole world"),
    ("megarbl.net", "MegaRBL is gone, and its domain has listed the whole world since November 2019"),
    ("dul.ru", "the Russian dial-up list is gone, and its domain has listed the whole world since May 2015"),
    ("dnsbl.inps.de", "the list of inps.de was shut down on 25 May 2020"),
    ("virbl.dnsbl.bit.nl", VIRBL),
    ("virbl.bit.nl", VIRBL),
    ("ix.dnsbl.manitu.net", "NiXSpam shut down in January 2025"),
];

/// What became of the list in this zone, in one line; `None` = nothing bad is known. Case and a final dot do not count.
pub fn gone(zone: &str) -> Option<&'static str> {
    let zone = zone.strip_suffix('.').unwrap_or(zone).to_ascii_lowercase();
    let holds = |dead: &str| zone.strip_suffix(dead).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    GONE.iter().find(|(dead, _)| holds(dead)).map(|&(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seeds_zones_are_all_gone() {
        for (zone, year) in [
            ("list.dsbl.org", "2008"),
            ("dul.dnsdbl.sorbs.net", "misspelt"),
            ("dnsbl.sorbs.net", "5 June 2024"),
            ("DUL.dnsbl.SORBS.net.", "5 June 2024"),
            ("cbl.abuseat.org", "xbl.spamhaus.org"),
            ("rbl.maps.vix.com", "2001"),
            ("blackholes.mail-abuse.org", "2001"),
            ("relays.ordb.org", "2006"),
            ("combined.njabl.org", "2013"),
            ("dnsbl.ahbl.org", "2015"),
            ("dsn.rfc-ignorant.org", "2012"),
        ] {
            assert!(gone(zone).is_some_and(|reason| reason.contains(year)), "{zone}: {:?}", gone(zone));
        }
    }

    #[test]
    fn lists_that_live_are_left_alone() {
        for zone in [
            "bl.spamcop.net",
            "zen.spamhaus.org",
            "xbl.spamhaus.org",
            "list.dnswl.org",
            "b.barracudacentral.org",
            "psbl.surriel.com",
            "notsorbs.net",
            "sorbs.net.example",
            "org",
            "",
        ] {
            assert_eq!(gone(zone), None, "{zone}");
        }
    }

    #[test]
    fn every_row_can_be_reached_and_is_one_line() {
        for (zone, reason) in GONE {
            assert_eq!(gone(zone), Some(*reason), "{zone}: another row hides it");
            assert_eq!(gone(&format!("a.b.{zone}")), Some(*reason));
            assert!(!reason.contains('\n') && *zone == zone.to_ascii_lowercase(), "{zone}");
        }
    }

    proptest! {
        /// Any text is a zone that is gone or one of which nothing is known.
        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            if let Some(reason) = gone(&text) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
