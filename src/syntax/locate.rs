//! Finds one value of a document by its path.

use crate::error::Location;
use crate::syntax::path::{KeyPath, Segment};
use crate::syntax::place::Places;
use crate::syntax::scan::{Events, Open, scan};
use crate::syntax::{Dialect, Limits, without_bom};

/// Returns the location of the value at this path, or of the innermost existing value on the way to it.
///
/// Scans the text again, so it is only for reports about single problems.
pub(crate) fn locate(text: &str, dialect: Dialect, path: &KeyPath<'_>) -> Location {
    let text = without_bom(text);
    let mut finder = Finder { target: path.segments(), levels: Vec::new(), on_path: false, key_fits: false, at: 0 };
    // A fault has been reported already, and the position found before it is still right.
    let _ = match dialect {
        Dialect::Json => scan::<false>(text, Limits::DEEPEST, &mut finder),
        Dialect::Json5 => scan::<true>(text, Limits::DEEPEST, &mut finder),
    };
    let place = Places::new(text).locate(finder.at);
    if path.segments().is_empty() { place } else { place.with_key_path(path.to_string()) }
}

struct Finder<'p> {
    target: &'p [Segment<'p>],
    levels: Vec<Level>,
    /// `true` if the last value is on the way.
    on_path: bool,
    /// `true` if the last key is the next one of the path.
    key_fits: bool,
    at: usize,
}

struct Level {
    on_path: bool,
    open: Open,
    index: usize,
}

impl Events for Finder<'_> {
    fn key(&mut self, _at: usize, key: &str) {
        let segment = self.levels.len().checked_sub(1).and_then(|depth| self.target.get(depth));
        self.key_fits = segment == Some(&Segment::Key(key));
    }

    fn value(&mut self, at: usize) {
        let segment = self.levels.len().checked_sub(1).and_then(|depth| self.target.get(depth));
        self.on_path = match self.levels.last_mut() {
            None => true,
            Some(level) => {
                let fits = match level.open {
                    Open::Object => self.key_fits,
                    Open::Array => segment == Some(&Segment::Index(level.index)),
                };
                level.index += 1;
                level.on_path && fits
            }
        };
        if self.on_path {
            self.at = at;
        }
    }

    fn enter(&mut self, open: Open) {
        self.levels.push(Level { on_path: self.on_path, open, index: 0 });
    }

    fn leave(&mut self) {
        self.levels.pop();
    }
}
