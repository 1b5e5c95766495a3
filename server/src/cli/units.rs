//! How do people write a span of time, and how is one shown?

use crate::{
    pipeline::KillSwitch,
    state::{Exception, Record},
};
use std::time::Duration;

/// Reads `90s`, `30m`, `1h30m`, `7d`: one second to a week.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    seconds_up_to(text, KillSwitch::SECONDS_MAX)
}

/// The same up to 400 days, which is as long as an exception may last.
pub(super) fn lasting(text: &str) -> Result<u32, String> {
    seconds_up_to(text, Exception::LIFETIME_SECONDS)
}

fn seconds_up_to(text: &str, most: u64) -> Result<u32, String> {
    let wrong =
        || format!("\"{text}\" is no span of time: expected a number with s, m, h or d, such as 30m, 1h30m or 7d");
    let mut sum: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            _ => return Err(wrong()),
        };
        sum = number.checked_mul(unit).and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[digits + 1..];
    }
    match u32::try_from(sum) {
        _ if text.is_empty() => Err(wrong()),
        Ok(seconds @ 1..) if sum <= most => Ok(seconds),
        _ => Err(format!("{sum} seconds: expected 1s to {}d", most / 86_400)),
    }
}

/// `2 d 3 h`, `4 min 5 s`, `12 s`: the two largest units.
pub(super) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        if rest >= size {
            parts.push(format!("{} {name}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts[..parts.len().min(2)].join(" ") }
}

/// `0.3 ms`, `12 ms`, `1.9 s`.
pub(super) fn took(micros: u64) -> String {
    let ms = Duration::from_micros(micros).as_secs_f64() * 1e3;
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

/// A Unix time in seconds as `2026-03-01 12:34:56 UTC`. 0 is "never".
pub(super) fn utc(seconds: u64) -> String {
    if seconds == 0 {
        return "never".to_owned();
    }
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// The time of day: `16:40 UTC`.
pub(super) fn time_of_day(seconds: u64) -> String {
    let of_day = seconds % 86_400;
    format!("{:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60)
}

/// Year, month and day of a day counted from 1970-01-01: years begin in March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, expected) in [("90s", 90), ("30m", 1_800), ("1h", 3_600), ("1h30m", 5_400), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "1", "h", "1w", "1h30", "-1h", "0s", "8d", "99999999999999999999d", "9999999999999999d", "1é"]
        {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("8d"), Err("691200 seconds: expected 1s to 7d".to_owned()));
        assert_eq!(lasting("400d"), Ok(34_560_000));
        assert_eq!(lasting("401d"), Err("34646400 seconds: expected 1s to 400d".to_owned()));
    }

    #[test]
    fn spans_are_shown_by_their_largest_units() {
        assert_eq!([0, 59, 60, 3_661, 90_061].map(span), ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
        assert_eq!([300, 12_345, 1_900_000].map(took), ["0.3 ms", "12 ms", "1.9 s"]);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "never"),
            (1, "1970-01-01 00:00:01 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), shown);
        }
        assert_eq!(time_of_day(1_709_251_199), "23:59 UTC");
    }
}
