//! Reading small files of a state directory.

use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result, io_error};
use crate::secret::SecretBytes;
use crate::syntax;

/// The largest file that is read, in bytes.
pub(super) const LARGEST: usize = 1 << 20;

const PIECE: usize = 1 << 14;

/// Reads a regular file. Nothing else is opened, because opening a pipe would block until someone writes to it.
///
/// # Errors
///
/// `NotFound`, `NotAFile`, `PermissionDenied`, `TooLarge`, `Io`.
#[expect(clippy::disallowed_methods, reason = "small files of OpenClaw beside the credentials, here alone")]
pub(super) fn bytes(path: &Path, largest: usize) -> Result<SecretBytes> {
    let refused = |error: io::Error| io_error("the file cannot be read", path, error);
    if !std::fs::metadata(path).map_err(refused)?.is_file() {
        return Err(Error::new(ErrorKind::NotAFile, "the file is not a regular file").with_path(path));
    }
    let mut file = std::fs::File::open(path).map_err(refused)?;
    let bytes = SecretBytes::read_to_end(&mut file, PIECE, largest).map_err(refused)?;
    if bytes.len() > largest {
        return Err(syntax::too_large().with_path(path));
    }
    Ok(bytes)
}
