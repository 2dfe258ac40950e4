//! What the operating system refused, as the crate's own errors.

use std::io;
use std::path::Path;

use super::system::Kind;
use crate::error::{Error, ErrorKind};

/// The error for a refused operation: what was tried, and on which path. The source is the system's own error.
pub(super) fn refused(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::StorageFull
        }
        _ => ErrorKind::Io,
    };
    Error::new(kind, what).with_path(path).with_source(error)
}

/// The error for something that is no file.
pub(super) fn not_a_file(kind: Kind, path: &Path) -> Error {
    let message = match kind {
        Kind::Directory => "a file is expected, and a directory is there",
        _ => "a file is expected, and a pipe, a socket or a device is there",
    };
    Error::new(ErrorKind::NotAFile, message).with_path(path)
}
