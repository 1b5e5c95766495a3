//! What does a domain say to those whom it does not let send (RFC 7208 §6.2)?

use super::{
    limits::EXPLANATION_OCTETS_MAX,
    query::Query,
    text::{MacroText, Macros, Place},
};
use std::sync::Arc;

/// An explanation with its macros still open: so one result serves all senders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    text: MacroText,
    /// The domain whose record has the `exp=`.
    domain: Arc<str>,
    /// The client's confirmed name, where the text wants it.
    name: Option<Arc<str>>,
}

impl Explanation {
    /// A text from the DNS or from an administrator. `None` = it is no explanation: not ASCII, or a macro is wrong.
    pub fn read(text: &[u8], domain: impl Into<Arc<str>>) -> Option<Self> {
        let text =
            text.get(..text.len().min(EXPLANATION_OCTETS_MAX)).and_then(|text| std::str::from_utf8(text).ok())?;
        let text = MacroText::parse(text, Place::Explanation).ok()?;
        Some(Self { text, domain: domain.into(), name: None })
    }

    /// Bytes it takes, roughly: what is written in it, and as much again for what that is made of.
    pub fn octets(&self) -> usize {
        let parts = size_of_val(self.text.parts());
        2 * self.domain.len() + parts + self.text.to_string().len() + self.name.as_ref().map_or(0, |name| name.len())
    }

    /// Does it want the client's confirmed name?
    pub(super) fn wants_name(&self) -> bool {
        self.text.wants_name()
    }

    /// The text as it stands in the DNS.
    pub fn text(&self) -> String {
        self.text.to_string()
    }

    /// The domain whose record has the `exp=`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The client's confirmed name, where the text wants it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The same, knowing that name.
    #[must_use]
    pub fn named(self, name: Option<Arc<str>>) -> Self {
        Self { name, ..self }
    }

    /// The text for this client. Octets that are not printable ASCII come out as `?`: local part and HELO argument may
    /// hold any.
    pub fn written(&self, query: &Query, receiver: &str, unix_seconds: u64) -> String {
        let name = self.name.as_deref();
        let macros = Macros { query, domain: &self.domain, name, receiver, unix_seconds };
        let printable = |octet: u8| if matches!(octet, b' '..=b'~') { char::from(octet) } else { '?' };
        self.text.expand(&macros).into_iter().map(printable).collect()
    }
}
