//! The report and its parts.

use std::path::PathBuf;
use std::time::Duration;

use super::health::Health;
use crate::clock::Timestamp;
use crate::config::Release;
use crate::credential::{CredentialKind, CredentialSource, EnvOrigin, ReferenceFailure};
use crate::error::Diagnostic;
use crate::headroom::{LimitKind, ProfileHeadroom};
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::Hold;
use crate::reason::FailureReason;
use crate::select::Verdict;

/// A report on one agent: which credentials it has, which would be used now, and why the others would not.
///
/// Created by [`builder`](Self::builder) from a configuration, the profiles of a store and a point in time, with the
/// verdicts of the [`ProfileSelector`](crate::ProfileSelector). It contains no secrets: labels are masked by
/// [`mask_secret`](crate::status::mask_secret).
///
/// It serialises to the JSON of OpenClaw's `models status --json`, with additional members such as `verdict`,
/// `refreshable` and `lastUsed`. [`check`](Self::check) is for scripts; `Display` is for people.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, Config, Environment, ReadOptions, Timestamp};
/// use provider_auth::status::{Health, StatusReport};
///
/// let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty()))?;
/// let profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "anthropic:default": {"type": "token", "provider": "anthropic", "token": "example", "expires": 1700003600000}}}"#)?;
///
/// let report = StatusReport::builder(&config, &profiles).build(Timestamp::from_millis(1_700_000_000_000));
/// assert_eq!(report.providers[0].profiles[0].health, Health::Expiring);
/// assert_eq!(report.check(), 2);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StatusReport {
    /// The point in time of the report.
    pub now: Timestamp,
    /// The time before its expiry at which a credential is reported as expiring.
    pub warn_after: Duration,
    /// The path of the configuration file, if the caller set it.
    pub config_path: Option<PathBuf>,
    /// The agent's id, if the caller set it.
    pub agent_id: Option<String>,
    /// The agent's directory, if the caller set it.
    pub agent_dir: Option<PathBuf>,
    /// The path of the store, if the caller set it.
    pub store_path: Option<PathBuf>,
    /// The path of the database with the shared profiles, if the caller set it.
    pub shared_store_path: Option<PathBuf>,
    /// The home directory, which the report shows as `~`, if the caller set it.
    pub home: Option<PathBuf>,
    /// The agent's first model as it is written, or the resolved one if none is configured.
    pub default_model: String,
    /// That model, with its alias resolved.
    pub resolved_default: ModelRef,
    /// The models to use if the first one is not available, as they are written.
    pub fallbacks: Vec<String>,
    /// The model for images, as it is written.
    pub image_model: Option<String>,
    /// The models for images to use if that one is not available, as they are written.
    pub image_fallbacks: Vec<String>,
    /// `true` if the first model is set for this agent.
    pub own_default: bool,
    /// `true` if the fallbacks are set for this agent.
    pub own_fallbacks: bool,
    /// Aliases with the models they stand for.
    pub aliases: Vec<(String, ModelRef)>,
    /// The models that the agent may use; empty for all. Since August 2026 those in the agent's policy that the
    /// configuration names, and a model `*` for all others of a provider; before, the models that the configuration
    /// lists, and the first one if OpenClaw includes it.
    pub allowed: Vec<ModelRef>,
    /// The model for small tasks, as it is written; `None` if it is disabled, or none is known.
    pub utility_model: Option<String>,
    /// The models in use whose provider has only unresolved references, so that it is unknown whether they can be used.
    /// OpenClaw reports them since August 2026; empty for a configuration of an older release.
    pub unconfirmed_models: Vec<ModelRef>,
    /// `true` if the configuration asks for variables of a login shell, which this crate does not import.
    pub shell_env: bool,
    /// Every provider that has a credential or is mentioned, sorted by name.
    pub providers: Vec<ProviderStatus>,
    /// Providers of the models in use that have no credential, sorted by name.
    pub missing_providers_in_use: Vec<ProviderId>,
    /// Providers of the models in use that cannot be used, because a reference to a secret could not be resolved.
    pub unresolved_in_use: Vec<ProviderId>,
    /// Every profile that is cooling down or has no headroom by the store, the first to be ready first; including
    /// removed profiles of which statistics are left.
    pub unusable_profiles: Vec<UnusableProfile>,
    /// The headroom of each profile as its provider last reported it: to the tracker, if the caller set one, or else to
    /// another program that recorded it in the store.
    pub headroom: Vec<ProfileHeadroom>,
    /// Diagnostics of the configuration, the profiles and the order in force.
    pub diagnostics: Vec<Diagnostic>,
    /// The release whose format the report has.
    pub(super) release: Release,
    pub(super) utility_source: &'static str,
}

/// The credentials of one provider: its profiles, and the one that is used now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderStatus {
    /// The normalised id of the provider.
    pub provider: ProviderId,
    /// The source of the credential that would be used now, or later if all are cooling down.
    pub effective: EffectiveSource,
    /// The profile that would be used now, or the pseudo profile for a key from the environment or the configuration.
    /// `None` if nothing can be used now.
    pub used: Option<ProfileId>,
    /// When something can be used again, if everything is cooling down.
    pub retry_at: Option<Timestamp>,
    /// The stored profiles in file order.
    pub profiles: Vec<ProfileStatus>,
    /// The profiles that can be used, now or after a cooldown, in the order of use.
    pub order: Vec<ProfileId>,
    /// The key in the environment, if there is one.
    pub environment: Option<EnvironmentKey>,
    /// The masked key in the configuration, if there is one.
    pub config_key: Option<String>,
    /// The reason if the reference to the key in the configuration could not be resolved.
    pub key_failure: Option<ReferenceFailure>,
    /// The worst health of its OAuth credentials and tokens; [`Health::Static`] if it has only keys,
    /// [`Health::Missing`] without profiles.
    pub health: Health,
    /// The earliest expiry time of its OAuth credentials and tokens.
    pub expires: Option<Timestamp>,
    /// `true` if nothing can be used, and a reference could not be resolved.
    pub(super) is_unresolved: bool,
    /// `true` if it has profiles and all of them are shared.
    pub(super) is_shared: bool,
}

/// The source of a provider's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectiveSource {
    /// There is no credential.
    Missing,
    /// A variable to which the provider's `apiKey` in the configuration refers.
    Variable,
    /// This source.
    #[non_exhaustive]
    Found(CredentialSource),
}

impl EffectiveSource {
    /// Returns the name in the report: `profiles`, `env`, `models.json`, `caller`, `none` if none is needed, or
    /// `missing`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Found(CredentialSource::Profile) => "profiles",
            Self::Variable | Self::Found(CredentialSource::Environment { .. }) => "env",
            Self::Found(CredentialSource::Config) => "models.json",
            Self::Found(CredentialSource::Caller) => "caller",
            Self::Found(CredentialSource::NotNeeded) => "none",
            Self::Missing => "missing",
        }
    }
}

/// A provider's key in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvironmentKey {
    /// The variable's name.
    pub variable: &'static str,
    /// The place where the variable was found: the process environment, an `.env` file or the configuration's `env`
    /// block.
    pub origin: EnvOrigin,
    /// The masked value; `OAuth (env)` for a variable with an OAuth token.
    pub label: String,
    /// `true` if the variable is for OAuth tokens.
    pub is_oauth: bool,
}

/// The status of one stored profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProfileStatus {
    /// The id of the profile.
    pub id: ProfileId,
    /// The provider of the profile.
    pub provider: ProviderId,
    /// The kind of credential that its entry declares; `None` if it is unknown.
    pub kind: Option<CredentialKind>,
    /// Its id and its masked secret, with the cooldown if there is one, as in `anthropic:default=sk-ant-a...rstuvwxy
    /// [cooldown 5m]`.
    pub label: String,
    /// Its id, with the display name or the email address of its owner if known.
    pub display: String,
    /// The remaining life of its credential.
    pub health: Health,
    /// `true` if it can be refreshed without its owner.
    pub refreshable: bool,
    /// When its credential expires, if known.
    pub expires: Option<Timestamp>,
    /// `true` if the expiry time was probably written in another unit than milliseconds, or is a duration; the
    /// remaining time is then meaningless.
    pub wrong_unit: bool,
    /// [`Ready`](Verdict::Ready) if it can be used now, or the reason why not.
    pub verdict: Verdict,
    /// Its cooldown, for all models or one: cooling or disabled.
    pub cooldown: Option<Verdict>,
    /// When it last worked.
    pub last_used: Option<Timestamp>,
    /// The reason if OpenClaw withholds it.
    pub(super) hold: Option<Hold>,
    /// `true` if it has a placeholder or the like instead of a secret.
    pub(super) has_none: bool,
}

impl ProfileStatus {
    /// Returns the end of its cooldown, if it is cooling down.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.cooldown.and_then(Verdict::until)
    }

    /// Returns the reason of its cooldown, if that was recorded.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.cooldown.and_then(Verdict::reason)
    }

    /// Returns the kind of credential as the file writes it; `unknown` if it is unknown.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.kind.map_or("unknown", CredentialKind::as_str)
    }

    /// Returns `true` for the kinds that expire, OAuth credentials and tokens.
    pub(super) fn is_expirable(&self) -> bool {
        matches!(self.kind, Some(CredentialKind::OAuth | CredentialKind::Token))
    }

    /// Returns `true` for one that is saved for later or is being refreshed, whose expiry time is irrelevant.
    pub(super) fn is_put_aside(&self) -> bool {
        matches!(self.hold, Some(Hold::Inactive | Hold::Refreshing))
    }
}

/// A profile that is cooling down or has no headroom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusableProfile {
    /// The id of the profile.
    pub id: ProfileId,
    /// The provider of the profile, if it still exists.
    pub provider: Option<ProviderId>,
    /// `true` if it is disabled for longer, not only cooling down.
    pub disabled: bool,
    /// The limit that is used up, if it has no headroom.
    pub limit: Option<LimitKind>,
    /// The reason, if one was recorded for the window in force.
    pub reason: Option<FailureReason>,
    /// When it can be used again.
    pub until: Timestamp,
}

impl UnusableProfile {
    /// Returns the hint that OpenClaw since August 2026 shows to its users.
    #[must_use]
    pub fn recovery_hint(&self) -> String {
        use FailureReason::{Auth, AuthPermanent, SessionExpired};
        match (self.reason, &self.provider) {
            (Some(Auth | AuthPermanent | SessionExpired), Some(provider)) => {
                // A name must not end the quotation marks around it and run a command.
                let id = self.id.to_string().replace('\'', r"'\''");
                let provider = provider.to_string();
                let is_word = provider.chars().all(|c| c.is_alphanumeric() || "-._:@/".contains(c));
                let provider = if is_word { provider } else { format!("'{}'", provider.replace('\'', r"'\''")) };
                format!("Re-authenticate with `openclaw models auth login --provider {provider} --profile-id '{id}'`.")
            }
            (Some(FailureReason::Billing), _) if self.disabled => {
                "Top up credits (provider billing) or switch provider.".to_owned()
            }
            _ => "Wait for cooldown or switch provider.".to_owned(),
        }
    }

    /// Returns the name in the report: `disabled`, `cooldown` or `no_headroom`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.limit {
            Some(_) => "no_headroom",
            None if self.disabled => "disabled",
            None => "cooldown",
        }
    }
}

impl ProviderStatus {
    /// Returns `true` if only unresolved references could make the provider usable: those of profiles, or that of the
    /// configured key.
    pub(super) fn is_unconfirmed(&self) -> bool {
        let is_referred = self.key_failure.is_some() || self.unresolved().next().is_some();
        self.used.is_none() && self.order.is_empty() && is_referred
    }

    /// Returns an iterator over the profiles whose secret is an unresolved reference.
    pub(super) fn unresolved(&self) -> impl Iterator<Item = &ProfileStatus> {
        self.profiles.iter().filter(|profile| matches!(profile.verdict, Verdict::UnresolvedReference { .. }))
    }

    /// Returns an iterator over the profiles that OpenClaw would use, in order; it resolves references when it starts.
    pub(super) fn effective_profiles(&self) -> impl Iterator<Item = &ProfileStatus> {
        let in_order = self.order.iter().filter_map(|id| self.profiles.iter().find(|profile| profile.id == *id));
        in_order.chain(self.unresolved())
    }
}

impl StatusReport {
    /// Returns an iterator over the stored profiles, provider by provider, each in file order.
    pub fn profiles(&self) -> impl Iterator<Item = &ProfileStatus> {
        self.providers.iter().flat_map(|provider| &provider.profiles)
    }

    /// Returns the status of a provider.
    #[must_use]
    pub fn provider(&self, provider: &ProviderId) -> Option<&ProviderStatus> {
        let exact = self.providers.iter().find(|status| status.provider.written() == provider.written());
        exact.or_else(|| self.providers.iter().find(|status| status.provider == *provider))
    }

    /// Returns the exit code for scripts, as in OpenClaw's `--check`: 1 if an OAuth credential or a token has expired
    /// or is incomplete, or if a provider in use has no credential, a reference that could not be resolved, or is
    /// [unconfirmed](Self::unconfirmed_models); 2 if a credential is expiring; 0 otherwise.
    ///
    /// OAuth credentials that their next use refreshes, those that OpenClaw is refreshing, and sign-ins that are not
    /// active count as neither expired nor expiring.
    #[must_use]
    pub fn check(&self) -> u8 {
        let any = |healths: &[Health]| {
            let counts = |profile: &&ProfileStatus| {
                profile.is_expirable()
                    && !profile.is_put_aside()
                    && (profile.health == Health::Missing || !profile.refreshable)
            };
            self.profiles().filter(counts).any(|profile| healths.contains(&profile.health))
        };
        let missing = !self.missing_providers_in_use.is_empty() || !self.unresolved_in_use.is_empty();
        if missing || !self.unconfirmed_models.is_empty() || any(&[Health::Expired, Health::Missing]) {
            1
        } else if any(&[Health::Expiring]) {
            2
        } else {
            0
        }
    }
}
