//! The report as JSON: OpenClaw's `models status --json` with the same members in the same order, and more members.

use std::path::Path;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::collate;
use super::report::{EffectiveSource, ProfileStatus, ProviderStatus, StatusReport};
use crate::clock::Timestamp;
use crate::credential::{CredentialSource, EnvOrigin, ReferenceFailure};
use crate::error::{Diagnostic, Shown};
use crate::headroom::ProfileHeadroom;
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::Hold;
use crate::reason::FailureReason;
use crate::select::Verdict;

/// The file in which OpenClaw keeps the providers of a configuration.
const MODELS_FILE: &str = "models.json";

impl StatusReport {
    /// Returns the report as JSON text, indented by two spaces, with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.value())
    }

    fn value(&self) -> Value {
        let mut report = Members::default();
        report.put("configPath", self.config_path.as_deref().map(shown));
        report.some("agentId", self.agent_id.as_deref());
        report.put("agentDir", self.agent_dir.as_deref().map(shown));
        report.put("defaultModel", &self.default_model);
        report.put("resolvedDefault", self.model_name(&self.resolved_default));
        report.put("fallbacks", &self.fallbacks);
        report.put("imageModel", &self.image_model);
        report.put("imageFallbacks", &self.image_fallbacks);
        if self.release.has_entries() {
            report.put("utilityModel", json!({ "ref": self.utility_model, "source": self.utility_source }));
        }
        if self.agent_id.is_some() {
            let source = |own| if own { "agent" } else { "defaults" };
            let sources = json!({
                "defaultSource": source(self.own_default),
                "fallbacksSource": source(self.own_fallbacks),
            });
            report.put("modelConfig", sources);
        }
        let aliases = self.aliases.iter().map(|(alias, model)| (alias.clone(), self.model_name(model).into()));
        report.put("aliases", aliases.collect::<Map<_, _>>());
        report.put("allowed", self.allowed.iter().map(|model| self.model_name(model)).collect::<Vec<_>>());
        report.put("auth", self.auth());
        report.put("diagnostics", self.diagnostics.iter().map(diagnostic).collect::<Vec<_>>());
        report.into()
    }

    fn auth(&self) -> Value {
        let present = |provider: &&ProviderStatus| {
            let has_key = provider.environment.is_some() || provider.config_key.is_some();
            !provider.profiles.is_empty() || has_key || provider.key_failure.is_some()
        };
        let providers = || self.providers.iter().filter(present);
        let logins = providers().filter_map(|provider| {
            let stored = provider.profiles.iter().filter(|profile| profile.is_expirable()).count();
            let exported = provider.environment.as_ref().is_some_and(|key| key.is_oauth);
            let count = stored + usize::from(exported);
            (count > 0).then(|| format!("{} ({count})", self.name(&provider.provider)))
        });
        let missing = self.missing_providers_in_use.iter().map(|provider| self.name(provider));
        let unusable = self.unusable_profiles.iter().map(|profile| {
            let mut members = Members::default();
            members.put("profileId", profile.id.as_str());
            members.some("provider", profile.provider.as_ref().map(|provider| self.name(provider)));
            members.put("kind", profile.kind());
            members.some("reason", profile.reason.map(FailureReason::as_str));
            if self.release.has_entries() {
                members.put("recoveryHint", profile.recovery_hint());
            }
            members.put("until", profile.until.as_millis());
            members.put("remainingMs", self.remaining(profile.until));
            Value::from(members)
        });
        let mut auth = Members::default();
        auth.put("storePath", self.store_path.as_deref().map(shown));
        auth.put("shellEnvFallback", json!({ "enabled": self.shell_env, "appliedKeys": [] }));
        auth.put("providersWithOAuth", logins.collect::<Vec<_>>());
        auth.put("missingProvidersInUse", missing.collect::<Vec<_>>());
        if self.release.has_entries() {
            auth.put(
                "modelRouteIssues",
                self.unconfirmed_models.iter().map(|model| self.route_issue(model)).collect::<Vec<_>>(),
            );
            // Models never run in another program here.
            auth.put("runtimeAuthRoutes", json!([]));
        }
        auth.put("providers", providers().map(|provider| self.provider_value(provider)).collect::<Vec<_>>());
        auth.put("unusableProfiles", unusable.collect::<Vec<_>>());
        auth.put("oauth", self.oauth());
        if !self.headroom.is_empty() {
            auth.put("headroom", self.headroom.iter().map(headroom).collect::<Vec<_>>());
        }
        auth.into()
    }

    fn provider_value(&self, status: &ProviderStatus) -> Value {
        let count = |name: &str| status.profiles.iter().filter(|profile| profile.kind_name() == name).count();
        let known = || status.profiles.iter().filter(|profile| profile.kind.is_some());
        let mut members = Members::default();
        members.put("provider", self.name(&status.provider));
        members.put("effective", json!({ "kind": status.effective.kind(), "detail": self.detail(status) }));
        let labels: Vec<&str> = known().map(|profile| profile.label.as_str()).collect();
        let profiles = json!({
            "count": known().count(),
            "oauth": count("oauth"),
            "token": count("token"),
            "apiKey": count("api_key"),
            "labels": labels,
        });
        members.put("profiles", profiles);
        if let Some(key) = &status.environment {
            let origin = match key.origin {
                EnvOrigin::Process => "process",
                EnvOrigin::File => "file",
                EnvOrigin::ConfigBlock => "config",
            };
            let source = format!("env: {}", key.variable);
            members.put("env", json!({ "value": key.label, "source": source, "origin": origin }));
        }
        if let Some(label) = &status.config_key {
            members
                .put("modelsJson", json!({ "value": label, "source": format!("models.json: {}", self.models_file()) }));
        }
        members.some("apiKeyFailure", status.key_failure.map(ReferenceFailure::code));
        members.put("used", status.used.as_ref().map(ProfileId::as_str));
        members.some("retryAt", status.retry_at.map(Timestamp::as_millis));
        members.put("order", status.order.iter().map(ProfileId::as_str).collect::<Vec<_>>());
        let details = status.profiles.iter().map(|profile| self.profile_value(profile));
        members.put("details", details.collect::<Vec<_>>());
        members.into()
    }

    fn profile_value(&self, profile: &ProfileStatus) -> Value {
        let mut members = listed(profile);
        members.some("remainingMs", profile.until().map(|until| self.remaining(until)));
        members.some("expiresAt", profile.expires.map(Timestamp::as_millis));
        members.put("refreshable", profile.refreshable);
        members.some("lastUsed", profile.last_used.map(Timestamp::as_millis));
        members.into()
    }

    fn oauth(&self) -> Value {
        let value = |profile: &ProfileStatus| {
            let mut members = Members::default();
            members.put("profileId", profile.id.as_str());
            members.put("provider", self.name(&profile.provider));
            members.put("type", profile.kind_name());
            members.put("status", profile.health.as_str());
            members.some("reasonCode", profile.hold.map(reason_code));
            members.some("expiresAt", profile.expires.map(Timestamp::as_millis));
            members.some("remainingMs", profile.expires.map(|at| self.remaining(at)));
            members.put("source", "store");
            members.put("label", &profile.display);
            if profile.is_expirable() {
                members.put("refreshable", profile.refreshable);
            }
            Value::from(members)
        };
        let sorted = |status: &ProviderStatus| {
            let mut profiles: Vec<&ProfileStatus> = status.profiles.iter().filter(|p| p.kind.is_some()).collect();
            profiles.sort_by(|a, b| collate::compare(a.id.as_str(), b.id.as_str()));
            profiles.into_iter().map(value).collect::<Vec<_>>()
        };
        let providers = self.providers.iter().map(|status| {
            let mut members = Members::default();
            members.put("provider", self.name(&status.provider));
            members.put("status", status.health.as_str());
            members.put("profiles", sorted(status));
            if self.release.has_entries() {
                members.put("effectiveProfiles", status.effective_profiles().map(value).collect::<Vec<_>>());
            }
            members.some("expiresAt", status.expires.map(Timestamp::as_millis));
            members.some("remainingMs", status.expires.map(|at| self.remaining(at)));
            Value::from(members)
        });
        json!({
            "warnAfterMs": u64::try_from(self.warn_after.as_millis()).unwrap_or(u64::MAX),
            "profiles": self.providers.iter().flat_map(sorted).collect::<Vec<_>>(),
            "providers": providers.collect::<Vec<_>>(),
        })
    }

    /// Returns OpenClaw's entry for a model whose credentials could not be checked.
    fn route_issue(&self, model: &ModelRef) -> Value {
        let of_profile = self.provider(model.provider()).is_some_and(|status| status.unresolved().next().is_some());
        let mut members = Members::default();
        members.put("kind", "indeterminate");
        members.put("provider", model.provider().written());
        members.put("model", model.model());
        members.some("evidence", of_profile.then_some("profile"));
        let message = format!("It is unknown whether {model} can be used: a reference to a secret was not resolved.");
        members.put("message", message);
        members.into()
    }

    /// Returns the name of a provider: since August 2026 OpenClaw keeps aliases as written.
    fn name<'p>(&self, provider: &'p ProviderId) -> &'p str {
        if self.release.has_entries() { provider.written() } else { provider.as_str() }
    }

    fn model_name(&self, model: &ModelRef) -> String {
        if self.release.has_entries() { model.written() } else { model.name() }
    }

    /// Returns the milliseconds until a time; negative once it has passed.
    fn remaining(&self, until: Timestamp) -> i64 {
        until.as_millis().saturating_sub(self.now.as_millis())
    }

    fn detail(&self, status: &ProviderStatus) -> String {
        let masked = |label: Option<&String>| label.cloned().unwrap_or_default();
        match &status.effective {
            EffectiveSource::Missing => "missing".to_owned(),
            EffectiveSource::Found(CredentialSource::NotNeeded) => "none".to_owned(),
            EffectiveSource::Found(CredentialSource::Profile) => {
                let shared = self.shared_store_path.as_deref().filter(|_| status.is_shared);
                let path = shared.or(self.store_path.as_deref());
                path.map_or_else(|| "store".to_owned(), |path| self.shortened(path))
            }
            EffectiveSource::Found(CredentialSource::Environment { .. }) => {
                masked(status.environment.as_ref().map(|key| &key.label))
            }
            EffectiveSource::Variable | EffectiveSource::Found(CredentialSource::Config | CredentialSource::Caller) => {
                masked(status.config_key.as_ref())
            }
        }
    }

    fn models_file(&self) -> String {
        self.agent_dir.as_deref().map_or_else(|| MODELS_FILE.to_owned(), |dir| self.shortened(&dir.join(MODELS_FILE)))
    }

    /// Returns a path as the report shows it, with [`home`](Self::home) as `~`.
    #[must_use]
    pub fn shortened(&self, path: &Path) -> String {
        let below = self.home.as_deref().and_then(|home| path.strip_prefix(home).ok());
        match below {
            Some(below) if below.as_os_str().is_empty() => "~".to_owned(),
            Some(below) => format!("~{}{}", std::path::MAIN_SEPARATOR, Shown::new(&below.to_string_lossy())),
            None => Shown::new(&path.to_string_lossy()).to_string(),
        }
    }
}

impl Serialize for StatusReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

/// Serialises as in `auth list --json` of the example command line: `profileId`, `provider`, `type`, `label`, `health`,
/// `verdict`, and during a cooldown `until` and `reason`, or `reason` if its reference could not be resolved.
impl Serialize for ProfileStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(listed(self)).serialize(serializer)
    }
}

fn listed(profile: &ProfileStatus) -> Members {
    let mut members = Members::default();
    members.put("profileId", profile.id.as_str());
    members.put("provider", profile.provider.as_str());
    members.put("type", profile.kind_name());
    members.put("label", &profile.label);
    members.put("health", profile.health.as_str());
    members.put("verdict", profile.verdict.code());
    members.some("until", profile.until().or(profile.verdict.until()).map(Timestamp::as_millis));
    let unresolved = match profile.verdict {
        Verdict::UnresolvedReference { reason } => Some(reason.code()),
        _ => None,
    };
    members.some("reason", profile.reason().map(FailureReason::as_str).or(unresolved));
    members
}

/// Returns the headroom of a profile: `profileId`, `model` unless it is a plan's, and `limits`, each with `kind`,
/// `name`, and `limit`, `remaining` and `fullAt` if known.
fn headroom(headroom: &ProfileHeadroom) -> Value {
    let limits = headroom.limits.iter().map(|limit| {
        let mut members = Members::default();
        members.put("kind", limit.kind.as_str());
        members.put("name", &limit.name);
        members.some("limit", limit.limit);
        members.some("remaining", limit.remaining);
        members.some("fullAt", limit.reset.map(Timestamp::as_millis));
        Value::from(members)
    });
    let mut members = Members::default();
    members.put("profileId", headroom.profile.as_str());
    members.some("model", headroom.model.as_deref());
    members.put("limits", limits.collect::<Vec<_>>());
    members.into()
}

/// Returns OpenClaw's code, which is the same for OAuth credentials that are being refreshed and those that have
/// expired.
fn reason_code(hold: Hold) -> &'static str {
    match hold {
        Hold::Inactive => "setup_inactive",
        Hold::Refreshing | Hold::RefreshFailed => "expired",
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let mut members = Members::default();
    members.put("severity", diagnostic.severity.to_string());
    members.put("message", &diagnostic.message);
    let location = diagnostic.location.to_string();
    members.some("location", Some(location).filter(|location| !location.is_empty()));
    members.some("help", diagnostic.help.as_deref());
    members.into()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn put(&mut self, name: &str, value: impl Serialize) {
        // All values here are text and numbers, or made of them, so this cannot fail.
        self.0.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
    }

    fn some(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

impl From<Members> for Value {
    fn from(members: Members) -> Self {
        Self::Object(members.0)
    }
}
