//! A provider's words in a form that rules can be matched against.

/// How much of a text is looked at: this many bytes from its start and half as many from its end. Errors say what they
/// are in their first sentence; wrappers with stack traces say it in their last.
const HEAD: usize = 4 << 10;
const TAIL: usize = 2 << 10;

/// How far apart the parts of a pattern joined by `*` may stand, in bytes.
const REACH: usize = 96;

/// A bounded text in lower case. White space, underscores, quotes, and hyphens inside words are single spaces, so that
/// `rate_limit`, `rate-limit` and `Rate  limit` are one wording.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    plain: String,
    /// How long the original was, in bytes.
    pub(super) len: usize,
}

/// The start and the end of a long text, cut at characters.
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

impl Text {
    pub(super) fn new(original: &str) -> Self {
        let mut text = Self::default();
        text.push(original, original.len());
        text
    }

    /// Adds another message as a sentence of its own. `len` is how long its original was, in bytes.
    pub(super) fn push(&mut self, message: &str, len: usize) {
        if self.plain.len() > 2 * HEAD {
            return;
        }
        if !self.plain.is_empty() {
            self.plain.push_str(". ");
        }
        self.len += len;
        self.normalize(message);
    }

    fn normalize(&mut self, part: &str) {
        let mut chars = part.chars().peekable();
        let mut before = ' ';
        while let Some(c) = chars.next() {
            let inside_word = before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric());
            let plain = match c {
                '_' | '`' | '"' | '\u{201c}' | '\u{201d}' => ' ',
                '\u{2018}' | '\u{2019}' => '\'',
                '-' if inside_word => ' ',
                c if c.is_whitespace() || c.is_control() => ' ',
                c => c.to_ascii_lowercase(),
            };
            if plain != ' ' || !self.plain.ends_with(' ') {
                self.plain.push(plain);
            }
            before = c;
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.plain
    }

    /// Whether a rule's pattern matches.
    ///
    /// `a|b` is either, `a&b` is both in any order, `a*b` is `a` and behind it, in the same sentence, `b`. Every part
    /// begins at the beginning of a word; `$` at its end asks that a word ends there too; `^` that the text begins there.
    pub(super) fn has(&self, pattern: &str) -> bool {
        pattern.split('|').any(|either| either.split('&').all(|part| in_order(&self.plain, part, None)))
    }
}

/// Whether the parts of `a*b*c` follow each other. The first may stand anywhere, each further one within reach.
fn in_order(text: &str, pattern: &str, reach: Option<usize>) -> bool {
    let (first, rest) = pattern.split_once('*').map_or((pattern, None), |(first, rest)| (first, Some(rest)));
    let (anchored, first) = first.strip_prefix('^').map_or((false, first), |first| (true, first));
    let (word, first) = first.strip_suffix('$').map_or((false, first), |first| (true, first));
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|left| left.find(first)) {
        let start = from + found;
        let end = start + first.len();
        if reach.is_some_and(|reach| start > reach) || (anchored && !text.get(..start).unwrap_or("x").trim().is_empty())
        {
            return false;
        }
        // Languages without spaces have no beginnings of words.
        let spaced = first.starts_with(|c: char| c.is_ascii_alphanumeric());
        let begins = !spaced || !text.get(..start).unwrap_or_default().ends_with(char::is_alphanumeric);
        let ends = !word || !text.get(end..).unwrap_or_default().starts_with(char::is_alphanumeric);
        if begins && ends {
            let Some(rest) = rest else { return true };
            let behind = text.get(end..).unwrap_or_default();
            let sentence = behind.find(". ").unwrap_or(behind.len()).min(REACH);
            if in_order(behind, rest, Some(sentence)) {
                return true;
            }
        }
        from = end.max(start + 1);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter() {
        for text in ["rate_limit", "Rate  limit", "rate-limit", "`rate` \"limit\"", "x: RATE\nLIMIT!"] {
            assert!(Text::new(text).has("rate limit"), "{text}");
        }
        assert!(Text::new("try again in -5s").as_str().contains("in -5s"), "a sign is not a hyphen");
        assert!(Text::new("you\u{2019}re out").has("you're out"));
    }

    #[test]
    fn operators() {
        let text = Text::new("The model `x-1.0` does not exist. Nothing was found");
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
            assert_eq!(text.has(pattern), expected, "{pattern}");
        }
        assert!(Text::new("tpm atpm tpm2 tpm").has("tpm$"));
        assert!(!Text::new(&format!("model {} not found", "x".repeat(200))).has("model*not found"));
        assert!(Text::new(&format!("model {} model not found", "x ".repeat(200))).has("model*not found"));
    }

    #[test]
    fn a_long_text_has_two_ends() {
        let long = format!("first {}middle {}last", "ü ".repeat(9_000), "ü ".repeat(9_000));
        let (head, tail) = ends_of(&long);
        assert!(head.starts_with("first") && tail.ends_with("last"));
        assert!(!head.contains("middle") && !tail.contains("middle") && head.len() + tail.len() < HEAD + TAIL + 8);
        assert_eq!(ends_of("short"), ("short", ""));
    }
}
