//! Compares paths by name. On Windows case, the kind of separator and a `\\?\` prefix make no difference.

use std::path::{Path, PathBuf};

/// Returns `true` if both paths, which have no `..`, have the same names.
pub(super) fn are_same(one: &Path, other: &Path) -> bool {
    folded(one) == folded(other)
}

/// Returns `true` if a path is below a directory by its names, which have no `..`.
pub(super) fn is_inside(path: &Path, directory: &Path) -> bool {
    folded(path).starts_with(folded(directory))
}

fn folded(path: &Path) -> PathBuf {
    if !cfg!(windows) {
        return path.to_owned();
    }
    let text = path.to_string_lossy();
    let plain = match text.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => text.strip_prefix(r"\\?\").unwrap_or(&text).to_owned(),
    };
    PathBuf::from(plain.replace('/', r"\").to_lowercase())
}
