//! Peculiarities of Windows: open files, names of paths, directories shared by all users.
//!
//! The functions on paths work on their text, so that they are tested on every system.

#[cfg(windows)]
pub(super) use imp::{is_in_use, is_shared, network, plain, staying};

#[cfg(windows)]
mod imp {
    use std::fs::OpenOptions;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::path::{Path, PathBuf};

    use super::super::system::Stat;
    use crate::env::Environment;

    const FILE_SHARE_READ: u32 = 1;
    const FILE_SHARE_WRITE: u32 = 2;

    /// Error codes for a file that is open or about to be removed: access denied, which is also the answer without the
    /// right to it; a sharing violation; a lock violation; a pending removal; a mapped file.
    const IN_USE: [i32; 5] = [5, 32, 33, 303, 1224];

    /// The variables with the directories that all users of a machine share.
    const OF_ALL_USERS: [&str; 3] = ["PUBLIC", "ProgramData", "ALLUSERSPROFILE"];

    /// The file can be neither removed nor renamed while it is open, so the locked file is always the one with the
    /// name.
    pub(in super::super) fn staying(options: &mut OpenOptions) -> &mut OpenOptions {
        options.share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
    }

    pub(in super::super) fn is_in_use(error: &io::Error) -> bool {
        error.raw_os_error().is_some_and(|code| IN_USE.contains(&code))
    }

    pub(in super::super) fn plain(path: PathBuf) -> PathBuf {
        path.to_str().and_then(super::plain_text).map_or(path, PathBuf::from)
    }

    /// The canonical path of a mapped network drive shows the other machine.
    pub(in super::super) fn network(directory: &Path, _stat: &Stat) -> io::Result<Option<String>> {
        let canonical = directory.canonicalize()?;
        Ok(canonical.to_str().filter(|path| super::is_remote(path)).map(|_| "SMB".to_owned()))
    }

    pub(in super::super) fn is_shared(path: &Path) -> bool {
        let environment = Environment::process();
        path.to_str().is_some_and(|path| {
            let mut places = OF_ALL_USERS.iter().filter_map(|name| environment.get(name));
            places.any(|place| super::is_below(path, place.expose()))
        })
    }
}

/// The longest path, in UTF-16 units, that is used without its prefix. Less than the system's 260, because the names of
/// files beside it are longer.
#[cfg(any(windows, test))]
const LONGEST: usize = 200;

/// Returns a canonical path as people write it, without the prefix `\\?\`, if that means the same.
#[cfg(any(windows, test))]
fn plain_text(path: &str) -> Option<String> {
    let rest = path.strip_prefix(r"\\?\")?;
    if path.encode_utf16().count() > LONGEST {
        return None;
    }
    let (plain, names) = match rest.strip_prefix(r"UNC\") {
        Some(place) => (format!(r"\\{place}"), place),
        None => (rest.to_owned(), rest.split_once(r":\").filter(|(drive, _)| drive.len() == 1)?.1),
    };
    names.split('\\').all(is_usual).then_some(plain)
}

/// Returns `true` if a name means the same without the prefix: it does not end in a dot or a blank, and is no device.
#[cfg(any(windows, test))]
fn is_usual(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_lowercase();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let is_device = ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&&*stem)
        || port.is_some_and(|port| matches!(port.chars().count(), 0 | 1));
    !is_device && !name.ends_with(['.', ' ']) && !name.contains('/')
}

/// Returns `true` if a canonical path is on another machine.
#[cfg(any(windows, test))]
fn is_remote(path: &str) -> bool {
    path.starts_with(r"\\?\UNC\") || path.strip_prefix(r"\\").is_some_and(|rest| !rest.starts_with(['?', '.']))
}

/// Returns `true` if a path is in a directory, according to their names.
#[cfg(any(windows, test))]
fn is_below(path: &str, directory: &str) -> bool {
    let tidy = |path: &str| path.strip_prefix(r"\\?\").unwrap_or(path).replace('/', r"\").to_lowercase();
    let (path, directory) = (tidy(path), tidy(directory));
    let directory = directory.trim_end_matches('\\');
    !directory.is_empty() && path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::{is_below, is_remote, plain_text};

    #[test]
    fn canonical_paths_are_shown_as_people_write_them_where_that_is_the_same() {
        for (canonical, written) in [
            (r"\\?\C:\Users\me\.openclaw", Some(r"C:\Users\me\.openclaw")),
            (r"\\?\C:\", Some(r"C:\")),
            (r"\\?\C:\claw\common", Some(r"C:\claw\common")),
            (r"\\?\UNC\server\share\claw", Some(r"\\server\share\claw")),
            (r"C:\Users\me", None),
            (r"\\?\Volume{made-up}\claw", None),
            (r"\\?\C:\claw.\file", None),
            (r"\\?\C:\claw\ends in a blank ", None),
            (r"\\?\C:\claw\nul.json", None),
            (r"\\?\C:\claw\COM1", None),
        ] {
            assert_eq!(plain_text(canonical).as_deref(), written, "{canonical}");
        }
        assert_eq!(plain_text(&format!(r"\\?\C:\{}", "long".repeat(60))), None);
    }

    #[test]
    fn a_share_of_another_machine_is_known_by_its_name() {
        for remote in [r"\\server\share\claw", r"\\?\UNC\server\share\claw"] {
            assert!(is_remote(remote), "{remote}");
        }
        for here in [r"C:\claw", r"\\?\C:\claw", r"\\.\pipe\claw"] {
            assert!(!is_remote(here), "{here}");
        }
    }

    #[test]
    fn what_is_in_a_directory_of_all_users_is_known_whatever_the_case() {
        for (path, is_shared) in [
            (r"C:\Users\Public\claw\auth-profiles.json", true),
            (r"\\?\c:\users\PUBLIC\claw", true),
            ("C:/Users/Public/claw", true),
            (r"C:\Users\Publications\claw", false),
            (r"C:\Users\me\claw", false),
        ] {
            assert_eq!(is_below(path, r"C:\Users\Public"), is_shared, "{path}");
            assert_eq!(is_below(path, "C:/Users/Public/"), is_shared, "{path}");
            assert!(!is_below(path, ""));
        }
    }
}
