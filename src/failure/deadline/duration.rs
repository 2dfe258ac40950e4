//! Durations as providers and people write them: `6m0s`, `1 day, 3 hours`, `an hour`.

/// The names of units, singular; an `s` may follow a word.
const UNITS: [(&str, f64); 16] = [
    ("millisecond", 0.001),
    ("ms", 0.001),
    ("second", 1.0),
    ("sec", 1.0),
    ("s", 1.0),
    ("minute", 60.0),
    ("min", 60.0),
    ("m", 60.0),
    ("hour", 3_600.0),
    ("hr", 3_600.0),
    ("h", 3_600.0),
    ("day", 86_400.0),
    ("d", 86_400.0),
    ("week", 604_800.0),
    ("wk", 604_800.0),
    ("w", 604_800.0),
];

/// The same in Chinese, which has no separator after a unit.
const SUFFIXES: [(&str, f64); 5] = [
    ("\u{79d2}", 1.0),
    ("\u{5206}\u{949f}", 60.0),
    ("\u{5c0f}\u{65f6}", 3_600.0),
    ("\u{5929}", 86_400.0),
    ("\u{5206}", 60.0),
];

/// Returns the seconds of a duration that fills the text: `8ms`, `6m0s`, `0.539477544s`, `2 minutes`.
pub(super) fn duration(text: &str) -> Option<f64> {
    let (seconds, left) = leading(text.trim())?;
    left.trim().is_empty().then_some(seconds)
}

/// Returns a duration at the start of a text in seconds, and the rest. Every number needs its unit.
pub(super) fn leading(text: &str) -> Option<(f64, &str)> {
    let (mut total, mut left) = part(text)?;
    loop {
        let joined = left.trim_start_matches([' ', ',']);
        let joined = joined.strip_prefix("and ").unwrap_or(joined);
        match part(joined) {
            Some((seconds, rest)) => (total, left) = (total + seconds, rest),
            None => return Some((total, left)),
        }
    }
}

fn part(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (value, behind) = text.split_at_checked(digits)?;
    let (value, behind, spelled) = match value.parse() {
        Ok(value) => (value, behind, false),
        Err(_) => (1.0, ["an ", "a ", "one "].iter().find_map(|one| text.strip_prefix(one))?, true),
    };
    let behind = behind.trim_start();
    let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
    let (name, rest) = behind.split_at_checked(letters)?;
    if name.is_empty() && !spelled {
        return SUFFIXES.iter().find_map(|(unit, factor)| Some((value * factor, behind.strip_prefix(unit)?)));
    }
    let is = |unit: &str| {
        let name =
            if unit.len() > 1 { name.strip_suffix(['s', 'S']).filter(|name| name.len() >= unit.len()) } else { None }
                .unwrap_or(name);
        name.eq_ignore_ascii_case(unit)
    };
    let (unit, factor) = UNITS.iter().find(|(unit, _)| is(unit))?;
    // `a m` is not a minute.
    (!spelled || unit.len() > 2).then(|| (value * factor, rest.strip_prefix("(s)").unwrap_or(rest)))
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
            ("18h31m10s", Some(66_670.0)),
            ("2h 30m", Some(9_000.0)),
            ("2 minutes", Some(120.0)),
            ("5 Minutes", Some(300.0)),
            ("3 mins", Some(180.0)),
            ("40 seconds", Some(40.0)),
            ("1 second(s)", Some(1.0)),
            ("1 hour", Some(3_600.0)),
            ("2 hrs", Some(7_200.0)),
            ("12 hours 5 minutes", Some(43_500.0)),
            ("1 day, 3 hours", Some(97_200.0)),
            ("5 days 22 hours 11 minutes", Some(511_860.0)),
            ("1 hour and 30 minutes", Some(5_400.0)),
            ("2 days", Some(172_800.0)),
            ("1d", Some(86_400.0)),
            ("1 week", Some(604_800.0)),
            ("an hour", Some(3_600.0)),
            ("a minute", Some(60.0)),
            ("one day", Some(86_400.0)),
            ("30\u{79d2}", Some(30.0)),
            ("a few seconds", None),
            ("a m", None),
            ("hour", None),
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
        assert_eq!(leading("5s. more"), Some((5.0, ". more")));
        assert_eq!(leading("5s, and more"), Some((5.0, ", and more")));
    }
}
