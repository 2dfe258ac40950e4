//! Cleaning a text that was received as a secret.

use zeroize::Zeroizing;

use super::assigned::{Lines, assigned, line, member};
use super::{Secret, SecretText};

/// A sentence for everything that was removed from a text, for its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleaning(Vec<&'static str>);

impl Cleaning {
    pub(crate) fn notes(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }

    fn add(&mut self, note: &'static str) {
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }
}

pub(crate) const LEFT_OUT_INSIDE: &str = "line breaks or invisible characters inside the secret are left out";

/// Pairs of quotation marks that get copied along. The first is from a text that was quoted twice.
const QUOTES: [(&str, &str); 7] = [
    ("\\\"", "\\\""),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{ab}", "\u{bb}"),
];

/// How many layers are removed from a text: a quoted assignment of a quoted header has four.
const MOST_LAYERS: usize = 6;

/// Returns `true` if nothing would be removed from a text. For nearly all secrets that is seen at once.
pub(crate) fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+'))
}

/// Removes what does not belong to the secret, and reports what it was.
pub(crate) fn clean(text: &str) -> (Secret, Cleaning) {
    let mut done = Cleaning::default();
    // A fast path for nearly all secrets, because every load of a file cleans all of them.
    if is_clean(text) {
        return (Secret::new(text), done);
    }
    let trimmed = text.trim_matches(is_outer);
    if let Some(inner) = member(trimmed) {
        let (secret, mut done) = clean(&Zeroizing::new(inner));
        done.add("the object around the secret is left out");
        return (secret, done);
    }
    let trimmed = match line(trimmed) {
        Lines::One(text) => text,
        Lines::Only(line) => {
            done.add("the lines beside the one with the secret are left out");
            line.trim_matches(is_outer)
        }
        Lines::Several => return (Secret::new(trimmed), done),
    };
    let unwanted = |c: char| is_line_break(c) || is_zero_width(c);
    let mut joined = SecretText::default();
    let mut rest = trimmed;
    if trimmed.contains(unwanted) {
        joined.extend(trimmed.chars().filter(|c| !unwanted(*c)));
        rest = &joined;
        done.add(LEFT_OUT_INSIDE);
    }
    for _ in 0..MOST_LAYERS {
        rest = if let Some(value) = assigned(rest) {
            done.add("the name in front of the secret, as in `NAME=value`, is left out");
            value
        } else if let Some(inner) = inside_quotes(rest) {
            done.add("the quotation marks around the secret are left out");
            inner
        } else if let Some(token) = after_word(rest, "bearer") {
            done.add("the word in front of the secret, which says how it is sent, is left out");
            token
        } else {
            break;
        };
    }
    if rest.is_empty() {
        // Only quotation marks, for example: OpenClaw does not treat that as blank, so it is kept and checked later.
        return (Secret::new(text.trim_matches(is_blank_char)), Cleaning::default());
    }
    (Secret::new(rest), done)
}

/// Removes white space and one pair of quotation marks around a text that may be only part of a value, such as a
/// variable in a header.
pub(crate) fn unquoted(text: &str) -> &str {
    let trimmed = text.trim_matches(is_outer);
    let marks = |inner: &&str| !inner.contains(|c| QUOTES.iter().any(|(open, _)| open.starts_with(c)));
    inside_quotes(trimmed).filter(marks).unwrap_or(trimmed)
}

/// Removes what no header and no secret contains: white space and one pair of quotation marks around it, line breaks
/// and invisible characters inside. A word such as `Bearer` stays, because it belongs in a header.
pub(crate) fn joined(text: &str) -> Secret {
    let mut joined = SecretText::default();
    joined.extend(unquoted(text).chars().filter(|c| !is_line_break(*c) && !is_zero_width(*c)));
    joined.into()
}

/// Returns the text between quotation marks, without a comma or semicolon after them.
fn inside_quotes(text: &str) -> Option<&str> {
    let alone = text.trim_end_matches([',', ';']).trim_end_matches(is_outer);
    QUOTES.iter().find_map(|(open, close)| {
        let inner = alone.strip_prefix(open)?.strip_suffix(close)?;
        Some(inner.trim_matches(is_outer))
    })
}

/// Returns the text after a word, in any case, and a blank.
pub(super) fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let rest = Some(rest).filter(|rest| first.eq_ignore_ascii_case(word) && rest.starts_with(is_blank_char))?;
    Some(rest.trim_start_matches(is_outer)).filter(|rest| !rest.is_empty())
}

/// Returns `true` for the characters that JavaScript's `trim` removes, with which OpenClaw decides whether a key is
/// blank.
pub(crate) fn is_blank_char(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// Returns `true` for invisible characters that editors, web pages and chats insert into texts.
fn is_zero_width(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

pub(super) fn is_line_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_outer(c: char) -> bool {
    is_blank_char(c) || is_zero_width(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out() {
        for (text, kept) in [
            ("  sk-1\n", "sk-1"),
            ("sk-\r\n1", "sk-1"),
            ("sk-\u{2028}1\u{2029}", "sk-1"),
            ("\u{feff}sk-1\u{a0}", "sk-1"),
            ("\u{200b}sk\u{ad}-1\u{2060}", "sk-1"),
            (" \n\t ", ""),
            ("\"sk-1\"", "sk-1"),
            ("\" sk-1 \"\n", "sk-1"),
            ("'sk-1'", "sk-1"),
            ("`sk-1`", "sk-1"),
            ("\u{201c}sk-1\u{201d}", "sk-1"),
            ("\u{2018}sk-1\u{2019}", "sk-1"),
            ("\\\"sk-1\\\"", "sk-1"),
            ("\"sk-1\",", "sk-1"),
            ("ANTHROPIC_API_KEY=sk-1", "sk-1"),
            ("ANTHROPIC_API_KEY = 'sk-1'", "sk-1"),
            ("OPENAI_API_KEY_2=sk-1", "sk-1"),
            ("HF_TOKEN=hf_1 # mine", "hf_1"),
            ("\"ANTHROPIC_API_KEY=sk-1\"", "sk-1"),
            ("ANTHROPIC_API_KEY=\"sk-\n1\"", "sk-1"),
            ("export ANTHROPIC_API_KEY='sk-1'", "sk-1"),
            ("export MINE=sk-1;", "sk-1"),
            ("set ANTHROPIC_API_KEY=sk-1", "sk-1"),
            ("setx ANTHROPIC_API_KEY \"sk-1\"", "sk-1"),
            ("$env:ANTHROPIC_API_KEY = \"sk-1\"", "sk-1"),
            ("ENV ANTHROPIC_API_KEY sk-1", "sk-1"),
            ("ANTHROPIC_API_KEY: sk-1", "sk-1"),
            ("\"ANTHROPIC_API_KEY\": \"sk-1\",", "sk-1"),
            ("\"apiKey\": \"sk-1\"", "sk-1"),
            ("api_key=sk-1", "sk-1"),
            ("Bearer sk-1", "sk-1"),
            ("bearer  sk-1", "sk-1"),
            ("Authorization: Bearer sk-1", "sk-1"),
            ("x-api-key: sk-1", "sk-1"),
            ("ANTHROPIC_API_KEY=\"Bearer sk-1\"", "sk-1"),
            ("ANTHROPIC_API_KEY:sk-1", "sk-1"),
            ("x-api-key:sk-1", "sk-1"),
            ("anthropic_api_key='sk-1'", "sk-1"),
            ("anthropicApiKey = sk-1", "sk-1"),
            ("const apiKey = \"sk-1\";", "sk-1"),
            ("--api-key=sk-1", "sk-1"),
            ("--api-key sk-1", "sk-1"),
            ("- ANTHROPIC_API_KEY=sk-1", "sk-1"),
            ("-e ANTHROPIC_API_KEY=sk-1", "sk-1"),
            ("set -gx ANTHROPIC_API_KEY sk-1", "sk-1"),
            ("set -x ANTHROPIC_API_KEY 'sk-1'", "sk-1"),
            ("setx ANTHROPIC_API_KEY \"sk-1\" /M", "sk-1"),
            ("setx ANTHROPIC_API_KEY sk-1 /m", "sk-1"),
            ("$ENV:ANTHROPIC_API_KEY='sk-1'", "sk-1"),
            ("export ANTHROPIC_API_KEY=\"sk-1\" # mine", "sk-1"),
            ("ANTHROPIC_API_KEY='sk-1'; claude", "sk-1"),
            ("{\"apiKey\":\"sk-1\"}", "sk-1"),
            ("{\n  \"type\": \"api_key\",\n  \"key\": \" 'sk-1'\"\n}\n", "sk-1"),
            ("# mine\nsk-1\n", "sk-1"),
            ("#mine\nANTHROPIC_API_KEY=sk-1", "sk-1"),
            ("ANTHROPIC_API_KEY=sk-1\nANTHROPIC_BASE_URL=https://a.example\n", "sk-1"),
            ("DEBUG=1\r\nexport ANTHROPIC_API_KEY=sk-1\r\n", "sk-1"),
            ("TOKEN=abc\nDEF==", "abcDEF=="),
        ] {
            assert_eq!(clean(text).0.expose(), kept, "{text:?}");
        }
    }

    #[test]
    fn what_belongs_to_a_secret_stays() {
        for text in [
            "sk-1",
            "sk 1",
            "c2VjcmV0==",
            "SECRET_KEY==",
            "TOKEN=",
            "abc=def",
            "AKIAEXAMPLE:wJalr/EXAMPLE=",
            "key:secret",
            "token:abc",
            "\"sk-1",
            "it's",
            "bearer",
            "Bearerabc",
            "sk-key=1",
            "$ecret",
            "export",
            "export me",
            "set me free",
            "set it=",
            "\"\"",
            "\u{200b}",
            "mykey=abc",
            "id:secret",
            "{\"access\":\"a\"}",
            "{\"key\":\"a\",\"token\":\"b\"}",
        ] {
            let (secret, done) = clean(text);
            assert_eq!(secret.expose(), text);
            assert_eq!(done, Cleaning::default(), "{text}");
        }
        // Two secrets are none: which one is meant?
        for text in ["A_KEY=sk-1\nB_KEY=sk-2\n", "A_KEY=sk-1\rB_KEY=sk-2", "A_KEY=sk-\n1\nDEBUG=1", "#a\nb\nc"] {
            assert!(!clean(text).0.is_header_safe(), "{text:?}");
        }
    }

    #[test]
    fn cleaning_twice_changes_nothing() {
        for text in ["'\"sk-1\"'", "export A_KEY=\"Bearer 'sk-1'\"", "  \u{200b} sk\n-1 ", "A_KEY=B_KEY=sk-1"] {
            let (once, _) = clean(text);
            assert_eq!(clean(once.expose()).0, once, "{text}");
        }
    }
}
