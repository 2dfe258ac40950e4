//! The guarded reader for text from outside: JSON5 for configurations, strict JSON for credential documents.
//!
//! An iterative scan checks the grammar and refuses what the parsers would silently accept or could not survive: text
//! that is too large, nesting that would overflow a parser's stack, duplicate keys in an object, and numbers that are
//! not finite. Its errors have fixed messages with a line and a column. They never repeat a part of the text, because
//! the text contains secrets.
//!
//! Strict JSON is scanned before any parser runs. JSON5 is parsed first, by a visitor that refuses the same; the scan
//! follows only after a refusal, to find the reason, or to look up a line and a column.

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

/// The grammar of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Strict JSON, as `serde_json` reads it.
    Json,
    /// JSON5, as the `json5` crate reads it, without numbers that are not finite.
    Json5,
}

/// The limits for the size and the nesting of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The size cap in bytes.
    pub(crate) max_bytes: usize,
    /// The number of arrays and objects that may be open at once, at most [`Limits::DEEPEST`].
    pub(crate) max_depth: usize,
}

impl Limits {
    /// A depth that the parsers are known to survive in a debug build on a 2 MiB stack, with a margin.
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

/// A depth that usual configurations stay below. Deeper ones are scanned before they are parsed, because an error
/// inside the parser makes it count lines and columns from the start of the text once for each level.
const USUAL_DEPTH: usize = 16;

/// A parsed text: its tree, and the places of its lines.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(crate) root: Node<'t>,
    pub(crate) places: Places<'t>,
}

/// Removes a byte order mark, which the parsers for strict JSON do not accept.
pub(crate) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Decodes the bytes of a file as text.
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
/// Those of [`check`].
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

/// Returns the text without a byte order mark, if it is within the size cap.
fn bounded<'t>(text: &'t str, limits: &Limits) -> Result<&'t str> {
    // Offsets are kept in 32 bits.
    if text.len() > limits.max_bytes.min(u32::MAX as usize) { Err(too_large()) } else { Ok(without_bom(text)) }
}

/// Creates the error for a text beyond the size cap, located at its start.
pub(crate) fn too_large() -> Error {
    Fault::new(ErrorKind::TooLarge, 0, "the text is larger than the size cap").into_error("")
}

/// A listener that ignores all events, for checks.
struct Unheard;

impl Events for Unheard {
    fn key(&mut self, _at: usize, _key: &str) {}
    fn value(&mut self, _at: usize) {}
}
