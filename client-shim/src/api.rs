//! Which functions does a mail server call? `include/tollgate.h` is made from the comments here.

#![allow(unsafe_code, reason = "C calls these functions and passes pointers")]

use crate::session::with;
use core::{
    ffi::{CStr, c_char, c_int, c_ulong, c_void},
    ptr::null,
    slice,
};
use tollgate_shim_core::Fact;

/// Address of the client; unsaid: TCPREMOTEIP.
pub const TOLLGATE_CLIENT_IP: c_int = 1;
/// Port of the client; unsaid: TCPREMOTEPORT.
pub const TOLLGATE_CLIENT_PORT: c_int = 2;
/// PTR name of the client; unsaid: TCPREMOTEHOST.
pub const TOLLGATE_CLIENT_NAME: c_int = 3;
/// What the client's ident server said; unsaid: TCPREMOTEINFO.
pub const TOLLGATE_CLIENT_IDENT: c_int = 4;
/// Address the client connected to; unsaid: TCPLOCALIP.
pub const TOLLGATE_SERVER_IP: c_int = 5;
/// Port the client connected to; unsaid: TCPLOCALPORT.
pub const TOLLGATE_SERVER_PORT: c_int = 6;
/// Name the mail server gives itself; unsaid: TCPLOCALHOST.
pub const TOLLGATE_SERVER_NAME: c_int = 7;
/// The client may relay; the value is what qmail appends to recipients. Unsaid: RELAYCLIENT.
pub const TOLLGATE_RELAYCLIENT: c_int = 8;
/// User who passed AUTH. No environment variable is believed.
pub const TOLLGATE_USER: c_int = 9;
/// Any value: the session is encrypted.
pub const TOLLGATE_TLS: c_int = 10;
/// "qmail" (default): replies end in "(#5.7.1)". "rfc": they begin with "5.7.1".
pub const TOLLGATE_REPLY_STYLE: c_int = 11;
/// Any value: the server offers AUTH, so nothing is refused at connect.
pub const TOLLGATE_AUTH_OFFERED: c_int = 12;
/// Any value: the server hands the message through tollgate_filter, or asks tollgate_is_forged, so that forged
/// Authentication-Results fields go. Without it none of ours is in tollgate_headers.
pub const TOLLGATE_REMOVES_FORGED: c_int = 13;

/// Nobody knows whether this server takes mail for the recipient's domain.
pub const TOLLGATE_RCPTHOSTS_UNKNOWN: c_int = 0;
/// It does, or the client may relay.
pub const TOLLGATE_RCPTHOSTS_ALLOWED: c_int = 1;
/// It does not.
pub const TOLLGATE_RCPTHOSTS_REFUSED: c_int = 2;

/// The bytes of a C string that the caller keeps until the call returns.
///
/// # Safety
/// `text` is null or points to a NUL-ended string.
unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and the caller vouches for the NUL.
    Some(unsafe { CStr::from_ptr(text) }.to_bytes())
}

fn pointer(reply: Option<&CStr>) -> *const c_char {
    reply.map_or(null(), CStr::as_ptr)
}

/// Says a fact (TOLLGATE_CLIENT_IP ...). The value is copied and cut at 255 bytes; NULL: unset, which differs from "".
/// What is said replaces what the environment says until tollgate_close. May be called at any time; facts about the
/// connection belong before tollgate_connect, RELAYCLIENT, USER and TLS where they change. Takes no time.
/// Returns 0, or -1 for an unknown fact.
///
/// # Safety
/// `value` is null or points to a NUL-ended string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_set(fact: c_int, value: *const c_char) -> c_int {
    let Some(fact) = Fact::from_number(fact) else { return -1 };
    // SAFETY: as the caller was told.
    let value = unsafe { bytes(value) };
    with((), |session, _| session.set(fact, value));
    0
}

/// A client connected. Call it before the greeting; it begins a session and reads the settings. Whether the client has
/// spoken already is seen by poll(2) on descriptor 0, at once and during a delay the daemon asks for.
/// Returns NULL or a reply instead of the greeting.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_connect() -> *const c_char {
    with(null(), |session, system| pointer(session.connect(system)))
}

/// HELO (esmtp 0) or EHLO (esmtp 1) with its raw argument; cut at 1000 bytes. Also after STARTTLS. Ends a transaction.
/// Returns NULL or a reply.
///
/// # Safety
/// `helo` is null or points to a NUL-ended string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_helo(helo: *const c_char, esmtp: c_int) -> *const c_char {
    // SAFETY: as the caller was told.
    let helo = unsafe { bytes(helo) }.unwrap_or(b"");
    with(null(), |session, system| pointer(session.helo(system, helo, esmtp != 0)))
}

/// MAIL FROM. Begins a transaction. sender: as parsed, unquoted, without brackets, "" for the null sender; of more than
/// 1000 bytes the end counts. params: the raw argument, for SIZE=; may be NULL.
/// Returns NULL or a reply.
///
/// # Safety
/// `sender` and `params` are null or point to NUL-ended strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_mail(sender: *const c_char, params: *const c_char) -> *const c_char {
    // SAFETY: as the caller was told.
    let (sender, params) = unsafe { (bytes(sender).unwrap_or(b""), bytes(params).unwrap_or(b"")) };
    with(null(), |session, system| pointer(session.mail(system, sender, params)))
}

/// RCPT TO. recipient: as parsed, without the suffix of RELAYCLIENT; of more than 1000 bytes the end counts.
/// rcpthosts: TOLLGATE_RCPTHOSTS_ALLOWED ...; any other number is "unknown". It is asked about whatever rcpthosts says,
/// and no answer ever allows relaying: after NULL the server's own test stands.
/// Returns NULL or a reply, which counts as tollgate_recipient(0).
///
/// # Safety
/// `recipient` is null or points to a NUL-ended string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_rcpt(recipient: *const c_char, rcpthosts: c_int) -> *const c_char {
    // SAFETY: as the caller was told.
    let recipient = unsafe { bytes(recipient) }.unwrap_or(b"");
    let rcpthosts = match rcpthosts {
        TOLLGATE_RCPTHOSTS_ALLOWED => 1,
        TOLLGATE_RCPTHOSTS_REFUSED => 2,
        _ => 0,
    };
    with(null(), |session, system| pointer(session.rcpt(system, recipient, rcpthosts)))
}

/// How the server itself answered the RCPT just asked about: 1 accepted, 0 refused. Only the first call after each
/// tollgate_rcpt counts. Takes no time.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_recipient(accepted: c_int) {
    with((), |session, _| session.recipient(accepted != 0));
}

/// DATA, before 354 and before the queue is opened.
/// Returns NULL (then see tollgate_headers) or a reply.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_data() -> *const c_char {
    with(null(), |session, system| pointer(session.data(system)))
}

/// RSET. Takes no time: nobody is asked.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_rset() {
    with((), |session, _| session.rset());
}

/// Did the daemon answer the newest stage call? 1: the server's own tests of the same things may be skipped.
/// 0: they must decide.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_answered() -> c_int {
    with(0, |session, _| c_int::from(session.is_answered()))
}

/// After tollgate_data returned NULL: header fields to put on top of the message, each ended by LF, without CR, without
/// an empty line; "" if there are none. Never NULL. Valid until the next stage call.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_headers() -> *const c_char {
    with(c"".as_ptr(), |session, _| session.headers().as_ptr())
}

/// After tollgate_data returned NULL: the next bytes of the message as the client sent it, in pieces of any size, lines
/// ended by LF. Those that stay are handed to put, with to, in order; nothing is kept of the pointers. Authentication-Results
/// fields go, with all their lines, if they bear the name that ours in tollgate_headers bear (which do not come this
/// way), or if it cannot be read within 1024 bytes whose they are: so many are held back at most. A CR is a byte like
/// any other: the header ends with the first line in which there is nothing at all.
/// Returns 1 while the header lasts. 0: it is over, or nothing is to be removed; then no byte is held back, and the rest
/// need not come this way. bytes NULL: none come. put NULL: nothing is done, and the bytes stay the caller's; returns 0.
///
/// # Safety
/// `bytes` is null or points to `length` bytes; `put` may be called with `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_filter(
    bytes: *const c_char,
    length: c_ulong,
    put: Option<unsafe extern "C" fn(to: *mut c_void, bytes: *const c_char, length: c_ulong)>,
    to: *mut c_void,
) -> c_int {
    let Some(put) = put else { return 0 };
    if bytes.is_null() {
        return with(0, |session, _| c_int::from(session.is_filtering()));
    }
    // SAFETY: not null, and the caller vouches for the length.
    let piece = unsafe { slice::from_raw_parts(bytes.cast(), length as usize) };
    // SAFETY: as the caller was told.
    let mut out = |piece: &[u8]| unsafe { put(to, piece.as_ptr().cast(), piece.len() as c_ulong) };
    let is_filtering = with(None, |session, _| Some(session.filter(piece, &mut out)));
    // Called from within put: nobody can look at the bytes, but they are not lost.
    c_int::from(is_filtering.unwrap_or_else(|| {
        out(piece);
        false
    }))
}

/// The message is over: hands what tollgate_filter holds back to put, unless it is forged. Needed where tollgate_filter
/// returned 1 to the end; a second call does nothing. put NULL: nothing is done.
///
/// # Safety
/// `put` may be called with `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_filter_end(
    put: Option<unsafe extern "C" fn(to: *mut c_void, bytes: *const c_char, length: c_ulong)>,
    to: *mut c_void,
) {
    let Some(put) = put else { return };
    // SAFETY: as the caller was told.
    let mut out = |piece: &[u8]| unsafe { put(to, piece.as_ptr().cast(), piece.len() as c_ulong) };
    with((), |session, _| session.end_filter(&mut out));
}

/// For servers that have whole header fields: after tollgate_data returned NULL, is this one forged, as tollgate_filter
/// judges? field: with all its lines, which may end in CR LF, up to NUL. Ask about the client's fields only. 1: take it out
/// of the message. 0: leave it; so for NULL.
///
/// # Safety
/// `field` is null or points to a NUL-ended string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_is_forged(field: *const c_char) -> c_int {
    // SAFETY: as the caller was told.
    let field = unsafe { bytes(field) }.unwrap_or(b"");
    with(0, |session, _| c_int::from(session.is_forged(field)))
}

/// After tollgate_data returned NULL: what SPF said, in the words qmail's SPF patch has for SPFRESULT ("pass", "softfail",
/// ...): at most 16 lower-case letters, "" if nothing is known. Never NULL. Valid until the next stage call,
/// tollgate_queued, tollgate_rset or tollgate_close.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_spf_result() -> *const c_char {
    with(c"".as_ptr(), |session, _| session.spf_result().as_ptr())
}

/// Adds to the number of bytes of the message being received. Takes no time.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_count(bytes: c_ulong) {
    #[allow(clippy::useless_conversion, reason = "an unsigned long has 32 bits on some of our targets")]
    with((), |session, _| session.count(u64::from(bytes)));
}

/// The queue has the message. qp: process id of qmail-queue, 0 if unknown. answer: "" accepted, "D..." refused,
/// "Z..." or NULL or anything else: deferred. The report is sent without waiting for anything.
///
/// # Safety
/// `answer` is null or points to a NUL-ended string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_queued(qp: c_ulong, answer: *const c_char) {
    // SAFETY: as the caller was told.
    let answer = unsafe { bytes(answer) };
    with((), |session, system| session.queued(system, qp as u32, answer));
}

/// The session ends: call it at every exit. quit: 1 after QUIT, whose 221 must have been flushed. Reports, waits at
/// most 100 ms, closes the connection and forgets everything. A second call does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_close(quit: c_int) {
    with((), |session, system| session.close(system, quit != 0));
}

/// The version of the library, as "0.1.0". Never NULL; valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}
