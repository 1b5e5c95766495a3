//! Whom is an exception about, and how exactly? Clients by net, senders and recipients in `badmailfrom`'s forms.

pub use super::typed::{clients, recipient, sender};
use crate::{config::Network, session::Address, state::Exception};
use std::net::IpAddr;

/// Labels of a `.suffix`: the names of the DNS that anybody writes have fewer, and each costs a look.
pub const SUFFIX_LABELS_MAX: usize = 16;

/// Smallest prefixes of a net that a sender is bound to: in a wider one others can claim to be the sender.
const BINDING_MIN: (u8, u8) = (16, 32);

/// The null sender, as it is written.
pub const NULL: &str = "<>";

/// How an address is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Form {
    /// `.suffix`: all below it.
    Suffix,
    /// `@host`: all addresses there.
    Host,
    /// One address, or `<>`.
    Whole,
}

impl Form {
    pub(super) fn of(pattern: &str) -> Option<Self> {
        match pattern.as_bytes().first()? {
            b'@' => Some(Self::Host),
            b'.' => Some(Self::Suffix),
            _ => Some(Self::Whole),
        }
    }
}

/// What covers an address, in one form.
pub(super) fn keys(address: &Address, form: Form) -> impl Iterator<Item = &[u8]> {
    let (whole, domain) = (address.lower(), address.domain());
    let one = match form {
        Form::Whole if address.is_null() => Some(NULL.as_bytes()),
        Form::Whole => Some(whole),
        Form::Host => domain.map(|domain| &whole[whole.len() - domain.0.len() - 1..]),
        Form::Suffix => None,
    };
    let dotted = domain.filter(|_| form == Form::Suffix);
    let dots = dotted.map_or(0, |domain| domain.0.iter().filter(|&&byte| byte == b'.').count());
    let suffixes = dotted.into_iter().flat_map(|domain| domain.dot_suffixes());
    one.into_iter().chain(suffixes.skip(dots.saturating_sub(SUFFIX_LABELS_MAX)))
}

/// Is the address among those that the pattern means? An empty pattern means all, known or not.
pub(super) fn covers(pattern: &str, address: Option<&Address>) -> bool {
    match (Form::of(pattern), address) {
        (None, _) => true,
        (Some(form), Some(address)) => keys(address, form).any(|key| key == pattern.as_bytes()),
        (Some(_), None) => false,
    }
}

/// Is the client among those that are meant?
pub(super) fn holds(clients: Option<Network>, ip: Option<IpAddr>) -> bool {
    clients.is_none_or(|net| ip.is_some_and(|ip| net.contains(ip)))
}

/// How exactly an address is meant; of suffixes the longer one is.
type Exactness = (Option<Form>, usize);

/// How exactly clients, sender and recipient are named: what is not named is least.
pub(super) fn exactness(exception: &Exception) -> (u8, Exactness, Exactness) {
    let exact = |pattern: &str| (Form::of(pattern), pattern.len());
    let of_net = |net: Network| if net.address.is_ipv4() { net.prefix + 97 } else { net.prefix + 1 };
    (exception.clients.map_or(0, of_net), exact(&exception.sender), exact(&exception.recipient))
}

/// The order in which exceptions are looked at, the greatest first: more scopes, then the smaller net, the more exact
/// sender, the more exact recipient. Which of them is heard is `precedence`.
pub(super) fn narrowness(exception: &Exception) -> (usize, u8, Exactness, Exactness) {
    let (net, sender, recipient) = exactness(exception);
    let scopes = [net > 0, sender.0.is_some(), recipient.0.is_some()].into_iter().filter(|&bound| bound).count();
    (scopes, net, sender, recipient)
}

/// Could anybody claim to be whom it allows? Then SPF has to say that it is true.
pub fn is_forgeable(exception: &Exception) -> bool {
    let binds = |net: Network| net.prefix >= if net.address.is_ipv4() { BINDING_MIN.0 } else { BINDING_MIN.1 };
    exception.allows && !exception.sender.is_empty() && !exception.clients.is_some_and(binds)
}

/// Its scope in words: `clients 192.0.2.0/24, sender ann@there.example`.
pub fn told(exception: &Exception) -> String {
    let text = |what: &str, pattern: &str| (!pattern.is_empty()).then(|| format!("{what} {pattern}"));
    let parts = [
        exception.clients.map(|net| format!("clients {net}")),
        text("sender", &exception.sender),
        text("recipient", &exception.recipient),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn address(text: &str) -> Address {
        Address::new(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn patterns_cover_as_badmailfrom_does() {
        for (pattern, covered, not) in [
            ("ann@a.example", vec!["Ann@A.example"], vec!["ann@b.example", "xann@a.example", ""]),
            ("@a.example", vec!["x@a.example", "\"x@y\"@A.example"], vec!["x@b.a.example", "a.example", ""]),
            (".example", vec!["x@a.example", "x@b.a.example"], vec!["x@example", ""]),
            ("<>", vec![""], vec!["<>@a.example", "ann@a.example"]),
            ("", vec!["", "x@y.example"], vec![]),
        ] {
            covered.iter().for_each(|text| assert!(covers(pattern, Some(&address(text))), "{pattern} {text}"));
            not.iter().for_each(|text| assert!(!covers(pattern, Some(&address(text))), "{pattern} {text}"));
            assert_eq!(covers(pattern, None), pattern.is_empty());
        }
    }

    #[test]
    fn only_a_sender_without_a_net_can_be_forged() {
        let of = |allows, clients: &str, sender: &str| Exception {
            allows,
            clients: clients.parse().ok(),
            sender: sender.to_owned(),
            recipient: "you@here.example".to_owned(),
            ..Exception::default()
        };
        for (allows, clients, sender, forgeable) in [
            (true, "", "ann@a.example", true),
            (true, "10.0.0.0/15", "ann@a.example", true),
            (true, "10.1.0.0/16", "ann@a.example", false),
            (true, "2001::/31", "ann@a.example", true),
            (true, "2001:db8::/32", "ann@a.example", false),
            (true, "10.0.0.0/8", "", false),
            (true, "", "", false),
            (false, "", "ann@a.example", false),
        ] {
            assert_eq!(is_forgeable(&of(allows, clients, sender)), forgeable, "{clients} {sender}");
        }
    }

    #[test]
    fn more_scopes_smaller_nets_and_whole_addresses_are_narrower() {
        let of = |(clients, sender, recipient): (&str, &str, &str)| Exception {
            clients: clients.parse().ok(),
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            ..Exception::default()
        };
        let rising = [
            ("", "", ".example"),
            ("", "", ".here.example"),
            ("", "", "@here.example"),
            ("", "", "you@here.example"),
            ("", ".example", ""),
            ("", "ann@a.example", ""),
            ("2001:db8::/32", "", ""),
            ("10.0.0.0/8", "", ""),
            ("192.0.2.9", "", ""),
            ("", ".example", ".example"),
            ("10.0.0.0/8", "", ".example"),
            ("10.0.0.0/8", ".example", ""),
            ("10.0.0.0/8", ".example", ".example"),
        ];
        for pair in rising.windows(2) {
            assert!(narrowness(&of(pair[0])) < narrowness(&of(pair[1])), "{pair:?}");
        }
    }
}
