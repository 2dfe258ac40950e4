//! Which known key a misspelled one was meant to be.

/// The known key that a written one is most likely a misspelling of.
///
/// Case and the separators `_` and `-` do not count; beyond that one edit is forgiven in short keys and two in long
/// ones, where a swap of neighbours is one edit.
pub(super) fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let (length, letters) = summary(written);
    let mut best: Option<(usize, &'static str)> = None;
    for key in known {
        let allowed = match key.len() {
            0..=3 => 0,
            4..=7 => 1,
            _ => 2,
        };
        // Nearly every key of a file is far from all of ours, and is ruled out without the table: an edit changes the
        // length by one at most, and brings in or takes away one letter at most.
        if length.abs_diff(key.len()) > allowed {
            continue;
        }
        let (_, key_letters) = summary(key);
        let differing = (letters & !key_letters).count_ones().max((key_letters & !letters).count_ones());
        if differing as usize > allowed {
            continue;
        }
        let distance = distance(&fold(written), &fold(key));
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, key));
        }
    }
    best.map(|(_, key)| key)
}

/// How many letters count, and a set of them that may confuse some.
fn summary(key: &str) -> (usize, u32) {
    significant(key).fold((0, 0), |(length, set), c| (length + 1, set | 1 << (u32::from(c) % 32)))
}

/// The letters that count, in lower case.
fn significant(key: &str) -> impl Iterator<Item = char> {
    key.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase)
}

fn fold(key: &str) -> Vec<char> {
    significant(key).collect()
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
