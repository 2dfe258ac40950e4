//! Putting new content in the place of a file, and clearing away what a killed writer left.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::patience;
use super::system::{Stat, System};
use crate::error::{Error, Result, io_error};

/// How much of a write must survive a loss of power before it counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    /// Content and name.
    Full,
    /// The content, so that the name can only lead to the old or to the new one.
    Content,
    /// Nothing.
    Nothing,
}

/// What a caller of [`replace`] knows of the file that is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// This version of it, or none at all.
    Version(Option<Stat>),
    /// Nothing.
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

/// How often another name is tried for a temporary file. The names are random; a second try is unheard of.
const NAMES: usize = 16;

/// A leftover that nobody holds is removed at once where locks work, and after this time where they do not.
const LEFTOVER_AGE: i128 = 3_600_000_000_000;

/// Replaces a file, or makes it, so that at every moment its name leads to the whole old or the whole new content.
///
/// `target` is not a symbolic link. The caller holds the write lock. The new file is for its owner only, whatever the
/// old one allowed. An error leaves the old file, unless only the last step failed, which makes the new name survive a
/// loss of power. Gives which version the new file is.
///
/// `expected` is what the caller knows to stand there. If another program has put something else there, which it does
/// without the lock, nothing is replaced and `None` is given: the caller looks again. Between that look and the rename
/// is all the time such a program has to have its work undone.
///
/// A file that somebody has open in a way that it cannot be replaced is waited for, no longer than `wait`.
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
        .map_err(|error| io_error("a file beside the credential file cannot be made", target, error))?;
    let written = (|| -> io::Result<bool> {
        output.write(content)?;
        if sync != Sync::Nothing {
            output.sync()?;
        }
        // Looked at before every attempt: who has the file open may be another program that writes.
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
            // What matters is the first failure; a leftover is swept up later.
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

/// The error for a file that was left as it is.
fn refused(system: &dyn System, target: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::ResourceBusy {
        let what = "the file cannot be replaced, because it is a mount point of its own; it was left as it is";
        return io_error(what, target, error).with_help(
            "Mount the directory of the file into the container, and not the file alone: a file is replaced, not written over.",
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

/// A number that nobody else comes upon: the keys of the standard library's hasher are random.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Temporary files of one file begin so.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".provider-auth-tmp-");
    prefix
}

/// The directory and the name of a path that has both.
pub(super) fn split(path: &Path) -> (&Path, &OsStr) {
    (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default())
}

/// Removes the temporary files that killed writers of this file left. The caller holds the write lock.
///
/// A living writer holds a kernel lock on its temporary file, so a file without one is nobody's; where the file system
/// has no locks, an hour must pass. What cannot be removed stays: it is not in the way.
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
