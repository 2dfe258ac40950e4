//! Replacing a file atomically, and removing the leftovers of killed writers.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::patience;
use super::system::{Stat, System};
use crate::error::{Error, Result, io_error};

/// How much of a write must survive a loss of power before the write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    /// Content and name.
    Full,
    /// The content, so that the name leads to either the complete old or the complete new one.
    Content,
    Nothing,
}

/// The version of a file that a caller of [`replace`] has read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// This version, or no file.
    Version(Option<Stat>),
    Anything,
}

impl Expected {
    fn holds(self, system: &dyn System, target: &Path) -> bool {
        match (self, system.stat_link(target)) {
            (Self::Anything, _) => true,
            (Self::Version(expected), Ok(there)) => expected == Some(there),
            (Self::Version(expected), Err(error)) => expected.is_none() && error.kind() == io::ErrorKind::NotFound,
        }
    }
}

/// How many names are tried for a temporary file. They are random, so a second attempt practically never happens.
const NAMES: usize = 16;

/// An unlocked leftover is removed at once if locks work, and after this time in nanoseconds if they do not.
const LEFTOVER_AGE: i128 = 3_600_000_000_000;

/// Replaces or creates a file so that its name always leads to the complete old or the complete new content, and
/// returns the version of the new file.
///
/// `target` must not be a symbolic link, and the caller must hold the write lock. Only the owner may use the new file,
/// whatever the old mode was. On an error the old file stays, unless only the last step failed, which makes the new
/// name survive a loss of power.
///
/// If another program, which does not use the lock, has changed the file since `expected`, nothing is replaced and
/// `None` is returned, so that the caller can read it again. Only a write between this check and the rename is lost.
///
/// If another program has the file open so that it cannot be replaced, this waits for up to `wait`.
///
/// # Errors
///
/// `Locked` if the wait was not long enough, `PermissionDenied`, `StorageFull`, `NotFound`, `Io`.
pub(super) fn replace(
    system: &dyn System,
    target: &Path,
    content: &[u8],
    sync: Sync,
    expected: Expected,
    wait: Duration,
) -> Result<Option<Stat>> {
    let (directory, name) = split(target);
    let (mut output, temporary) = create(system, directory, name)
        .map_err(|error| io_error("no file can be created beside the credential file", target, error))?;
    let written = (|| -> io::Result<bool> {
        output.write(content)?;
        if sync != Sync::Nothing {
            output.sync()?;
        }
        // Checked before every attempt: the program that has the file open may be writing it.
        patience::rename(system, wait, || {
            let expected = expected.holds(system, target);
            if expected {
                system.rename(&temporary, target)?;
            }
            Ok(expected)
        })
    })();
    match written {
        Ok(true) => {}
        Ok(false) => {
            drop(system.remove(&temporary));
            return Ok(None);
        }
        Err(error) => {
            // The first failure is the one to report; a leftover is swept up later.
            drop(system.remove(&temporary));
            return Err(refused(system, target, error));
        }
    }
    if sync == Sync::Full {
        output.sync_name().and_then(|()| system.sync_directory(directory)).map_err(|error| {
            let what = "the file was replaced, but the new one may not survive a loss of power";
            io_error(what, target, error)
        })?;
    }
    output.stat().map(Some).map_err(|error| io_error("the new file cannot be examined", target, error))
}

fn refused(system: &dyn System, target: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::ResourceBusy {
        let what = "the file cannot be replaced, because it is itself a mount point; it was left as it is";
        return io_error(what, target, error).with_help(
            "Mount the directory of the file into the container, not the file alone: the file is replaced, not written in place.",
        );
    }
    patience::error(system, "the file cannot be replaced; it was left as it is", target, error)
}

fn create(
    system: &dyn System,
    directory: &Path,
    name: &OsStr,
) -> io::Result<(Box<dyn super::system::Output>, PathBuf)> {
    let mut attempt = 0;
    loop {
        let mut temporary = prefix(name);
        temporary.push(format!("{:016x}", random()));
        let path = directory.join(temporary);
        match system.create(&path) {
            Ok(output) => return Ok((output, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < NAMES => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Returns a random number: the standard library seeds its hasher randomly.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".provider-auth-tmp-");
    prefix
}

pub(super) fn split(path: &Path) -> (&Path, &OsStr) {
    (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default())
}

/// Removes the temporary files that killed writers of this file left behind. The caller must hold the write lock.
///
/// A running writer holds a kernel lock on its temporary file, so an unlocked one is abandoned; on a file system
/// without locks, an hour must pass. A file that cannot be removed is left, as it does no harm.
pub(super) fn sweep(system: &dyn System, target: &Path) {
    let (directory, name) = split(target);
    let prefix = prefix(name);
    let ours = |name: &OsStr| {
        let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        rest.is_some_and(|rest| rest.len() == 16 && rest.iter().all(u8::is_ascii_hexdigit))
    };
    for name in system.list(directory).unwrap_or_default() {
        if ours(&name) {
            let path = directory.join(name);
            let Ok(leftover) = system.open_existing(&path) else { continue };
            let abandoned = match leftover.try_lock() {
                Ok(free) => free,
                Err(_) => leftover.stat().is_ok_and(|stat| stat.modified.saturating_add(LEFTOVER_AGE) < system.wall()),
            };
            if abandoned {
                drop(system.remove(&path));
            }
        }
    }
}
