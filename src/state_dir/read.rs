//! Reading small files of a state directory.

use std::io::{self, Read as _};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result, io_error};
use crate::syntax;

/// The largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;

/// The bytes of a regular file. Nothing else is opened: a pipe would be waited for until somebody writes into it.
///
/// # Errors
///
/// `NotFound`, `NotAFile`, `PermissionDenied`, `TooLarge`, `Io`.
#[expect(clippy::disallowed_methods, reason = "small files of OpenClaw beside the credentials, here alone")]
pub(super) fn bytes(path: &Path, largest: u64) -> Result<Vec<u8>> {
    let refused = |error: io::Error| io_error("the file cannot be read", path, error);
    if !std::fs::metadata(path).map_err(refused)?.is_file() {
        return Err(Error::new(ErrorKind::NotAFile, "the file is not a regular file").with_path(path));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(refused)?;
    // One more than is taken, which tells a long file from one that ends there.
    let read = file.take(largest.saturating_add(1)).read_to_end(&mut bytes).map_err(refused)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > largest {
        return Err(syntax::too_large().with_path(path));
    }
    Ok(bytes)
}
