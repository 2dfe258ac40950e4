//! The guarded entry for text from outside: JSON5 for configuration, strict JSON for credential documents.
//!
//! One iterative scan checks the grammar and refuses what the parsers would accept in silence or could not survive: text
//! that is too large, nesting that would overflow a parser's stack, a key that stands twice in one object, numbers that
//! are not finite. Its errors are sentences of our own with a line and a column; they never repeat a part of the text,
//! because the text holds secrets.
//!
//! Strict JSON is scanned before any parser runs. JSON5 is parsed first, by a visitor that refuses the same; the scan
//! follows where it does, to say what is wrong, and where a line and a column are asked for.

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
mod starts;
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

    fn depth(&self) -> usize {
        self.max_depth.min(Self::DEEPEST)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 16 << 20, max_depth: Self::DEEPEST }
    }
}

/// More than any configuration nests. Deeper ones are scanned before they are parsed: an error inside the parser
/// makes it count lines and columns from the start of the text once for each level.
const USUAL_DEPTH: usize = 16;

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
    guard(bounded(text, limits)?, dialect, limits)
}

fn guard(text: &str, dialect: Dialect, limits: &Limits) -> Result<()> {
    let outcome = match dialect {
        Dialect::Json => scan::<false>(text, limits.depth(), &mut Unheard),
        Dialect::Json5 => scan::<true>(text, limits.depth(), &mut Unheard),
    };
    outcome.map_err(|fault| fault.into_error(text))
}

/// Reads a JSON5 text into its tree, in one pass if nothing is wrong with it.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn parse<'t>(text: &'t str, limits: &Limits) -> Result<Document<'t>> {
    let text = bounded(text, limits)?;
    let places = Places::new(text);
    if !tree::is_doubtful(text)
        && let Ok(root) = tree::build(text, limits.depth().min(USUAL_DEPTH), false)
    {
        return Ok(Document { root, places });
    }
    guard(text, Dialect::Json5, limits)?;
    Ok(Document { root: tree::build(text, limits.depth(), true)?, places })
}

/// The text without a byte order mark, if it is within the size cap.
fn bounded<'t>(text: &'t str, limits: &Limits) -> Result<&'t str> {
    // Offsets are kept in 32 bits.
    if text.len() > limits.max_bytes.min(u32::MAX as usize) { Err(too_large()) } else { Ok(without_bom(text)) }
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
