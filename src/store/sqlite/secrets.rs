//! OpenClaw's table of secrets, used by references with the source `store`.

use std::path::Path;
use std::time::Duration;

use rusqlite::OptionalExtension as _;

use super::database::Database;
use super::rows::Role;
use crate::error::Result;
use crate::secret::Secret;
use crate::store::shared_database;

/// How long to wait for a database without a write-ahead log.
const WAIT: Duration = Duration::from_secs(5);

/// A secret of the team, which is the whole installation, that has not been deleted.
const ENTRY: &str = "SELECT value FROM secret_store_entries \
    WHERE scope_kind = 'team' AND scope_id = '' AND name = ?1 AND deleted_at_ms IS NULL";

const TABLE: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'secret_store_entries'";

/// Reads secrets by name from the database of a state directory, in one transaction; returns `None` for each that is
/// missing. Changes nothing.
///
/// # Errors
///
/// `UnsupportedVersion`, `Locked`, `Corrupt`, `NotAFile`, `PermissionDenied`, `Io`.
pub(crate) fn stored_secrets(state_directory: &Path, names: &[&str]) -> Result<Vec<Option<Secret>>> {
    let path = shared_database(state_directory);
    let Some(database) = Database::for_reading(&path, Role::Shared, WAIT)? else { return Ok(vec![None; names.len()]) };
    database.query(|transaction| {
        if transaction.query_row(TABLE, [], |_| Ok(())).optional()?.is_none() {
            return Ok(vec![None; names.len()]);
        }
        let mut entry = transaction.prepare(ENTRY)?;
        let value = |name: &&str| entry.query_row([name], |row| row.get::<_, String>(0)).optional();
        names.iter().map(value).map(|value| value.map(|text| text.map(Secret::new))).collect()
    })
}
