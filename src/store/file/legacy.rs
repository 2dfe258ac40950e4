//! Importing credentials from older files while there is no file of the current format.

use std::io;
use std::path::{Path, PathBuf};

use super::snapshot::Reading;
use super::system::{Kind, Stat, System};
use super::{patience, permissions};
use crate::error::Location;
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::profile::{AuthProfiles, LegacyForm};

#[derive(Clone, Debug)]
pub(super) struct Legacy {
    pub(super) credentials: PathBuf,
    pub(super) logins: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) struct Import {
    pub(super) document: AuthProfiles,
    /// The files that were taken over completely. They are removed when the new file is durable; the others are kept.
    pub(super) taken: Vec<(PathBuf, Stat)>,
}

impl Import {
    pub(super) fn is_pending(&self) -> bool {
        !self.document.is_empty()
    }

    /// Removes the files that were taken over completely, unless they have changed since. Remaining files are never
    /// read again once there is a file of the current format.
    pub(super) fn remove_taken(&self, system: &dyn System) {
        for (path, then) in &self.taken {
            if system.stat(path).is_ok_and(|now| now == *then) {
                drop(system.remove(path));
            }
        }
    }
}

impl Legacy {
    /// Reads the older files in place of a new one; returns `None` if there are none. A file that cannot be read is
    /// reported and left alone, as it must not block the new file.
    pub(super) fn read(&self, system: &dyn System, reading: &Reading, new: &Path) -> Option<Import> {
        let mut import = Import { document: AuthProfiles::new(), taken: Vec::new() };
        import.document.set_origin(new);
        let mut found = false;
        let logins = self.logins.as_ref().map(|path| (path, LegacyForm::Logins));
        for (path, form) in [Some((&self.credentials, LegacyForm::Credentials)), logins].into_iter().flatten() {
            let max = u64::try_from(reading.max_bytes).unwrap_or(u64::MAX);
            let remark = match patience::open(system, reading.wait, || system.read(path, max)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Ok((bytes, stat)) if stat.kind == Kind::File && stat.size <= max => {
                    match permissions::inspect(system, &stat, path, reading.strict, permissions::MENDED_BY_WRITING) {
                        Ok(remarks) => {
                            import.document.diagnostics_mut().extend(remarks);
                            take(&mut import, (path, stat), form, &bytes, reading)
                        }
                        Err(_) => Remark::Insecure,
                    }
                }
                _ => Remark::Unreadable,
            };
            found = true;
            import.document.diagnostics_mut().push(remark.about(path));
        }
        import.document.committed();
        found.then_some(import)
    }
}

fn take(import: &mut Import, (path, stat): (&Path, Stat), form: LegacyForm, bytes: &[u8], reading: &Reading) -> Remark {
    let Ok(text) = std::str::from_utf8(bytes) else { return Remark::Unreadable };
    match import.document.import(text, form, &reading.limits()) {
        Err(_) => Remark::Unreadable,
        Ok(false) => Remark::Partly,
        Ok(true) => {
            import.taken.push((path.to_owned(), stat));
            Remark::Taken
        }
    }
}

enum Remark {
    Taken,
    Partly,
    Unreadable,
    Insecure,
}

impl Remark {
    fn about(&self, path: &Path) -> Diagnostic {
        let (severity, message) = match self {
            Self::Taken => (
                Severity::Note,
                "credentials were taken from an older file; the first update moves them to the new one",
            ),
            Self::Partly => {
                (Severity::Warning, "some entries of an older file could not be taken over; the file is kept")
            }
            Self::Insecure => (
                Severity::Warning,
                "an older credential file is open to other users or belongs to one, and is not taken over",
            ),
            Self::Unreadable => {
                (Severity::Warning, "an older credential file cannot be understood and is kept as it is")
            }
        };
        Diagnostic::new(severity, DiagnosticCode::Imported, Location::default().with_path(path), message)
    }
}
