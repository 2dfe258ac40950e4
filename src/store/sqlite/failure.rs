//! Conversion of SQLite's errors.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Returns the error for a refused statement: what was tried, on which database, and SQLite's code. SQLite's text is
/// left out, because it may quote data.
pub(super) fn refused(what: &str, path: &Path, error: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // A value of another type than the column's, or a text that is not UTF-8.
        return Error::new(ErrorKind::Corrupt, format!("{what}: a row has a value of the wrong type")).with_path(path);
    };
    let kind = match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Locked,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ErrorKind::Corrupt,
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen => ErrorKind::PermissionDenied,
        ErrorCode::DiskFull => ErrorKind::StorageFull,
        ErrorCode::TooBig => ErrorKind::TooLarge,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("{what} (SQLite error {})", failure.extended_code)).with_path(path)
}

/// Returns `true` if a read-only connection cannot see the data until a program that may write has rolled back the
/// transaction of a killed one.
pub(super) fn needs_recovery(error: &rusqlite::Error) -> bool {
    /// `SQLITE_READONLY_RECOVERY`, `SQLITE_READONLY_ROLLBACK` and `SQLITE_READONLY_CANTINIT`.
    const CODES: [i32; 3] = [8 | (1 << 8), 8 | (3 << 8), 8 | (5 << 8)];
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if CODES.contains(&failure.extended_code))
}
