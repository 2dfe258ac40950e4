//! Which names are those of one file. On Windows case and the kind of separator make no difference, nor does a prefix.

use std::path::{Path, PathBuf};

/// Whether both paths, in which nothing leads back, are the same by their names.
pub(super) fn are_same(one: &Path, other: &Path) -> bool {
    folded(one) == folded(other)
}

/// Whether a path is below a directory by its names, in which nothing leads back.
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
