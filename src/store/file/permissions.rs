//! Checks of who else may read or change a credential file.

use std::path::Path;

use super::system::{Stat, System};
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::error::{Error, ErrorKind, Location, Result};

const OTHERS: u32 = 0o077;

/// Added to the help if the file store fixes the problem with its next write.
pub(super) const MENDED_BY_WRITING: &str = "; the next write does so too";

/// Returns what [`remarks`] does.
///
/// # Errors
///
/// `InsecurePermissions` if there is a problem and the store is strict.
pub(in crate::store) fn inspect(
    system: &dyn System,
    stat: &Stat,
    path: &Path,
    strict: bool,
    note: &str,
) -> Result<Vec<Diagnostic>> {
    let diagnostics = remarks(system, stat, path, note);
    match diagnostics.first() {
        Some(first) if strict => {
            let error = Error::new(ErrorKind::InsecurePermissions, first.message.clone()).with_path(path);
            Err(error.with_diagnostics(diagnostics))
        }
        _ => Ok(diagnostics),
    }
}

/// Returns the problems of a file's mode, owner and directory, with help to which `note` is appended if a write may fix
/// the problem.
pub(super) fn remarks(system: &dyn System, stat: &Stat, path: &Path, note: &str) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    if let Some(mode) = stat.mode.filter(|mode| mode & OTHERS != 0) {
        remarks.push((
            format!("other users have rights to the file (mode {mode:04o})"),
            format!("remove them with `chmod 600`{note}"),
        ));
    }
    if let (Some(owner), Some(user)) = (stat.owner, system.user())
        && owner != user
    {
        remarks.push((
            format!("the file belongs to another user (id {owner}, this process acts for {user})"),
            format!("change its owner with `chown`{note}"),
        ));
    }
    if system.is_shared(path) {
        remarks.push((
            "the file is in a directory that all users of this machine share".to_owned(),
            "keep credentials in your own profile directory".to_owned(),
        ));
    }
    let location = || Location::default().with_path(path);
    let diagnostic = |(message, help): (String, String)| {
        let code = DiagnosticCode::InsecurePermissions;
        Diagnostic::new(Severity::Warning, code, location(), message).with_help(help)
    };
    remarks.into_iter().map(diagnostic).collect()
}
