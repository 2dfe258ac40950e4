//! How secrets and durations are shown.

use std::time::Duration;

use crate::secret::Secret;

/// Shorter secrets are masked completely.
const SHORTEST_SHOWN: usize = 12;
/// The most characters shown at each end.
const LONGEST_END: usize = 8;

/// Masks a secret so that its owner can tell it from others: shows the same number of characters at both ends, in total
/// at most a third of the secret and at most eight at each end, with dots in between. Shows nothing of a secret with
/// fewer than twelve characters, and `missing` for an empty one.
///
/// # Examples
///
/// ```
/// use provider_auth::Secret;
/// use provider_auth::status::mask_secret;
///
/// assert_eq!(mask_secret(&Secret::new("abc123")), "...");
/// assert_eq!(mask_secret(&Secret::new("0123456789abcdefg")), "01...fg");
/// assert_eq!(mask_secret(&Secret::new(" ")), "missing");
/// ```
#[must_use]
pub fn mask_secret(secret: &Secret) -> String {
    let cleaned = Secret::cleaned(secret.expose());
    let text = cleaned.expose();
    let length = text.chars().count();
    if length == 0 {
        return "missing".to_owned();
    }
    let end = if length < SHORTEST_SHOWN { 0 } else { (length / 6).min(LONGEST_END) };
    let head: String = text.chars().take(end).collect();
    let tail: String = text.chars().skip(length - end).collect();
    format!("{head}...{tail}")
}

/// Formats a duration in one unit, rounded, as in OpenClaw's labels: minutes below an hour, hours below two days, else
/// days; `0m` if nothing is left.
pub(super) fn short_duration(left: Duration) -> String {
    let round = |value: u128, unit: u128| (value + unit / 2) / unit;
    let millis = left.as_millis();
    if millis == 0 {
        return "0m".to_owned();
    }
    let minutes = round(millis, 60_000).max(1);
    if minutes < 60 {
        return format!("{minutes}m");
    }
    let hours = round(minutes, 60);
    if hours < 48 { format!("{hours}h") } else { format!("{}d", round(hours, 24)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_a_third() {
        for length in 0..300 {
            let text: String = ('a'..='z').cycle().take(length).collect();
            let masked = mask_secret(&Secret::new(text));
            let shown = masked.chars().count().saturating_sub(3);
            let limit = if length < 12 { 0 } else { length / 3 };
            assert!(length == 0 || shown <= limit, "{length}: {masked}");
        }
        assert_eq!(mask_secret(&Secret::new("\u{e4}".repeat(12))), "\u{e4}\u{e4}...\u{e4}\u{e4}");
    }

    #[test]
    fn durations_as_recorded() {
        let cases = [
            (0, "0m"),
            (1, "1m"),
            (60_000, "1m"),
            (90_000, "2m"),
            (3_540_000, "59m"),
            (3_570_000, "1h"),
            (18_000_000, "5h"),
            (171_000_000, "2d"),
            (172_800_000, "2d"),
            (432_000_000, "5d"),
        ];
        for (millis, text) in cases {
            assert_eq!(short_duration(Duration::from_millis(millis)), text, "{millis}");
        }
    }
}
