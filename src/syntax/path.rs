//! Key paths: the way from the root of a document to a value.

use std::fmt::{self, Write as _};

use crate::error::Shown;

/// A path of keys and indices, written `agents.list[1].model`. A key that is not a plain name is written in brackets,
/// as in `agents.defaults.models["anthropic/claude-opus-4-5"].params`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyPath<'k> {
    segments: Vec<Segment<'k>>,
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
    }

    /// Writes the path into a string of about its length.
    pub(crate) fn written(&self) -> String {
        let length = |segment: &Segment<'_>| match segment {
            Segment::Key(key) => key.len().min(LONGEST) + 4,
            Segment::Index(_) => 6,
        };
        let mut text = String::with_capacity(self.segments.iter().map(length).sum());
        // Writing to a string cannot fail.
        let _ = write!(text, "{self}");
        text
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
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if key.len() <= LONGEST && is_plain(key) => {
                    f.write_str(if position == 0 { "" } else { "." })?;
                    f.write_str(key)?;
                }
                // Keys that need no escapes, which is nearly all of them.
                Segment::Key(key) if is_showable(key) && key.bytes().all(is_shown_as_it_is) => {
                    f.write_str("[\"")?;
                    f.write_str(key)?;
                    f.write_str("\"]")?;
                }
                Segment::Key(key) if is_showable(key) => write!(f, "[{:?}]", Shown::new(key))?,
                // The line and the column show where it is.
                Segment::Key(_) => f.write_str("[…]")?,
            }
        }
        Ok(())
    }
}

/// The longest key that is shown, in bytes. A hostile text may have a key of megabytes with thousands of problems
/// inside.
const LONGEST: usize = 128;

/// Returns `true` if a key looks like a name: not a pasted line of a shell or a header with its value, and nothing that
/// could forge a line of a log.
fn is_showable(key: &str) -> bool {
    key.len() <= LONGEST && !key.contains(|c: char| c.is_control() || c == '=') && !key.contains(": ")
}

fn is_shown_as_it_is(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

fn is_plain(key: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
    key.bytes().all(name) && key.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
