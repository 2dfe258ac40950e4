//! What a provider's terms say about a kind of credential.

use std::fmt;

use crate::id::ProviderId;
use crate::profile::CredentialKind;

/// What a provider's terms say about using a kind of credential in other people's programs, as far as it is known.
///
/// A caller shows [`text`](Self::text) before it asks for the secret. It is a notice, not legal advice, and terms
/// change: [`as_of`](Self::as_of) says how old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// Whether the terms allow it: `Some(false)` if they rule it out, `None` if nothing is known here.
    pub allowed: Option<bool>,
    /// What to tell the user.
    pub text: &'static str,
    /// The day of the newest source this is based on, as year, month and day.
    pub as_of: Option<&'static str>,
    /// Where the provider says so.
    pub source: Option<&'static str>,
}

const SETUP_TOKEN: Terms = Terms {
    allowed: Some(false),
    text: "A setup-token or a subscription login is meant for Claude Code and Anthropic's own applications. Anthropic's \
           terms do not allow it in other programs, and the API may refuse it or bill it as extra usage. The supported \
           way is an API key from the Anthropic Console.",
    as_of: Some("2026-08-22"),
    source: Some("https://code.claude.com/docs/en/legal-and-compliance"),
};

const API_KEY: Terms = Terms {
    allowed: Some(true),
    text: "An API key from the Anthropic Console is the supported way to use Claude in your own programs; its use is \
           billed by tokens.",
    as_of: Some("2026-08-22"),
    source: Some("https://code.claude.com/docs/en/legal-and-compliance"),
};

const UNKNOWN: Terms = Terms {
    allowed: None,
    text: "Check this provider's terms before you use the credential in another program than its own.",
    as_of: None,
    source: None,
};

/// What the provider's terms say about this kind of credential.
///
/// # Examples
///
/// ```
/// use provider_auth::{CredentialKind, ProviderId, setup};
///
/// let anthropic = ProviderId::anthropic();
/// assert_eq!(setup::terms(&anthropic, CredentialKind::Token).allowed, Some(false));
/// assert_eq!(setup::terms(&anthropic, CredentialKind::ApiKey).allowed, Some(true));
/// ```
#[must_use]
pub fn terms(provider: &ProviderId, kind: CredentialKind) -> Terms {
    if *provider != ProviderId::anthropic() {
        return UNKNOWN;
    }
    if kind.is_subscription() { SETUP_TOKEN } else { API_KEY }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
