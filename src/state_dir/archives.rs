//! Finding files with credentials that no store reads.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::leftover::{Leftover, LeftoverKind};
use super::open::{Agent, FILES};
use super::{StateDir, read};
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, LegacyForm};
use crate::syntax::{Limits, utf8};

/// How many files of a directory are read, and how many of its entries are examined.
const MOST_FILES: usize = 32;
const MOST_ENTRIES: usize = 10_000;

/// The older file of OAuth credentials, in the directory `credentials` of the state directory.
const LOGINS: &str = "oauth.json";

impl StateDir {
    /// Returns the files of an agent with credentials that no store reads: those beside a database that OpenClaw has
    /// not imported, and those that imports and repairs left behind (`auth-profiles.json.migrated-…`, `….bak`) if they
    /// have a profile that is not in `profiles`.
    ///
    /// Never fails: files that are large, damaged or not regular are skipped, unless they also stop OpenClaw. Up to 32
    /// files of up to 1 MiB are read; nothing is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, StateDir};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let agent = directory.path().join("agents/main/agent");
    /// std::fs::create_dir_all(&agent)?;
    /// std::fs::write(agent.join("auth-profiles.json.bak"), r#"{"version": 1, "profiles": {
    ///     "anthropic:old": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-example"}}}"#)?;
    ///
    /// let leftovers = StateDir::at(directory.path()).leftovers("main", &AuthProfiles::new());
    /// assert_eq!(leftovers[0].profiles[0].as_str(), "anthropic:old");
    /// assert!(leftovers[0].diagnostic().to_string().contains("1 profile that no store has"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn leftovers<'a>(&self, agent: impl Into<Option<&'a str>>, profiles: &AuthProfiles) -> Vec<Leftover> {
        let Ok(agent) = self.agent(agent.into()) else { return Vec::new() };
        let has_database = self.layout_of(&agent).has_database();
        let mut found: Vec<Leftover> = Vec::new();
        let mut known: HashSet<ProfileId> = profiles.iter().map(|(id, _)| id.clone()).collect();
        for (path, original, kind) in self.old_files(&agent, has_database) {
            let read = ids(&path, original);
            let is_readable = read.is_ok();
            let lost = read.unwrap_or_default().into_iter().filter(|id| known.insert(id.clone())).collect();
            found.push(Leftover { path, kind, profiles: lost, is_readable, original, has_database });
        }
        // An archive whose profiles are all stored is of no interest.
        found.retain(|leftover| leftover.kind == LeftoverKind::Unimported || !leftover.profiles.is_empty());
        found
    }

    /// Returns old files of the agent with their original names: first those used before there was a database, then
    /// archives, the latest name first.
    fn old_files(&self, agent: &Agent, has_database: bool) -> Vec<OldFile> {
        let logins = (self.path.join("credentials"), &[LOGINS][..]);
        let directories = [Some((agent.directory.clone(), &FILES[..])), agent.is_default.then_some(logins)];
        let mut found = Vec::new();
        for (directory, names) in directories.into_iter().flatten() {
            let kind = |name: &str| {
                let (original, rest) = names.iter().find_map(|old| Some((*old, name.strip_prefix(old)?)))?;
                let kind = match rest {
                    "" => has_database.then_some(LeftoverKind::Unimported),
                    _ if rest.contains(".migrated-") || rest.contains(".bak") => Some(LeftoverKind::Archive),
                    _ => None,
                };
                Some((original, kind?))
            };
            let entries = std::fs::read_dir(&directory).into_iter().flatten().take(MOST_ENTRIES).flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            let mut files: Vec<OldFile> = names
                .filter_map(|name| kind(&name).map(|(original, kind)| (directory.join(&name), original, kind)))
                .collect();
            files.sort_by(|(a, ..), (b, ..)| b.cmp(a));
            files.truncate(MOST_FILES);
            found.extend(files);
        }
        found.sort_by_key(|(.., kind)| *kind == LeftoverKind::Archive);
        found
    }
}

/// A file, the name under which OpenClaw looks for it, and why it is not read.
type OldFile = (PathBuf, &'static str, LeftoverKind);

/// Returns the ids of the profiles in a file of any old format, including those of unknown types.
fn ids(path: &Path, original: &str) -> Result<Vec<ProfileId>> {
    let bytes = read::bytes(path, read::LARGEST)?;
    let text = utf8(&bytes)?;
    let [current, older] = FILES;
    let mut profiles = AuthProfiles::new();
    if original == current {
        match AuthProfiles::from_json(text) {
            Ok(document) => profiles = document,
            // OpenClaw also accepts a document with the profiles at the top level.
            Err(error) => return AuthProfiles::ids_at_top_level(text).ok_or(error),
        }
    } else {
        let form = if original == older { LegacyForm::Credentials } else { LegacyForm::Logins };
        profiles.import(text, form, &Limits::default())?;
    }
    Ok(profiles.iter().map(|(id, _)| id.clone()).collect())
}
