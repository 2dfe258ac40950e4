//! Credentials from profiles, or from the caller, the environment and the configuration.

use std::borrow::Cow;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::candidate::Candidate;
use super::query::Query;
use super::receipt::Receipt;
use super::selector::{ProfileSelector, Selection};
use super::unavailable::{self, Reasons, Unavailable};
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::{
    Access, Credential, CredentialKind, CredentialSource, Doubt, Implausible, InlineCredential, ReferenceFailure,
};
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, UsageStats};
use crate::providers::Provider;
use crate::secret::Secret;

/// The prefix, before the provider's name, of the pseudo profile for a key from the environment or the configuration.
pub(super) const INLINE_PREFIX: &str = "inline-api-key:";

/// A credential from outside the document, or the reason that the value found there is none.
pub(crate) type Inline = Result<InlineCredential, InlineFailure>;

/// The reason that a value outside the document is no credential.
#[derive(Clone, Debug)]
pub(crate) enum InlineFailure {
    /// A reference leads to no secret.
    Reference(ReferenceFailure),
    /// A text cannot be a secret.
    Implausible { source: CredentialSource, reason: Implausible },
}

impl ProfileSelector {
    /// Returns the credential to use now: a stored profile, or else the provider's inline credential.
    ///
    /// The inline credential is used only if no profile can serve now or later. A profile that is cooling down is
    /// waited for, unless its token ends before its cooldown does. A locked profile is never replaced. Outcomes of an
    /// inline credential are recorded under the pseudo profile `inline-api-key:<provider>`. An inline credential whose
    /// source is [`Caller`](CredentialSource::Caller) is used unchecked; any other can be
    /// [implausible](Verdict::ImplausibleSecret), like a profile.
    ///
    /// [`Config::resolve`](crate::Config::resolve) calls this with the order, the rules and the inline credential of a
    /// configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingApiKey`] if there is no credential at all, [`ErrorKind::Unavailable`] if there are some and
    /// none can be used now, [`ErrorKind::MissingCredentials`] or [`ErrorKind::ProfileNotConfigured`] for a locked
    /// profile that cannot be used. [`Error::unavailable`] returns every profile that was considered. If something is
    /// missing, the location is the file or database that the store read the profiles from, if it has one.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, Credential, ProfileSelector, ProviderId, Query, Secret, Timestamp};
    /// use provider_auth::credential::{CredentialSource, InlineCredential};
    ///
    /// let key = Credential::api_key(Secret::new("sk-ant-example"));
    /// let inline = InlineCredential::new(key, CredentialSource::Caller);
    /// let query = Query::new(&ProviderId::anthropic());
    ///
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// let selection = ProfileSelector::default().resolve(&AuthProfiles::new(), Some(inline), &query, now)?;
    /// assert_eq!(selection.source, CredentialSource::Caller);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn resolve(
        &self,
        profiles: &AuthProfiles,
        inline: Option<InlineCredential>,
        query: &Query,
        now: Timestamp,
    ) -> Result<Selection> {
        self.resolve_with(profiles, || inline.map(Ok), query, now)
    }

    /// Does the same as [`resolve`](Self::resolve) with a lookup that runs only if no profile can serve, and that may
    /// find a reference that leads to nothing.
    pub(crate) fn resolve_with(
        &self,
        profiles: &AuthProfiles,
        inline: impl FnOnce() -> Option<Inline>,
        query: &Query,
        now: Timestamp,
    ) -> Result<Selection> {
        let resolved = self.resolve_untraced(profiles, inline, query, now).map_err(|error| match error.kind() {
            // What is missing here may be in another file.
            ErrorKind::MissingApiKey | ErrorKind::MissingCredentials => match profiles.origin() {
                Some(path) => error.with_path(path),
                None => error,
            },
            _ => error,
        });
        #[cfg(feature = "tracing")]
        trace(query, &resolved);
        resolved
    }

    fn resolve_untraced(
        &self,
        profiles: &AuthProfiles,
        inline: impl FnOnce() -> Option<Inline>,
        query: &Query,
        now: Timestamp,
    ) -> Result<Selection> {
        let refusal = match self.select(profiles, query, now) {
            Ok(selection) => return Ok(selection),
            Err(refusal) => refusal,
        };
        let may_serve_later = refusal.retry_at.is_some();
        let left_out = refusal.candidates.iter().any(|candidate| query.excluded.contains(&*candidate.id));
        if query.locked.is_some() || may_serve_later || left_out {
            return Err(refusal.into());
        }
        if refusal.candidates.iter().any(|candidate| candidate.verdict.is_failed_reference()) {
            // The user named the location of the secret, and another one is not what was meant.
            return Err(refusal.into());
        }
        self.outside(profiles, inline, query, now, refusal)
    }

    /// Returns the selection for an endpoint that takes no credential, without looking at any profile.
    pub(crate) fn without_credential(
        &self,
        profiles: &AuthProfiles,
        query: &Query,
        now: Timestamp,
    ) -> Result<Selection> {
        let none = || Some(Ok(InlineCredential::new(Credential::None, CredentialSource::NotNeeded)));
        self.outside(profiles, none, query, now, Unavailable::of_nothing(query.provider.clone(), now))
    }

    /// Returns the selection of a credential from outside the profiles; `refusal` explains why none of those can be
    /// used.
    fn outside(
        &self,
        profiles: &AuthProfiles,
        inline: impl FnOnce() -> Option<Inline>,
        query: &Query,
        now: Timestamp,
        refusal: Unavailable,
    ) -> Result<Selection> {
        let split = self.settings.is_split(&query.provider);
        let name = if split { query.provider.written() } else { query.provider.as_str() };
        let profile = ProfileId::verbatim(format!("{INLINE_PREFIX}{name}"));
        let found = match inline().map(|inline| inline.and_then(|found| self.plausible(found, query))) {
            Some(Err(failure)) => {
                let mut considered = refusal.candidates;
                let verdict = match &failure {
                    InlineFailure::Reference(reason) => Verdict::UnresolvedReference { reason: *reason },
                    InlineFailure::Implausible { reason, .. } => Verdict::ImplausibleSecret { reason: *reason },
                };
                considered.insert(0, Candidate { id: Cow::Owned(profile), kind: None, verdict, retry_at: None });
                let refusal = Unavailable { candidates: considered, ..refusal };
                return Err(match failure {
                    InlineFailure::Reference(_) => refusal.into(),
                    InlineFailure::Implausible { source, reason } => {
                        missing(refusal).with_help(format!("In {source}: {}", reason.help()))
                    }
                });
            }
            Some(Ok(found)) => Some(found),
            None => None,
        };
        let Some(InlineCredential { credential, source }) = found else {
            return Err(missing(refusal));
        };
        if query.excluded.contains(&profile) {
            return Err(refusal.into());
        }
        let kind = Some(credential.kind());
        let fit = credential.kind() == CredentialKind::None || credential.secret().is_header_safe();
        let usage = profiles.usage(profile.as_str()).filter(|usage| is_about(usage, credential.secret()));
        let cooling = self.rules.cooling(usage, query.model.as_deref(), as_millis(now)).or_else(|| {
            let standing = self.rules.standing(query, (&profile, None), (Some(credential.secret()), usage), now);
            self.rules.no_headroom(standing, now)
        });
        let verdict =
            cooling.map_or(if fit { Verdict::Ready } else { Verdict::UnusableSecret }, |(_, verdict)| verdict);
        let mut considered = refusal.candidates;
        if verdict.is_ready() {
            let receipt = Receipt::of(profile.clone(), query.provider.clone(), query.model.clone(), now);
            let receipt = receipt.with_secret(credential.secret()).with_usage(usage);
            let access = Access::unset();
            return Ok(Selection { profile, credential, source, receipt, skipped: considered, access });
        }
        considered.insert(0, Candidate { id: Cow::Owned(profile), kind, verdict, retry_at: verdict.until() });
        let reason = unavailable::blocking(&considered, profiles);
        Err(Unavailable { candidates: considered, retry_at: verdict.until(), reason, ..refusal }.into())
    }
}

impl ProfileSelector {
    /// Returns an inline credential unless these rules find it implausible.
    fn plausible(&self, found: InlineCredential, query: &Query) -> Inline {
        if found.source == CredentialSource::Caller {
            return Ok(found);
        }
        let doubt = Doubt::of(query.provider.as_str(), found.credential.secret());
        match doubt.and_then(|doubt| self.rules.refuses(doubt, self.settings.gateways.contains(&query.provider))) {
            Some(reason) => Err(InlineFailure::Implausible { source: found.source, reason }),
            None => Ok(found),
        }
    }
}

/// Returns the error for a provider without any credential that could ever be used.
fn missing(refusal: Unavailable) -> Error {
    let message =
        format!("No API key found for provider {:?}{}", Shown::new(refusal.provider.as_str()), Reasons::new(&refusal));
    let help = refusal.help().map(str::to_owned).or_else(|| no_key(&refusal.provider));
    let error = Error::new(ErrorKind::MissingApiKey, message).with_origin(refusal);
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// Returns the help for a missing key with the name of the provider's variable, if it has one.
fn no_key(provider: &ProviderId) -> Option<String> {
    let variables = Provider::named(provider.as_str())?.variables();
    let variable = variables.iter().find(|name| name.ends_with("_API_KEY")).or_else(|| variables.first())?;
    let others = "Credentials in another agent's `auth-profiles.json` are not used.";
    Some(format!("Add a key for this provider, or set the environment variable `{variable}`. {others}"))
}

/// Logs the chosen credential or the refusal: names, kinds and reasons, never a secret.
#[cfg(feature = "tracing")]
fn trace(query: &Query, resolved: &Result<Selection>) {
    match resolved {
        Ok(selection) => tracing::debug!(
            gen_ai.provider.name = %query.provider,
            gen_ai.request.model = query.model.as_deref().map(|model| Shown::new(model).to_string()).as_deref(),
            profile = %selection.profile,
            source = %selection.source,
            kind = %selection.credential.kind(),
            skipped = selection.skipped.len(),
            "credential chosen"
        ),
        Err(error) => {
            tracing::warn!(
                gen_ai.provider.name = %query.provider,
                gen_ai.request.model = query.model.as_deref().map(|model| Shown::new(model).to_string()).as_deref(),
                %error,
                "no credential"
            );
        }
    }
}

/// Returns `true` if the statistics are about this key and not about one that has been replaced.
pub(super) fn is_about(usage: &UsageStats, secret: &Secret) -> bool {
    usage.inline_key().is_none_or(|known| known == digits(secret))
}

/// Returns four hexadecimal digits of a hash: enough to distinguish a new key from an old one, far too few to reveal
/// it.
pub(super) fn digits(secret: &Secret) -> String {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(secret.expose().as_bytes());
    format!("{:04x}", hasher.finish() & 0xffff)
}
