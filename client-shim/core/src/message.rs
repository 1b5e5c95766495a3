//! What is to become of the message itself, by the answer to DATA? Forged fields go; the queue hears what SPF said.

use crate::{
    Session,
    buffer::Buffer,
    forged::{Filter, Sink},
    verdict::{SPF_RESULT_MAX, Verdict},
};
use core::ffi::CStr;

/// What the newest answer to DATA wants done, until the transaction ends.
pub(crate) struct Treatment {
    filter: Filter,
    /// NUL-ended, or empty.
    spf_result: Buffer<{ SPF_RESULT_MAX + 1 }>,
}

impl Treatment {
    pub(crate) const fn new() -> Self {
        Treatment { filter: Filter::new(), spf_result: Buffer::new() }
    }

    pub(crate) fn begin(&mut self, verdict: &Verdict<'_>) {
        self.filter.begin(verdict.authserv_id);
        self.spf_result.set(verdict.spf_result);
        self.spf_result.push(&[0]);
    }

    pub(crate) fn clear(&mut self) {
        self.filter.begin(b"");
        self.spf_result.clear();
    }
}

impl Session {
    /// The next bytes of the message; `out` gets those that stay. False: nothing more will go, and no byte is held back.
    pub fn filter(&mut self, bytes: &[u8], out: &mut Sink<'_>) -> bool {
        self.known.treatment.filter.put(bytes, out);
        self.is_filtering()
    }

    /// Is there anything to look for in what comes next?
    pub fn is_filtering(&self) -> bool {
        self.known.treatment.filter.is_in_header()
    }

    /// The message is over; `out` gets what was held back.
    pub fn end_filter(&mut self, out: &mut Sink<'_>) {
        self.known.treatment.filter.end(out);
    }

    /// Does this header field bear the name of ours?
    pub fn is_forged(&self, field: &[u8]) -> bool {
        self.known.treatment.filter.is_forged(field)
    }

    /// What SPF said; empty if nothing is known.
    pub fn spf_result(&self) -> &CStr {
        CStr::from_bytes_until_nul(self.known.treatment.spf_result.as_slice()).unwrap_or_default()
    }
}
