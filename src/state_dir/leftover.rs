//! Profiles that stand in a file and in no store: users miss them, and nothing else says where they are.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::error::{Diagnostic, DiagnosticCode, Location, Severity, Shown};
use crate::id::ProfileId;

/// How many profiles a text names; the rest is counted.
const MOST_NAMED: usize = 8;

/// A file with credentials that no store reads. Made by [`StateDir::leftovers`](super::StateDir::leftovers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The file.
    pub path: PathBuf,
    /// Why it is not read.
    pub kind: LeftoverKind,
    /// The profiles in it that the store does not have, in the order of the file; each is in one leftover only.
    pub profiles: Vec<ProfileId>,
    /// Whether the file could be understood.
    pub is_readable: bool,
    /// The name under which OpenClaw looks for such a file.
    pub(super) original: &'static str,
    /// Whether OpenClaw has a database that the file can be imported into.
    pub(super) has_database: bool,
}

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftoverKind {
    /// It lies beside a database, and OpenClaw has not imported it.
    Unimported,
    /// It is what an import or a repair left.
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
    /// Returns what a report says about it: how many profiles, which, and what to run. It has no secret in it.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let count = self.profiles.len();
        let (one, names) = (if count == 1 { "profile" } else { "profiles" }, self.names());
        let message = match self.kind {
            LeftoverKind::Archive => {
                format!("an old file of credentials holds {count} {one} that no store has: {names}")
            }
            LeftoverKind::Unimported if !self.is_readable => {
                "an old file of credentials beside OpenClaw's database cannot be read, and is not used".to_owned()
            }
            LeftoverKind::Unimported if count == 0 => {
                "an old file of credentials lies beside OpenClaw's database, and is not used".to_owned()
            }
            LeftoverKind::Unimported => {
                let lies = "an old file of credentials lies beside OpenClaw's database, and is not used";
                format!("{lies}; it holds {count} {one} that no store has: {names}")
            }
        };
        let place = Location::default().with_path(&self.path);
        Diagnostic::new(Severity::Warning, DiagnosticCode::LeftBehind, place, message).with_help(self.help())
    }

    fn help(&self) -> String {
        let original = self.original;
        match self.kind {
            LeftoverKind::Unimported if !self.is_readable => {
                "run `openclaw doctor --fix`, which may still import it; if OpenClaw asks for it afterwards, move the file elsewhere and keep it, because there may be credentials in it".to_owned()
            }
            LeftoverKind::Unimported => "run `openclaw doctor --fix`, which imports the file and puts it aside".to_owned(),
            LeftoverKind::Archive if self.has_database => format!(
                "give the file the name `{original}` again, if no other has it, and run `openclaw doctor --fix`, which imports what it knows; or remove the file if nothing in it is needed"
            ),
            LeftoverKind::Archive => {
                "add them again, for example with `openclaw models auth paste-token`; or remove the file if nothing in it is needed".to_owned()
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
