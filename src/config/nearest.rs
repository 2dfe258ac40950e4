//! Suggests the known key for a misspelled one.

/// Returns the known key that a written one is most likely a misspelling of.
///
/// Case and the separators `_` and `-` are ignored. One edit is allowed in short keys, two in long ones and in those
/// with the same beginning; a swap of neighbours is one edit. A long beginning of a key also matches.
pub(crate) fn nearest<'k>(written: &str, known: &(impl Iterator<Item = &'k str> + Clone)) -> Option<&'k str> {
    let mut letters = Vec::with_capacity(written.len());
    for c in written.chars().filter(|c| !matches!(c, '_' | '-')) {
        if c.is_ascii() { letters.push(c.to_ascii_lowercase()) } else { letters.extend(c.to_lowercase()) }
    }
    let common = |key: &str| letters.iter().zip(key.bytes()).take_while(|(c, k)| is_same(**c, *k)).count();
    let forgiven = |key: &str| match key.len() {
        0..=3 => 0,
        4..=7 if common(key) < SAME_BEGINNING => 1,
        _ => 2,
    };
    // An edit changes the length by at most one, which rules out nearly every key of a file at once.
    let near = |key: &str, edits| letters.len().abs_diff(key.len()) <= edits;
    let alike =
        |key: &str, edits| near(key, edits) && forgiven(key) >= edits && within(&letters, key.as_bytes(), edits);
    let begun = |key: &&str| (LONG_BEGINNING..=key.len()).contains(&letters.len()) && common(key) == letters.len();
    (0..=2).find_map(|edits| known.clone().find(|key| alike(key, edits))).or_else(|| known.clone().find(begun))
}

/// The number of equal letters at the beginning of a short key that allows two edits.
const SAME_BEGINNING: usize = 4;

/// The shortest beginning of a key that matches the key.
const LONG_BEGINNING: usize = 10;

fn is_same(c: char, k: u8) -> bool {
    c == char::from(k.to_ascii_lowercase())
}

/// Returns `true` if this many insertions, deletions, replacements and swaps of neighbours lead from a text in lower
/// case to a key of ASCII letters in any case.
fn within(text: &[char], key: &[u8], edits: usize) -> bool {
    if text.len().abs_diff(key.len()) > edits {
        return false;
    }
    let same = |c: &char, k: &u8| is_same(*c, *k);
    // The equal start is skipped without recursion, because both texts may be as long as the file.
    let alike = text.iter().zip(key).take_while(|(c, k)| same(c, k)).count();
    let (text, key) = (text.get(alike..).unwrap_or_default(), key.get(alike..).unwrap_or_default());
    match (text, key) {
        ([], _) | (_, []) => true,
        _ if edits == 0 => false,
        ([c, rest @ ..], [k, key_rest @ ..]) => {
            within(rest, key, edits - 1)
                || within(text, key_rest, edits - 1)
                || within(rest, key_rest, edits - 1)
                || matches!((rest, key_rest), ([d, rest @ ..], [l, key_rest @ ..])
                    if same(c, l) && same(d, k) && within(rest, key_rest, edits - 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_is_recognised_and_a_word_of_its_own_is_not() {
        let keys = ["cacheRetention", "cacheControlTtl", "anthropicBeta", "auth", "models", "env", "id", "apiKey"];
        for (written, meant) in [
            ("cacheRetenton", "cacheRetention"),
            ("cache_retention", "cacheRetention"),
            ("CacheRetension", "cacheRetention"),
            ("cacheControlTTL", "cacheControlTtl"),
            ("anthropicBetas", "anthropicBeta"),
            ("atuh", "auth"),
            ("model", "models"),
            ("Env", "env"),
            ("api_key", "apiKey"),
            ("apikye", "apiKey"),
            ("modellls", "models"),
            ("cacheReten", "cacheRetention"),
        ] {
            assert_eq!(nearest(written, &keys.into_iter()), Some(meant), "{written}");
        }
        for written in ["temperature", "nodes", "web", "is", "audio", "cache", "", &"x".repeat(1000)] {
            assert_eq!(nearest(written, &keys.into_iter()), None, "{written}");
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        for (a, b, edits) in
            [("", "", 0), ("", "abc", 3), ("ab", "ba", 1), ("abcd", "acbd", 1), ("kitten", "sitting", 3)]
        {
            for (text, key) in [(a, b), (b, a)] {
                let letters: Vec<char> = text.chars().collect();
                assert!(within(&letters, key.as_bytes(), edits), "{text} {key}");
                assert!(edits == 0 || !within(&letters, key.as_bytes(), edits - 1), "{text} {key}");
            }
        }
    }
}
