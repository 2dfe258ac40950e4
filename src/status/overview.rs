//! The status of one provider and its profiles.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::health::Health;
use super::mask::{mask_secret, short_duration};
use super::preference::discouraged;
use super::report::{EffectiveSource, EnvironmentKey, ProfileStatus, ProviderStatus};
use super::secrets::{self, Said};
use crate::clock::Timestamp;
use crate::config::{Config, ProviderConfig, Release};
use crate::credential::{CredentialKind, CredentialSource, Doubt, ReferenceFailure};
use crate::error::{Diagnostic, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Entry, Expiry, Hold, Profile, SecretState, WrongUnit};
use crate::secret::{Secret, is_blank_char};
use crate::select::{Query, Verdict};

pub(super) struct Overview<'a> {
    pub(super) config: &'a Config,
    pub(super) profiles: &'a AuthProfiles,
    pub(super) warn_after: Duration,
    pub(super) now: Timestamp,
    /// The profiles that several agents share.
    pub(super) shared: &'a HashSet<ProfileId>,
}

impl Overview<'_> {
    pub(super) fn provider(
        &self,
        provider: &ProviderId,
        diagnostics: &mut Vec<Diagnostic>,
        said: &mut Said,
    ) -> ProviderStatus {
        let (config, stored) = (self.config, self.profiles);
        let query = Query::new(provider);
        let query = query.references(config.resolved_references().clone());
        let candidates = config.selector().candidates(stored, &query, self.now);
        diagnostics.extend(candidates.diagnostics().iter().cloned());
        diagnostics.extend(discouraged(config, stored, provider, candidates.order()));
        let verdicts: HashMap<&str, Verdict> =
            candidates.iter().map(|candidate| (candidate.id.as_str(), candidate.verdict)).collect();
        let own = stored.entries_of(provider).filter(|entry| config.is_one(entry.profile.provider(), provider));
        let profiles: Vec<ProfileStatus> = own
            .map(|entry| {
                let verdict = verdicts.get(entry.id.as_str()).copied().unwrap_or(Verdict::NotRequested);
                self.profile(&entry, verdict)
            })
            .collect();
        self.remark(&profiles, diagnostics, said);
        let environment = config.variable(provider).and_then(|found| {
            let CredentialSource::Environment { variable, origin } = found.source else { return None };
            let is_oauth = variable.contains("OAUTH");
            let label = if is_oauth { "OAuth (env)".to_owned() } else { mask_secret(found.credential.secret()) };
            Some(EnvironmentKey { variable, origin, label, is_oauth })
        });
        let settings = config.provider(provider);
        let config_key = settings.and_then(|settings| settings.api_key());
        let is_secret = |key: &Secret| {
            let doubt = Doubt::of(provider.as_str(), key);
            !key.is_empty() && config.refuses(provider, doubt).is_none()
        };
        let config_key = config_key.filter(|key| is_secret(key)).map(mask_secret);

        let resolved = config.resolve(stored, &query, self.now);
        let (used, effective, retry_at) = match resolved {
            Ok(selection) => {
                let is_variable = selection.source == CredentialSource::Config && settings.is_some_and(is_of_variable);
                let found = EffectiveSource::Found(selection.source);
                let effective = if is_variable { EffectiveSource::Variable } else { found };
                (Some(selection.profile), effective, None)
            }
            Err(error) => {
                let retry_at = error.unavailable().and_then(|unavailable| unavailable.retry_at);
                let referred = settings.is_some_and(|settings| settings.api_key_ref().is_some());
                let environment = environment.as_ref().filter(|_| !referred);
                let configured = config_key.as_ref().map(|_| {
                    let found = EffectiveSource::Found(CredentialSource::Config);
                    if settings.is_some_and(is_of_variable) { EffectiveSource::Variable } else { found }
                });
                (None, fallback(&profiles, environment, configured), retry_at)
            }
        };
        let key_failure = settings.and_then(ProviderConfig::api_key_failure);
        let of_key = key_failure.is_some_and(in_vain);
        let of_profile = profiles.iter().any(|profile| match profile.verdict {
            Verdict::UnresolvedReference { reason } => in_vain(reason),
            _ => false,
        });
        let is_unresolved = used.is_none() && retry_at.is_none() && (of_key || of_profile);
        let expirable = || profiles.iter().filter(|profile| profile.is_expirable() && !profile.is_put_aside());
        let any = |health| expirable().any(|profile| profile.health == health);
        let health = if expirable().next().is_none() {
            let is_key = |profile: &ProfileStatus| {
                profile.kind == Some(CredentialKind::ApiKey) && !profile.is_put_aside() && !profile.has_none
            };
            let renewing = profiles.iter().any(|profile| profile.hold == Some(Hold::Refreshing));
            match profiles.iter().any(is_key) {
                true => Health::Static,
                false if renewing => Health::Expired,
                false => Health::Missing,
            }
        } else if any(Health::Expired) || any(Health::Missing) {
            Health::Expired
        } else if any(Health::Expiring) {
            Health::Expiring
        } else {
            Health::Ok
        };
        ProviderStatus {
            provider: provider.clone(),
            effective,
            used,
            retry_at,
            order: candidates.order().cloned().collect(),
            is_unresolved,
            is_shared: !profiles.is_empty() && profiles.iter().all(|profile| self.shared.contains(&profile.id)),
            environment,
            config_key,
            key_failure,
            health,
            expires: expirable().filter_map(|profile| profile.expires).min(),
            profiles,
        }
    }

    /// Adds diagnostics for profiles whose secret is not sent, or whose reference could not be resolved, unless the
    /// document already has one.
    fn remark(&self, profiles: &[ProfileStatus], diagnostics: &mut Vec<Diagnostic>, said: &mut Said) {
        for ProfileStatus { id, verdict, .. } in profiles {
            match (*verdict, self.profiles.get(id.as_str())) {
                (Verdict::ImplausibleSecret { reason }, Some(own)) if !said.has(id) => {
                    let remark = secrets::of_profile(id, own, reason);
                    said.add(&remark);
                    diagnostics.push(remark);
                }
                (Verdict::UnresolvedReference { reason }, _) if in_vain(reason) => {
                    diagnostics.push(secrets::of_reference(id, reason));
                }
                _ => {}
            }
        }
    }

    /// Returns `true` if the provider has a credential, even if it has expired or is cooling down.
    pub(super) fn has_credential(&self, status: &ProviderStatus) -> bool {
        let has_secret = |profile: &ProfileStatus| {
            if profile.hold == Some(Hold::Inactive) || profile.id.is_personal() || profile.has_none {
                return false;
            }
            let stored = self.profiles.get(profile.id.as_str());
            profile.kind.is_some() && stored.is_some_and(|stored| stored.secret_state() != SecretState::Blank)
        };
        let is_keyless = status.effective == EffectiveSource::Found(CredentialSource::NotNeeded);
        let is_inline = status.environment.is_some() || status.config_key.is_some();
        status.profiles.iter().any(has_secret) || is_inline || is_keyless
    }

    fn profile(&self, entry: &Entry<'_>, verdict: Verdict) -> ProfileStatus {
        let Entry { id, profile, usage } = *entry;
        let strict = self.config.selector().rules().strict_expiry;
        let cooldown = usage.and_then(|usage| self.config.selector().cooldown(usage, self.now));
        let display = self.display(id, profile);
        let owner = display.strip_prefix(&id.to_string()).unwrap_or_default();
        let has_none = secrets::has_none(self.config, profile, verdict);
        let shown = if has_none && profile.secret_ref().is_none() {
            // It may be a mistyped secret, so it is not shown.
            "not a secret".to_owned()
        } else {
            masked(profile, owner, self.config.release())
        };
        let mut label = format!("{id}={shown}");
        if let Some((cooldown, until)) = cooldown.and_then(|cooldown| Some((cooldown, cooldown.until()?))) {
            let left = short_duration(until.saturating_since(self.now));
            let kind = match cooldown {
                Verdict::Disabled { reason: Some(reason), .. } => format!("disabled:{reason}"),
                Verdict::Disabled { .. } => "disabled".to_owned(),
                _ => "cooldown".to_owned(),
            };
            label = format!("{label} [{kind} {left}]");
        }
        let display = match profile.hold() {
            Some(Hold::Inactive) => format!("{display} (saved, inactive)"),
            _ => display,
        };
        ProfileStatus {
            id: id.clone(),
            provider: profile.provider().clone(),
            kind: profile.stored_kind(),
            label,
            display,
            health: if has_none && profile.hold().is_none() {
                Health::Missing
            } else {
                Health::of(profile, strict, self.now, self.warn_after)
            },
            refreshable: profile.is_refreshable() && profile.hold().is_none(),
            hold: profile.hold(),
            expires: profile.expires().filter(|_| profile.stored_kind() != Some(CredentialKind::ApiKey)),
            has_none,
            wrong_unit: is_in_wrong_unit(profile),
            verdict,
            cooldown,
            last_used: usage.and_then(crate::profile::UsageStats::last_used),
        }
    }

    /// Returns the profile's id with its owner: the configuration's name for it, else the profile's, and the display
    /// name before the email address.
    fn display(&self, id: &ProfileId, profile: &Profile) -> String {
        let configured = self.config.auth_profile(id);
        let names = [
            configured.and_then(|entry| entry.display_name.as_deref()),
            profile.display_name(),
            configured.and_then(|entry| entry.email.as_deref()),
            profile.email(),
        ];
        let name =
            names.into_iter().flatten().map(|name| name.trim_matches(is_blank_char)).find(|name| !name.is_empty());
        name.map_or_else(|| id.to_string(), |name| format!("{id} ({})", Shown::new(name)))
    }
}

/// Returns `true` if a reference was looked up but not resolved.
fn in_vain(failure: ReferenceFailure) -> bool {
    failure != ReferenceFailure::NotLookedUp
}

/// Returns `true` if the expiry time was probably written in another unit than milliseconds.
fn is_in_wrong_unit(profile: &Profile) -> bool {
    let is_kept = profile.stored_kind() != Some(CredentialKind::ApiKey) && !profile.is_fenced();
    is_kept && matches!(profile.expiry(), Expiry::At(at) if WrongUnit::of(at).is_some())
}

/// Returns the part of a label after the equals sign.
fn masked(profile: &Profile, owner: &str, release: Release) -> String {
    if let Some(reference) = profile.secret_ref() {
        let (source, id) = reference.shown();
        // OpenClaw since August 2026 also shows the id, so that the user can see which variable is missing.
        return if release.has_entries() { format!("ref({source}:{id})") } else { format!("ref:{source}") };
    }
    match (profile.stored_kind(), profile.credential()) {
        (Some(CredentialKind::ApiKey), Some(credential)) => mask_secret(credential.secret()),
        (Some(CredentialKind::Token), Some(credential)) => format!("token:{}", mask_secret(credential.secret())),
        (Some(CredentialKind::OAuth), _) => format!("OAuth{owner}"),
        _ => "unknown".to_owned(),
    }
}

/// Returns the source that would be used if nothing prevented it.
fn fallback(
    profiles: &[ProfileStatus],
    environment: Option<&EnvironmentKey>,
    configured: Option<EffectiveSource>,
) -> EffectiveSource {
    let serves =
        |profile: &ProfileStatus| profile.kind.is_some() && profile.hold != Some(Hold::Inactive) && !profile.has_none;
    if profiles.iter().any(serves) {
        EffectiveSource::Found(CredentialSource::Profile)
    } else if let Some(EnvironmentKey { variable, origin, .. }) = environment {
        EffectiveSource::Found(CredentialSource::Environment { variable, origin: *origin })
    } else {
        configured.unwrap_or(EffectiveSource::Missing)
    }
}

fn is_of_variable(settings: &ProviderConfig) -> bool {
    settings.api_key_ref().is_some_and(|reference| reference.source == "env")
}
