//! The output of `models`, which survives a closed pipe and control characters in names.

use std::io::{self, Write as _, stderr, stdout};

use provider_auth::error::Shown;
use provider_auth::{Error, ErrorKind, Result};

/// Prints a text unchanged.
///
/// A closed pipe, as with `head`, is no failure. Any other error is, because output is missing.
pub(crate) fn text(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, "standard output cannot be written").with_source(error))
        }
        _ => Ok(()),
    }
}

/// Prints a line.
pub(crate) fn line(words: &str) -> Result<()> {
    text(&(tame(words) + "\n"))
}

/// Prints a message to standard error. A failure is ignored: there is no other way to report it.
pub(crate) fn remark(words: &str) {
    let _ = writeln!(stderr(), "{}", tame(words));
}

/// Escapes control characters from files and input. It goes character by character, because `Shown` shortens long texts.
fn tame(text: &str) -> String {
    text.chars().map(|c| Shown::new(c.encode_utf8(&mut [0; 4])).to_string()).collect()
}
