//! Key paths: the way from the root of a document to a value.

use std::fmt;

use crate::error::Shown;

/// A path of keys and indices, written `agents.list[1].model`. A key that is not a plain name is written in brackets,
/// as in `agents.defaults.models["anthropic/claude-opus-4-5"].params`.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPath<'k> {
    segments: Vec<Segment<'k>>,
    /// The text of the first segments, as the last call of [`written`](Self::written) left it, because the paths of
    /// neighbours begin alike.
    text: String,
    /// The length of the text after each of these segments.
    ends: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'k> {
    Key(&'k str),
    Index(usize),
}

impl<'k> KeyPath<'k> {
    /// Returns the path of the root.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// Appends a key.
    #[must_use]
    pub(crate) fn key(mut self, key: &'k str) -> Self {
        self.push_key(key);
        self
    }

    /// Appends an index.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn index(mut self, index: usize) -> Self {
        self.push_index(index);
        self
    }

    pub(crate) fn push_key(&mut self, key: &'k str) {
        self.segments.push(Segment::Key(key));
    }

    pub(crate) fn push_index(&mut self, index: usize) {
        self.segments.push(Segment::Index(index));
    }

    pub(crate) fn pop(&mut self) {
        self.segments.pop();
        if self.ends.len() > self.segments.len() {
            self.ends.pop();
            self.text.truncate(self.ends.last().copied().unwrap_or(0));
        }
    }

    /// Returns the path as text, on one line.
    pub(crate) fn written(&mut self) -> &str {
        for segment in self.segments.iter().skip(self.ends.len()) {
            // Writing to a string cannot fail.
            let _ = segment.write(self.ends.is_empty(), &mut self.text);
            self.ends.push(self.text.len());
        }
        &self.text
    }

    /// Returns the last segment if it is a key.
    pub(crate) fn last_key(&self) -> Option<&'k str> {
        match self.segments.last() {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }

    pub(super) fn segments(&self) -> &[Segment<'k>] {
        &self.segments
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().enumerate().try_for_each(|(position, segment)| segment.write(position == 0, f))
    }
}

impl Segment<'_> {
    fn write(&self, is_first: bool, out: &mut impl fmt::Write) -> fmt::Result {
        let key = match self {
            Segment::Key(key) => key,
            Segment::Index(index) => return write!(out, "[{index}]"),
        };
        match Form::of(key) {
            Form::Name => {
                out.write_str(if is_first { "" } else { "." })?;
                out.write_str(key)
            }
            Form::Quoted => {
                out.write_str("[\"")?;
                out.write_str(key)?;
                out.write_str("\"]")
            }
            Form::Escaped => write!(out, "[{:?}]", Shown::new(key)),
            // The line and the column show where it is.
            Form::Hidden => out.write_str("[…]"),
        }
    }
}

/// The longest key that is shown, in bytes. A hostile text may have a key of megabytes with thousands of problems
/// inside.
const LONGEST: usize = 128;

/// The bit of bytes that may be in a name.
const NAME_ONLY: u8 = 1;
/// The bit of bytes that need no escapes.
const QUOTED: u8 = 2;
const NAME: u8 = NAME_ONLY | QUOTED;

/// Returns what a byte may be in.
fn forms(byte: u8) -> u8 {
    match byte {
        b'_' | b'$' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => NAME,
        b'-' | b'/' | b':' | b'.' | b'@' | b'+' => QUOTED,
        _ => 0,
    }
}

/// How a key is written in a path.
enum Form {
    /// A plain name.
    Name,
    /// Needs no escapes.
    Quoted,
    Escaped,
    Hidden,
}

impl Form {
    /// Looks at each byte once, because paths are written for every entry whose location is kept.
    fn of(key: &str) -> Self {
        if key.len() > LONGEST {
            return Self::Hidden;
        }
        let start = key.bytes().next().map_or(0, |first| if first.is_ascii_digit() { QUOTED } else { NAME });
        let common = key.bytes().fold(start, |common, byte| common & forms(byte));
        if common & NAME_ONLY != 0 {
            Self::Name
        } else if common & QUOTED != 0 {
            Self::Quoted
        } else if is_showable(key) {
            Self::Escaped
        } else {
            Self::Hidden
        }
    }
}

/// Returns `true` if a key looks like a name: not a pasted line of a shell or a header with its value, and nothing that
/// could forge a line of a log.
fn is_showable(key: &str) -> bool {
    !key.contains(|c: char| c.is_control() || c == '=') && !key.contains(": ")
}
