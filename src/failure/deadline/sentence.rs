//! Deadlines in sentences: "Please try again in 6m0s", "You will regain access on 2026-04-01 at 00:00 UTC".

use super::moment::{Hint, leading_date, leading_duration};
use crate::failure::text::Text;

/// Words behind which a duration or a date stands.
const MARKERS: [&str; 17] = [
    "regain access on",
    "regain access at",
    "try again in",
    "try again after",
    "try again at",
    "retry in",
    "retry after",
    "retry your request after",
    "please wait",
    "wait for",
    "reset after",
    "resets after",
    "reset in",
    "resets in",
    "reset at",
    "resets at",
    "resets",
];

/// Words that may stand between.
const FILLERS: [&str; 7] = ["about ", "approximately ", "another ", "at least ", "at ", "on ", "for "];

/// Every deadline the text names, in the order of the markers.
pub(super) fn hints(message: &str) -> Vec<Hint> {
    let text = Text::new(message);
    MARKERS.iter().filter_map(|marker| behind(text.as_str(), marker)).collect()
}

fn behind(text: &str, marker: &str) -> Option<Hint> {
    text.match_indices(marker).find_map(|(at, found)| {
        let begins = !text.get(..at)?.ends_with(char::is_alphanumeric);
        let mut behind = text.get(at + found.len()..).filter(|_| begins)?.trim_start_matches([' ', ':']);
        for filler in FILLERS {
            behind = behind.strip_prefix(filler).unwrap_or(behind);
        }
        leading_date(behind).or_else(|| leading_duration(behind).map(|(seconds, _)| Hint::After(seconds)))
    })
}
