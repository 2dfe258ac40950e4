//! Where a credential comes from when profiles are not the only place for one.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::candidate::Candidate;
use super::query::Query;
use super::receipt::Receipt;
use super::selector::{ProfileSelector, Selection};
use super::unavailable::{self, Unavailable};
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::config::{Config, ProviderAuth};
use crate::env::EnvOrigin;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Credential, UsageStats};
use crate::secret::Secret;

/// How the pseudo profile of a provider's key from the environment or the configuration is called, before the
/// provider's name.
pub(super) const INLINE_PREFIX: &str = "inline-api-key:";

/// Where a credential came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// A stored profile.
    Profile,
    /// An environment variable, or its stand-in in an `.env` file or the configuration's `env` block.
    #[non_exhaustive]
    Environment {
        /// The variable's name.
        variable: &'static str,
        /// The process environment, the `.env` file or the `env` block.
        origin: EnvOrigin,
    },
    /// `models.providers.<provider>.apiKey` of the configuration.
    Config,
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile => f.write_str("a stored profile"),
            Self::Environment { variable, origin: EnvOrigin::ConfigBlock } => {
                write!(f, "{variable} in the configuration's `env` block")
            }
            Self::Environment { variable, origin: EnvOrigin::File } => write!(f, "{variable} in the `.env` file"),
            Self::Environment { variable, .. } => write!(f, "the environment variable {variable}"),
            Self::Config => f.write_str("`models.providers` of the configuration"),
        }
    }
}

impl ProfileSelector {
    /// The credential to use now, wherever it is kept: a stored profile, else the provider's environment variable, else
    /// the provider's key in the configuration.
    ///
    /// The environment and the configuration are asked only when no profile could serve, not even later: a profile that
    /// rests is waited for, unless its token ends before its rest does. A locked profile is not replaced by anything. What happens to a key from outside the document
    /// is remembered under the pseudo profile `inline-api-key:` and the provider.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingApiKey`] if there is no credential anywhere, [`ErrorKind::Unavailable`] if there are some and
    /// all of them rest, [`ErrorKind::MissingCredentials`] or [`ErrorKind::ProfileNotConfigured`] for a locked profile
    /// that cannot serve. The source of the error is the [`Unavailable`] with every profile that was considered.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{
    ///     AuthProfiles, Config, CredentialSource, Environment, ProfileSelector, ProviderId, Query, ReadOptions, Timestamp,
    /// };
    ///
    /// let environment = Environment::from_fn(|name| (name == "ANTHROPIC_API_KEY").then(|| "sk-ant-example".to_owned()));
    /// let config = Config::from_json5_str("{}", &ReadOptions::new().environment(environment))?;
    /// let anthropic = ProviderId::anthropic();
    ///
    /// let selector = ProfileSelector::default().with_config(&config);
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// let selection = selector.resolve(&AuthProfiles::new(), &config, &Query::new(&anthropic), now)?;
    /// assert!(matches!(selection.source, CredentialSource::Environment { variable: "ANTHROPIC_API_KEY", .. }));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn resolve(
        &self,
        profiles: &AuthProfiles,
        config: &Config,
        query: &Query<'_>,
        now: Timestamp,
    ) -> Result<Selection> {
        let resolved = self.resolve_untraced(profiles, config, query, now);
        #[cfg(feature = "tracing")]
        trace(query, &resolved);
        resolved
    }

    fn resolve_untraced(
        &self,
        profiles: &AuthProfiles,
        config: &Config,
        query: &Query<'_>,
        now: Timestamp,
    ) -> Result<Selection> {
        let refusal = match self.select(profiles, query, now) {
            Ok(selection) => return Ok(selection),
            Err(refusal) => refusal,
        };
        let may_serve_later = refusal.retry_at.is_some();
        if query.locked.is_some() || may_serve_later {
            return Err(refusal.into());
        }
        let Some((credential, source)) = inline(config, query.provider) else {
            let message = format!("No API key found for provider \"{}\".", query.provider);
            return Err(Error::new(ErrorKind::MissingApiKey, message).with_source(refusal));
        };
        let profile = ProfileId::verbatim(format!("{INLINE_PREFIX}{}", query.provider));
        let kind = Some(credential.kind());
        let fit = credential.secret().is_header_safe();
        let usage = profiles.usage(profile.as_str()).filter(|usage| is_about(usage, credential.secret()));
        let resting = self.rules.resting(usage, query.model, as_millis(now));
        let verdict =
            resting.map_or(if fit { Verdict::Ready } else { Verdict::UnusableSecret }, |(_, verdict)| verdict);
        let mut considered = refusal.candidates;
        if verdict.is_ready() {
            let receipt = Receipt::new(profile.clone(), query.provider.clone(), query.model, now);
            let receipt = receipt.with_secret(credential.secret());
            return Ok(Selection { profile, credential, source, receipt, skipped: considered });
        }
        considered.insert(0, Candidate { id: Cow::Owned(profile), kind, verdict, retry_at: verdict.until() });
        let reason = unavailable::blocking(&considered, profiles);
        Err(Unavailable { candidates: considered, retry_at: verdict.until(), reason, ..refusal }.into())
    }
}

/// Reports which credential was chosen, or that none was: names, kinds and reasons, never a secret.
#[cfg(feature = "tracing")]
fn trace(query: &Query<'_>, resolved: &Result<Selection>) {
    match resolved {
        Ok(selection) => tracing::debug!(
            provider = %query.provider,
            model = query.model,
            profile = %selection.profile,
            source = %selection.source,
            kind = %selection.credential.kind(),
            skipped = selection.skipped.len(),
            "credential chosen"
        ),
        Err(error) => tracing::warn!(provider = %query.provider, model = query.model, %error, "no credential"),
    }
}

/// Whether statistics are about this key, and not about one that has been replaced since.
pub(super) fn is_about(usage: &UsageStats, secret: &Secret) -> bool {
    usage.inline_key().is_none_or(|known| known == digits(secret))
}

/// Four hexadecimal digits of a hash: enough to tell a new key from an old one, and far too few to tell the key.
pub(super) fn digits(secret: &Secret) -> String {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(secret.expose().as_bytes());
    format!("{:04x}", hasher.finish() & 0xffff)
}

/// The provider's key outside the document.
fn inline(config: &Config, provider: &ProviderId) -> Option<(Credential, CredentialSource)> {
    if let Some(found) = config.environment().credential(provider) {
        let source = CredentialSource::Environment { variable: found.variable, origin: found.origin };
        return Some((found.into(), source));
    }
    let settings = config.provider(provider)?;
    let secret = settings.api_key().filter(|key| !key.is_empty())?.clone();
    let credential = match settings.auth() {
        Some(ProviderAuth::Token | ProviderAuth::OAuth) => Credential::token(secret, None),
        _ => Credential::api_key(secret),
    };
    Some((credential, CredentialSource::Config))
}
