//! Time as a value: timestamps in milliseconds, and clocks.
//!
//! Functions that depend on the time take a [`Timestamp`], so that they return the same for the same arguments.
//! Programs read it from [`SystemClock`] through the trait [`Clock`], tests from [`ManualClock`]. Only [`SystemClock`]
//! reads the wall clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// A point in time in milliseconds since 1970-01-01T00:00:00Z, as in credential files.
///
/// All arithmetic saturates. `Display` prints RFC 3339 in UTC with milliseconds.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::Timestamp;
///
/// let t = Timestamp::from_millis(1_700_000_000_000);
/// assert_eq!(t.to_string(), "2023-11-14T22:13:20.000Z");
/// assert_eq!(t + Duration::from_secs(60) - t, Duration::from_secs(60));
/// assert_eq!(t - (t + Duration::from_secs(60)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp this many milliseconds after the epoch, or before it if negative.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the time elapsed since `earlier`, or zero if this is not after it.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub for Timestamp {
    type Output = Duration;

    fn sub(self, rhs: Self) -> Duration {
        self.saturating_since(rhs)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.0) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            Err(before) => Self(millis(before.duration()).saturating_neg()),
        }
    }
}

/// Reads the operating system's wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Writes a duration in its two largest units: `30 s`, `9 min 58 s`, `3 h 40 min`, `2 d 1 h`. Rounded up, so that
/// waiting that long is long enough.
pub(crate) fn in_words(length: Duration) -> String {
    let seconds = length.as_millis().div_ceil(1_000);
    let (unit, name, part, part_name) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3_600 => (60, "min", 1, "s"),
        3_600..86_400 => (3_600, "h", 60, "min"),
        _ => (86_400, "d", 3_600, "h"),
    };
    let parts = seconds.div_ceil(part);
    let (whole, rest) = (parts / (unit / part), parts % (unit / part));
    if rest == 0 { format!("{whole} {name}") } else { format!("{whole} {name} {rest} {part_name}") }
}

/// A source of the current time.
///
/// Like a wall clock, an implementation may jump in both directions.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to it, and its name is its value")]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        system_time().into()
    }
}

/// A clock that changes only when it is moved, in either direction. Clones share the same time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::{Clock, Timestamp};
/// use provider_auth::clock::ManualClock;
///
/// let clock = ManualClock::new(Timestamp::from_millis(1_000));
/// let seen_by_the_store = clock.clone();
/// clock.advance(Duration::from_secs(2));
/// clock.rewind(Duration::from_secs(1));
/// assert_eq!(seen_by_the_store.now(), Timestamp::from_millis(2_000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.shift(|now| now + by);
    }

    /// Moves the clock backward, as happens when a wall clock is corrected.
    pub fn rewind(&self, by: Duration) {
        self.shift(|now| now - by);
    }

    fn shift(&self, change: impl Fn(Timestamp) -> Timestamp) {
        let shifted = |now| Some(change(Timestamp::from_millis(now)).as_millis());
        // The closure never refuses, so the result is the old value either way.
        let _old = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, shifted);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_millis(i64::MAX);
        let start = Timestamp::from_millis(i64::MIN);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(start - Duration::MAX, start);
        assert_eq!(start - end, Duration::ZERO);
        assert_eq!(end - start, Duration::from_millis(i64::MAX as u64));
        assert_eq!(end.to_string(), format!("{} ms", i64::MAX));
    }

    #[test]
    fn lengths_in_words() {
        for (millis, words) in [
            (0, "0 s"),
            (1, "1 s"),
            (29_001, "30 s"),
            (59_001, "1 min"),
            (598_000, "9 min 58 s"),
            (3_600_000, "1 h"),
            (13_200_000, "3 h 40 min"),
            (86_399_000, "24 h"),
            (90_000_000, "1 d 1 h"),
            (172_800_000, "2 d"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis)), words, "{millis}");
        }
    }

    #[test]
    fn times_before_the_epoch() {
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_millis(5)), Timestamp::from_millis(-5));
    }
}
