//! Configuration from a file.

use std::io::{self, Read as _};
use std::path::Path;

use crate::config::{Config, ReadOptions};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::syntax;

impl Config {
    /// Reads a configuration from a file. Problems name the file as it is given here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::NotAFile`] if it is a directory, a pipe or a device,
    /// [`ErrorKind::Io`] if it cannot be read,
    /// [`ErrorKind::Syntax`] if it is not UTF-8, and all errors of [`from_json5_str`](Self::from_json5_str).
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, ErrorKind, ReadOptions};
    ///
    /// let error = Config::from_path("no/such/openclaw.json", &ReadOptions::new()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// ```
    pub fn from_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self> {
        let path = path.as_ref();
        let place = |error: Error| {
            let location = error.location().cloned().unwrap_or_default();
            error.with_location(location.with_path(path))
        };
        let bytes = read(path, options.limits.max_bytes).map_err(place)?;
        let text = str::from_utf8(&bytes).map_err(|error| place(not_utf8(&bytes, error.valid_up_to())))?;
        let document = syntax::parse(text, &options.limits).map_err(place)?;
        Self::read(&document, options, Some(path))
    }
}

/// The bytes of a file; never more than one beyond the cap, whatever the file's size is said to be.
#[expect(clippy::disallowed_methods, reason = "the one file that is read outside the file store")]
fn read(path: &Path, max_bytes: usize) -> Result<Vec<u8>> {
    let refused = |error: io::Error| {
        let (kind, message) = match error.kind() {
            io::ErrorKind::NotFound => (ErrorKind::NotFound, "the configuration does not exist"),
            _ => (ErrorKind::Io, "the configuration cannot be read"),
        };
        Error::new(kind, message).with_source(error)
    };
    // Opening a pipe would wait for somebody to write into it.
    if !std::fs::metadata(path).map_err(refused)?.is_file() {
        return Err(Error::new(ErrorKind::NotAFile, "the configuration is not a regular file"));
    }
    let file = std::fs::File::open(path).map_err(refused)?;
    let mut bytes = Vec::new();
    let cap = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    file.take(cap).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() > max_bytes { Err(syntax::too_large()) } else { Ok(bytes) }
}

fn not_utf8(bytes: &[u8], valid: usize) -> Error {
    let text = bytes.get(..valid).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default();
    let location: Location = syntax::Places::new(syntax::without_bom(text)).locate(valid);
    Error::new(ErrorKind::Syntax, "the text is not UTF-8").with_location(location)
}
