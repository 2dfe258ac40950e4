//! Parses numbers and times of headers.

use std::time::Duration;

use chrono::DateTime;

use crate::clock::Timestamp;

/// The latest believable reset: the longest known limits are per month.
pub(super) const LONGEST: Duration = Duration::from_secs(32 * 24 * 3_600);

/// The largest believable amount.
const MOST: f64 = 1e15;

/// Reads a count. Azure sends a negative one for an unknown value; one above any limit is garbage.
pub(super) fn count(text: &str) -> Option<f64> {
    plain(text).filter(|value| (0.0..=MOST).contains(value))
}

/// Reads a number in digits, optionally with a sign or a fraction, without an exponent or `inf`.
pub(super) fn plain(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    text.parse::<f64>().ok().filter(|value| is_plain && value.is_finite())
}

/// Reads the time of a reset: a duration in Go's notation (`6m0s`, `12ms`), RFC 3339, or a number: by its size seconds
/// from now, seconds since 1970 or milliseconds since 1970. `None` for a time in the past or too far ahead.
pub(super) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let at = match plain(text) {
        Some(value) if value >= 1e11 => since_epoch(value),
        Some(value) if value >= 1e9 => since_epoch(value * 1_000.0),
        Some(value) => after(value, now),
        None => duration(text).and_then(|seconds| after(seconds, now)).or_else(|| rfc3339(text)),
    };
    at.filter(|at| *at > now && *at - now <= LONGEST)
}

/// Returns the moment this many seconds from now, rounded up to a millisecond.
pub(super) fn after(seconds: f64, now: Timestamp) -> Option<Timestamp> {
    let within = (0.0..=LONGEST.as_secs_f64()).contains(&seconds);
    within.then(|| now + Duration::from_secs_f64((seconds * 1_000.0 - 1e-6).ceil().max(0.0) / 1_000.0))
}

fn since_epoch(millis: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be below 2^53")]
    (millis < 8.64e15).then_some(Timestamp::from_millis(millis as i64))
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| Timestamp::from_millis(time.timestamp_millis()))
}

/// Reads a duration of Go's `time` package, in seconds. Every number has its unit.
fn duration(text: &str) -> Option<f64> {
    let (mut total, mut left) = (0.0, text);
    while !left.is_empty() {
        let digits = left.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (value, rest) = left.split_at_checked(digits)?;
        let letters = rest.chars().take_while(|letter| letter.is_alphabetic()).map(char::len_utf8).sum();
        let (unit, rest) = rest.split_at_checked(letters)?;
        let factor = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += value.parse::<f64>().ok()? * factor;
        left = rest;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn moments_in_every_form() {
        for (text, millis) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("12ms", Some(12)),
            ("7.66s", Some(7_660)),
            ("2m59.56s", Some(179_560)),
            ("1h0m0.5s", Some(3_600_500)),
            ("90us", Some(1)),
            ("30", Some(30_000)),
            ("0.5", Some(500)),
            ("1700000060", Some(60_000)),
            ("1700000060000", Some(60_000)),
            ("2023-11-14T22:14:20Z", Some(60_000)),
            ("2023-11-14T23:14:20.5+01:00", Some(60_500)),
            // Behind, too far ahead, or nothing.
            ("0", None),
            ("0s", None),
            ("-5", None),
            ("-5s", None),
            ("1699999999", None),
            ("1600000000000", None),
            ("2023-11-14T22:13:20Z", None),
            ("9999-12-31T23:59:59Z", None),
            ("99999999", None),
            ("9000h", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("6m0", None),
            ("5 s", None),
            ("5d", None),
            ("soon", None),
            ("", None),
            ("12, 12;w=60", None),
        ] {
            assert_eq!(moment(text, NOW).map(|at| at.as_millis() - NOW.as_millis()), millis, "{text:?}");
        }
    }

    #[test]
    fn counts_are_plain_numbers() {
        for (text, expected) in [
            ("0", Some(0.0)),
            (" 59.0 ", Some(59.0)),
            ("150000000", Some(150_000_000.0)),
            ("-1", None),
            ("99999999999999999999", None),
            ("1e9", None),
            ("1,000", None),
            ("100, 100;w=60", None),
            ("inf", None),
            ("", None),
            ("-", None),
            ("1.2.3", None),
        ] {
            assert_eq!(count(text), expected, "{text:?}");
        }
    }
}
