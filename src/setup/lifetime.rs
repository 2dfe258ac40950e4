//! The lifetime of a credential, as people write it.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::is_blank_char;

/// The units with their milliseconds; of two with the same ending the longer one comes first.
const UNITS: [(&str, f64); 5] = [("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6), ("d", DAY)];
const DAY: f64 = 8.64e7;

/// The limit of times in a credential file, in milliseconds.
const LONGEST: f64 = 8.64e15;
const LAST: i64 = 8_640_000_000_000_000;

/// Reads a lifetime such as `365d`, `12h`, `1.5d` or `90m`. The units are `ms`, `s`, `m`, `h` and `d`; a number without
/// a unit means days.
///
/// # Errors
///
/// [`ErrorKind::InvalidLifetime`] if it is anything else, zero, or longer than a credential file can express.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::setup::lifetime;
///
/// assert_eq!(lifetime("365d")?, lifetime("365")?);
/// assert_eq!(lifetime("90m")?, Duration::from_secs(5_400));
/// assert!(lifetime("soon").is_err());
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn lifetime(text: &str) -> Result<Duration> {
    let text = text.trim_matches(is_blank_char).to_ascii_lowercase();
    let with_unit = UNITS.iter().find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, *millis)));
    let (number, unit) = with_unit.unwrap_or((&text, DAY));
    // `parse` would also accept signs, exponents and words.
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = if plain { number.parse::<f64>().ok() } else { None };
    let millis = number.map(|number| (number * unit).round()).filter(|millis| (1.0..=LONGEST).contains(millis));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and within the range above")]
    millis.map(|millis| Duration::from_millis(millis as u64)).ok_or_else(|| {
        Error::new(ErrorKind::InvalidLifetime, "the length of time is not a number above zero with a known unit")
    })
}

/// Refuses an expiry time that a credential file cannot express.
pub(super) fn expressible(end: Timestamp) -> Result<()> {
    if end.as_millis() <= LAST {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidLifetime, "the token would expire later than a credential file can express"))
}
