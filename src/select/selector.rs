//! The selector: rules plus what the configuration says.

use super::candidate::{Candidate, Candidates};
use super::order::{Selecting, Settings};
use super::query::Query;
use super::receipt::Receipt;
use super::resolve::CredentialSource;
use super::rules::SelectorRules;
use super::unavailable::Unavailable;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, Credential, CredentialKind, UsageStats};

/// Chooses the credential to use now.
///
/// Pure: the same profiles, query and time give the same answer. It holds its rules and what the configuration says of
/// order and profiles, and nothing else.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, ProfileSelector, ProviderId, Query, Timestamp};
///
/// let profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
///     "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}
/// }, "usageStats": {"anthropic:a": {"cooldownUntil": 2000}}}"#)?;
///
/// let anthropic = ProviderId::anthropic();
/// let selector = ProfileSelector::default();
/// let selection = selector.select(&profiles, &Query::new(&anthropic), Timestamp::from_millis(1_000))?;
/// assert_eq!(selection.profile.as_str(), "anthropic:b");
/// assert_eq!(selection.skipped.len(), 1);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProfileSelector {
    pub(super) rules: SelectorRules,
    pub(super) settings: Settings,
}

/// The profile to use now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Selection {
    /// The profile; for a key from the environment or the configuration its pseudo profile, `inline-api-key:` and the
    /// provider.
    pub profile: ProfileId,
    /// What it authenticates with.
    pub credential: Credential,
    /// Where that came from.
    pub source: CredentialSource,
    /// On this the outcome is reported.
    pub receipt: Receipt,
    /// Every other profile that was considered, in order, with its verdict. Chosen and skipped are every candidate.
    pub skipped: Vec<Candidate<'static>>,
}

impl Selection {
    /// Whether the credential is a login whose access token is missing or past its end, so that it has to be renewed
    /// before it can be sent.
    #[must_use]
    pub fn needs_refresh(&self) -> bool {
        let over = self.credential.expires().is_some_and(|at| at <= self.receipt.picked_at());
        self.credential.kind() == CredentialKind::OAuth && (over || self.credential.secret().is_empty())
    }
}

impl ProfileSelector {
    /// A selector with these rules and no configuration.
    #[must_use]
    pub fn new(rules: SelectorRules) -> Self {
        Self { rules, settings: Settings::default() }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &SelectorRules {
        &self.rules
    }

    /// Whether a window keeps a profile with these statistics from being used for one model or all of them: cooling or
    /// disabled, until when and why. `None` if it does not rest.
    ///
    /// This looks at the statistics only, so that it also answers for a profile that no longer exists.
    #[must_use]
    pub fn rest(&self, usage: &UsageStats, now: Timestamp) -> Option<Verdict> {
        self.rules.rest(usage, as_millis(now))
    }

    fn selecting<'a>(&'a self, profiles: &'a AuthProfiles, query: &'a Query<'a>, now: Timestamp) -> Selecting<'a> {
        Selecting { rules: &self.rules, settings: &self.settings, profiles, query, now }
    }

    /// Every profile of the provider with its verdict, in the order of use.
    #[must_use]
    pub fn candidates<'a>(
        &'a self,
        profiles: &'a AuthProfiles,
        query: &'a Query<'a>,
        now: Timestamp,
    ) -> Candidates<'a> {
        self.selecting(profiles, query, now).candidates()
    }

    /// The profile to use now, without the verdicts of the others: for callers that pick very often.
    #[must_use]
    pub fn pick<'a>(
        &'a self,
        profiles: &'a AuthProfiles,
        query: &'a Query<'a>,
        now: Timestamp,
    ) -> Option<&'a ProfileId> {
        self.selecting(profiles, query, now).pick()
    }

    /// The profile to use now, or why there is none.
    ///
    /// # Errors
    ///
    /// [`Unavailable`], which names every profile that was considered and the time until one is worth a try. As an
    /// [`Error`](crate::Error) its kind is `Unavailable`, `MissingApiKey` if there is no profile at all,
    /// `MissingCredentials` or `ProfileNotConfigured` if one profile was asked for and cannot serve.
    pub fn select(&self, profiles: &AuthProfiles, query: &Query<'_>, now: Timestamp) -> Result<Selection, Unavailable> {
        let selecting = self.selecting(profiles, query, now);
        let candidates = selecting.candidates();
        let retry_at = candidates.retry_at();
        let chosen = candidates.first_ready().and_then(|candidate| {
            let credential = selecting.credential(&candidate.id)?;
            Some(((*candidate.id).clone(), credential))
        });
        let considered = candidates.list.into_iter();
        match chosen {
            Some((profile, credential)) => {
                let skipped =
                    considered.filter(|candidate| *candidate.id != profile).map(Candidate::into_owned).collect();
                let receipt = Receipt::new(profile.clone(), query.provider.clone(), query.model, now);
                let receipt = receipt.with_secret(credential.secret());
                Ok(Selection { profile, credential, source: CredentialSource::Profile, receipt, skipped })
            }
            None => Err(Unavailable {
                provider: query.provider.clone(),
                locked: query.locked.cloned(),
                candidates: considered.map(Candidate::into_owned).collect(),
                retry_at,
                now,
            }),
        }
    }
}

impl Selecting<'_> {
    /// What a profile authenticates with, its reference resolved.
    fn credential(&self, id: &ProfileId) -> Option<Credential> {
        let profile = self.profiles.get(id.as_str())?;
        if let Some(credential) = profile.credential() {
            return Some(credential.clone());
        }
        let secret = self.resolve(profile)?;
        Some(match profile.kind()? {
            CredentialKind::ApiKey => Credential::api_key(secret),
            _ => Credential::token(secret, profile.expires()),
        })
    }
}
