//! A refusal of the scan, before it becomes an error with a line and a column.

use crate::error::{Error, ErrorKind};
use crate::syntax::place::Places;

/// A problem at a byte offset. The message is fixed, so it never contains a part of the text.
#[derive(Debug)]
pub(super) struct Fault {
    kind: ErrorKind,
    at: usize,
    what: &'static str,
}

pub(super) type Scan<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(kind: ErrorKind, at: usize, what: &'static str) -> Self {
        Self { kind, at, what }
    }

    pub(super) fn syntax(at: usize, what: &'static str) -> Self {
        Self::new(ErrorKind::Syntax, at, what)
    }

    pub(super) fn into_error(self, text: &str) -> Error {
        Error::new(self.kind, self.what).with_location(Places::new(text).locate(self.at))
    }
}
