//! What did the daemon decide? Its bytes are believed no more than the network's.

use crate::{
    authserv_id::is_token,
    protobuf::{Malformed, Value, next_field},
};

/// The longest `session_state` that is kept and brought back.
pub(crate) const STATE_MAX: usize = 1024;
/// The longest delay that is granted, in milliseconds.
pub(crate) const DELAY_MAX_MS: u64 = 30_000;
/// The longest name Authentication-Results fields bear: that of a domain.
pub(crate) const AUTHSERV_ID_MAX: usize = 255;
/// The longest word for SPFRESULT.
pub(crate) const SPF_RESULT_MAX: usize = 16;

/// `Action` of policy.proto.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Continue,
    Defer,
    Reject,
}

/// `Verdict` of policy.proto, as far as a mail server acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict<'a> {
    pub(crate) action: Action,
    /// 400 to 599 with a refusal, else 0.
    pub(crate) code: u16,
    /// Lines separated by LF; may hold anything.
    pub(crate) text: &'a [u8],
    /// At most `DELAY_MAX_MS`.
    pub(crate) delay_ms: u32,
    /// At most `STATE_MAX` bytes.
    pub(crate) state: &'a [u8],
    /// A token of at most `AUTHSERV_ID_MAX` bytes, or empty.
    pub(crate) authserv_id: &'a [u8],
    /// At most `SPF_RESULT_MAX` lower-case letters.
    pub(crate) spf_result: &'a [u8],
    /// The whole message, for `headers`.
    message: &'a [u8],
}

impl<'a> Verdict<'a> {
    /// Reads a Verdict. `Err` if it is none, or contradicts itself: then nobody has answered. Nor has anybody who gives
    /// our fields a name that cannot be found in forged ones: none of them may go out.
    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let (mut action, mut code) = (0, 0);
        let mut delay_ms = 0;
        let (mut text, mut state): (&[u8], &[u8]) = (&[], &[]);
        let (mut authserv_id, mut spf_result): (&[u8], &[u8]) = (&[], &[]);
        let mut rest = message;
        while let Some(field) = next_field(&mut rest)? {
            match field {
                (1, Value::Number(value)) => action = value,
                (2, Value::Number(value)) => code = value,
                (4, Value::Bytes(value)) => text = value,
                (6, Value::Number(value)) => delay_ms = value.min(DELAY_MAX_MS),
                (10, Value::Bytes(value)) => state = value,
                (11, Value::Bytes(value)) => authserv_id = value,
                (12, Value::Bytes(value)) => spf_result = value,
                (9, Value::Number(_)) | (3 | 5 | 7 | 8, Value::Bytes(_)) => {}
                (1..=12, _) => return Err(Malformed),
                _ => {}
            }
        }
        let (action, code) = match (action, code) {
            (0, _) => (Action::Continue, 0),
            (1, 400..=499) => (Action::Defer, code as u16),
            (2, 500..=599) => (Action::Reject, code as u16),
            _ => return Err(Malformed),
        };
        if state.len() > STATE_MAX || !is_name(authserv_id) || !is_word(spf_result) {
            return Err(Malformed);
        }
        Ok(Verdict { action, code, text, delay_ms: delay_ms as u32, state, authserv_id, spf_result, message })
    }

    /// Hands every header field to `each`.
    pub(crate) fn headers(&self, mut each: impl FnMut(&'a [u8])) {
        let mut rest = self.message;
        while let Ok(Some((number, value))) = next_field(&mut rest) {
            if let (7, Value::Bytes(field)) = (number, value) {
                each(field);
            }
        }
    }
}

/// Empty, or a token that is more than dots.
fn is_name(text: &[u8]) -> bool {
    let is_dots = !text.is_empty() && text.iter().all(|byte| *byte == b'.');
    text.len() <= AUTHSERV_ID_MAX && !is_dots && text.iter().all(|byte| is_token(*byte))
}

fn is_word(text: &[u8]) -> bool {
    text.len() <= SPF_RESULT_MAX && text.iter().all(u8::is_ascii_lowercase)
}
