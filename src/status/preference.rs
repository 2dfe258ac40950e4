//! A warning about a subscription that is used although there is an API key.

use crate::config::Config;
use crate::credential::CredentialKind;
use crate::error::{Diagnostic, DiagnosticCode, Location, Severity, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::syntax::KeyPath;

/// Returns a warning if a subscription comes before an API key only because of its kind, although the provider's terms
/// forbid it in other programs. The order is OpenClaw's and stays, but the user may be unaware of it.
pub(super) fn discouraged<'a>(
    config: &Config,
    stored: &AuthProfiles,
    provider: &ProviderId,
    order: impl Iterator<Item = &'a ProfileId>,
) -> Option<Diagnostic> {
    let allowed = provider.known().and_then(|known| known.subscription_terms.allowed);
    if allowed != Some(false) || stored.order(provider).is_some() || config.auth_order(provider).is_some() {
        return None;
    }
    let is_key = |id: &ProfileId| {
        stored.get(id.as_str()).and_then(crate::profile::Profile::kind) == Some(CredentialKind::ApiKey)
    };
    let (keys, others): (Vec<_>, Vec<_>) = order.map(|id| (id, is_key(id))).partition(|(_, is_key)| *is_key);
    let ((key, _), (other, _)) = (keys.first()?, others.first()?);
    let better: Vec<_> = keys.iter().chain(&others).map(|(id, _)| format!("{:?}", Shown::new(id.as_str()))).collect();
    let path = KeyPath::root().key("profiles").key(other.as_str()).to_string();
    let (key, other) = (Shown::new(key.as_str()), Shown::new(other.as_str()));
    let message = format!(
        "{other:?} comes before the API key {key:?}, because no order is set; the provider's terms do not allow a \
         subscription in other programs"
    );
    let help =
        format!("set `auth.order.{provider}` in `openclaw.json` to [{}], or remove {other:?}", better.join(", "));
    let place = Location::default().with_key_path(path);
    let code = DiagnosticCode::DiscouragedCredential;
    Some(Diagnostic::new(Severity::Warning, code, place, message).with_help(help))
}
