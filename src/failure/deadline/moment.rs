//! Durations and dates as providers write them.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::LONGEST;
use crate::clock::Timestamp;

/// A point in time as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hint {
    /// This many seconds from now.
    After(f64),
    /// This many milliseconds since the epoch.
    At(f64),
}

/// The end of each unit's name is free, so that `min`, `minute` and `minutes` are one.
const UNITS: [(&str, f64); 15] = [
    ("milliseconds", 0.001),
    ("millisecond", 0.001),
    ("ms", 0.001),
    ("seconds", 1.0),
    ("second", 1.0),
    ("secs", 1.0),
    ("sec", 1.0),
    ("s", 1.0),
    ("minutes", 60.0),
    ("minute", 60.0),
    ("mins", 60.0),
    ("min", 60.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

impl Hint {
    /// The moment, if it lies ahead and is one a provider can mean, cut at `cap` from now.
    pub(super) fn resolve(self, now: Timestamp, cap: Duration) -> Option<Timestamp> {
        #[expect(clippy::cast_precision_loss, reason = "real times are far below 2^53 ms")]
        let millis = match self {
            // Rounded up: a try before the moment fails. The subtrahend keeps 1.574 s from becoming 1575 ms.
            Self::After(seconds) => (seconds * 1_000.0 - 1e-6).ceil(),
            Self::At(millis) => (millis - now.as_millis() as f64).ceil(),
        };
        let ahead = millis.is_finite() && millis > 0.0 && millis <= LONGEST.as_secs_f64() * 1_000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below a year")]
        let wait = ahead.then_some(Duration::from_millis(millis as u64))?;
        let at = now + wait.min(cap);
        (at > now).then_some(at)
    }

    /// A number of seconds, or a date: the value of `retry-after`.
    pub(super) fn seconds_or_date(text: &str) -> Option<Self> {
        number(text).map(Self::After).or_else(|| date(text))
    }

    /// A duration, a number of seconds, or a date: the value of a reset header.
    pub(super) fn reset(text: &str) -> Option<Self> {
        match number(text) {
            Some(value) => Some(epoch(value).unwrap_or(Self::After(value))),
            None => duration(text).map(Self::After).or_else(|| date(text)),
        }
    }

    /// A moment: a date, or a number since the epoch.
    pub(super) fn moment(text: &str) -> Option<Self> {
        number(text).and_then(epoch).or_else(|| date(text))
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Seconds or milliseconds since the epoch, told apart by their size: both are after 2001 and before 5138.
pub(super) fn epoch(value: f64) -> Option<Hint> {
    match value {
        seconds if (1e9..1e11).contains(&seconds) => Some(Hint::At(seconds * 1_000.0)),
        millis if (1e11..1e14).contains(&millis) => Some(Hint::At(millis)),
        _ => None,
    }
}

/// An RFC 3339 time, or one of the three forms of an HTTP date (RFC 9110 section 5.6.7).
pub(super) fn date(text: &str) -> Option<Hint> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    let millis = if let Ok(time) = zoned {
        time.timestamp_millis()
    } else {
        let forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S%.f"];
        let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
        time.and_utc().timestamp_millis()
    };
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 ms")]
    let millis = millis as f64;
    Some(Hint::At(millis))
}

/// A duration that fills the text: `8ms`, `6m0s`, `0.539477544s`, `2 minutes`. In seconds.
pub(super) fn duration(text: &str) -> Option<f64> {
    let (seconds, left) = leading_duration(text.trim())?;
    left.trim().is_empty().then_some(seconds)
}

/// A duration at the start of a text, and what follows it. Every number needs its unit.
pub(super) fn leading_duration(text: &str) -> Option<(f64, &str)> {
    let (mut total, mut left, mut any) = (0.0, text, false);
    while let Some((seconds, rest)) = part(left) {
        total += seconds;
        left = rest;
        any = true;
    }
    any.then_some((total, left))
}

fn part(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (value, behind) = text.split_at_checked(digits)?;
    let value: f64 = value.parse().ok()?;
    let behind = behind.trim_start();
    let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
    let (name, rest) = behind.split_at_checked(letters)?;
    let plural = |unit: &str, long: [&str; 4]| unit.len() == 1 && long.contains(&name);
    let unit = UNITS.iter().find(|(unit, _)| {
        *unit == name
            || (*unit == "h" && plural(unit, ["hour", "hours", "hr", "hrs"]))
            || (*unit == "d" && plural(unit, ["day", "days", "day", "days"]))
    });
    unit.map(|(_, factor)| (value * factor, rest))
}

/// `2026 04 01 at 00:00 utc`, as a normalised text has a date, with or without its time of day. UTC.
pub(super) fn leading_date(text: &str) -> Option<Hint> {
    let mut numbers = text.splitn(3, [' ', '/']);
    let year: i32 = numbers.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: u32 = numbers.next().filter(|month| month.len() <= 2)?.parse().ok()?;
    let rest = numbers.next()?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()).min(2);
    let (day, rest) = rest.split_at_checked(digits)?;
    let day = NaiveDate::from_ymd_opt(year, month, day.parse().ok()?)?;
    let rest = rest.trim_start_matches([' ', ',', 't']);
    let rest = rest.strip_prefix("at ").unwrap_or(rest);
    let time = rest.split([' ', 'z', ')', '.', ';', ',']).next().unwrap_or_default();
    let mut clock = time.split(':').map(str::parse::<u32>);
    let (hour, minute, second) = (clock.next(), clock.next(), clock.next());
    let time = match (hour, minute) {
        (Some(Ok(hour)), Some(Ok(minute))) => day.and_hms_opt(hour, minute, second.and_then(Result::ok).unwrap_or(0)),
        _ => day.and_hms_opt(0, 0, 0),
    };
    #[expect(clippy::cast_precision_loss, reason = "dates with four digits are far below 2^53 ms")]
    let millis = time?.and_utc().timestamp_millis() as f64;
    Some(Hint::At(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("8ms", Some(0.008)),
            ("6m0s", Some(360.0)),
            ("1.574s", Some(1.574)),
            ("1h2m3s", Some(3_723.0)),
            ("2 minutes", Some(120.0)),
            ("40 seconds", Some(40.0)),
            ("1 hour", Some(3_600.0)),
            ("2 days", Some(172_800.0)),
            ("1d", Some(86_400.0)),
            ("12", None),
            ("", None),
            ("s", None),
            ("-5s", None),
            ("1.2.3s", None),
            ("5 horses", None),
            ("5s left", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
        assert_eq!(leading_duration("5s. more"), Some((5.0, ". more")));
    }

    #[test]
    fn dates() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        for (text, expected) in [
            ("2026 04 01 at 00:00 utc", Some("2026-04-01T00:00:00Z")),
            ("2026 08 09 12:30 utc)", Some("2026-08-09T12:30:00Z")),
            ("2026 04 01t01:02:03z", Some("2026-04-01T01:02:03Z")),
            ("2026 04 01t01:02:03.5z.", Some("2026-04-01T01:02:03Z")),
            ("2026 04 01", Some("2026-04-01T00:00:00Z")),
            ("2026 04 01. then", Some("2026-04-01T00:00:00Z")),
            ("2026 13 01", None),
            ("2026 02 30", None),
            ("2026 04 01 at 25:00", None),
            ("26 04 01", None),
            ("2026", None),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "a test's dates")]
            let expected = expected.map(|text| Hint::At(at(text) as f64));
            assert_eq!(leading_date(text), expected, "{text}");
        }
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "1994-11-06T08:49:37Z",
            "1994-11-06T09:49:37+01:00",
            "1994-11-06T08:49:37",
        ] {
            assert_eq!(date(text), Some(Hint::At(784_111_777_000.0)), "{text}");
        }
        assert_eq!(date("soon"), None);
    }

    #[test]
    fn only_what_lies_ahead_is_a_moment() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let day = Duration::from_secs(86_400);
        let resolve = |hint: Hint| hint.resolve(now, day).map(|at| at - now);
        assert_eq!(resolve(Hint::After(1.574)), Some(Duration::from_millis(1_574)));
        assert_eq!(
            resolve(Hint::After(2.007)),
            Some(Duration::from_millis(2_007)),
            "2.007 times 1000 is a little more than 2007"
        );
        assert_eq!(resolve(Hint::After(0.000_1)), Some(Duration::from_millis(1)));
        assert_eq!(resolve(Hint::After(1e6)), Some(day));
        assert_eq!(resolve(Hint::At(1_700_000_000_001.0)), Some(Duration::from_millis(1)));
        for hint in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 366.0 * 86_400.0 + 1.0] {
            assert_eq!(resolve(Hint::After(hint)), None, "{hint}");
        }
        for hint in [0.0, -1e300, 1_700_000_000_000.0, 1e300, f64::NAN] {
            assert_eq!(resolve(Hint::At(hint)), None, "{hint}");
        }
        assert_eq!(Hint::After(5.0).resolve(Timestamp::from_millis(i64::MAX), day), None, "time does not wrap");
        assert_eq!(Hint::After(5.0).resolve(now, Duration::ZERO), None);
    }
}
