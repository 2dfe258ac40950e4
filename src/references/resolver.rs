//! The resolver of references.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::{Address, Place};
use super::cache::{Cache, Lifetimes};
use super::source::ReferenceSource;
use crate::clock::Timestamp;
use crate::config::{Config, SecretProvider};
use crate::credential::{ReferenceFailure, Resolved, SecretRef};
use crate::env::Environment;
use crate::profile::AuthProfiles;
use crate::secret::Secret;

const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The longest lifetime of failures, after which they are looked up again: the user may have fixed the cause.
const RETRY: Duration = Duration::from_secs(30);

type Outcome = Result<Secret, ReferenceFailure>;

/// Looks up the secrets that references refer to, and caches the results.
///
/// By default it reads variables only. Keep one resolver for as long as the program runs: it looks a reference up again
/// only after the [`lifetime`](Self::lifetime).
///
/// # Examples
///
/// ```
/// use provider_auth::references::ReferenceResolver;
/// use provider_auth::{AuthProfiles, Config, Timestamp};
///
/// let references = ReferenceResolver::new().allow_files();
/// let resolved = references.resolve(&AuthProfiles::new(), &Config::default(), Timestamp::from_millis(0));
/// assert!(resolved.is_empty());
/// ```
pub struct ReferenceResolver {
    sources: HashMap<String, Box<dyn ReferenceSource>>,
    state_directory: Option<PathBuf>,
    files: bool,
    commands: bool,
    lifetime: Duration,
    cache: Mutex<Cache>,
    /// Held during a lookup, so that nothing is looked up twice.
    looking: Mutex<()>,
}

impl ReferenceResolver {
    /// Creates a resolver that reads only variables, from the environment that the configuration was read with.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sources: HashMap::new(),
            state_directory: None,
            files: false,
            commands: false,
            lifetime: LIFETIME,
            cache: Mutex::default(),
            looking: Mutex::default(),
        }
    }

    /// Sets OpenClaw's state directory, whose database has the secrets of the source `store`. Requires the feature
    /// `sqlite`. `StateDir::references` sets it.
    #[must_use]
    pub fn with_state_directory(self, path: impl Into<PathBuf>) -> Self {
        Self { state_directory: Some(path.into()), ..self }
    }

    /// Allows the source `file`: reads the files in `secrets.providers` of the configuration.
    ///
    /// A file must be a regular file with only one name that belongs to this user, and no other user may have any right
    /// to it. The directories above it must belong to this user or root, and no other user may write to them, unless
    /// they are sticky like `/tmp`. Not available on Windows.
    #[must_use]
    pub fn allow_files(self) -> Self {
        Self { files: true, ..self }
    }

    /// Allows the source `exec`: runs the commands in `secrets.providers` of the configuration.
    ///
    /// **Anyone who can write the configuration can then run programs as this user.** A command runs without a shell,
    /// in its own directory and with only the variables of its entry. It must be a regular file of this user that no
    /// other user can change, in directories that meet the conditions of [`allow_files`](Self::allow_files). Its output
    /// and its time are limited, and everything it starts in its process group ends with it. Its standard error is
    /// discarded. An empty `trustedDirs` trusts no directory.
    #[cfg(all(unix, feature = "exec"))]
    #[cfg_attr(docsrs, doc(cfg(feature = "exec")))]
    #[must_use]
    pub fn allow_commands(self) -> Self {
        Self { commands: true, ..self }
    }

    /// Sets where the secrets of a source are found. It can replace one of OpenClaw's sources, and then gets the
    /// reference without any checks.
    #[must_use]
    pub fn with_source(mut self, name: impl Into<String>, source: impl ReferenceSource + 'static) -> Self {
        self.sources.insert(name.into(), Box::new(source));
        self
    }

    /// Sets how long results are valid. Default: 5 minutes; failures are valid for 30 seconds at most.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// Looks up the references of profiles and of a configuration, unless they are in the cache.
    ///
    /// May block: files and databases are read, and commands are run, one after the other, each for as long as its
    /// entry allows. References with the same provider are looked up together. Concurrent calls wait for each other.
    #[must_use]
    pub fn resolve(&self, profiles: &AuthProfiles, config: &Config, now: Timestamp) -> Resolved {
        let wanted = wanted(profiles, config);
        if let Some(known) = self.known(&wanted, config, now) {
            return known;
        }
        let _one_at_a_time = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown: Vec<&SecretRef> = {
            let mut cache = self.cache();
            cache.prepare(config.secrets(), self.lifetimes(), now);
            wanted.iter().copied().filter(|reference| !cache.knows(reference)).collect()
        };
        let found = self.look_up(&unknown, config);
        let mut cache = self.cache();
        for (reference, outcome) in found {
            cache.put(reference, outcome, now);
        }
        cache.collect(&wanted, self.lifetimes())
    }

    /// As [`resolve`](Self::resolve) if nothing has to be looked up; otherwise returns `None`.
    #[cfg(feature = "client")]
    pub(crate) fn resolve_known(&self, profiles: &AuthProfiles, config: &Config, now: Timestamp) -> Option<Resolved> {
        self.known(&wanted(profiles, config), config, now)
    }

    /// Clears the cache, so that the next call looks everything up again, for example after a credential was refused.
    pub fn forget(&self) {
        self.cache().clear();
    }

    fn known(&self, wanted: &[&SecretRef], config: &Config, now: Timestamp) -> Option<Resolved> {
        let mut cache = self.cache();
        cache.prepare(config.secrets(), self.lifetimes(), now);
        let all = wanted.iter().all(|reference| cache.knows(reference));
        all.then(|| cache.collect(wanted, self.lifetimes()))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lifetimes(&self) -> Lifetimes {
        Lifetimes { secret: self.lifetime, failure: self.lifetime.min(RETRY) }
    }

    fn look_up<'a>(&self, wanted: &[&'a SecretRef], config: &Config) -> Vec<(&'a SecretRef, Outcome)> {
        let mut found: Vec<(&SecretRef, Outcome)> = Vec::new();
        let mut groups: Vec<(Address<'_>, Vec<(&SecretRef, &str)>)> = Vec::new();
        for reference in wanted.iter().copied() {
            if let Some(source) = self.sources.get(&reference.source) {
                found.push((reference, source.find(reference)));
                continue;
            }
            match Address::of(reference, config.secrets()) {
                Err(failure) => found.push((reference, Err(failure))),
                Ok(address) => {
                    let same = |(group, _): &&mut (Address<'_>, Vec<_>)| {
                        (group.place, group.provider) == (address.place, address.provider)
                    };
                    match groups.iter_mut().find(same) {
                        Some((_, members)) => members.push((reference, address.id)),
                        None => groups.push((address, vec![(reference, address.id)])),
                    }
                }
            }
        }
        for (address, members) in groups {
            let ids: Vec<&str> = members.iter().map(|(_, id)| *id).collect();
            let outcomes = self.at(&address, &ids, config.environment());
            found.extend(members.iter().map(|(reference, _)| *reference).zip(outcomes));
        }
        found.into_iter().map(|(reference, outcome)| (reference, outcome.and_then(usable))).collect()
    }

    fn at(&self, address: &Address<'_>, ids: &[&str], environment: &Environment) -> Vec<Outcome> {
        let entry = address.entry;
        match address.place {
            Place::Env => ids.iter().map(|name| variable(name, entry, environment)).collect(),
            Place::Store => self.stored(ids),
            Place::File if self.files => in_file(ids, entry, environment),
            Place::Exec if self.commands => from_command(address.provider, ids, entry, environment),
            Place::File | Place::Exec => vec![Err(ReferenceFailure::NotAllowed); ids.len()],
        }
    }

    #[cfg(feature = "sqlite")]
    fn stored(&self, names: &[&str]) -> Vec<Outcome> {
        let Some(directory) = &self.state_directory else { return vec![Err(ReferenceFailure::NoStore); names.len()] };
        match crate::store::stored_secrets(directory, names) {
            Ok(found) => found.into_iter().map(|secret| secret.ok_or(ReferenceFailure::NotFound)).collect(),
            Err(_) => vec![Err(ReferenceFailure::StoreFailed); names.len()],
        }
    }

    #[cfg(not(feature = "sqlite"))]
    #[expect(clippy::unused_self, reason = "with the feature it has a directory")]
    fn stored(&self, names: &[&str]) -> Vec<Outcome> {
        vec![Err(ReferenceFailure::NoStore); names.len()]
    }
}

fn wanted<'a>(profiles: &'a AuthProfiles, config: &'a Config) -> Vec<&'a SecretRef> {
    let mut seen = HashSet::new();
    profiles.references().chain(config.references()).filter(|reference| seen.insert(*reference)).collect()
}

/// Refuses a text that cannot be a secret.
fn usable(secret: Secret) -> Outcome {
    let cleaned = Secret::cleaned(secret.expose());
    match cleaned.is_empty() {
        true => Err(ReferenceFailure::NotAText),
        false if cleaned.is_placeholder() => Err(ReferenceFailure::Placeholder),
        false => Ok(secret),
    }
}

fn variable(name: &str, entry: Option<&SecretProvider>, environment: &Environment) -> Outcome {
    let allowlist = entry.and_then(|entry| entry.allowlist.as_ref());
    if allowlist.is_some_and(|names| !names.iter().any(|allowed| allowed == name)) {
        return Err(ReferenceFailure::Denied);
    }
    environment.get(name).ok_or(ReferenceFailure::MissingVariable)
}

#[cfg(unix)]
fn in_file(ids: &[&str], entry: Option<&SecretProvider>, environment: &Environment) -> Vec<Outcome> {
    let content = entry.ok_or(ReferenceFailure::UnknownProvider);
    match content.and_then(|entry| super::file::Content::read(entry, environment)) {
        Ok(content) => ids.iter().map(|id| content.secret(id)).collect(),
        Err(failure) => vec![Err(failure); ids.len()],
    }
}

#[cfg(not(unix))]
fn in_file(ids: &[&str], _: Option<&SecretProvider>, _: &Environment) -> Vec<Outcome> {
    vec![Err(ReferenceFailure::NotAllowed); ids.len()]
}

#[cfg(all(unix, feature = "exec"))]
fn from_command(
    provider: &str,
    ids: &[&str],
    entry: Option<&SecretProvider>,
    environment: &Environment,
) -> Vec<Outcome> {
    use super::command::run;
    use super::protocol::{Answer, question};

    let Some(entry) = entry else { return vec![Err(ReferenceFailure::UnknownProvider); ids.len()] };
    // Output that may be the secret itself can contain only one.
    let at_once = if entry.json_only { ids.len().max(1) } else { 1 };
    let asked = ids.chunks(at_once).flat_map(|ids| {
        let answer = run(entry, environment, &question(provider, ids));
        match answer.and_then(|output| Answer::read(&output, entry.json_only)) {
            Ok(answer) => ids.iter().map(|id| answer.secret(id)).collect(),
            Err(failure) => vec![Err(failure); ids.len()],
        }
    });
    asked.collect()
}

#[cfg(not(all(unix, feature = "exec")))]
fn from_command(_: &str, ids: &[&str], _: Option<&SecretProvider>, _: &Environment) -> Vec<Outcome> {
    vec![Err(ReferenceFailure::NotAllowed); ids.len()]
}

impl Default for ReferenceResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReferenceResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferenceResolver")
            .field("sources", &self.sources.keys().collect::<Vec<_>>())
            .field("state_directory", &self.state_directory)
            .field("files", &self.files)
            .field("commands", &self.commands)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
