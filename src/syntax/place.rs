//! Converts byte offsets to lines and columns.

use std::cell::{Cell, OnceCell};
use std::fmt;

use memchr::{memchr, memchr_iter, memrchr};

use crate::error::Location;
use crate::syntax::starts::{Starts, Word};

/// The distance in bytes between remembered places. Otherwise a text of 16 MiB with a problem at every value would be
/// counted from its start for each of them.
const STRIDE: usize = 1024;

/// Finds lines and columns in a text. Lines end with LF, CR or CR LF; columns count characters; both begin at 1.
pub(crate) struct Places<'t> {
    text: &'t str,
    marks: Marks,
}

/// The places of a text that were looked up so far: that of every [`STRIDE`]th byte, and the starts of keys and values.
/// The text is not included, so that its owner can keep the marks beside it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    strides: OnceCell<Vec<Place>>,
    /// The last place, because the next one is mostly a little after it.
    last: Cell<(usize, Place)>,
    starts: Starts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: u32,
    column: u32,
}

impl Default for Place {
    fn default() -> Self {
        Self::START
    }
}

impl Place {
    const START: Self = Self { line: 1, column: 1 };

    /// Returns the place after `byte`, which `next` follows.
    fn after(self, byte: u8, next: Option<u8>) -> Self {
        match byte {
            b'\n' => Self { line: self.line.saturating_add(1), column: 1 },
            b'\r' if next != Some(b'\n') => Self { line: self.line.saturating_add(1), column: 1 },
            // The first half of a line break and the later bytes of a character take no column.
            b'\r' | 0x80..=0xbf => self,
            _ => Self { line: self.line, column: self.column.saturating_add(1) },
        }
    }
}

/// Shows nothing of the text, which contains secrets.
impl fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}

impl<'t> Places<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, marks: Marks::default() }
    }

    /// Returns the line and the column of the character at this byte offset. An offset beyond the text means its end.
    pub(crate) fn locate(&self, offset: usize) -> Location {
        self.marks.locate(self.text, offset)
    }

    /// Returns the line and the column of the key or value with this number, like [`Marks::locate_number`].
    pub(crate) fn locate_number(&self, number: usize) -> Location {
        self.marks.locate_number(self.text, number)
    }

    /// Returns the line and the column of a key or a string that was borrowed from the text; `None` for any other.
    pub(crate) fn locate_word(&self, borrowed: &str) -> Option<Location> {
        Word::find(self.text, borrowed).map(|word| self.locate(word.start))
    }

    /// Returns the line and the column of the value of a key that was borrowed from the text; `None` for any other.
    pub(crate) fn locate_value_of(&self, key: &str) -> Option<Location> {
        Some(self.locate(Word::find(self.text, key)?.value(self.text)?))
    }
}

impl Marks {
    /// Returns the line and the column of the character at this byte offset. The text must be the same at each call.
    pub(crate) fn locate(&self, text: &str, offset: usize) -> Location {
        let bytes = text.as_bytes();
        let offset = offset.min(bytes.len());
        let (known, before) = self.last.get();
        let (from, start) = if (known..=known.saturating_add(STRIDE)).contains(&offset) {
            (known, before)
        } else {
            let mark = offset / STRIDE;
            (mark * STRIDE, self.of(bytes).get(mark).copied().unwrap_or(Place::START))
        };
        let place = walk(bytes, from, offset, start);
        self.last.set((offset, place));
        Location::at(place.line, place.column)
    }

    /// Returns the line and the column of the key or value with this number, counted from zero in the order of the
    /// text. The first call scans the text again.
    pub(crate) fn locate_number(&self, text: &str, number: usize) -> Location {
        self.locate(text, self.starts.offset(text, number))
    }

    fn of(&self, bytes: &[u8]) -> &[Place] {
        self.strides.get_or_init(|| {
            let mut marks = vec![Place::START];
            let mut place = Place::START;
            for mark in 1..=bytes.len() / STRIDE {
                place = walk(bytes, (mark - 1) * STRIDE, mark * STRIDE, place);
                marks.push(place);
            }
            marks
        })
    }
}

/// Returns the line and the column of the character at this byte offset, like [`Places::locate`], for a single lookup
/// in bytes that need not be UTF-8.
pub(crate) fn locate_byte(bytes: &[u8], offset: usize) -> Location {
    let place = walk(bytes, 0, offset.min(bytes.len()), Place::START);
    Location::at(place.line, place.column)
}

fn walk(bytes: &[u8], from: usize, to: usize, mut place: Place) -> Place {
    let stretch = bytes.get(from..to).unwrap_or_default();
    if memchr(b'\r', stretch).is_some() {
        // One byte further than the walk, because a CR at the end must see whether LF follows.
        let next = bytes.iter().skip(from + 1).copied().map(Some).chain([None]);
        return stretch.iter().zip(next).fold(place, |place, (byte, next)| place.after(*byte, next));
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut line = stretch;
    if let Some(last) = memrchr(b'\n', stretch) {
        let breaks = memchr_iter(b'\n', stretch).count();
        place = Place { line: place.line.saturating_add(count(breaks)), column: 1 };
        line = stretch.get(last + 1..).unwrap_or_default();
    }
    let characters = line.iter().filter(|byte| !matches!(byte, 0x80..=0xbf)).count();
    Place { column: place.column.saturating_add(count(characters)), ..place }
}
