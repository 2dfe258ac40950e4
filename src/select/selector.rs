//! The selector: rules plus the settings of a configuration.

use std::sync::Arc;

use super::candidate::{Candidate, Candidates};
use super::order::Selecting;
use super::probe::ProbePolicy;
use super::query::Query;
use super::receipt::Receipt;
use super::rules::SelectorRules;
use super::settings::Settings;
use super::unavailable;
use super::unavailable::Unavailable;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::{Access, Credential, CredentialKind, CredentialSource};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, UsageStats};

/// A selector that chooses the credential to use now.
///
/// It is pure: the same profiles, query and time yield the same result. It holds its rules and nothing from the
/// environment. [`Config::selector`](crate::Config::selector) creates one that follows the order, the profiles and the
/// cooldowns of a configuration.
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

/// The profile to use now, with its credential and receipt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Selection {
    /// The profile's id. For a key from the environment or the configuration, and for an endpoint that needs no
    /// credential, it is the pseudo profile `inline-api-key:<provider>`.
    pub profile: ProfileId,
    /// The credential to authenticate with.
    pub credential: Credential,
    /// The source of the credential.
    pub source: CredentialSource,
    /// The receipt on which to report the outcome.
    pub receipt: Receipt,
    /// The other profiles that were considered, in order, each with its verdict. Together with the chosen one they are
    /// all the candidates.
    pub skipped: Vec<Candidate<'static>>,
    /// The configured access to the endpoint.
    pub(crate) access: Arc<Access>,
}

impl Selection {
    /// Returns `true` if the OAuth credential's access token is missing or expired, so that it must be refreshed before
    /// it can be sent.
    #[must_use]
    pub fn needs_refresh(&self) -> bool {
        let over = self.credential.expires().is_some_and(|at| at <= self.receipt.picked_at());
        self.credential.kind() == CredentialKind::OAuth && (over || self.credential.secret().is_empty())
    }
}

impl ProfileSelector {
    /// Creates a selector with these rules and no configuration.
    #[must_use]
    pub fn new(rules: SelectorRules) -> Self {
        Self::with_settings(rules, Settings::default())
    }

    pub(crate) fn with_settings(rules: SelectorRules, settings: Settings) -> Self {
        Self { rules, settings }
    }

    /// Returns `true` if two names denote the same provider.
    pub(crate) fn is_one(&self, provider: &ProviderId, other: &ProviderId) -> bool {
        self.settings.is_one(provider, other)
    }

    /// Returns the rules in force.
    #[must_use]
    pub fn rules(&self) -> &SelectorRules {
        &self.rules
    }

    /// Returns the cooldown of a profile with these statistics, for any model: [`Cooling`](Verdict::Cooling) or
    /// [`Disabled`](Verdict::Disabled), with its end and its reason. `None` if it is not cooling down.
    ///
    /// It looks only at the statistics, so that it also answers for a profile that no longer exists.
    #[must_use]
    pub fn cooldown(&self, usage: &UsageStats, now: Timestamp) -> Option<Verdict> {
        self.rules.cooldown_of(usage, as_millis(now))
    }

    pub(super) fn selecting<'a>(
        &'a self,
        profiles: &'a AuthProfiles,
        query: &'a Query,
        now: Timestamp,
    ) -> Selecting<'a> {
        let home = self.rules.headroom.as_ref().and_then(|_| query.home(now));
        Selecting { rules: &self.rules, settings: &self.settings, profiles, query, now, home }
    }

    /// Returns every profile of the provider with its verdict, in the order of use.
    #[must_use]
    pub fn candidates<'a>(&'a self, profiles: &'a AuthProfiles, query: &'a Query, now: Timestamp) -> Candidates<'a> {
        self.selecting(profiles, query, now).candidates()
    }

    /// Returns the profile to use now, without judging the others; for callers that pick very often.
    #[must_use]
    pub fn pick<'a>(&'a self, profiles: &'a AuthProfiles, query: &'a Query, now: Timestamp) -> Option<&'a ProfileId> {
        self.selecting(profiles, query, now).pick()
    }

    /// Returns `true` if the configuration has another server for the provider than its own.
    pub(crate) fn is_gateway(&self, provider: &ProviderId) -> bool {
        self.settings.gateways.contains(provider)
    }

    /// Returns why the lists in force leave out a stored profile, if they do, and a stored order that would include it:
    /// the listed profiles followed by this one. No order helps if the configuration has something else under its name.
    pub(crate) fn left_out(
        &self,
        profiles: &AuthProfiles,
        provider: &ProviderId,
        id: &ProfileId,
    ) -> Option<(Verdict, Option<Vec<ProfileId>>)> {
        // A list does not depend on the time.
        let query = Query::new(provider);
        let selecting = self.selecting(profiles, &query, Timestamp::default());
        let candidates = selecting.candidates();
        let of = |candidates: &Candidates<'_>| {
            let own = candidates.iter().find(|candidate| *candidate.id == *id);
            own.map(|candidate| candidate.verdict).filter(|verdict| verdict.is_left_out())
        };
        let verdict = of(&candidates)?;
        let mut order = selecting.listed(&candidates);
        order.push(id.clone());
        let mut ordered = profiles.clone();
        // An order that cannot be set does not help.
        let left_out = match ordered.set_order(provider, &order) {
            Ok(()) => of(&self.candidates(&ordered, &query, Timestamp::default())),
            Err(_) => Some(verdict),
        };
        Some(left_out.map_or((verdict, Some(order)), |still| (still, None)))
    }

    /// Returns the profile to use now, or the reason that there is none.
    ///
    /// # Errors
    ///
    /// [`Unavailable`], which names every profile that was considered and the time until one is worth another attempt.
    /// As an [`Error`](crate::Error) its kind is `Unavailable`, `MissingApiKey` if there is no profile at all, or, for
    /// a locked profile that cannot be used, `MissingCredentials` or `ProfileNotConfigured`.
    pub fn select(&self, profiles: &AuthProfiles, query: &Query, now: Timestamp) -> Result<Selection, Unavailable> {
        let selecting = self.selecting(profiles, query, now);
        let candidates = selecting.candidates();
        match candidates.first_ready().map(|candidate| (*candidate.id).clone()) {
            Some(profile) => selecting.select(profile, candidates),
            None => Err(selecting.refuse(candidates)),
        }
    }

    /// Returns the selection of one of the candidates; `None` if its secret is no longer available.
    pub(crate) fn selection(
        &self,
        profiles: &AuthProfiles,
        query: &Query,
        profile: ProfileId,
        candidates: Candidates<'_>,
        now: Timestamp,
    ) -> Option<Selection> {
        self.selecting(profiles, query, now).select(profile, candidates).ok()
    }

    /// Returns the profile to use now, or one that is cooling down if a [`ProbePolicy`] allows its probe.
    ///
    /// Behaves like [`select`](Self::select) as long as a profile is ready. `last_probe` is when this provider was last
    /// probed, if it was; the caller keeps it, or passes `None` and relies on the statistics, in which every failed
    /// probe leaves its mark. A probe's outcome is reported on its receipt like any other: a success ends the cooldown,
    /// a failure does not move its end.
    ///
    /// # Errors
    ///
    /// Same as [`select`](Self::select).
    pub fn select_or_probe(
        &self,
        profiles: &AuthProfiles,
        query: &Query,
        policy: &ProbePolicy,
        last_probe: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Selection, Unavailable> {
        let unavailable = match self.select(profiles, query, now) {
            Ok(selection) => return Ok(selection),
            Err(unavailable) => unavailable,
        };
        let mut probed = unavailable.clone();
        // Another machine is trying these.
        probed.candidates.retain(|one| !query.is_postponed(&one.id, now));
        match policy.next(&probed, profiles, last_probe) {
            Some(probe) if probe.is_due(now) => {
                let selecting = self.selecting(profiles, query, now);
                selecting.select(probe.profile, selecting.candidates())
            }
            _ => Err(unavailable),
        }
    }
}

impl Selecting<'_> {
    /// Returns the selection of this profile, with the others as skipped.
    fn select(&self, profile: ProfileId, candidates: Candidates<'_>) -> Result<Selection, Unavailable> {
        let Some(credential) = self.credential(&profile) else { return Err(self.refuse(candidates)) };
        let others = candidates.list.into_iter().filter(|candidate| *candidate.id != profile);
        let skipped = others.map(Candidate::into_owned).collect();
        let receipt = Receipt::of(profile.clone(), self.query.provider.clone(), self.query.model.clone(), self.now);
        let usage = self.profiles.usage(profile.as_str());
        let trial = usage.and_then(|usage| self.trial(&profile, usage));
        let receipt = receipt.with_secret(credential.secret()).with_usage(usage).with_trial(trial);
        let access = Access::unset();
        Ok(Selection { profile, credential, source: CredentialSource::Profile, receipt, skipped, access })
    }

    fn refuse(&self, candidates: Candidates<'_>) -> Unavailable {
        Unavailable {
            provider: self.query.provider.clone(),
            locked: self.query.locked.clone(),
            retry_at: candidates.retry_at(),
            reason: unavailable::blocking(&candidates.list, self.profiles),
            daily_probe: self.rules.daily_probe,
            candidates: candidates.list.into_iter().map(Candidate::into_owned).collect(),
            now: self.now,
        }
    }

    /// Returns the profile's credential with its reference resolved.
    fn credential(&self, id: &ProfileId) -> Option<Credential> {
        let profile = self.profiles.get(id.as_str())?;
        let beside = profile.beside_reference().filter(|_| !self.rules.inspect_secret);
        if let Some(credential) = profile.credential().or(beside) {
            return Some(credential.clone());
        }
        let secret = self.resolve(profile).ok()?;
        Some(match profile.kind()? {
            CredentialKind::ApiKey => Credential::api_key(secret),
            _ => Credential::token(secret, profile.expires()),
        })
    }
}
