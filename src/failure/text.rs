//! Normalized text for matching rules.

/// The part of a text to read, in bytes from its start and from its end. Errors describe themselves in their first
/// sentence; wrappers with stack traces do so in their last.
const HEAD: usize = 1 << 10;
const TAIL: usize = 1 << 10;

/// A bounded text in lower case. White space, underscores, quotes, and hyphens inside words are single spaces, so that
/// `rate_limit`, `rate-limit` and `Rate  limit` are one wording.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    plain: String,
    /// The positions of words that begin with an ASCII letter or digit, sorted by beginning.
    beginnings: Vec<(Beginning, u32)>,
    /// One bit for the first two letters of each, so that most patterns need no search.
    seen: [u64; 16],
    /// The length of the original, in bytes.
    pub(super) len: usize,
}

/// The beginning of a word or a pattern: up to three letters or digits, then zeros.
pub(super) type Beginning = [u8; 3];

/// Returns the start and the end of a long text, cut between characters.
pub(super) fn ends_of(text: &str) -> (&str, &str) {
    if text.len() <= HEAD + TAIL {
        return (text, "");
    }
    let (mut head, mut tail) = (HEAD, text.len() - TAIL);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    (text.get(..head).unwrap_or_default(), text.get(tail..).unwrap_or_default())
}

/// Appends a text in the form of [`Text`].
pub(super) fn normalize(original: &str, out: &mut String) {
    out.reserve(original.len());
    let mut chars = original.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let plain = match c {
            'a'..='z' | '0'..='9' => c,
            'A'..='Z' => c.to_ascii_lowercase(),
            '-' if before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric()) => ' ',
            '_' | '`' | '"' | '\u{201c}' | '\u{201d}' => ' ',
            '\u{2018}' | '\u{2019}' => '\'',
            c if c.is_whitespace() || c.is_control() => ' ',
            // One letter for one is enough to find a word.
            c => c.to_lowercase().next().unwrap_or(c),
        };
        if plain != ' ' || !out.ends_with(' ') {
            out.push(plain);
        }
        before = c;
    }
}

impl Text {
    #[cfg(test)]
    pub(super) fn new(original: &str) -> Self {
        let mut text = Self::default();
        text.push(original, original.len());
        text
    }

    /// Appends another message as a separate sentence. `len` is the length of its original, in bytes.
    pub(super) fn push(&mut self, message: &str, len: usize) {
        if self.plain.len() > 2 * HEAD {
            return;
        }
        if !self.plain.is_empty() {
            self.plain.push_str(". ");
        }
        self.len += len;
        let start = self.plain.len();
        normalize(message, &mut self.plain);
        self.index(start);
    }

    /// Indexes the words from here on.
    fn index(&mut self, start: usize) {
        let bytes = self.plain.as_bytes();
        let mut inside = false;
        for (at, byte) in bytes.iter().enumerate().skip(start) {
            let letter = match byte {
                0..=0x7f => byte.is_ascii_alphanumeric(),
                _ => self.plain.get(..=at).map_or(inside, |text| text.ends_with(char::is_alphanumeric)),
            };
            if letter
                && !inside
                && byte.is_ascii()
                && let Some(beginning) = self.plain.get(at..).and_then(beginning)
                && let Ok(at) = u32::try_from(at)
            {
                self.beginnings.push((beginning, at));
                let (word, bit) = place(beginning);
                if let Some(word) = self.seen.get_mut(word) {
                    *word |= bit;
                }
            }
            inside = letter;
        }
        self.beginnings.sort_unstable();
    }

    pub(super) fn as_str(&self) -> &str {
        &self.plain
    }

    /// Returns `true` if a word has this beginning.
    pub(super) fn has_word(&self, beginning: Beginning) -> bool {
        let (word, bit) = place(beginning);
        let seen = beginning[1] == 0 || self.seen.get(word).is_some_and(|word| word & bit != 0);
        seen && self.words(beginning).next().is_some()
    }

    /// Returns the positions of the words with this beginning.
    pub(super) fn words(&self, beginning: Beginning) -> impl Iterator<Item = usize> {
        let first = self.beginnings.partition_point(|(other, _)| *other < beginning);
        let last = beginning.map(|byte| if byte == 0 { u8::MAX } else { byte });
        let words = self.beginnings.get(first..).unwrap_or_default().iter();
        words.take_while(move |(other, _)| *other <= last).filter_map(|(_, at)| usize::try_from(*at).ok())
    }
}

/// Returns the bit of the first two letters.
fn place([first, second, _]: Beginning) -> (usize, u64) {
    let hash = (usize::from(first) * 31 + usize::from(second)) & 1_023;
    (hash >> 6, 1 << (hash & 63))
}

/// Returns the beginning of a text; `None` if it does not begin with an ASCII letter or digit.
pub(super) fn beginning(text: &str) -> Option<Beginning> {
    let mut beginning = Beginning::default();
    let letters = text.bytes().take_while(u8::is_ascii_alphanumeric);
    beginning.iter_mut().zip(letters).for_each(|(place, letter)| *place = letter);
    (beginning != Beginning::default()).then_some(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_has_two_ends() {
        let long = format!("first {}middle {}last", "ü ".repeat(9_000), "ü ".repeat(9_000));
        let (head, tail) = ends_of(&long);
        assert!(head.starts_with("first") && tail.ends_with("last"));
        assert!(!head.contains("middle") && !tail.contains("middle") && head.len() + tail.len() < HEAD + TAIL + 8);
        assert_eq!(ends_of("short"), ("short", ""));
    }
}
