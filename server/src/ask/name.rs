//! How is a name of the DNS carried about when a part of it is a secret? Lists give paying users a key that is a label of
//! the zone: it has to go over the wire, and nowhere else.

use std::{fmt, ops::Range, sync::Arc};

/// What stands in a key's place wherever the name is shown.
pub(crate) const KEY_SHOWN: &str = "[key]";

/// An absolute name in lower case without the final dot. `Display` and `Debug` never show the secret part.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DnsName {
    text: Arc<str>,
    /// Where the secret starts and ends; equal = there is none. Sixteen bits: no name of the DNS has more than 253 octets
    /// (RFC 1035 §2.3.4).
    secret: (u16, u16),
}

impl DnsName {
    /// A name with a secret part, given as octets of `text`.
    pub fn with_secret(text: impl Into<Arc<str>>, secret: Range<usize>) -> Self {
        let text = text.into();
        let octet = |at: usize| u16::try_from(at.min(text.len())).unwrap_or(u16::MAX);
        let secret = (octet(secret.start), octet(secret.end));
        Self { text, secret }
    }

    /// The name as the wire needs it, secret included. Never show it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// `front` below this name, the secret kept: a list's question about `front`.
    #[must_use]
    pub fn below(&self, front: &str) -> Self {
        let shift = front.len() + 1;
        let secret = usize::from(self.secret.0) + shift..usize::from(self.secret.1) + shift;
        let text = format!("{front}.{}", self.text);
        if self.secret().is_some() { Self::with_secret(text, secret) } else { text.into() }
    }

    /// The secret part; `None` = nothing of it is secret.
    pub fn secret(&self) -> Option<&str> {
        let (start, end) = (usize::from(self.secret.0), usize::from(self.secret.1));
        (start < end).then(|| self.text.get(start..end).unwrap_or(&self.text))
    }

    /// The same name with another secret in its own's place: what is written down has `[key]` there, and gets its
    /// key back before it is compared with a question. A name without a secret stays as it is.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        if self.secret().is_none() {
            return self.clone();
        }
        let (start, end) = (usize::from(self.secret.0), usize::from(self.secret.1));
        match (self.text.get(..start), self.text.get(end..)) {
            (Some(before), Some(after)) => Self::with_secret(format!("{before}{key}{after}"), start..start + key.len()),
            _ => Self::with_secret(key, 0..key.len()),
        }
    }

    /// Where the secret starts; `None` = there is none.
    pub(crate) fn secret_start(&self) -> Option<usize> {
        (self.secret.0 < self.secret.1).then_some(usize::from(self.secret.0))
    }

    /// Octets of the whole name.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The root.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<T: Into<Arc<str>>> From<T> for DnsName {
    fn from(text: T) -> Self {
        Self { text: text.into(), secret: (0, 0) }
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret.0 >= self.secret.1 {
            return f.write_str(&self.text);
        }
        let (start, end) = (usize::from(self.secret.0), usize::from(self.secret.1));
        match (self.text.get(..start), self.text.get(end..)) {
            (Some(before), Some(after)) => write!(f, "{before}{KEY_SHOWN}{after}"),
            _ => f.write_str(KEY_SHOWN),
        }
    }
}

impl fmt::Debug for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_goes_over_the_wire_and_nowhere_else() {
        let text = "9.2.0.192.s3cret.zen.example";
        let name = DnsName::with_secret(text, 10..16);
        assert_eq!((name.expose(), name.secret()), (text, Some("s3cret")));
        assert_eq!(name.to_string(), "9.2.0.192.[key].zen.example");
        assert_eq!(format!("{name:?}"), "\"9.2.0.192.[key].zen.example\"");
    }

    #[test]
    fn what_is_put_below_a_zone_leaves_its_key_a_secret() {
        let zone = DnsName::with_secret("s3cret.zen.example", 0..6);
        assert_eq!(zone.below("9.2.0.192"), DnsName::with_secret("9.2.0.192.s3cret.zen.example", 10..16));
        assert_eq!(DnsName::from("bl.example").below("a.b"), DnsName::from("a.b.bl.example"));
    }

    #[test]
    fn another_key_takes_the_place_of_the_first() {
        let name = DnsName::with_secret("9.2.0.192.s3cret.zen.example", 10..16);
        let shown = name.with_key(KEY_SHOWN);
        assert_eq!((shown.expose(), shown.secret_start()), ("9.2.0.192.[key].zen.example", Some(10)));
        assert_eq!(shown.with_key("s3cret"), name);
        assert_eq!(DnsName::from("a.example").with_key("k"), DnsName::from("a.example"));
    }

    #[test]
    fn a_name_without_a_key_is_shown_as_it_is() {
        let name = DnsName::from("a.example");
        assert_eq!((name.to_string().as_str(), name.secret()), ("a.example", None));
    }

    proptest! {
        /// Wherever the secret lies, even beyond what a name can hold.
        #[test]
        fn a_secret_is_never_shown(before in "[a-f.]{0,300}", after in "[a-f.]{0,20}") {
            let secret = "xyz-xyz";
            let text = format!("{before}{secret}{after}");
            let name = DnsName::with_secret(text.as_str(), before.len()..before.len() + secret.len());
            prop_assert!(!format!("{name} {name:?}").contains("xyz"), "{}", name);
        }
    }
}
