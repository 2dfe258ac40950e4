//! The moment that a server means, in any notation.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

use super::LONGEST;
use super::calendar::{self, Occasion};
use super::duration::duration;
use crate::clock::Timestamp;

/// A point in time as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hint {
    /// This many seconds from now.
    After(f64),
    /// This many milliseconds since the epoch.
    At(f64),
    /// The next occurrence of a date or a time of day.
    On(Occasion),
}

impl Hint {
    /// Returns the moment, if it is in the future and plausible for a provider, cut at `cap` from now.
    pub(super) fn resolve(self, now: Timestamp, cap: Duration) -> Option<Timestamp> {
        #[expect(clippy::cast_precision_loss, reason = "real times are far below 2^53 ms")]
        let millis = match self {
            // Rounded up, because an attempt before the moment fails. The subtrahend keeps 1.574 s from becoming
            // 1575 ms.
            Self::After(seconds) => (seconds * 1_000.0 - 1e-6).ceil(),
            Self::At(millis) => (millis - now.as_millis() as f64).ceil(),
            Self::On(occasion) => (occasion.after(now)?.and_utc().timestamp_millis() - now.as_millis()) as f64,
        };
        let ahead = millis.is_finite() && millis > 0.0 && millis <= LONGEST.as_secs_f64() * 1_000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below a year")]
        let wait = ahead.then_some(Duration::from_millis(millis as u64))?;
        let at = now + wait.min(cap);
        (at > now).then_some(at)
    }

    /// Reads a number of seconds or a date: the value of `retry-after`. Also accepts unambiguous values outside RFC
    /// 9110: a duration with its unit, as in Go, and one value that a proxy joined with a copy of itself.
    pub(super) fn seconds_or_date(text: &str) -> Option<Self> {
        let seconds = |text: &str| number(text).or_else(|| duration(text));
        let joined = || {
            let (first, rest) = text.split_once(',')?;
            let value = seconds(first)?;
            rest.split(',').all(|other| seconds(other) == Some(value)).then_some(value)
        };
        seconds(text).or_else(joined).map(Self::After).or_else(|| date(text))
    }

    /// Reads a duration, a number of seconds, or a date: the value of a reset header.
    pub(super) fn reset(text: &str) -> Option<Self> {
        match number(text) {
            Some(value) => Some(epoch(value).unwrap_or(Self::After(value))),
            None => duration(text).map(Self::After).or_else(|| date(text)),
        }
    }

    /// Reads a moment: a date, or a number since the epoch.
    pub(super) fn moment(text: &str) -> Option<Self> {
        number(text).and_then(epoch).or_else(|| date(text))
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Reads seconds or milliseconds since the epoch, distinguished by their size: both are after 2001 and before 5138.
pub(super) fn epoch(value: f64) -> Option<Hint> {
    match value {
        seconds if (1e9..1e11).contains(&seconds) => Some(Hint::At(seconds * 1_000.0)),
        millis if (1e11..1e14).contains(&millis) => Some(Hint::At(millis)),
        _ => None,
    }
}

/// Reads an RFC 3339 time, one of the three forms of an HTTP date (RFC 9110 section 5.6.7), or a date as people write
/// it.
pub(super) fn date(text: &str) -> Option<Hint> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    let millis = if let Ok(time) = zoned {
        time.timestamp_millis()
    } else {
        let forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S%.f"];
        let Some(time) = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) else {
            return calendar::leading(text)?.within(None).map(Hint::On);
        };
        time.and_utc().timestamp_millis()
    };
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 ms")]
    let millis = millis as f64;
    Some(Hint::At(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
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
