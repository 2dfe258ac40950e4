//! From the path a caller names to the file that is replaced.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::replace::split;
use super::system::{Kind, System};
use crate::error::{Error, ErrorKind, Result, io_error};

/// As many symbolic links in a row as the kernel follows.
const LINKS: usize = 40;

/// Where a path leads, every symbolic link followed; the file itself need not exist, its directory must.
///
/// # Errors
///
/// `NotFound` if a symbolic link points nowhere or the directory does not exist, `Io` if links go round in a circle,
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
                // A relative link counts from the directory it stands in.
                current = directory.join(to);
            }
            Ok(_) => return Ok(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound && links == 0 => return Ok(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(dangling(path)),
            Err(error) => return Err(io_error("the file cannot be examined", path, error)),
        }
    }
    Err(Error::new(ErrorKind::Io, "the symbolic links go round in a circle").with_path(path))
}

/// Where a path will lead once its directory is made: links of what is there are followed, and `..` behind it goes back.
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

/// Tells a file that was never made from a symbolic link that points nowhere: the latter is an error, because what it
/// pointed to may be on a disk that is not there at the moment.
pub(in crate::store) fn check_absent(system: &dyn System, path: &Path) -> Result<()> {
    match system.stat_link(path) {
        Ok(stat) if stat.kind == Kind::Link => Err(dangling(path)),
        // It was made a moment ago; who asks again will see it.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("the file cannot be examined", path, error)),
    }
}

/// Makes the directory of a path if it is not there, for its owner only, so that it survives a loss of power.
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
    made.map_err(|error| io_error("the directory cannot be made", directory, error))
}
