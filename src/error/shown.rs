//! Safe formatting of foreign text in messages, logs and reports.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A name, path or value from a file, a server or a user, formatted for people: on one line and of limited length.
///
/// Every id, name, path and value in an error, a diagnostic, a key path, a log field or a report of this crate is
/// formatted this way. Characters that are invisible or change how others appear are escaped as in Rust: control
/// characters and line breaks, marks of writing direction, and characters without width. A text of more than 512
/// characters is cut to its beginning and end, with `…` between them. `Display` writes the text alone; `Debug` adds
/// quotation marks and escapes those inside it.
///
/// Use it for what you print yourself: the plain strings in a [`StatusReport`](crate::status::StatusReport), for
/// example, have the file's own text.
///
/// # Examples
///
/// ```
/// use provider_auth::ProfileId;
/// use provider_auth::error::Shown;
///
/// let name = "work\u{1b}[2J\nerror: \"forged\"";
/// assert_eq!(Shown::new(name).to_string(), r#"work\u{1b}[2J\nerror: "forged""#);
/// assert_eq!(format!("{:?}", Shown::new(name)), r#""work\u{1b}[2J\nerror: \"forged\"""#);
/// // Ids are formatted that way automatically; `as_str` returns the name.
/// assert_eq!(ProfileId::new("a\u{202e}b")?.to_string(), r"a\u{202e}b");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a>(&'a str);

/// The length up to which a text is shown whole, in characters.
const LONGEST: usize = 512;
/// The length shown of the beginning of a longer text, in characters; the end gets the rest.
const HEAD: usize = 384;
const TAIL: usize = 96;

impl<'a> Shown<'a> {
    /// Wraps this text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the beginning, and the end if something between them is left out.
    fn parts(self) -> (&'a str, Option<&'a str>) {
        let offset = |count| self.0.char_indices().nth(count).map(|(at, _)| at);
        let Some((head, tail)) = offset(LONGEST).and(offset(HEAD)).zip(self.0.char_indices().nth_back(TAIL - 1)) else {
            return (self.0, None);
        };
        (self.0.get(..head).unwrap_or_default(), self.0.get(tail.0..))
    }

    fn write(self, f: &mut fmt::Formatter<'_>, is_escaped: impl Fn(char) -> bool) -> fmt::Result {
        let mut put = |text: &str| {
            text.chars().try_for_each(|c| if is_escaped(c) { write!(f, "{}", escape(c)) } else { f.write_char(c) })
        };
        let (head, tail) = self.parts();
        put(head)?;
        let Some(tail) = tail else { return Ok(()) };
        put("…")?;
        put(tail)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, is_unseen)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.write(f, |c| is_unseen(c) || matches!(c, '"' | '\\'))?;
        f.write_char('"')
    }
}

/// Escapes a whole message into one line. The names in it are formatted already; this prevents a forgotten one, or one
/// from a third-party store, from forging a line.
pub(super) fn on_one_line(text: String) -> String {
    let mut text = Cow::Owned(text);
    escape_in(&mut text);
    text.into_owned()
}

/// Does the same as [`on_one_line`] for a text that may be a constant.
pub(super) fn escape_in(text: &mut Cow<'static, str>) {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.contains(is_unseen) {
        return;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) { out.extend(escape(c)) } else { out.push(c) }
    }
    *text = out.into();
}

/// Returns `\n`, `\"` and the like, or else the number, as in `\u{202e}`.
fn escape(c: char) -> std::char::EscapeDefault {
    c.escape_default()
}

/// Returns `true` if a character is invisible or changes how others appear: controls, line and paragraph separators,
/// marks of writing direction, and everything that Unicode allows a program to leave out in display.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_as_it_is() {
        for text in ["", "anthropic:work", "C:\\Users\\e", "Büro e\u{301} 東京 \u{1f980}", "a b \"c\" 'd'", "\u{fffd}"]
        {
            assert_eq!(Shown::new(text).to_string(), text);
            assert_eq!(on_one_line(text.to_owned()), text);
        }
        assert_eq!(format!("{:?}", Shown::new("a\\\"b'")), r#""a\\\"b'""#);
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        for c in [
            '\0', '\t', '\r', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{ad}', '\u{61c}', '\u{200b}', '\u{200e}',
        ]
        .into_iter()
        .chain([
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0041}',
        ]) {
            let shown = Shown::new(&format!("a{c}b")).to_string();
            assert!(shown.is_ascii() && shown.contains('\\') && !shown.contains(c), "{shown:?}");
            assert_eq!(on_one_line(format!("a{c}b")), shown);
            assert_eq!(on_one_line(shown.clone()), shown, "twice is once");
        }
    }

    #[test]
    fn long_ones_are_cut_in_the_middle() {
        let whole = "ü".repeat(LONGEST);
        assert_eq!(Shown::new(&whole).to_string(), whole);
        let long = format!("{}{}{}", "h".repeat(HEAD), "x".repeat(10_000), "t".repeat(TAIL));
        assert_eq!(Shown::new(&long).to_string(), format!("{}…{}", "h".repeat(HEAD), "t".repeat(TAIL)));
        let escaped = "\u{202e}".repeat(LONGEST + 1);
        assert_eq!(Shown::new(&escaped).to_string().chars().count(), 8 * (HEAD + TAIL) + 1);
    }
}
