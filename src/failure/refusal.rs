//! Known refusals of subscription credentials.

use std::fmt;

const USE_A_KEY: &str = "Use an API key: since February 2026 Anthropic's terms allow subscription credentials in its own applications only.";
const BUY_OR_KEY: &str =
    "Use an API key, or buy extra usage for the account: the plan does not cover other applications since April 2026.";
const RENEW_OR_KEY: &str =
    "Use an API key. The credential's owner can also log in again, for use in the provider's own applications.";

/// A refusal by Anthropic of a subscription credential (setup-token, OAuth) that is used outside its own applications.
///
/// The texts were reported between August 2025 and September 2026. The remedy for all of them is an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubscriptionRefusal {
    /// 400: the credential is for Claude Code only.
    ClaudeCodeOnly,
    /// 401: OAuth is not supported here.
    NotSupported,
    /// 401: OAuth is not allowed for the organization.
    NotAllowed,
    /// 403: the token was revoked.
    Revoked,
    /// 401: the token has expired.
    Expired,
    /// 403: the token lacks a scope.
    MissingScope,
    /// 400 or 429: other applications, or long contexts, use extra usage, and there is none left.
    ExtraUsage,
    /// 429 with the whole message `Error` and no header about limits. Waiting does not clear it.
    BareRateLimit,
}

impl SubscriptionRefusal {
    /// Returns one sentence about what the server means.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ClaudeCodeOnly => "the provider accepts this subscription credential in Claude Code only",
            Self::NotSupported => "the provider does not accept subscription logins here",
            Self::NotAllowed => "the organization does not allow subscription logins",
            Self::Revoked => "the subscription token was revoked",
            Self::Expired => "the subscription token has expired",
            Self::MissingScope => "the subscription token is not allowed for this use",
            Self::ExtraUsage => "the request is not covered by the subscription, and there is no extra usage left",
            Self::BareRateLimit => {
                "the provider refuses the subscription credential with a rate limit that does not clear"
            }
        }
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::ExtraUsage => BUY_OR_KEY,
            Self::Revoked | Self::Expired => RENEW_OR_KEY,
            _ => USE_A_KEY,
        }
    }
}

impl fmt::Display for SubscriptionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}
