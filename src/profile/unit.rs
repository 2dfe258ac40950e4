//! Times that were written in another unit than milliseconds since 1970, or that are lengths of time.

/// What a number looks like that stands where milliseconds since 1970 are expected, and says another time than was meant.
///
/// It is read as it stands all the same, as OpenClaw reads it: a guess could keep a token in use that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongUnit {
    /// Seconds since 1970.
    Seconds,
    /// A length of time.
    Length,
    /// Microseconds or nanoseconds since 1970.
    Finer,
}

/// 2001-09-09 in milliseconds: nothing that expires is older.
const OLDEST: f64 = 1e12;
/// The moments of 2001 to 2286 in seconds.
const SECONDS: std::ops::Range<f64> = 1e9..1e10;
/// The year 10200 in milliseconds, and 1978 in microseconds.
const LATEST: f64 = 2.6e14;
/// The latest moment JavaScript can express, which is written for "never".
const NEVER: f64 = 8.64e15;

impl WrongUnit {
    /// What a number of milliseconds looks like, if it is hardly one.
    pub(crate) fn of(at: f64) -> Option<Self> {
        if SECONDS.contains(&at) {
            Some(Self::Seconds)
        } else if at > 0.0 && at < OLDEST {
            Some(Self::Length)
        } else {
            // The other large numbers that mean "never" are the largest ones.
            let is_finer = at.is_finite() && at >= LATEST && at != NEVER && !NEVER_IN_JAVASCRIPT.contains(&at);
            is_finer.then_some(Self::Finer)
        }
    }

    /// What it looks like, after "it looks like".
    pub(crate) fn looks_like(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Length => "a length of time",
            Self::Finer => "microseconds or nanoseconds",
        }
    }

    /// What was found and how it is read, as one sentence.
    pub(crate) fn message(self) -> String {
        format!("`expires` is read as milliseconds since 1970, and looks like {}", self.looks_like())
    }

    /// What to do about it.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Seconds => "Write `expires` in milliseconds: the number times 1000. Or store the credential again.",
            Self::Length => {
                "Write the moment at which it ends, in milliseconds since 1970, or store the credential again with its lifetime."
            }
            Self::Finer => "Write `expires` in milliseconds since 1970, a number of 13 digits.",
        }
    }
}

/// `Number.MAX_SAFE_INTEGER` and what is next to it as a double.
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
