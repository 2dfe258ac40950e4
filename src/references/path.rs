//! Whether a file or a command is the user's own, and out of the reach of others.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::credential::ReferenceFailure;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file with secrets: nobody else has any right to it, and it has one name.
    Secrets,
    /// A program: nobody else can change it.
    #[cfg_attr(not(feature = "exec"), expect(dead_code, reason = "commands need the feature"))]
    Command,
}

const ANYTHING: u32 = 0o077;
const WRITING: u32 = 0o022;
const STICKY: u32 = 0o1000;
/// The user who can do everything anyway.
const ROOT: u32 = 0;

/// Examines what stands at a path, a link itself and not what it leads to.
pub(super) fn examine(path: &Path, kind: Kind) -> Result<Metadata, ReferenceFailure> {
    let metadata = std::fs::symlink_metadata(path).map_err(|_| ReferenceFailure::Unreadable)?;
    judge(&metadata, kind)?;
    let directory = path.parent().ok_or(ReferenceFailure::InvalidEntry)?;
    let real = directory.canonicalize().map_err(|_| ReferenceFailure::Unreadable)?;
    // As it is written too: whoever can change a link on the way changes where it leads.
    for above in directory.ancestors().chain(real.ancestors()).filter(|above| !above.as_os_str().is_empty()) {
        judge_directory(&std::fs::metadata(above).map_err(|_| ReferenceFailure::Unreadable)?)?;
    }
    Ok(metadata)
}

/// Judges a directory on the way to a file: its owner, and whoever may write to it, can put a file of their own in the place
/// of this one. In a sticky directory such as `/tmp` only the owner of a file can.
fn judge_directory(metadata: &Metadata) -> Result<(), ReferenceFailure> {
    if user().is_some_and(|user| metadata.uid() != user && metadata.uid() != ROOT) {
        return Err(ReferenceFailure::ForeignOwner);
    }
    if metadata.mode() & WRITING != 0 && metadata.mode() & STICKY == 0 {
        return Err(ReferenceFailure::OpenToOthers);
    }
    Ok(())
}

/// Judges what is known of a file, also of one that is open.
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

/// The user this process acts for.
#[cfg(feature = "exec")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature nobody may know")]
fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// The user this process acts for, who is the owner of its entry where there is a `/proc`. Elsewhere a file that nobody but
/// its owner may read, and that can be read, is the user's.
#[cfg(not(feature = "exec"))]
fn user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
}
