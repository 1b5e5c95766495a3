//! What are all parts of a record made of? Members of closed sets, times, addresses, flags, and what may be absent.

use crate::{
    mode::Mode,
    pipeline::Action,
    session::Stage,
    state::octets::{Reader, Writer},
};
use bytes::Bytes;
use std::{net::IpAddr, time::Duration};

/// Room made at once.
const MANY: usize = 64;

pub(super) const ACTIONS: [Action; 3] = [Action::Continue, Action::Defer, Action::Reject];
pub(super) const MODES: [Mode; 4] = [Mode::Enforce, Mode::Soft, Mode::Monitor, Mode::Off];
pub(super) const STAGES: [Stage; 6] =
    [Stage::Connect, Stage::Helo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Outcome];

/// The place of a member in its set. A set only grows, at its end: what was written stays what it was.
pub(super) fn write_member<T: PartialEq>(out: &mut Writer, set: &[T], member: &T) {
    // The sets are complete: a test writes every member of each.
    let place = set.iter().position(|known| known == member).unwrap_or(set.len());
    out.number(place as u64);
}

/// A member of a set; `None` = one that a later release has added.
pub(super) fn member<T: Copy>(from: &mut Reader<'_>, set: &[T]) -> Option<T> {
    set.get(from.count(set.len())?).copied()
}

/// So many things, of which there are few: the caller has bounded them. Not `collect`: of an `Option` it cannot tell how many
/// come, and grows step by step.
pub(super) fn many<T>(count: usize, mut one: impl FnMut() -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::with_capacity(count.min(MANY));
    for _ in 0..count {
        all.push(one()?);
    }
    Some(all)
}

/// Up to eight truths.
pub(super) fn write_flags(out: &mut Writer, flags: &[bool]) {
    let bits = flags.iter().take(8).enumerate().map(|(place, &flag)| u8::from(flag) << place);
    out.octet(bits.sum());
}

pub(super) fn flags<const N: usize>(from: &mut Reader<'_>) -> Option<[bool; N]> {
    let bits = from.octet()?;
    Some(std::array::from_fn(|place| bits >> place & 1 == 1))
}

/// Milliseconds. The longest time of all (for ever) stays that.
pub(super) fn write_ms(out: &mut Writer, time: Duration) {
    out.number(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
}

pub(super) fn ms(from: &mut Reader<'_>) -> Option<Duration> {
    let ms = from.number()?;
    Some(if ms == u64::MAX { Duration::MAX } else { Duration::from_millis(ms) })
}

/// Microseconds.
pub(super) fn write_us(out: &mut Writer, time: Duration) {
    out.number(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}

pub(super) fn us(from: &mut Reader<'_>) -> Option<Duration> {
    from.number().map(Duration::from_micros)
}

/// Its octets, their number in front; none = there is no address.
pub(super) fn write_ip(out: &mut Writer, ip: Option<IpAddr>) {
    match ip {
        None => out.octets(&[]),
        Some(IpAddr::V4(ip)) => out.octets(&ip.octets()),
        Some(IpAddr::V6(ip)) => out.octets(&ip.octets()),
    };
}

pub(super) fn ip(from: &mut Reader<'_>) -> Option<Option<IpAddr>> {
    let octets = from.octets(16)?;
    if octets.is_empty() {
        return Some(None);
    }
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok().map(Some)
}

/// Octets that may be absent, which is not the same as empty.
pub(super) fn write_optional(out: &mut Writer, octets: Option<&[u8]>) {
    out.octet(u8::from(octets.is_some()));
    if let Some(octets) = octets {
        out.octets(octets);
    }
}

pub(super) fn optional<'a>(from: &mut Reader<'a>, max: usize) -> Option<Option<&'a [u8]>> {
    match from.octet()? {
        0 => Some(None),
        1 => from.octets(max).map(Some),
        _ => None,
    }
}

pub(super) fn optional_text<'a>(from: &mut Reader<'a>, max: usize) -> Option<Option<&'a str>> {
    match optional(from, max)? {
        None => Some(None),
        Some(octets) => std::str::from_utf8(octets).ok().map(Some),
    }
}

/// Octets of the record itself, not copied.
pub(super) fn shared(from: &mut Reader<'_>, record: &Bytes, max: usize) -> Option<Bytes> {
    let octets = from.octets(max)?;
    Some(if octets.is_empty() { Bytes::new() } else { record.slice_ref(octets) })
}

pub(super) fn optional_shared(from: &mut Reader<'_>, record: &Bytes, max: usize) -> Option<Option<Bytes>> {
    match from.octet()? {
        0 => Some(None),
        1 => shared(from, record, max).map(Some),
        _ => None,
    }
}
