//! The content of the files as they were read, and checks for changes.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::legacy::Import;
use super::system::{Kind, Stat, System};
use super::target::check_absent;
use super::{patience, permissions};
use crate::error::{Diagnostic, DiagnosticCode};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::AuthProfiles;
use crate::secret::Secret;
use crate::syntax::{self, Limits};

/// A file that was written less than this before it was read, in nanoseconds, may be written again without a change of
/// size or time: file system clocks tick as rarely as every two seconds, and lag a little behind the wall clock.
const RACY: i128 = 3_000_000_000;

/// The same if the file system is known to use this system's clock, with digits below a millisecond: such timestamps
/// come from the kernel, whose clock ticks at least a hundred times per second.
const RACY_BY_TICKS: i128 = 100_000_000;

/// How far the timestamp of a write may be before its start: the last tick.
const TICK: i128 = 20_000_000;

/// How long to wait for a program that writes in place: once if the file has content, and repeatedly while it is empty,
/// as such a program starts by emptying it.
const HALF_WRITTEN: [Duration; 5] = [
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(8),
    Duration::from_millis(16),
    Duration::from_millis(32),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Credentials,
    State,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) max_bytes: usize,
    pub(super) strict: bool,
    /// How long to wait for a file that another program has open exclusively.
    pub(super) wait: Duration,
}

impl Reading {
    pub(super) fn limits(&self) -> Limits {
        Limits { max_bytes: self.max_bytes, ..Limits::default() }
    }
}

#[derive(Debug)]
pub(super) struct Part {
    /// `None` if there was no file.
    pub(super) stat: Option<Stat>,
    pub(super) document: Arc<AuthProfiles>,
    /// `true` if an unchanged `stat` means an unchanged file.
    settled: bool,
    /// The age at which it does, in nanoseconds.
    racy: i128,
}

/// Both files as they were read, and the document they form.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) credentials: Part,
    pub(super) state: Part,
    pub(super) document: Arc<AuthProfiles>,
    pub(super) import: Option<Import>,
}

impl Part {
    pub(super) fn absent() -> Self {
        Self { stat: None, document: Arc::default(), settled: true, racy: RACY }
    }

    /// Returns this part for a later snapshot.
    pub(super) fn again(&self) -> Self {
        Self { document: Arc::clone(&self.document), ..*self }
    }

    /// Creates the part of a file that this store has just written, between two times if the file system is local. It
    /// is read again until its timestamps are old enough to be trusted; the write shows how old that is.
    pub(super) fn written(stat: Stat, document: Arc<AuthProfiles>, between: Option<(i128, i128)>) -> Self {
        let is_ours = |stamp: i128| between.is_some_and(|(from, to)| (from - TICK..=to).contains(&stamp));
        let is_fine = |stamp: i128| is_ours(stamp) && stamp % 1_000_000 != 0;
        let racy = if is_fine(stat.modified) && is_fine(stat.changed) { RACY_BY_TICKS } else { RACY };
        Self { stat: Some(stat), document, settled: false, racy }
    }

    /// Reads a file, and reuses the document of `previous` if the text is the same.
    ///
    /// # Errors
    ///
    /// `NotAFile`, `TooLarge`, `PermissionDenied`, `InsecurePermissions`, `NotFound` for a dangling link, `Io`, and the
    /// kinds of `AuthProfiles::from_json`.
    pub(super) fn read(
        system: &dyn System,
        path: &Path,
        role: Role,
        reading: &Reading,
        previous: Option<&Self>,
    ) -> Result<Self> {
        let read = || Self::read_once(system, path, role, reading, previous);
        let mut part = read();
        for (attempt, pause) in HALF_WRITTEN.into_iter().enumerate() {
            match &part {
                Err(error) if error.is_corrupt() && error.kind() != ErrorKind::TooLarge => {}
                _ => break,
            }
            let unfinished = |stat: &Stat| !is_settled(stat, RACY, system.wall()) && (attempt == 0 || stat.size == 0);
            if !system.stat(path).is_ok_and(|stat| unfinished(&stat)) {
                break;
            }
            system.sleep(pause);
            part = read();
        }
        part
    }

    fn read_once(
        system: &dyn System,
        path: &Path,
        role: Role,
        reading: &Reading,
        previous: Option<&Self>,
    ) -> Result<Self> {
        // Before the file is read, so that a write in between counts as young.
        let now = system.wall();
        let max = u64::try_from(reading.max_bytes).unwrap_or(u64::MAX);
        let (bytes, stat) = match patience::open(system, reading.wait, || system.read(path, max)) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check_absent(system, path)?;
                let mut document = AuthProfiles::new();
                document.set_origin(path);
                return Ok(Self { document: Arc::new(document), ..Self::absent() });
            }
            Err(error) => return Err(patience::error(system, "the file cannot be read", path, error)),
        };
        if stat.kind != Kind::File {
            return Err(not_a_file(stat.kind, path));
        }
        if stat.size > max {
            return Err(syntax::too_large().with_path(path));
        }
        let racy = previous.filter(|previous| previous.stat == Some(stat)).map_or(RACY, |previous| previous.racy);
        let settled = is_settled(&stat, racy, now);
        if let Some(previous) = previous
            && previous.is_of(&stat)
            && previous.document.text().is_some_and(|text| text.as_bytes() == *bytes)
        {
            return Ok(Self { stat: Some(stat), document: Arc::clone(&previous.document), settled, racy });
        }
        let remarks = permissions::inspect(system, &stat, path, reading.strict, permissions::MENDED_BY_WRITING)?;
        let text = syntax::utf8(&bytes).map(Secret::new).map_err(|error| error.with_path(path))?;
        let read = match role {
            Role::Credentials => AuthProfiles::from_json_within(text, &reading.limits()),
            Role::State => AuthProfiles::state_from_json(text, &reading.limits(), None),
        };
        let mut document = read.map_err(|error| error.with_path(path))?;
        for diagnostic in document.diagnostics_mut() {
            diagnostic.location.path = Some(path.to_owned());
        }
        document.diagnostics_mut().extend(remarks);
        document.set_origin(path);
        Ok(Self { stat: Some(stat), document: Arc::new(document), settled, racy })
    }

    /// Returns `true` if this was read from a file with the same owner and mode.
    fn is_of(&self, stat: &Stat) -> bool {
        self.stat.is_some_and(|own| (own.mode, own.owner) == (stat.mode, stat.owner))
    }

    fn holds(&self, system: &dyn System, path: &Path) -> bool {
        self.settled
            && match (system.stat(path), &self.stat) {
                (Ok(now), Some(then)) => now == *then,
                (Err(error), None) => error.kind() == io::ErrorKind::NotFound,
                _ => false,
            }
    }
}

impl Snapshot {
    /// Returns `true` if both files are known to be unchanged.
    pub(super) fn holds(&self, system: &dyn System, credentials: &Path, state: &Path) -> bool {
        // Without a credential file, an older one may have appeared.
        self.credentials.stat.is_some()
            && self.credentials.holds(system, credentials)
            && self.state.holds(system, state)
    }

    /// Returns `true` if both have the same files, so that the document can be reused.
    pub(super) fn same(&self, credentials: &Part, state: &Part) -> bool {
        Arc::ptr_eq(&self.credentials.document, &credentials.document)
            && Arc::ptr_eq(&self.state.document, &state.document)
            && self.state.stat.is_some() == state.stat.is_some()
    }
}

fn is_settled(stat: &Stat, racy: i128, now: i128) -> bool {
    stat.modified.max(stat.changed).saturating_add(racy) < now
}

fn not_a_file(kind: Kind, path: &Path) -> Error {
    let message = match kind {
        Kind::Directory => "there is a directory in place of the file",
        _ => "there is a pipe, a socket or a device in place of the file",
    };
    Error::new(ErrorKind::NotAFile, message).with_path(path)
}

/// Removes the diagnostics about a file that has been replaced.
pub(super) fn without_file_remarks(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.retain(|diagnostic| diagnostic.code != DiagnosticCode::Imported && !is_of_file(diagnostic));
}

/// Returns the diagnostics about a file itself, which hold until it is replaced.
pub(super) fn file_remarks(diagnostics: &[Diagnostic]) -> impl Iterator<Item = &Diagnostic> {
    diagnostics.iter().filter(|diagnostic| is_of_file(diagnostic))
}

fn is_of_file(diagnostic: &Diagnostic) -> bool {
    diagnostic.code == DiagnosticCode::InsecurePermissions
}
