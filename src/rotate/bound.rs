//! The limit on the length of an answer.

use crate::error::{Error, ErrorKind, Result};

/// The maximum length of a body, and what is left of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    most: usize,
    left: usize,
}

impl Bound {
    pub(super) fn new(most: usize) -> Self {
        Self { most, left: most }
    }

    /// Counts a piece.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] if the maximum is exceeded.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<()> {
        let left = self.left.checked_sub(piece.len()).ok_or_else(|| {
            let message = format!("the provider's answer is larger than the limit of {} bytes", self.most);
            Error::new(ErrorKind::TooLarge, message).with_help(HELP)
        })?;
        self.left = left;
        Ok(())
    }
}

const HELP: &str = "Check the base URL: no answer of a model is known to be this large. If this one should be, let this \
                    program read larger answers.";
