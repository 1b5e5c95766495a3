//! How much may one evaluation do? The limits of RFC 7208 §4.6.4, each with its name.

use std::time::Duration;

/// Terms that ask the DNS, in all records together.
pub const LOOKUPS_MAX: usize = 10;
/// Mail exchangers of one `mx`; more are a permerror.
pub(super) const MX_MAX: usize = 10;
/// Names of one `ptr` or `%{p}`; more are left out.
pub(super) const PTR_MAX: usize = 10;
/// Terms that may find nothing, by default.
pub const VOIDS_MAX: usize = 2;
/// Bits of an IPv4 network; wider ones mean nobody in particular: whoever lets them pass does not say who sent the mail.
pub(super) const NARROW_V4: u8 = 16;
/// The same of IPv6.
pub(super) const NARROW_V6: u8 = 32;
/// Octets of one record. The DNS could carry more; nobody means it.
pub(super) const RECORD_OCTETS_MAX: usize = 16_383;
/// Octets of an explanation's text as it stands in the DNS.
pub(super) const EXPLANATION_OCTETS_MAX: usize = 4_096;
/// Octets that one macro-string may grow to.
pub(super) const EXPANDED_OCTETS_MAX: usize = 8_192;
/// Octets of a local part or HELO argument that macros see; RFC 5321 §4.5.3.1 allows 64 and 255.
pub(super) const INPUT_OCTETS_MAX: usize = 512;
/// An evaluation's time (RFC 7208 §4.6.4: at least 20 s).
pub const TIME_MAX: Duration = Duration::from_secs(20);

/// What an administrator may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Terms that ask the DNS.
    pub lookups: usize,
    /// Terms that may find nothing.
    pub voids: usize,
    /// Time for all of it.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lookups: LOOKUPS_MAX, voids: VOIDS_MAX, time: TIME_MAX }
    }
}
