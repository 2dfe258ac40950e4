//! Which known key a misspelled one was meant to be.

/// The known key that a written one is most likely a misspelling of.
///
/// Case and the separators `_` and `-` do not count; beyond that one edit is forgiven in short keys and two in long
/// ones, where a swap of neighbours is one edit.
pub(super) fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let folded = fold(written)?;
    known
        .iter()
        .filter_map(|key| {
            let target = fold(key)?;
            let allowed = match target.len() {
                0..=3 => 0,
                4..=7 => 1,
                _ => 2,
            };
            let distance = distance(&folded, &target);
            (distance <= allowed).then_some((distance, *key))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

/// The letters that count; `None` for what is too long to be a misspelling of any of our keys.
fn fold(key: &str) -> Option<Vec<char>> {
    if key.len() > 40 {
        return None;
    }
    Some(key.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect())
}

/// Insertions, deletions, replacements and swaps of neighbours between two texts.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut a_previous = None;
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        let mut b_previous = None;
        for (j, &to) in b.iter().enumerate() {
            let cell = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (cell(&last, j) + usize::from(from != to)).min(cell(&last, j + 1) + 1).min(cell(&row, j) + 1);
            if a_previous == Some(to) && b_previous == Some(from) && j > 0 {
                best = best.min(cell(&before_last, j - 1) + 1);
            }
            row.push(best);
            b_previous = Some(to);
        }
        a_previous = Some(from);
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
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
        ] {
            assert_eq!(nearest(written, &keys), Some(meant), "{written}");
        }
        for written in ["temperature", "nodes", "web", "is", "audio", "cache", "", &"x".repeat(1000)] {
            assert_eq!(nearest(written, &keys), None, "{written}");
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("ab", "ba", 1), ("abcd", "acbd", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(&letters(a), &letters(b)), expected, "{a} {b}");
            assert_eq!(distance(&letters(b), &letters(a)), expected, "{b} {a}");
        }
    }
}
