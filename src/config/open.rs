//! Configuration from a file.

use std::io;
use std::path::Path;

use crate::config::{Config, ReadOptions};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::secret::SecretBytes;
use crate::syntax;

/// How much is read at a time.
const PIECE: usize = 1 << 16;

impl Config {
    /// Reads a configuration from a file. Problems name the file as it is given here.
    ///
    /// `$include` is followed, at any place of the file: the name of a file, or a list of names, relative to the file
    /// that includes it. Files of a list are merged in its order, and keys beside the include are merged over them:
    /// objects key by key, lists one after the other, otherwise the later value counts. Included files have to be in the
    /// directory of the configuration or below, links resolved, unless
    /// [`include_anywhere`](ReadOptions::include_anywhere) is set; ten may include each other in a row, a thousand are
    /// read in all, and together they may be no larger than [`max_bytes`](ReadOptions::max_bytes). Problems in them name
    /// them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::NotAFile`] if it is a directory, a pipe or a device,
    /// [`ErrorKind::PermissionDenied`] if this user may not read it, [`ErrorKind::Io`] if it cannot be read for another
    /// reason, [`ErrorKind::Syntax`] if it is not UTF-8, [`ErrorKind::InvalidInclude`] if an include cannot be followed, which
    /// lenient reading notes and leaves empty, and all errors of [`from_json5_str`](Self::from_json5_str).
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

/// The bytes of a file; never more than one beyond the cap, whatever the file's size is said to be.
#[expect(clippy::disallowed_methods, reason = "the configuration is read outside the file store, here alone")]
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<SecretBytes> {
    let refused = |error: io::Error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let what = if missing { "the configuration does not exist" } else { "the configuration cannot be read" };
        io_error(what, path, error)
    };
    // Opening a pipe would wait for somebody to write into it.
    if !std::fs::metadata(path).map_err(refused)?.is_file() {
        return Err(Error::new(ErrorKind::NotAFile, "the configuration is not a regular file"));
    }
    let mut file = std::fs::File::open(path).map_err(refused)?;
    let bytes = SecretBytes::read_to_end(&mut file, PIECE, max_bytes).map_err(refused)?;
    if bytes.len() > max_bytes { Err(syntax::too_large()) } else { Ok(bytes) }
}
