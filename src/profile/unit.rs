//! Times written in another unit than milliseconds since 1970, or as a duration.

/// The likely meaning of a number that is not a plausible time in milliseconds since 1970.
///
/// As in OpenClaw, it is still read as milliseconds: a guess could keep using a token that has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongUnit {
    /// Seconds since 1970.
    Seconds,
    Length,
    /// Microseconds or nanoseconds since 1970.
    Finer,
}

/// 2001-09-09 in milliseconds: nothing that expires is older.
const OLDEST: f64 = 1e12;
/// The times from 2001 to 2286 in seconds.
const SECONDS: std::ops::Range<f64> = 1e9..1e10;
/// The year 10200 in milliseconds, or 1978 in microseconds.
const LATEST: f64 = 2.6e14;
/// The latest time that JavaScript can express, written for "never".
const NEVER: f64 = 8.64e15;

impl WrongUnit {
    /// Returns the likely unit of a number that is hardly one of milliseconds.
    pub(crate) fn of(at: f64) -> Option<Self> {
        if SECONDS.contains(&at) {
            Some(Self::Seconds)
        } else if at > 0.0 && at < OLDEST {
            Some(Self::Length)
        } else {
            // Other numbers that mean "never" are the largest that JavaScript has.
            let is_finer = at.is_finite() && at >= LATEST && at != NEVER && !NEVER_IN_JAVASCRIPT.contains(&at);
            is_finer.then_some(Self::Finer)
        }
    }

    /// Returns the words to follow "it looks like".
    pub(crate) fn looks_like(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Length => "a length of time",
            Self::Finer => "microseconds or nanoseconds",
        }
    }

    /// Returns one sentence about the number and how it is read.
    pub(crate) fn message(self) -> String {
        format!("`expires` is read as milliseconds since 1970, but looks like {}", self.looks_like())
    }

    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Seconds => "Write `expires` in milliseconds: the number times 1000. Or store the credential again.",
            Self::Length => {
                "Write the time at which it expires, in milliseconds since 1970, or store the credential again with its lifetime."
            }
            Self::Finer => "Write `expires` in milliseconds since 1970, a number of 13 digits.",
        }
    }
}

/// `Number.MAX_SAFE_INTEGER` and its neighbours as a double.
const NEVER_IN_JAVASCRIPT: std::ops::RangeInclusive<f64> = 9_007_199_254_740_990.0..=9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numbers_look_like() {
        for (at, expected) in [
            (1.0, Some(WrongUnit::Length)),
            (3_600.0, Some(WrongUnit::Length)),
            (86_400_000.0, Some(WrongUnit::Length)),
            (31_536_000_000.0, Some(WrongUnit::Length)),
            (1_790_000_000.0, Some(WrongUnit::Seconds)),
            (4_102_444_800.0, Some(WrongUnit::Seconds)),
            (1_790_000_000_000.0, None),
            (253_402_300_799_999.0, None),
            (1_790_000_000_000_000.0, Some(WrongUnit::Finer)),
            (1_790_000_000_000_000_000.0, Some(WrongUnit::Finer)),
            (8.64e15, None),
            (9_007_199_254_740_991.0, None),
            (0.0, None),
            (-1.0, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(WrongUnit::of(at), expected, "{at}");
        }
    }
}
