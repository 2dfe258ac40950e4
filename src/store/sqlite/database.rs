//! A connection to one of OpenClaw's databases.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::failure::{needs_recovery, refused};
use super::rows::{Role, Rows, Table};
use super::snapshot::{Change, StateChange};
use crate::error::{Diagnostic, Error, ErrorKind, Result, io_error};
use crate::secret::Secret;
use crate::store::file::disk::Disk;
use crate::store::file::permissions::inspect;
use crate::store::file::system::{Kind, Stat, System as _};
use crate::store::file::target::check_absent;

/// The oldest SQLite that supports the strict tables of OpenClaw's schema.
const OLDEST: i32 = 3_037_000;

const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

const NOT_WRITTEN: &str = "the database cannot be written; it was left as it was";

#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    role: Role,
    /// The file that was opened; another one may replace it.
    opened: Stat,
}

/// Returns the metadata of a database, without opening it: closing a file drops SQLite's locks on it.
///
/// # Errors
///
/// `NotFound` for a dangling link, whose target may be on a disk that is not mounted at the moment. `NotAFile`,
/// `PermissionDenied`, `Io`.
pub(super) fn examine(path: &Path) -> Result<Option<Stat>> {
    let nothing = |error: &std::io::Error| {
        matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
    };
    let found = match Disk.stat_link(path) {
        Ok(stat) if stat.kind == Kind::Link => Disk.stat(path),
        Err(error) if nothing(&error) => return Ok(None),
        found => found,
    };
    match found {
        Ok(stat) if stat.kind == Kind::File => Ok(Some(stat)),
        Ok(_) => {
            Err(Error::new(ErrorKind::NotAFile, "there is something else in place of the database").with_path(path))
        }
        Err(error) if nothing(&error) => check_absent(&Disk, path).map(|()| None),
        Err(error) => Err(io_error("the database cannot be examined", path, error)),
    }
}

/// Returns the path of a database without symbolic links, whether it exists or not, without opening it.
pub(super) fn real(path: &Path) -> PathBuf {
    let beside = || Some(Disk.canonical(path.parent()?).ok()?.join(path.file_name()?));
    Disk.canonical(path).ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}

impl Database {
    /// Opens a database for reading, without changing it or its write-ahead log; returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`examine`], and `Locked`, `Corrupt`, `PermissionDenied`, `Io`.
    pub(super) fn for_reading(path: &Path, role: Role, wait: Duration) -> Result<Option<Self>> {
        Self::open(path, role, OpenFlags::SQLITE_OPEN_READ_ONLY, wait)
    }

    /// Opens an existing database for writing. Commits survive a loss of power; closing it leaves the log to OpenClaw.
    ///
    /// # Errors
    ///
    /// As [`for_reading`](Self::for_reading).
    pub(super) fn for_writing(path: &Path, role: Role) -> Result<Option<Self>> {
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let Some(database) = Self::open(path, role, access, Duration::ZERO)? else { return Ok(None) };
        let set = database
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .and_then(|_| database.connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON"));
        set.map_err(|error| refused("the database cannot be opened", path, &error))?;
        Ok(Some(database))
    }

    fn open(path: &Path, role: Role, access: OpenFlags, wait: Duration) -> Result<Option<Self>> {
        let Some(opened) = examine(path)? else { return Ok(None) };
        if rusqlite::version_number() < OLDEST {
            let message = "the SQLite library of this program is older than 3.37 and cannot read OpenClaw's tables";
            return Err(Error::new(ErrorKind::UnsupportedVersion, message)
                .with_path(path)
                .with_help("Use a build of this program that has a newer SQLite."));
        }
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| refused("the database cannot be opened", path, &error))?;
        let database = Self { connection, path: path.to_owned(), role, opened };
        database.wait_for(wait)?;
        Ok(Some(database))
    }

    /// Sets how long a statement waits for the lock of another connection.
    pub(super) fn wait_for(&self, wait: Duration) -> Result<()> {
        // SQLite counts milliseconds in 32 bits.
        self.connection
            .busy_timeout(wait.min(LONGEST_WAIT))
            .map_err(|error| self.refused("the database cannot be opened", &error))
    }

    fn refused(&self, what: &str, error: &rusqlite::Error) -> Error {
        refused(what, &self.path, error)
    }

    /// Returns `true` if the file at the path is the one that was opened.
    pub(super) fn is_current(&self) -> Result<bool> {
        Ok(examine(&self.path)?.is_some_and(|there| there.same_file(&self.opened)))
    }

    /// Returns a number that changes with every commit of another connection.
    pub(super) fn data_version(&self) -> Result<i64> {
        self.connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(|error| self.refused("the database cannot be read", &error))
    }

    pub(super) fn remarks(&self) -> Result<Vec<Diagnostic>> {
        let stat = examine(&self.path)?.unwrap_or(self.opened);
        inspect(&Disk, &stat, &self.path, false, "")
    }

    /// Reads all rows in one transaction.
    ///
    /// # Errors
    ///
    /// `UnsupportedVersion` for a schema that is newer than the known one, `Locked`, `Corrupt`, `Io`.
    pub(super) fn read(&self) -> Result<Reading> {
        let read = match self.read_once() {
            Err(error) if needs_recovery(&error) => {
                // Any program that opens such a database does this. The killed program had not committed.
                Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
                    .and_then(|other| other.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())))
                    .map_err(|error| self.refused("the database cannot be recovered", &error))?;
                self.read_once()
            }
            read => read,
        };
        read.map_err(|error| self.refused("the database cannot be read", &error))?.checked(self)
    }

    /// Runs another query on a database with a known schema, in one transaction.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn query<T>(&self, ask: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        // Recovers the database if a killed program left it behind, and refuses an unknown schema.
        self.read()?;
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)
            .and_then(|transaction| ask(&transaction))
            .map_err(|error| self.refused("the database cannot be read", &error))
    }

    fn read_once(&self) -> rusqlite::Result<Reading> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)?;
        read(&transaction, self.role)
    }

    /// Begins an exclusive write transaction. The rows that this connection wrote last are not read again unless
    /// another one has committed since.
    ///
    /// # Errors
    ///
    /// `Locked` if someone else holds the lock for longer than [`wait_for`](Self::wait_for) allows;
    /// `UnsupportedVersion` if the schema is not the one that is written; those of [`read`](Self::read).
    fn begin<'a>(&'a self, left: &'a RefCell<Option<Reading>>) -> Result<Writing<'a>> {
        let begun = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        let transaction = begun.map_err(|error| {
            let refused = self.refused("the database cannot be locked", &error);
            let help = "Try again; if it persists, look for another program that uses OpenClaw's database.";
            if refused.is_locked() { refused.with_help(help) } else { refused }
        })?;
        let known = left.take();
        let reading = match known {
            Some(known) if self.data_version()? == known.data_version => known,
            _ => read(&transaction, self.role)
                .map_err(|error| self.refused("the database cannot be read", &error))?
                .checked(self)?,
        };
        if reading.schema != self.role.schema() {
            let message =
                format!("the database has schema {}, but only {} can be written", reading.schema, self.role.schema());
            return Err(Error::new(ErrorKind::UnsupportedVersion, message).with_path(&self.path).with_help(
                "Run `openclaw doctor --fix` if OpenClaw is newer than this directory, or update this program.",
            ));
        }
        Ok(Writing { transaction, database: self, reading, left })
    }
}

/// A connection for writing, with the rows it wrote last.
#[derive(Debug)]
pub(super) struct Writer {
    database: Database,
    left: RefCell<Option<Reading>>,
}

impl Writer {
    /// # Errors
    ///
    /// As [`Database::for_writing`].
    pub(super) fn open(path: &Path, role: Role) -> Result<Option<Self>> {
        Ok(Database::for_writing(path, role)?.map(|database| Self { database, left: RefCell::default() }))
    }

    /// Returns `true` if it writes to the file that is currently at this path.
    pub(super) fn is_at(&self, path: &Path) -> Result<bool> {
        Ok(self.database.path == path && self.database.is_current()?)
    }

    /// As [`Database::begin`], with a time limit for the lock.
    pub(super) fn begin(&self, wait: Duration) -> Result<Writing<'_>> {
        self.database.wait_for(wait)?;
        self.database.begin(&self.left)
    }

    /// Returns `true` if it wrote these rows to the database at this path, and nobody has written since.
    pub(super) fn left(&self, rows: &Rows, path: &Path, wait: Duration) -> Result<bool> {
        let left = self.left.borrow();
        let Some(left) = left.as_ref().filter(|left| left.rows == *rows) else { return Ok(false) };
        // With a rollback journal nobody can read while another connection commits.
        self.database.wait_for(wait)?;
        Ok(self.is_at(path)? && self.database.data_version()? == left.data_version)
    }
}

#[derive(Debug)]
pub(super) struct Reading {
    schema: i64,
    pub(super) data_version: i64,
    /// `None` if there is no table for credentials.
    table: Option<&'static Table>,
    pub(super) rows: Rows,
}

impl Reading {
    fn checked(self, database: &Database) -> Result<Self> {
        let newest = database.role.schema();
        if self.schema > newest {
            let message =
                format!("the database has schema {}, but only those up to {newest} are supported", self.schema);
            return Err(Error::new(ErrorKind::UnsupportedVersion, message)
                .with_path(&database.path)
                .with_help("Update this program: a newer OpenClaw keeps its credentials here."));
        }
        Ok(self)
    }
}

fn read(connection: &Connection, role: Role) -> rusqlite::Result<Reading> {
    let number = |sql| connection.query_row(sql, [], |row| row.get(0));
    let (data_version, schema) = (number("PRAGMA data_version")?, number("PRAGMA user_version")?);
    let mut found = None;
    for table in role.tables() {
        let there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
        if connection.query_row(there, [table.name], |_| Ok(())).optional()?.is_some() {
            found = Some(table);
            break;
        }
    }
    let rows = match found {
        None => Rows::default(),
        Some(table) => connection.query_row(table.read, [], |row| {
            let secret = |index| row.get::<_, Option<String>>(index).map(|text| text.map(Secret::new));
            Ok(Rows { marker: row.get(0)?, store: secret(1)?, state: secret(2)? })
        })?,
    };
    Ok(Reading { schema, data_version, table: found, rows })
}

/// An exclusive write transaction, rolled back unless it is committed.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    transaction: Transaction<'a>,
    database: &'a Database,
    reading: Reading,
    left: &'a RefCell<Option<Reading>>,
}

impl Writing<'_> {
    pub(super) fn rows(&self) -> &Rows {
        &self.reading.rows
    }

    pub(super) fn path(&self) -> &Path {
        &self.database.path
    }

    /// Writes a change, with the time in milliseconds since the epoch.
    ///
    /// # Errors
    ///
    /// `NoDatabase` if there is no table for credentials; `StorageFull`, `PermissionDenied`, `Io`.
    pub(super) fn put(&self, change: &Change, now: i64) -> Result<()> {
        let Some(write) = self.reading.table.and_then(|table| table.write.as_ref()) else {
            let message = "the database has no table for credentials";
            return Err(Error::new(ErrorKind::NoDatabase, message).with_path(self.path()));
        };
        let ran = |result: rusqlite::Result<usize>| {
            result.map(drop).map_err(|error| self.database.refused(NOT_WRITTEN, &error))
        };
        if let Some(store) = &change.store {
            ran(self.transaction.execute(write.store, params![store.expose(), now]))?;
        }
        match &change.state {
            StateChange::Put(state, _) => ran(self.transaction.execute(write.state, params![state.expose(), now])),
            StateChange::Remove => ran(self.transaction.execute(write.no_state, [])),
            StateChange::Keep => Ok(()),
        }
    }

    pub(super) fn release(self) {
        *self.left.borrow_mut() = Some(self.reading);
    }

    /// Commits a change that results in these rows. The commit survives a loss of power.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub(super) fn commit(self, rows: Rows) -> Result<()> {
        let database = self.database;
        self.transaction.commit().map_err(|error| database.refused(NOT_WRITTEN, &error))?;
        *self.left.borrow_mut() = Some(Reading { rows, ..self.reading });
        Ok(())
    }
}
