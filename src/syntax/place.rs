//! From byte offsets to lines and columns.

use std::cell::OnceCell;
use std::fmt;

use crate::error::Location;

/// Bytes between two remembered places. A text in one line of 16 MiB with a problem at every value would otherwise be
/// counted through from its start for each of them.
const STRIDE: usize = 1024;

/// Finds lines and columns in a text. Lines end with LF, CR or CR LF; columns count characters; both begin at 1.
pub(crate) struct Places<'t> {
    text: &'t str,
    marks: Marks,
}

/// The place of every [`STRIDE`]th byte of a text, built when the first one is asked for. Without the text itself, so that
/// whoever owns a text can keep them beside it.
#[derive(Debug, Default)]
pub(crate) struct Marks(OnceCell<Vec<Place>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: u32,
    column: u32,
}

impl Place {
    const START: Self = Self { line: 1, column: 1 };

    /// The place after `byte`, which `next` follows.
    fn after(self, byte: u8, next: Option<u8>) -> Self {
        match byte {
            b'\n' => Self { line: self.line.saturating_add(1), column: 1 },
            b'\r' if next != Some(b'\n') => Self { line: self.line.saturating_add(1), column: 1 },
            // Neither the first half of a line break nor the later bytes of a character take a column.
            b'\r' | 0x80..=0xbf => self,
            _ => Self { line: self.line, column: self.column.saturating_add(1) },
        }
    }
}

/// Without the text, which holds secrets.
impl fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}

impl<'t> Places<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, marks: Marks::default() }
    }

    /// The line and the column of the character at this byte offset; an offset beyond the text is its end.
    pub(crate) fn locate(&self, offset: usize) -> Location {
        self.marks.locate(self.text, offset)
    }
}

impl Marks {
    /// The line and the column of the character at this byte offset of the text, which is the same one each time.
    pub(crate) fn locate(&self, text: &str, offset: usize) -> Location {
        let bytes = text.as_bytes();
        let offset = offset.min(bytes.len());
        let mark = offset / STRIDE;
        let start = self.of(bytes).get(mark).copied().unwrap_or(Place::START);
        let place = walk(bytes, mark * STRIDE, offset, start);
        Location::at(place.line, place.column)
    }

    fn of(&self, bytes: &[u8]) -> &[Place] {
        self.0.get_or_init(|| {
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

/// Returns the line and the column of the character at this byte offset, as [`Places::locate`] does, for a text that is
/// asked about once and need not be UTF-8.
pub(crate) fn locate_byte(bytes: &[u8], offset: usize) -> Location {
    let place = walk(bytes, 0, offset.min(bytes.len()), Place::START);
    Location::at(place.line, place.column)
}

fn walk(bytes: &[u8], from: usize, to: usize, mut place: Place) -> Place {
    let stretch = bytes.get(from..to).unwrap_or_default();
    if stretch.contains(&b'\r') {
        // One byte more than is walked: a CR at the end must see whether LF follows.
        let next = bytes.iter().skip(from + 1).copied().map(Some).chain([None]);
        return stretch.iter().zip(next).fold(place, |place, (byte, next)| place.after(*byte, next));
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut line = stretch;
    if let Some(last) = stretch.iter().rposition(|byte| *byte == b'\n') {
        let breaks = stretch.split(|byte| *byte == b'\n').count() - 1;
        place = Place { line: place.line.saturating_add(count(breaks)), column: 1 };
        line = stretch.get(last + 1..).unwrap_or_default();
    }
    let characters = line.iter().filter(|byte| !matches!(byte, 0x80..=0xbf)).count();
    Place { column: place.column.saturating_add(count(characters)), ..place }
}
