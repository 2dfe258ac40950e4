//! Reads a configuration from a file.

use std::io;
use std::path::Path;

use crate::config::{Config, ReadOptions};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::secret::SecretBytes;
use crate::syntax;

/// The number of bytes that are read at a time.
const PIECE: usize = 1 << 16;

impl Config {
    /// Reads a configuration from a file. Problems name the file by this path.
    ///
    /// An `$include` anywhere in the file is followed: the name of a file, or a list of names, relative to the
    /// including file. Listed files are merged in order, and keys beside the include are merged over them: objects key
    /// by key, lists by concatenation, and otherwise the later value wins. After resolving links, included files must
    /// be in or below the directory of the configuration, unless [`include_anywhere`](ReadOptions::include_anywhere) is
    /// set. Includes may nest ten deep, and at most 1,000 files are read, which together may be no larger than
    /// [`max_bytes`](ReadOptions::max_bytes). Problems in an included file name that file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::NotAFile`] if it is a directory, a pipe or a
    /// device, [`ErrorKind::PermissionDenied`] if this user may not read it, [`ErrorKind::Io`] if it cannot be read for
    /// another reason, [`ErrorKind::Syntax`] if it is not UTF-8, and all errors of
    /// [`from_json5_str`](Self::from_json5_str). [`ErrorKind::InvalidInclude`] if an include cannot be followed;
    /// lenient reading reports it and leaves the include empty.
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
        let place = |error: Error| error.with_path(path);
        let bytes = read(path, options.limits.max_bytes).map_err(place)?;
        let text = syntax::utf8(&bytes).map_err(place)?;
        let document = syntax::parse(text, &options.limits).map_err(place)?;
        Self::assemble(text, document, options, Some(path))
    }
}

/// Reads the bytes of a file, at most one more than the cap, whatever size the file reports.
#[expect(clippy::disallowed_methods, reason = "the configuration is read outside the file store, here alone")]
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<SecretBytes> {
    let refused = |error: io::Error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let what = if missing { "the configuration does not exist" } else { "the configuration cannot be read" };
        io_error(what, path, error)
    };
    // Opening a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(refused)?.is_file() {
        return Err(Error::new(ErrorKind::NotAFile, "the configuration is not a regular file"));
    }
    let mut file = std::fs::File::open(path).map_err(refused)?;
    let bytes = SecretBytes::read_to_end(&mut file, PIECE, max_bytes).map_err(refused)?;
    if bytes.len() > max_bytes { Err(syntax::too_large()) } else { Ok(bytes) }
}
