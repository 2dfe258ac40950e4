//! The report and its parts.

use std::path::PathBuf;
use std::time::Duration;

use super::health::Health;
use crate::clock::Timestamp;
use crate::config::Release;
use crate::credential::{CredentialKind, CredentialSource, EnvOrigin, ReferenceFailure};
use crate::error::Diagnostic;
use crate::headroom::ProfileHeadroom;
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::Hold;
use crate::reason::FailureReason;
use crate::select::Verdict;

/// What is set up for one agent, what would be used now, and what keeps the rest from being used.
///
/// Made by [`builder`](Self::builder) from a configuration, the profiles of a store and a moment; the verdicts are those
/// of the [`ProfileSelector`](crate::ProfileSelector) itself. No secret is in it: labels are masked by
/// [`mask_secret`](crate::status::mask_secret).
///
/// It serialises to the JSON of OpenClaw's `models status --json`, with more members: `verdict`, `refreshable`,
/// `lastUsed` and the like. [`check`](Self::check) is for scripts; the example `models` prints it as a table.
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
    /// The moment the report is about.
    pub now: Timestamp,
    /// How long before its end a credential is called expiring.
    pub warn_after: Duration,
    /// The configuration's file, if the caller named it.
    pub config_path: Option<PathBuf>,
    /// The agent, if the caller named it.
    pub agent_id: Option<String>,
    /// The agent's directory, if the caller named it.
    pub agent_dir: Option<PathBuf>,
    /// Where the profiles are kept, if the caller named it.
    pub store_path: Option<PathBuf>,
    /// The database with the profiles that several agents share, if the caller named it.
    pub shared_store_path: Option<PathBuf>,
    /// The home directory, which the report writes as `~`, if the caller named it.
    pub home: Option<PathBuf>,
    /// The agent's first model as it is written, else the resolved one.
    pub default_model: String,
    /// That model, its alias resolved.
    pub resolved_default: ModelRef,
    /// The models to use where the first is not available, as they are written.
    pub fallbacks: Vec<String>,
    /// The model for images, as it is written.
    pub image_model: Option<String>,
    /// The models for images to use where that one is not available, as they are written.
    pub image_fallbacks: Vec<String>,
    /// Whether the first model is the agent's own.
    pub own_default: bool,
    /// Whether the fallbacks are the agent's own.
    pub own_fallbacks: bool,
    /// Other names of models.
    pub aliases: Vec<(String, ModelRef)>,
    /// The models an agent may use; none means all. Since August 2026 those of the agent's policy that the configuration
    /// names, and a model `*` for all others of its provider; before, the models the configuration lists, and the
    /// first one where OpenClaw counts it among them.
    pub allowed: Vec<ModelRef>,
    /// The model for small tasks, as it is written; `None` where there is to be none, or none is known.
    pub utility_model: Option<String>,
    /// The models in use whose provider has no credential but references that nothing has resolved: whether they can be used
    /// is not known. OpenClaw has said so since August 2026; for a configuration of an older release there are none.
    pub unconfirmed_models: Vec<ModelRef>,
    /// Whether the configuration asks for variables of a login shell, which this crate does not import.
    pub shell_env: bool,
    /// Every provider that has a credential or is mentioned, by name.
    pub providers: Vec<ProviderStatus>,
    /// Providers of the models in use that have no credential anywhere, by name.
    pub missing_providers_in_use: Vec<ProviderId>,
    /// Providers of the models in use of which nothing can be used, because a reference to a secret was looked up in vain.
    pub unresolved_in_use: Vec<ProviderId>,
    /// Every profile that is cooling down, the one that is back first at the front; also those of which only statistics
    /// are left.
    pub unusable_profiles: Vec<UnusableProfile>,
    /// What is left of each profile by what its provider said last, if the caller named a memory of that.
    pub headroom: Vec<ProfileHeadroom>,
    /// What is odd about the configuration, the profiles and the order in force.
    pub diagnostics: Vec<Diagnostic>,
    /// Which release's report this is.
    pub(super) release: Release,
    /// Where the model for small tasks comes from.
    pub(super) utility_source: &'static str,
}

/// One provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderStatus {
    /// The provider.
    pub provider: ProviderId,
    /// Where the credential comes from that would be used now, or later if all are cooling down.
    pub effective: EffectiveSource,
    /// The profile that would be used now; the pseudo profile for a key from the environment or the configuration.
    /// `None` if nothing can be used now.
    pub used: Option<ProfileId>,
    /// The moment from which something can be used again, if everything is cooling down.
    pub retry_at: Option<Timestamp>,
    /// The stored profiles, in the order of the document.
    pub profiles: Vec<ProfileStatus>,
    /// The profiles that can be used, now or after a cooldown, in the order of use.
    pub order: Vec<ProfileId>,
    /// The key in the environment, if there is one.
    pub environment: Option<EnvironmentKey>,
    /// The masked key in the configuration, if there is one.
    pub config_key: Option<String>,
    /// Why the reference that stands in the place of the key in the configuration leads to no secret, if it does not.
    pub key_failure: Option<ReferenceFailure>,
    /// The worst health of its logins and tokens; [`Health::Static`] if it has only keys, [`Health::Missing`] without
    /// profiles.
    pub health: Health,
    /// The earliest end of its logins and tokens.
    pub expires: Option<Timestamp>,
    /// Nothing can be used, and a reference was looked up in vain.
    pub(super) is_unresolved: bool,
    /// Whether it has profiles, all of which are those that several agents share.
    pub(super) is_shared: bool,
}

/// Where a provider's credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectiveSource {
    /// Nowhere.
    Missing,
    /// From the variable that a reference names which stands in the place of the provider's `apiKey` in the configuration.
    Variable,
    /// From here.
    #[non_exhaustive]
    Found(CredentialSource),
}

impl EffectiveSource {
    /// Returns the name in the report: `profiles`, `env`, `models.json`, `caller`, `none` where none is needed, or `missing`.
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
    /// The process environment, an `.env` file or the configuration's `env` block.
    pub origin: EnvOrigin,
    /// The masked value; `OAuth (env)` for a variable of a login.
    pub label: String,
    /// Whether the variable is one for tokens of a login.
    pub is_oauth: bool,
}

/// One stored profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProfileStatus {
    /// The profile.
    pub id: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// The kind of credential its entry declares; `None` if this version does not know it.
    pub kind: Option<CredentialKind>,
    /// Its name and its masked secret, with what keeps it from being used, as in
    /// `anthropic:default=sk-ant-a...rstuvwxy [cooldown 5m]`.
    pub label: String,
    /// Its name, with the display name or the address of its owner where it is known.
    pub display: String,
    /// Whether it lasts.
    pub health: Health,
    /// Whether it can be refreshed without its owner.
    pub refreshable: bool,
    /// Its end, if that is known.
    pub expires: Option<Timestamp>,
    /// Whether its end was probably written in another unit than milliseconds, or is a length of time: how far away it is
    /// says nothing then.
    pub wrong_unit: bool,
    /// Whether it can be used now, and if not, why.
    pub verdict: Verdict,
    /// Its cooldown, for all models or one: cooling or disabled.
    pub cooldown: Option<Verdict>,
    /// When it last worked.
    pub last_used: Option<Timestamp>,
    /// Why OpenClaw holds it back, if it does.
    pub(super) hold: Option<Hold>,
    /// Whether it has no secret at all, but a placeholder or the like.
    pub(super) has_none: bool,
}

impl ProfileStatus {
    /// Returns until when it is cooling down, if it is.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.cooldown.and_then(Verdict::until)
    }

    /// Returns why it is cooling down, if that was recorded.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.cooldown.and_then(Verdict::reason)
    }

    /// Returns the kind of credential as the file writes it, `unknown` for one that is not known.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.kind.map_or("unknown", CredentialKind::as_str)
    }

    /// Returns `true` for the kinds that expire, OAuth credentials and tokens.
    pub(super) fn is_expirable(&self) -> bool {
        matches!(self.kind, Some(CredentialKind::OAuth | CredentialKind::Token))
    }

    /// Returns `true` for one that is to be used only later, or is being renewed: its end is nobody's concern.
    pub(super) fn is_put_aside(&self) -> bool {
        matches!(self.hold, Some(Hold::Inactive | Hold::Refreshing))
    }
}

/// A profile that is cooling down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusableProfile {
    /// The profile.
    pub id: ProfileId,
    /// Its provider, if the profile still exists.
    pub provider: Option<ProviderId>,
    /// Whether it is out of use for longer (disabled), not only cooling down.
    pub disabled: bool,
    /// Why, if that was recorded for the window that is in force.
    pub reason: Option<FailureReason>,
    /// From this moment on it can be used again.
    pub until: Timestamp,
}

impl UnusableProfile {
    /// Returns what OpenClaw since August 2026 tells its users to do.
    #[must_use]
    pub fn recovery_hint(&self) -> String {
        use FailureReason::{Auth, AuthPermanent, SessionExpired};
        match (self.reason, &self.provider) {
            (Some(Auth | AuthPermanent | SessionExpired), Some(provider)) => {
                // A name must not end the quotation marks around it, and become a command of its own.
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

    /// Returns the name in the report: `disabled` or `cooldown`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.disabled { "disabled" } else { "cooldown" }
    }
}

impl ProviderStatus {
    /// Returns `true` if nothing can be used but, perhaps, what a reference names that was not resolved: that of a profile, or
    /// the one in the place of the configured key.
    pub(super) fn is_unconfirmed(&self) -> bool {
        let is_referred = self.key_failure.is_some() || self.unresolved().next().is_some();
        self.used.is_none() && self.order.is_empty() && is_referred
    }

    /// Iterates over the profiles whose secret is a reference that was not resolved.
    pub(super) fn unresolved(&self) -> impl Iterator<Item = &ProfileStatus> {
        self.profiles.iter().filter(|profile| matches!(profile.verdict, Verdict::UnresolvedReference { .. }))
    }

    /// Iterates over the profiles that count for OpenClaw, in the order of use: it resolves references when it starts.
    pub(super) fn effective_profiles(&self) -> impl Iterator<Item = &ProfileStatus> {
        let in_order = self.order.iter().filter_map(|id| self.profiles.iter().find(|profile| profile.id == *id));
        in_order.chain(self.unresolved())
    }
}

impl StatusReport {
    /// Iterates over the stored profiles, provider by provider, each in the order of the document.
    pub fn profiles(&self) -> impl Iterator<Item = &ProfileStatus> {
        self.providers.iter().flat_map(|provider| &provider.profiles)
    }

    /// Returns the status of one provider.
    #[must_use]
    pub fn provider(&self, provider: &ProviderId) -> Option<&ProviderStatus> {
        let exact = self.providers.iter().find(|status| status.provider.written() == provider.written());
        exact.or_else(|| self.providers.iter().find(|status| status.provider == *provider))
    }

    /// Returns the exit code for scripts, as OpenClaw's `--check` has it: 1 if a login or a token has expired or has
    /// none of what it needs, or a provider in use has no credential, one whose reference was looked up in vain, or one that is
    /// [unconfirmed](Self::unconfirmed_models); 2 if one is expiring; 0 otherwise.
    ///
    /// An OAuth credential that is refreshed by its next use counts as neither expired nor expiring, nor does a login that
    /// OpenClaw is renewing or a sign-in that is not active.
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
