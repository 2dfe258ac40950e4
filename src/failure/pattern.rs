//! Patterns for texts.

use super::text::{Beginning, Text, beginning};

/// The maximum distance between the parts of a pattern joined by `*`, in bytes.
const REACH: usize = 96;

/// A pattern of words for a [`Text`].
///
/// `a|b` matches either, `a&b` both in any order, and `a*b` matches `a` followed by `b` in the same sentence. Every
/// part begins at the beginning of a word. `$` at its end requires the end of a word; `^` requires the beginning of the
/// text.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Alternative>);

#[derive(Debug)]
struct Alternative {
    pattern: &'static str,
    /// The beginnings of its parts: a text without such words does not match.
    beginnings: Vec<Beginning>,
}

impl Pattern {
    pub(super) fn new(pattern: &'static str) -> Self {
        let alternative = |pattern: &'static str| {
            let parts = pattern.split(['&', '*']).map(|part| part.trim_start_matches('^'));
            Alternative { pattern, beginnings: parts.filter_map(beginning).collect() }
        };
        Self(pattern.split('|').map(alternative).collect())
    }

    pub(super) fn matches(&self, text: &Text) -> bool {
        self.0.iter().any(|Alternative { pattern, beginnings }| {
            beginnings.iter().all(|beginning| text.has_word(*beginning))
                && pattern.split('&').all(|part| stands(text, part))
        })
    }
}

fn stands(text: &Text, pattern: &str) -> bool {
    match beginning(pattern.trim_start_matches('^')) {
        Some(beginning) => text.words(beginning).any(|at| stands_at(text.as_str(), at, pattern)),
        None => in_order(text.as_str(), pattern, None),
    }
}

/// Returns `true` if the parts of `a*b*c` follow each other: the first anywhere, each further one within reach.
fn in_order(text: &str, pattern: &str, reach: Option<usize>) -> bool {
    let first = pattern.split('*').next().unwrap_or_default();
    let first = first.trim_start_matches('^');
    let first = first.strip_suffix('$').unwrap_or(first);
    // Languages without spaces have no word beginnings.
    let spaced = first.starts_with(|c: char| c.is_ascii_alphanumeric());
    let mut end = reach.map_or(text.len(), |reach| text.len().min(reach + first.len()));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let near = text.get(..end).unwrap_or_default();
    near.match_indices(first).map(|(at, _)| at).any(|at| {
        let begins = !spaced || !text.get(..at).unwrap_or_default().ends_with(char::is_alphanumeric);
        begins && stands_at(text, at, pattern)
    })
}

/// Returns `true` if a pattern matches at the beginning of a word.
fn stands_at(text: &str, at: usize, pattern: &str) -> bool {
    let (first, rest) = pattern.split_once('*').map_or((pattern, None), |(first, rest)| (first, Some(rest)));
    let (anchored, first) = first.strip_prefix('^').map_or((false, first), |first| (true, first));
    let (word, first) = first.strip_suffix('$').map_or((false, first), |first| (true, first));
    let Some(behind) = text.get(at..).and_then(|text| text.strip_prefix(first)) else { return false };
    let begun = !anchored || text.get(..at).is_some_and(|before| before.trim().is_empty());
    if !begun || (word && behind.starts_with(char::is_alphanumeric)) {
        return false;
    }
    let Some(rest) = rest else { return true };
    let near = behind.as_bytes().iter().take(REACH + 1);
    let sentence = near.zip(behind.as_bytes().iter().skip(1)).position(|pair| pair == (&b'.', &b' '));
    in_order(behind, rest, Some(sentence.unwrap_or(behind.len()).min(REACH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, pattern: &'static str) -> bool {
        Pattern::new(pattern).matches(&Text::new(text))
    }

    #[test]
    fn spelling_does_not_matter() {
        for text in ["rate_limit", "Rate  limit", "rate-limit", "`rate` \"limit\"", "x: RATE\nLIMIT!"] {
            assert!(says(text, "rate limit"), "{text}");
        }
        assert!(Text::new("try again in -5s").as_str().contains("in -5s"), "a sign is not a hyphen");
        assert!(says("you\u{2019}re out", "you're out"));
    }

    #[test]
    fn operators() {
        let text = "The model `x-1.0` does not exist. Nothing was found";
        for (pattern, expected) in [
            ("model*does not exist", true),
            ("model*not found|model*does not exist", true),
            ("model*found", false),
            ("does not exist*model", false),
            ("exist&model", true),
            ("exist&absent", false),
            ("^the model", true),
            ("^model", false),
            ("odel", false),
            ("mode", true),
            ("mode$", false),
            ("found$", true),
        ] {
            assert_eq!(says(text, pattern), expected, "{pattern}");
        }
        assert!(says("tpm atpm tpm2 tpm", "tpm$"));
        assert!(!says(&format!("model {} not found", "x".repeat(200)), "model*not found"));
        assert!(says(&format!("model {} model not found", "x ".repeat(200)), "model*not found"));
    }
}
