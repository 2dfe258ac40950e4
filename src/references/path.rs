//! Checks that a file or a command belongs to the user and that others cannot change it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::credential::ReferenceFailure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file with secrets: no other user has any right to it, and it has only one name.
    Secrets,
    /// A program: no other user can change it.
    #[cfg_attr(not(feature = "exec"), expect(dead_code, reason = "commands need the feature"))]
    Command,
}

const ANYTHING: u32 = 0o077;
const WRITING: u32 = 0o022;
const STICKY: u32 = 0o1000;
/// The user who can change everything anyway.
const ROOT: u32 = 0;

/// Checks the file at a path, without following a symbolic link, and the directories above it.
pub(super) fn examine(path: &Path, kind: Kind) -> Result<Metadata, ReferenceFailure> {
    let metadata = std::fs::symlink_metadata(path).map_err(|_| ReferenceFailure::Unreadable)?;
    judge(&metadata, kind)?;
    let directory = path.parent().ok_or(ReferenceFailure::InvalidEntry)?;
    let real = directory.canonicalize().map_err(|_| ReferenceFailure::Unreadable)?;
    // The path as written is checked too, because a link in it can be changed to lead elsewhere.
    for above in directory.ancestors().chain(real.ancestors()).filter(|above| !above.as_os_str().is_empty()) {
        judge_directory(&std::fs::metadata(above).map_err(|_| ReferenceFailure::Unreadable)?)?;
    }
    Ok(metadata)
}

/// Checks a directory above a file: its owner, and anyone who may write to it, can replace the file. In a sticky
/// directory such as `/tmp` only the owner of the file can.
fn judge_directory(metadata: &Metadata) -> Result<(), ReferenceFailure> {
    if user().is_some_and(|user| metadata.uid() != user && metadata.uid() != ROOT) {
        return Err(ReferenceFailure::ForeignOwner);
    }
    if metadata.mode() & WRITING != 0 && metadata.mode() & STICKY == 0 {
        return Err(ReferenceFailure::OpenToOthers);
    }
    Ok(())
}

/// Checks the metadata of a file, which may be open.
pub(super) fn judge(metadata: &Metadata, kind: Kind) -> Result<(), ReferenceFailure> {
    if !metadata.is_file() {
        return Err(ReferenceFailure::NotAFile);
    }
    if kind == Kind::Secrets && metadata.nlink() != 1 {
        return Err(ReferenceFailure::HardLinked);
    }
    if user().is_some_and(|user| user != metadata.uid()) {
        return Err(ReferenceFailure::ForeignOwner);
    }
    let rights = if kind == Kind::Secrets { ANYTHING } else { WRITING };
    if metadata.mode() & rights != 0 {
        return Err(ReferenceFailure::OpenToOthers);
    }
    Ok(())
}

#[cfg(feature = "exec")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature nobody may know")]
fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// Returns the user this process acts for, the owner of its `/proc` entry. Without `/proc` the owner is not checked: a
/// file that only its owner may read, and that can be read, is the user's.
#[cfg(not(feature = "exec"))]
fn user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
}
