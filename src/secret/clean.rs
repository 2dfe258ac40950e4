//! What is left out of a text that came in where a secret is expected.

use super::Secret;

/// What was left out of a text, so that its owner can be told: a sentence for each thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleaning(Vec<&'static str>);

impl Cleaning {
    /// A sentence for each thing that was left out.
    pub(crate) fn notes(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }

    fn add(&mut self, note: &'static str) {
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }
}

/// What is said where something inside a secret was left out.
pub(crate) const LEFT_OUT_INSIDE: &str = "line breaks or invisible characters inside the secret are left out";

/// Quotation marks that get copied along, in pairs. The first are those of a text that was quoted twice.
const QUOTES: [(&str, &str); 7] = [
    ("\\\"", "\\\""),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{ab}", "\u{bb}"),
];

/// What stands in front of an assignment in shells, and what they make of it.
const ASSIGNING: [&str; 6] = ["export", "declare -x", "setx", "set", "env", "ENV"];

/// How names of secrets end, in capitals.
const SECRET_ENDS: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"];

/// Names of secrets that are not written in capitals.
const SECRET_NAMES: [&str; 12] = [
    "key",
    "apikey",
    "api_key",
    "api-key",
    "x-api-key",
    "token",
    "auth_token",
    "access_token",
    "secret",
    "secret_key",
    "authorization",
    "password",
];

/// How often something is taken off one text: a quoted assignment of a quoted header has four layers.
const MOST_LAYERS: usize = 6;

/// Leaves out what does not belong to the secret, and says what it was.
pub(crate) fn clean(text: &str) -> (Secret, Cleaning) {
    let mut done = Cleaning::default();
    // Nearly all of them, and every load of a file cleans every one.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+')) {
        return (Secret::new(text), done);
    }
    let trimmed = text.trim_matches(is_outer);
    if trimmed.lines().filter(|line| assigned(line).is_some()).count() > 1 {
        return (Secret::new(trimmed), done);
    }
    let unwanted = |c: char| is_line_break(c) || is_zero_width(c);
    let mut joined = String::new();
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
        // Quotation marks around nothing, say: it is not blank to OpenClaw, and it is judged by what it is.
        return (Secret::new(text.trim_matches(is_blank_char)), Cleaning::default());
    }
    (Secret::new(rest), done)
}

/// Leaves out white space and one pair of quotation marks around a text that may be only a part of a value, such as a
/// variable that a header names.
pub(crate) fn unquoted(text: &str) -> &str {
    let trimmed = text.trim_matches(is_outer);
    let marks = |inner: &&str| !inner.contains(|c| QUOTES.iter().any(|(open, _)| open.starts_with(c)));
    inside_quotes(trimmed).filter(marks).unwrap_or(trimmed)
}

/// Leaves out what no header and no secret has: white space and one pair of quotation marks around it, line breaks and
/// invisible characters inside. A word such as `Bearer` stays, because in a header it belongs there.
pub(crate) fn joined(text: &str) -> Secret {
    Secret::new(unquoted(text).chars().filter(|c| !is_line_break(*c) && !is_zero_width(*c)).collect::<String>())
}

/// The text between quotation marks, a comma or semicolon behind them left out.
fn inside_quotes(text: &str) -> Option<&str> {
    let alone = text.trim_end_matches([',', ';']).trim_end_matches(is_outer);
    QUOTES.iter().find_map(|(open, close)| {
        let inner = alone.strip_prefix(open)?.strip_suffix(close)?;
        Some(inner.trim_matches(is_outer))
    })
}

/// The value of an assignment: `NAME=value`, `export NAME=value`, `setx NAME value`, `$env:NAME = "value"`, `NAME: value`.
///
/// A name is one that secrets have, because a key may have any sign in it; behind `export` and its like it is any name.
fn assigned(line: &str) -> Option<&str> {
    let line = line.trim_matches(is_outer);
    let command = ASSIGNING.iter().find_map(|word| after_word(line, word));
    let shell = line.strip_prefix("$env:").or_else(|| line.strip_prefix("$Env:"));
    let text = command.or(shell).unwrap_or(line);
    let is_assigned = command.or(shell).is_some();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'')))?;
    let (quoted, behind) = text.split_at_checked(end)?;
    let unquoted = |quote: char| quoted.strip_prefix(quote)?.strip_suffix(quote);
    let name = unquoted('"').or_else(|| unquoted('\'')).unwrap_or(quoted);
    if name.is_empty() || !(is_secret_name(name) || (is_assigned && is_identifier(name))) {
        return None;
    }
    let is_quoted = quoted != name;
    let after = behind.trim_start_matches(is_outer);
    let value = if let Some(value) = after.strip_prefix('=') {
        value
    } else if let Some(value) = after.strip_prefix(':') {
        // Keys have colons too; in YAML and JSON a blank or a quotation mark stands before the value.
        let is_parted = value.starts_with(is_blank_char) || value.starts_with(['"', '\'']);
        if !(is_parted || is_quoted) {
            return None;
        }
        value
    } else if is_secret_name(name) && command.is_some() && behind != after {
        after
    } else {
        return None;
    };
    let value = value.trim_matches(is_outer);
    let value = if value.starts_with(['"', '\'', '`']) { value } else { value.split(" #").next().unwrap_or(value) };
    let value = value.trim_end_matches([';']).trim_end_matches(is_outer);
    // What is left of a padded text is no value.
    (!value.trim_matches('=').is_empty()).then_some(value)
}

/// What follows a word and a blank, in any case.
fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let rest = Some(rest).filter(|rest| first.eq_ignore_ascii_case(word) && rest.starts_with(is_blank_char))?;
    Some(rest.trim_start_matches(is_outer)).filter(|rest| !rest.is_empty())
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_secret_name(name: &str) -> bool {
    let capitals = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let numbered = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let ends = SECRET_ENDS.iter().any(|end| numbered.ends_with(end));
    (ends && name.bytes().all(capitals)) || SECRET_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The characters JavaScript's `trim` removes; OpenClaw decides by them whether a key is blank.
pub(crate) fn is_blank_char(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// Characters that nobody sees and that editors, web pages and chats put into texts.
fn is_zero_width(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{2028}' | '\u{2029}')
}

fn is_outer(c: char) -> bool {
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
        ] {
            let (secret, done) = clean(text);
            assert_eq!(secret.expose(), text);
            assert_eq!(done, Cleaning::default(), "{text}");
        }
        // Two secrets are none: which one is meant?
        let (two, _) = clean("A_KEY=sk-1\nB_KEY=sk-2\n");
        assert!(!two.is_header_safe());
    }

    #[test]
    fn cleaning_twice_changes_nothing() {
        for text in ["'\"sk-1\"'", "export A_KEY=\"Bearer 'sk-1'\"", "  \u{200b} sk\n-1 ", "A_KEY=B_KEY=sk-1"] {
            let (once, _) = clean(text);
            assert_eq!(clean(once.expose()).0, once, "{text}");
        }
    }
}
