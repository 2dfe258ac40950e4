//! The selector: rules plus what the configuration says.

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

/// Chooses the credential to use now.
///
/// Pure: the same profiles, query and time give the same answer. It holds its rules, and nothing of the environment. The
/// selector that follows the order, the profiles and the cooldowns of a configuration is
/// [`Config::selector`](crate::Config::selector).
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
    /// The profile; for a key from the environment or the configuration, and where none is needed, the pseudo profile
    /// `inline-api-key:` and the provider.
    pub profile: ProfileId,
    /// What it authenticates with.
    pub credential: Credential,
    /// Where that came from.
    pub source: CredentialSource,
    /// On this the outcome is reported.
    pub receipt: Receipt,
    /// Every other profile that was considered, in order, with its verdict. The chosen profile and the skipped ones
    /// together are every candidate.
    pub skipped: Vec<Candidate<'static>>,
    /// What is configured of the way to the endpoint.
    pub(crate) access: Arc<Access>,
}

impl Selection {
    /// Whether the credential is a login whose access token is missing or past its end, so that it has to be refreshed
    /// before it can be sent.
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

    /// Whether two names are of one provider.
    pub(crate) fn is_one(&self, provider: &ProviderId, other: &ProviderId) -> bool {
        self.settings.is_one(provider, other)
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &SelectorRules {
        &self.rules
    }

    /// Whether a window keeps a profile with these statistics from being used for one model or all of them: cooling or
    /// disabled, until when and why. `None` if it is not cooling down.
    ///
    /// This looks at the statistics only, so that it also answers for a profile that no longer exists.
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

    /// Every profile of the provider with its verdict, in the order of use.
    #[must_use]
    pub fn candidates<'a>(&'a self, profiles: &'a AuthProfiles, query: &'a Query, now: Timestamp) -> Candidates<'a> {
        self.selecting(profiles, query, now).candidates()
    }

    /// The profile to use now, without the verdicts of the others: for callers that pick very often.
    #[must_use]
    pub fn pick<'a>(&'a self, profiles: &'a AuthProfiles, query: &'a Query, now: Timestamp) -> Option<&'a ProfileId> {
        self.selecting(profiles, query, now).pick()
    }

    /// Why the lists in force leave out a stored profile, if they do, and the stored order that would take it in: those in
    /// use, and then this one. No order helps where the configuration has something else under its name.
    pub(crate) fn left_out(
        &self,
        profiles: &AuthProfiles,
        provider: &ProviderId,
        id: &ProfileId,
    ) -> Option<(Verdict, Option<Vec<ProfileId>>)> {
        // What a list leaves out does not depend on the time.
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
        // An order that cannot be set is one that does not help.
        let left_out = match ordered.set_order(provider, &order) {
            Ok(()) => of(&self.candidates(&ordered, &query, Timestamp::default())),
            Err(_) => Some(verdict),
        };
        Some(left_out.map_or((verdict, Some(order)), |still| (still, None)))
    }

    /// The profile to use now, or why there is none.
    ///
    /// # Errors
    ///
    /// [`Unavailable`], which names every profile that was considered and the time until one is worth a try. As an
    /// [`Error`](crate::Error) its kind is `Unavailable`, `MissingApiKey` if there is no profile at all,
    /// `MissingCredentials` or `ProfileNotConfigured` if one profile was asked for and cannot serve.
    pub fn select(&self, profiles: &AuthProfiles, query: &Query, now: Timestamp) -> Result<Selection, Unavailable> {
        let selecting = self.selecting(profiles, query, now);
        let candidates = selecting.candidates();
        match candidates.first_ready().map(|candidate| (*candidate.id).clone()) {
            Some(profile) => selecting.select(profile, candidates),
            None => Err(selecting.refuse(candidates)),
        }
    }

    /// The selection of one of the candidates; `None` if its secret cannot be had any more.
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

    /// The profile to use now, a one in cooldown included if a [`ProbePolicy`] says that it is due for a trial.
    ///
    /// As [`select`](Self::select) as long as a profile is ready. `last_probe` is when this provider was last probed, if it
    /// was; the caller keeps it, or leaves it to the statistics alone, in which every failed probe leaves its mark. A
    /// probe's outcome is reported on its receipt like any other: success ends the cooldown, failure leaves its end in place.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
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
        // Another machine tries these.
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
    /// The selection of this profile; the others are those that were skipped.
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

    /// What a profile authenticates with, its reference resolved.
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
