//! Valid settings of a configuration that are probably mistakes.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::secrets;
use crate::clock::Timestamp;
use crate::config::{Config, ProfileMode};
use crate::credential::CredentialKind;
use crate::error::Location;
use crate::error::{Diagnostic, DiagnosticCode, Severity, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::references::Address;
use crate::select::{Query, Verdict};
use crate::syntax::KeyPath;

impl Config {
    /// Returns all diagnostics about the configuration: its [`diagnostics`](Self::diagnostics), including deprecated
    /// keys, and valid settings that are probably mistakes.
    ///
    /// - Both `cacheRetention` and `cacheControlTtl` in one block.
    /// - A cache retention for a subscription credential, which does not honour it.
    /// - Since August 2026, an alias of OpenClaw that no listed model has; in every release, a name that is nearly an
    ///   alias.
    /// - References that cannot be resolved, whatever a file or a command returns.
    /// - Variables of providers that cannot be secrets, such as placeholders, or had to be cleaned.
    /// - With the stored profiles: secrets that cannot be one, and times that were probably written in another unit.
    /// - With the stored profiles of one agent or of all: ids in an order or in `auth.profiles` without a profile,
    ///   stored profiles that are left out because `auth.profiles` lists others of their provider, and entries of
    ///   `auth.profiles` that are never used because the stored profile has another mode or provider.
    ///
    /// They are in file order; none is an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, Config, Environment, ReadOptions};
    /// use provider_auth::error::DiagnosticCode;
    ///
    /// let text = "{ auth: { order: { anthropic: ['anthropic:old'] } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
    /// let found = config.lint(Some(&AuthProfiles::new()));
    /// assert_eq!(found[0].code, DiagnosticCode::UnknownProfile);
    /// assert_eq!(found[0].location.key_path.as_deref(), Some("auth.order.anthropic[0]"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn lint<'p>(&self, profiles: impl IntoIterator<Item = &'p AuthProfiles>) -> Vec<Diagnostic> {
        let all: Vec<&AuthProfiles> = profiles.into_iter().collect();
        for profiles in &all {
            profiles.group();
        }
        let mut found = self.diagnostics().to_vec();
        found.extend(self.odd_names());
        found.extend(super::builder::failed_references(self));
        found.extend(secrets::of_transport(self));
        found.extend(secrets::of_variables(self));
        found.extend(secrets::of_stored(self, &all));
        let mut warn = |code, place: &Location, message: String, help: &str| {
            found.push(Diagnostic::new(Severity::Warning, code, place.clone(), message).with_help(help));
        };
        for place in self.double_retentions() {
            let message = "`cacheRetention` and `cacheControlTtl` are both set; the first one is used".to_owned();
            warn(DiagnosticCode::Conflict, place, message, "remove `cacheControlTtl`");
        }
        let known = RefCell::new(HashMap::new());
        let is_subscription = |provider: &ProviderId| {
            let key = provider.written().to_owned();
            *known.borrow_mut().entry(key).or_insert_with(|| self.is_subscription(provider, &all))
        };
        for place in self.ignored_retentions(is_subscription) {
            let message = "the credential in use is a subscription, which does not honour a cache retention".to_owned();
            warn(DiagnosticCode::IgnoredSetting, place, message, "use an API key for prompt caching");
        }
        let of_profiles = all.iter().flat_map(|profiles| profiles.iter()).filter_map(|(id, profile)| {
            let place = Location::default().with_key_path(KeyPath::root().key("profiles").key(id.as_str()).to_string());
            Some((profile.secret_ref()?, place))
        });
        let mut seen: HashSet<Location> = HashSet::new();
        let placed = self.placed_references().map(|(reference, place)| (reference, place.clone()));
        for (reference, place) in placed.chain(of_profiles) {
            let Some(flaw) = Address::flaw(reference, self.secrets()).filter(|_| !seen.contains(&place)) else {
                continue;
            };
            let message = format!("the reference cannot be resolved: {flaw}");
            warn(DiagnosticCode::UnresolvedReference, &place, message, flaw.help());
            seen.insert(place);
        }
        if !all.is_empty() {
            self.lint_profiles(&all, &mut warn);
        }
        found.sort_by_key(|found| (found.location.path.clone(), found.location.line, found.location.column));
        found
    }

    fn lint_profiles(&self, all: &[&AuthProfiles], warn: &mut impl FnMut(DiagnosticCode, &Location, String, &str)) {
        let mut holders: HashMap<&ProfileId, usize> = HashMap::new();
        for (place, profiles) in all.iter().enumerate() {
            profiles.iter().for_each(|(id, _)| _ = holders.entry(id).or_insert(place));
        }
        for (_, id, place) in self.placed_orders() {
            if !holders.contains_key(id) && !self.is_foreign(id) {
                let message = format!("the order names {:?}, which is not stored", Shown::new(id.as_str()));
                warn(DiagnosticCode::UnknownProfile, place, message, "store the profile, or remove it from the order");
            }
        }
        let selector = self.selector();
        // Orders would hide the verdicts on the entries.
        let unordered: Vec<AuthProfiles> = all.iter().map(|profiles| profiles.without_orders()).collect();
        unordered.iter().for_each(AuthProfiles::group);
        let (mut seen, mut judged) = (HashSet::new(), HashMap::new());
        for (id, entry) in self.auth_profiles() {
            let place = self.place_of_profile(id);
            if self.is_foreign(id) {
                continue;
            }
            let holder = holders.get(id).and_then(|place| Some((*place, unordered.get(*place)?)));
            let Some((place_of, profiles, stored)) =
                holder.and_then(|(place, held)| Some((place, held, held.get(id.as_str())?)))
            else {
                let message = format!("no profile {:?} is stored", Shown::new(id.as_str()));
                warn(DiagnosticCode::UnknownProfile, &place, message, "store the profile, or remove the entry");
                continue;
            };
            let query = Query::new(&entry.provider);
            let verdicts = judged.entry((place_of, entry.provider.written())).or_insert_with(|| {
                let judged = selector.candidates(profiles, &query, Timestamp::default());
                judged.iter().map(|one| (one.id.as_str().to_owned(), one.verdict)).collect::<HashMap<_, _>>()
            });
            let verdict = verdicts.get(id.as_str()).copied();
            if stored.provider() != &entry.provider {
                let message = format!(
                    "the stored profile {:?} belongs to another provider and is never used",
                    Shown::new(id.as_str())
                );
                warn(DiagnosticCode::NeverMatches, &place, message, "correct `provider`");
            } else if verdict == Some(Verdict::ModeMismatch) {
                let kind = stored.kind().map_or("of an unknown kind", CredentialKind::as_str);
                let message = format!("the stored profile {:?} is {kind} and is never used", Shown::new(id.as_str()));
                warn(DiagnosticCode::NeverMatches, &place, message, "correct `mode`");
            }
            if !seen.insert(&entry.provider) {
                continue;
            }
            let ordered = all.iter().any(|profiles| profiles.order(&entry.provider).is_some());
            let ordered = ordered || self.auth_order(&entry.provider).is_some();
            if ordered {
                continue;
            }
            // Profiles that OpenClaw withholds are not used either way.
            let left_out = all.iter().flat_map(|profiles| profiles.entries_of(&entry.provider)).filter(|other| {
                let is_usable = other.profile.hold().is_none() && !other.id.is_personal();
                is_usable && self.auth_profile(other.id).is_none()
            });
            let mut names: Vec<String> = left_out.map(|other| format!("{:?}", Shown::new(other.id.as_str()))).collect();
            names.dedup();
            if !names.is_empty() {
                let message =
                    format!("`auth.profiles` lists profiles of {} and leaves out {}", entry.provider, names.join(", "));
                warn(DiagnosticCode::LeftOut, &place, message, "list every profile of the provider, or none");
            }
        }
    }

    /// Returns `true` for an entry whose secret another library finds, so that no profile is stored for it.
    fn is_foreign(&self, id: &ProfileId) -> bool {
        self.auth_profile(id).is_some_and(|entry| entry.mode == Some(ProfileMode::AwsSdk))
    }

    /// Returns `true` if the credential that a provider would use is a subscription's.
    fn is_subscription(&self, provider: &ProviderId, all: &[&AuthProfiles]) -> bool {
        if !all.is_empty() {
            let selector = self.selector();
            let query = Query::new(provider);
            let stored = all.iter().find_map(|profiles| {
                let first = selector.candidates(profiles, &query, Timestamp::default()).order().next().cloned();
                profiles.get(first?.as_str())?.kind()
            });
            let exported = || self.variable(provider).map(|found| found.credential.kind());
            return stored.or_else(exported).is_some_and(CredentialKind::is_subscription);
        }
        let mut modes = self.auth_profiles().filter(|(_, entry)| entry.provider == *provider).peekable();
        let kind = |mode: ProfileMode| mode.kind().is_some_and(CredentialKind::is_subscription);
        modes.peek().is_some() && modes.all(|(_, entry)| entry.mode.is_some_and(kind))
    }
}
