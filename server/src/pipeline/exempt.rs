//! Whom is a check not about? Clients that may relay, clients that are ours, and the recipients that everybody can reach.

use super::{Settings, policy::Step};
use crate::{
    check::Exemption,
    session::{Connection, Facts, Rcpthosts, Stage, Tried},
};

/// Which exemptions hold at one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exemptions {
    /// RELAYCLIENT or AUTH.
    pub(super) relay: bool,
    /// Loopback, our own addresses, `trusted_relays`.
    pub(super) trusted_client: bool,
    /// The recipient is postmaster or abuse; at DATA: all of them were.
    pub(super) recipient: bool,
}

impl Exemptions {
    pub(super) fn of(stage: Stage, facts: &Facts, settings: &Settings) -> Self {
        let relay = facts.connection.is_relay();
        let tally = &facts.history.transaction;
        Self {
            relay,
            trusted_client: is_trusted(&facts.connection, settings),
            recipient: match stage {
                Stage::Rcpt => facts.recipient.as_ref().is_some_and(|tried| is_exempt(tried, relay, settings)),
                Stage::Data => tally.recipients > 0 && tally.exempt == tally.recipients,
                Stage::Connect | Stage::Helo | Stage::Mail | Stage::Outcome => false,
            },
        }
    }

    /// Is this check passed over?
    pub(super) fn excuse(self, step: &Step) -> bool {
        let reasons = [Exemption::Relay, Exemption::TrustedClient, Exemption::ExemptRecipient];
        reasons.into_iter().any(|reason| self.holds(reason) && !step.is_despite(reason))
    }

    pub(super) fn holds(self, exemption: Exemption) -> bool {
        match exemption {
            Exemption::Relay => self.relay,
            Exemption::TrustedClient => self.trusted_client,
            Exemption::ExemptRecipient => self.recipient,
            // Not known before the checks have spoken: `precedence.rs` deals with it.
            Exemption::Allowed => false,
        }
    }
}

/// `postmaster` without a domain, `postmaster@` and `abuse@` our domains (RFC 5321 §4.5.1, RFC 2142 §4), in any case.
/// A domain is ours if the configuration says so, or if the mail server takes its mail from clients that may not relay.
fn is_exempt(tried: &Tried, relay: bool, settings: &Settings) -> bool {
    let local = tried.address.local_part();
    match tried.address.domain() {
        None => local == b"postmaster",
        Some(domain) => {
            (local == b"postmaster" || local == b"abuse")
                && ((tried.rcpthosts == Rcpthosts::Allowed && !relay) || settings.is_ours(domain))
        }
    }
}

/// Does the client's address stand for a host of ours? Behind a proxy on this host loopback is everybody's address, and
/// so is our own: only what the configuration names counts then, and no loopback address in any case.
fn is_trusted(connection: &Connection, settings: &Settings) -> bool {
    let Some(ip) = connection.client_ip else { return false };
    if connection.via_proxy && ip.is_loopback() {
        return false;
    }
    let local = ip.is_loopback() || connection.server_ip == Some(ip);
    let named = || settings.own_addresses.iter().chain(&settings.trusted_relays).any(|network| network.contains(ip));
    (local && !connection.via_proxy) || named()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Document, session::Address};
    use bytes::Bytes;
    use std::net::IpAddr;

    fn settings(text: &str) -> Settings {
        let document = Document::parse("t.toml", text).expect("TOML");
        Settings::read(&document, &mut crate::files::Files::default(), &std::cell::RefCell::default())
    }

    fn exempt(recipient: &str, rcpthosts: Rcpthosts, relay: bool) -> bool {
        let settings = settings("[policy]\ndomains = [\"ours.example\"]\n");
        let address = Address::new(Bytes::copy_from_slice(recipient.as_bytes()));
        is_exempt(&Tried { address, rcpthosts }, relay, &settings)
    }

    #[test]
    fn postmaster_and_abuse_can_be_reached_at_our_domains() {
        for ours in ["postmaster", "POSTMASTER", "Postmaster@Ours.Example", "abuse@ours.example"] {
            assert!(exempt(ours, Rcpthosts::Unknown, false), "{ours}");
        }
        assert!(exempt("postmaster@other.example", Rcpthosts::Allowed, false));
    }

    #[test]
    fn nobody_else_is_exempt() {
        for (recipient, rcpthosts, relay) in [
            ("abuse", Rcpthosts::Allowed, false),
            ("postmaster@foreign.example", Rcpthosts::Refused, false),
            ("postmaster@foreign.example", Rcpthosts::Unknown, false),
            // For a relay client rcpthosts says yes to every domain: it does not show whose domain that is.
            ("postmaster@foreign.example", Rcpthosts::Allowed, true),
            ("postmaster-x@ours.example", Rcpthosts::Allowed, false),
            ("postmaster@x@foreign.example", Rcpthosts::Refused, false),
            ("", Rcpthosts::Allowed, false),
        ] {
            assert!(!exempt(recipient, rcpthosts, relay), "{recipient}");
        }
    }

    #[test]
    fn a_proxy_takes_the_trust_from_loopback() {
        let settings = settings("[policy]\ntrusted_relays = [\"192.0.2.0/24\", \"127.0.0.0/8\"]\n");
        let client = |ip: [u8; 4], via_proxy| Connection {
            client_ip: Some(IpAddr::from(ip)),
            server_ip: Some(IpAddr::from([198, 51, 100, 1])),
            via_proxy,
            ..Connection::default()
        };
        for (ip, via_proxy, trusted) in [
            ([127, 0, 0, 1], false, true),
            ([127, 0, 0, 1], true, false),
            ([198, 51, 100, 1], false, true),
            ([198, 51, 100, 1], true, false),
            ([192, 0, 2, 77], true, true),
            ([203, 0, 113, 1], false, false),
        ] {
            assert_eq!(is_trusted(&client(ip, via_proxy), &settings), trusted, "{ip:?} {via_proxy}");
        }
        assert!(!is_trusted(&Connection::default(), &settings));
    }
}
