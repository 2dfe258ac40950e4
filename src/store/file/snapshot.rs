//! What was read of the files, and whether it still holds.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::legacy::Import;
use super::system::{Kind, Stat, System};
use super::target::check_absent;
use super::{patience, permissions};
use crate::error::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::AuthProfiles;
use crate::secret::Secret;
use crate::syntax::{self, Limits};

/// A file that was written this short a time before it was read may be written again without a change of size or time:
/// clocks of file systems tick as coarsely as once in two seconds, and lag behind the wall clock by a little.
const RACY: i128 = 3_000_000_000;

/// The same where the file system was seen to stamp a write by this system's own clock, with digits below a millisecond:
/// such stamps are those of the kernel, whose clock ticks a hundred times in a second or more often.
const RACY_BY_TICKS: i128 = 100_000_000;

/// How far the stamp of a write may lie before the moment at which that began: the last tick.
const TICK: i128 = 20_000_000;

/// How long a program that writes in place is given to finish: once if there is something, and again and again as long
/// as the file is empty, which is how such a program begins.
const HALF_WRITTEN: [Duration; 5] = [
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(8),
    Duration::from_millis(16),
    Duration::from_millis(32),
];

/// Which file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Credentials,
    State,
}

/// How files are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) max_bytes: usize,
    pub(super) strict: bool,
    /// How long a file is waited for that another has open in a way that keeps readers out.
    pub(super) wait: Duration,
}

impl Reading {
    pub(super) fn limits(&self) -> Limits {
        Limits { max_bytes: self.max_bytes, ..Limits::default() }
    }
}

/// One file as it was read.
#[derive(Debug)]
pub(super) struct Part {
    /// `None` if there was no file.
    pub(super) stat: Option<Stat>,
    pub(super) document: Arc<AuthProfiles>,
    /// Whether an unchanged `stat` means an unchanged file.
    settled: bool,
    /// How old the file must be for that, in nanoseconds.
    racy: i128,
}

/// Both files as they were read, and the document they make.
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

    /// The same part of a later snapshot.
    pub(super) fn again(&self) -> Self {
        Self { document: Arc::clone(&self.document), ..*self }
    }

    /// A file that this store has just written, between two moments if it is on a file system of this machine. It is read
    /// again until its times are old enough to be trusted, which depends on the file system's clock: the write has shown it.
    pub(super) fn written(stat: Stat, document: Arc<AuthProfiles>, between: Option<(i128, i128)>) -> Self {
        let is_ours = |stamp: i128| between.is_some_and(|(from, to)| (from - TICK..=to).contains(&stamp));
        let is_fine = |stamp: i128| is_ours(stamp) && stamp % 1_000_000 != 0;
        let racy = if is_fine(stat.modified) && is_fine(stat.changed) { RACY_BY_TICKS } else { RACY };
        Self { stat: Some(stat), document, settled: false, racy }
    }

    /// Reads a file, and makes nothing of it that `previous` has made already.
    ///
    /// # Errors
    ///
    /// `NotAFile`, `TooLarge`, `PermissionDenied`, `InsecurePermissions`, `NotFound` for a link that points nowhere,
    /// `Io`, and the kinds of `AuthProfiles::from_json`.
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
        // Before the file is looked at, so that a write in between counts as young.
        let now = system.wall();
        let max = u64::try_from(reading.max_bytes).unwrap_or(u64::MAX);
        let (bytes, stat) = match patience::open(system, reading.wait, || system.read(path, max)) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check_absent(system, path)?;
                return Ok(Self::absent());
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
        Ok(Self { stat: Some(stat), document: Arc::new(document), settled, racy })
    }

    /// Whether this was read from a file with the same owner and mode.
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
    /// Whether both files are known to be as they were.
    pub(super) fn holds(&self, system: &dyn System, credentials: &Path, state: &Path) -> bool {
        // Where there is no file of credentials, an older one may have appeared.
        self.credentials.stat.is_some()
            && self.credentials.holds(system, credentials)
            && self.state.holds(system, state)
    }

    /// Whether both have the same files in them, so that one document serves both.
    pub(super) fn same(&self, credentials: &Part, state: &Part) -> bool {
        Arc::ptr_eq(&self.credentials.document, &credentials.document)
            && Arc::ptr_eq(&self.state.document, &state.document)
            && self.state.stat.is_some() == state.stat.is_some()
    }
}

fn is_settled(stat: &Stat, racy: i128, now: i128) -> bool {
    stat.modified.max(stat.changed).saturating_add(racy) < now
}

/// The error for something that is no file.
fn not_a_file(kind: Kind, path: &Path) -> Error {
    let message = match kind {
        Kind::Directory => "a file is expected, and a directory is there",
        _ => "a file is expected, and a pipe, a socket or a device is there",
    };
    Error::new(ErrorKind::NotAFile, message).with_path(path)
}

/// Leaves out what was said of a file that has been replaced.
pub(super) fn without_file_remarks(diagnostics: &mut Vec<Diagnostic>) {
    use crate::error::DiagnosticCode::{Imported, InsecurePermissions};
    diagnostics.retain(|diagnostic| !matches!(diagnostic.code, Imported | InsecurePermissions));
}
