//! The sort order of names.

use std::cmp::Ordering;

/// Punctuation in the order of the Unicode collation, which OpenClaw uses.
const PUNCTUATION: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// Compares two names as OpenClaw's lists do: punctuation, digits, then letters ignoring case; lower case first if
/// nothing else differs.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let weights = |text: &str| text.chars().map(weight).collect::<Vec<_>>();
    weights(a).cmp(&weights(b)).then_with(|| b.cmp(a))
}

fn weight(c: char) -> (u8, u32) {
    match c {
        ' ' => (0, 0),
        '0'..='9' => (2, u32::from(c)),
        _ if c.is_alphabetic() => (3, c.to_lowercase().next().map_or(0, u32::from)),
        _ => PUNCTUATION.find(c).map_or((4, u32::from(c)), |place| (1, u32::try_from(place).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_expect_them() {
        let sorted = ["anthropic", "anthropic:", "anthropic:a_b", "anthropic:a-b", "anthropic:a.b", "anthropic:a1"];
        let sorted =
            sorted.into_iter().chain(["anthropic:ab", "anthropic:b", "anthropic:B", "OpenAI", "xai", "z.ai", "zai"]);
        let sorted: Vec<&str> = sorted.collect();
        let mut shuffled = sorted.clone();
        shuffled.reverse();
        shuffled.sort_by(|a, b| compare(a, b));
        assert_eq!(shuffled, sorted);
    }
}
