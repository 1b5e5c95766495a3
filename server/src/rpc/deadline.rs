//! How much time did the caller leave us? The `grpc-timeout` header (gRPC over HTTP/2, "Requests").

use std::time::Duration;
use tonic::metadata::MetadataMap;

/// Digits the header may have, by its specification.
const DIGITS_MAX: usize = 8;

/// What the header says. `None` = none was given, or none that can be read: then our own stage deadline holds alone.
pub(super) fn left(metadata: &MetadataMap) -> Option<Duration> {
    parse(metadata.get("grpc-timeout")?.as_bytes())
}

fn parse(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit_and_nothing_else() {
        for (text, left) in [
            ("2S", Some(Duration::from_secs(2))),
            ("1500m", Some(Duration::from_millis(1500))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("1M", Some(Duration::from_secs(60))),
            ("", None),
            ("S", None),
            ("100000000S", None),
            ("-1S", None),
            ("1s", None),
            ("1", None),
        ] {
            assert_eq!(parse(text.as_bytes()), left, "{text}");
        }
    }
}
