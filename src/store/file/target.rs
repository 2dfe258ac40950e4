//! Resolving the path that a caller names to the file that is replaced.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::replace::split;
use super::system::{Kind, System};
use crate::error::{Error, ErrorKind, Result, io_error};

/// The number of symbolic links in a row that the kernel follows.
const LINKS: usize = 40;

/// Resolves every symbolic link of a path. The file itself need not exist, but its directory must.
///
/// # Errors
///
/// `NotFound` if a symbolic link dangles or the directory does not exist, `Io` if links form a loop,
/// `PermissionDenied`, `Io`.
pub(super) fn resolve(system: &dyn System, path: &Path) -> Result<PathBuf> {
    let mut current = path.to_owned();
    for links in 0..LINKS {
        let (directory, name) = split(&current);
        let directory = system.canonical(directory).map_err(|error| {
            let what = if links == 0 { "the directory cannot be reached" } else { DANGLING };
            io_error(what, path, error)
        })?;
        let there = directory.join(name);
        match system.stat_link(&there) {
            Ok(stat) if stat.kind == Kind::Link => {
                let to = system.read_link(&there).map_err(|error| io_error("the link cannot be read", path, error))?;
                current = directory.join(to);
            }
            Ok(_) => return Ok(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound && links == 0 => return Ok(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(dangling(path)),
            Err(error) => return Err(io_error("the file cannot be examined", path, error)),
        }
    }
    Err(Error::new(ErrorKind::Io, "the symbolic links form a loop").with_path(path))
}

/// Returns where a path will lead once its directory is created: existing links are followed, and `..` after them goes
/// up.
pub(super) fn foreseen(system: &dyn System, path: &Path) -> PathBuf {
    let (directory, name) = split(path);
    let there = directory.ancestors().find_map(|ancestor| Some((ancestor, system.canonical(ancestor).ok()?)));
    let Some((ancestor, mut place)) = there else { return path.to_owned() };
    for component in directory.strip_prefix(ancestor).unwrap_or(Path::new("")).components() {
        match component {
            Component::ParentDir => drop(place.pop()),
            other => place.push(other),
        }
    }
    place.join(name)
}

const DANGLING: &str = "the symbolic link points nowhere";

fn dangling(path: &Path) -> Error {
    Error::new(ErrorKind::NotFound, DANGLING).with_path(path)
}

/// Distinguishes a missing file from a dangling link, which is an error, because its target may be on a disk that is
/// not mounted at the moment.
pub(in crate::store) fn check_absent(system: &dyn System, path: &Path) -> Result<()> {
    match system.stat_link(path) {
        Ok(stat) if stat.kind == Kind::Link => Err(dangling(path)),
        // It was created a moment ago; the next read sees it.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("the file cannot be examined", path, error)),
    }
}

/// Creates the directory of a path if it is missing, for its owner only, so that it survives a loss of power.
///
/// # Errors
///
/// `PermissionDenied`, `StorageFull`, `Io`.
pub(in crate::store) fn make_directory(system: &dyn System, path: &Path) -> Result<()> {
    let directory = split(path).0;
    if system.stat(directory).is_ok() {
        return Ok(());
    }
    let missing: Vec<&Path> = directory.ancestors().take_while(|ancestor| system.stat(ancestor).is_err()).collect();
    let made = system.make_directories(directory).and_then(|()| {
        missing.iter().filter_map(|made| made.parent()).try_for_each(|parent| system.sync_directory(parent))
    });
    made.map_err(|error| io_error("the directory cannot be created", directory, error))
}
