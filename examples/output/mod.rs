//! What `models` prints, in a way that neither a reader who leaves nor a name in a file can upset.

use std::io::{self, Write as _, stderr, stdout};

use provider_auth::error::Shown;
use provider_auth::{Error, ErrorKind, Result};

/// Prints a text as it is.
///
/// A reader who has seen enough, such as `head`, is no failure; any other refusal is, because something is missing then.
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

/// Says something to the user rather than to the next program. There is nobody to tell that nobody listens.
pub(crate) fn remark(words: &str) {
    let _ = writeln!(stderr(), "{}", tame(words));
}

/// What is typed or stands in a file must not steer the terminal. Character by character, because a line may be long.
fn tame(text: &str) -> String {
    text.chars().map(|c| Shown::new(c.encode_utf8(&mut [0; 4])).to_string()).collect()
}
