//! The guarded entry for text from outside: JSON5 for configuration, strict JSON for credential documents.
//!
//! One iterative scan runs before any parser does. It checks the grammar and refuses what the parsers would accept in
//! silence or could not survive: text that is too large, nesting that would overflow a parser's stack, a key that
//! stands twice in one object, numbers that are not finite. Its errors are sentences of our own with a line and a
//! column; they never repeat a part of the text, because the text holds secrets.

mod escape;
mod fault;
mod keys;
mod lex;
mod locate;
mod number;
mod path;
mod place;
#[cfg(test)]
mod properties;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use locate::locate;
pub(crate) use path::KeyPath;
pub(crate) use place::{Marks, Places, locate_byte};
pub(crate) use tree::{Member, Node, Value};

use crate::error::{Error, ErrorKind, Result};
use fault::Fault;
use scan::{Events, scan};

/// Which grammar a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Strict JSON, as `serde_json` reads it.
    Json,
    /// JSON5, as the `json5` crate reads it, without numbers that are not finite.
    Json5,
}

/// How large and how deeply nested a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The size cap in bytes.
    pub(crate) max_bytes: usize,
    /// How many arrays and objects may be open at once; more than [`Limits::DEEPEST`] counts as that.
    pub(crate) max_depth: usize,
}

impl Limits {
    /// The depth that the parsers behind the scan are known to survive in a debug build on a 2 MiB stack, with room
    /// to spare (objects overflow it at 840).
    pub(crate) const DEEPEST: usize = 128;
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 16 << 20, max_depth: Self::DEEPEST }
    }
}

/// A parsed text: the tree, and where its lines begin.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(crate) root: Node<'t>,
    pub(crate) places: Places<'t>,
}

/// The text without a byte order mark at its start; the parsers for strict JSON do not know it.
pub(crate) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Takes the bytes of a file as text.
///
/// # Errors
///
/// `Syntax`, with the position, if they are not UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let valid = valid.strip_prefix("\u{feff}".as_bytes()).unwrap_or(valid);
        Error::new(ErrorKind::Syntax, "the text is not UTF-8").with_location(locate_byte(valid, valid.len()))
    })
}

/// Checks a text without building anything.
///
/// A text that passes as [`Dialect::Json`] is parsed by `serde_json` without a syntax error once
/// [`without_bom`] has been applied, into raw values at any depth and into a tree up to 127 levels. Numbers beyond the
/// range of a double pass, because unknown fields keep their text.
///
/// # Errors
///
/// `Syntax`, `TooLarge`, `TooDeep`, `DuplicateKey`, and for JSON5 `InvalidNumber`.
pub(crate) fn check(text: &str, dialect: Dialect, limits: &Limits) -> Result<()> {
    guard(text, dialect, limits, &mut Unheard)
}

/// Checks a JSON5 text and builds its tree.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn parse<'t>(text: &'t str, limits: &Limits) -> Result<Document<'t>> {
    let mut starts = Starts::default();
    guard(text, Dialect::Json5, limits, &mut starts)?;
    let text = without_bom(text);
    let root = tree::build(text, &starts)?;
    Ok(Document { root, places: Places::new(text) })
}

fn guard(text: &str, dialect: Dialect, limits: &Limits, events: &mut impl Events) -> Result<()> {
    // Offsets are kept in 32 bits.
    if text.len() > limits.max_bytes.min(u32::MAX as usize) {
        return Err(too_large());
    }
    let text = without_bom(text);
    let depth = limits.max_depth.min(Limits::DEEPEST);
    let outcome = match dialect {
        Dialect::Json => scan::<false>(text, depth, events),
        Dialect::Json5 => scan::<true>(text, depth, events),
    };
    outcome.map_err(|fault| fault.into_error(text))
}

/// The error for a text beyond the size cap, which stands at its start.
pub(crate) fn too_large() -> Error {
    Fault::new(ErrorKind::TooLarge, 0, "the text is larger than the size cap").into_error("")
}

/// Hears nothing: for checks that build nothing.
struct Unheard;

impl Events for Unheard {
    fn key(&mut self, _at: usize, _key: &str) {}
    fn value(&mut self, _at: usize) {}
}

/// Where every key and every value begins, in the order of the text, which is the order a parser visits them in.
#[derive(Default)]
struct Starts {
    keys: Vec<u32>,
    values: Vec<u32>,
}

impl Events for Starts {
    fn key(&mut self, at: usize, _key: &str) {
        self.keys.push(u32::try_from(at).unwrap_or(u32::MAX));
    }

    fn value(&mut self, at: usize) {
        self.values.push(u32::try_from(at).unwrap_or(u32::MAX));
    }
}
