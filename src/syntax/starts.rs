//! Finds the offsets of the keys and values of a text, which the parser does not report.

use std::cell::OnceCell;

use crate::syntax::Limits;
use crate::syntax::lex::Lexer;
use crate::syntax::scan::{Events, scan};

/// The offsets of all keys and values of a JSON5 text, in its order, which is the order in which a parser visits them.
/// They are found at the first lookup, so a file without problems is not scanned for them.
#[derive(Debug, Default)]
pub(super) struct Starts(OnceCell<Vec<u32>>);

impl Starts {
    /// Returns the offset of the key or value with this number. The text must be the same at each call.
    pub(super) fn offset(&self, text: &str, number: usize) -> usize {
        let starts = self.0.get_or_init(|| {
            let mut heard = Heard::default();
            // The text was accepted before, so nothing is refused.
            drop(scan::<true>(text, Limits::DEEPEST, &mut heard));
            heard.0
        });
        starts.get(number).map_or(text.len(), |at| *at as usize)
    }
}

#[derive(Default)]
struct Heard(Vec<u32>);

impl Heard {
    fn push(&mut self, at: usize) {
        self.0.push(u32::try_from(at).unwrap_or(u32::MAX));
    }
}

impl Events for Heard {
    fn key(&mut self, at: usize, _key: &str) {
        self.push(at);
    }

    fn value(&mut self, at: usize) {
        self.push(at);
    }
}

/// A key or a string as it is in a text, quotation marks included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    end: usize,
}

impl Word {
    /// Finds a key or a string by its address, if the parser borrowed it from this text.
    pub(super) fn find(text: &str, borrowed: &str) -> Option<Self> {
        let start = borrowed.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        let end = start.checked_add(borrowed.len()).filter(|end| *end <= text.len())?;
        // A quotation mark right before it can only be its own.
        let before = start.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        let mark = usize::from(matches!(before, Some(b'"' | b'\'')));
        Some(Self { start: start - mark, end: end + mark })
    }

    /// Finds the value that follows this key in a text that was accepted.
    pub(super) fn value(self, text: &str) -> Option<usize> {
        let mut lexer = Lexer::<true> { text, at: self.end };
        lexer.space().ok()?;
        let is_key = lexer.eat(b':');
        lexer.space().ok()?;
        is_key.then_some(lexer.at)
    }
}
