//! Profiles that are in a file but in no store.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::error::{Diagnostic, DiagnosticCode, Location, Severity, Shown};
use crate::id::ProfileId;

/// How many profiles a text names; the others are counted.
const MOST_NAMED: usize = 8;

/// A file with credentials that no store reads, found by [`StateDir::leftovers`](super::StateDir::leftovers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The path of the file.
    pub path: PathBuf,
    /// The reason why it is not read.
    pub kind: LeftoverKind,
    /// The profiles in it that the store does not have, in file order; each is in one leftover only.
    pub profiles: Vec<ProfileId>,
    /// `true` if the file could be read.
    pub is_readable: bool,
    /// The name under which OpenClaw looks for such a file.
    pub(super) original: &'static str,
    /// `true` if OpenClaw has a database that the file can be imported into.
    pub(super) has_database: bool,
}

/// The reason why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftoverKind {
    /// It is beside a database, and OpenClaw has not imported it.
    Unimported,
    /// An import or a repair left it behind.
    Archive,
}

impl LeftoverKind {
    /// Returns the name: `unimported` or `archive`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unimported => "unimported",
            Self::Archive => "archive",
        }
    }
}

impl Leftover {
    /// Returns a diagnostic for reports: how many profiles, which, and what to run. It contains no secret.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let count = self.profiles.len();
        let (one, names) = (if count == 1 { "profile" } else { "profiles" }, self.names());
        let message = match self.kind {
            LeftoverKind::Archive => {
                format!("an old credential file contains {count} {one} that no store has: {names}")
            }
            LeftoverKind::Unimported if !self.is_readable => {
                "an old credential file beside OpenClaw's database cannot be read and is not used".to_owned()
            }
            LeftoverKind::Unimported if count == 0 => {
                "there is an old credential file beside OpenClaw's database, which is not used".to_owned()
            }
            LeftoverKind::Unimported => {
                let lies = "there is an old credential file beside OpenClaw's database, which is not used";
                format!("{lies}; it contains {count} {one} that no store has: {names}")
            }
        };
        let place = Location::default().with_path(&self.path);
        Diagnostic::new(Severity::Warning, DiagnosticCode::LeftBehind, place, message).with_help(self.help())
    }

    fn help(&self) -> String {
        let original = self.original;
        match self.kind {
            LeftoverKind::Unimported if !self.is_readable => {
                "run `openclaw doctor --fix`, which may still import it; if OpenClaw still asks for it afterwards, move the file elsewhere and keep it, because it may contain credentials".to_owned()
            }
            LeftoverKind::Unimported => "run `openclaw doctor --fix`, which imports the file and sets it aside".to_owned(),
            LeftoverKind::Archive if self.has_database => format!(
                "rename the file to `{original}`, unless that exists, and run `openclaw doctor --fix`, which imports what it knows; or remove the file if you do not need it"
            ),
            LeftoverKind::Archive => {
                "add them again, for example with `openclaw models auth paste-token`; or remove the file if you do not need it".to_owned()
            }
        }
    }

    fn names(&self) -> String {
        let quoted = self.profiles.iter().take(MOST_NAMED).map(|id| format!("{:?}", Shown::new(id.as_str())));
        let mut names = quoted.collect::<Vec<_>>().join(", ");
        if let Some(more) = self.profiles.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            let _ = write!(names, " and {more} more");
        }
        names
    }
}
