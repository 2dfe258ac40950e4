//! Conversion of operating-system errors.

use std::io;
use std::path::Path;

use super::{Error, ErrorKind};

/// Returns the error for a refused operation on a path. The source is the system's own error.
pub(crate) fn io_error(what: &str, path: &Path, error: io::Error) -> Error {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_the_system_are_sorted() {
        for (system, kind) in [
            (io::ErrorKind::NotFound, ErrorKind::NotFound),
            (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied),
            (io::ErrorKind::QuotaExceeded, ErrorKind::StorageFull),
            (io::ErrorKind::IsADirectory, ErrorKind::Io),
        ] {
            let error = io_error("the file cannot be read", Path::new("file"), system.into());
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, "the file cannot be read (file)"));
        }
    }
}
