//! Reasons for failed requests, and what each one concerns.

use std::fmt;

/// The reason why a request failed, as it concerns the credential.
///
/// The names are those of OpenClaw's `failureCounts` and `cooldownReason`, except `network` and `not_found`, which are
/// this crate's own: they blame nobody and are never recorded.
///
/// | reason | blame | cooldown kind | scope | refusal |
/// | --- | --- | --- | --- | --- |
/// | `auth` | profile | transient | profile | yes |
/// | `auth_permanent` | profile | disabled | profile | yes |
/// | `session_expired` | profile | transient | profile | yes |
/// | `billing` | profile | disabled | profile | |
/// | `rate_limit` | profile | transient | model | |
/// | `network` | nobody | none | | |
/// | `timeout` | model | transient | model | |
/// | `model_not_found` | model | transient | model | |
/// | `not_found` | nobody | none | | |
/// | `overloaded` | provider | none | model, for a server deadline | |
/// | `server_error` | provider | none | model, for a server deadline | |
/// | `format` | request | none | | |
/// | `context_overflow` | request | none | | |
/// | `unknown` | profile | transient | profile | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureReason {
    /// The credential was not accepted this time: bad key, missing header, generic 401 or 403.
    Auth,
    /// The credential is permanently refused: revoked, disabled, leaked, suspended or not allowed.
    AuthPermanent,
    /// The login session is over.
    SessionExpired,
    /// The credit, quota or spend limit is exhausted.
    Billing,
    /// Too many requests or tokens.
    RateLimit,
    /// The request never reached the provider, or something on the way refused it: no connection, a proxy, a challenge
    /// page, a stream that broke.
    Network,
    /// The provider was reached and did not answer in time.
    Timeout,
    /// The model is unknown or not served to this account.
    ModelNotFound,
    /// A 404 that does not name the model: the URL is wrong.
    NotFound,
    /// The provider has no capacity at the moment.
    Overloaded,
    /// The provider had an internal error.
    ServerError,
    /// The request is malformed.
    Format,
    /// The request is too long for the model.
    ContextOverflow,
    /// No rule matched the failure.
    Unknown,
}

/// The part of a call that a failure is attributed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The credential profile.
    Profile,
    /// The model, as this profile sees it.
    Model,
    /// The provider as a whole.
    Provider,
    /// The request itself; another profile would fail the same way.
    Request,
    /// None of these, so nothing is recorded: the network failed, or the URL is wrong.
    Nobody,
}

/// The window of a profile that a failure opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CooldownKind {
    /// The short window, `cooldownUntil`.
    Transient,
    /// The long window, `disabledUntil`.
    Disabled,
    /// No window.
    None,
}

/// One row of the table: the properties of a reason.
struct Row {
    reason: FailureReason,
    name: &'static str,
    blame: Blame,
    cooldown: CooldownKind,
    model_scoped: bool,
    refusal: bool,
}

const fn row(
    reason: FailureReason,
    name: &'static str,
    blame: Blame,
    cooldown: CooldownKind,
    model_scoped: bool,
) -> Row {
    Row { reason, name, blame, cooldown, model_scoped, refusal: false }
}

/// Creates a row for a refused credential, which always concerns the whole profile.
const fn refusal(reason: FailureReason, name: &'static str, cooldown: CooldownKind) -> Row {
    Row { refusal: true, ..row(reason, name, Blame::Profile, cooldown, false) }
}

/// All reasons. The order breaks ties between counters when all profiles are unavailable.
const TABLE: [Row; 14] = [
    refusal(FailureReason::AuthPermanent, "auth_permanent", CooldownKind::Disabled),
    refusal(FailureReason::Auth, "auth", CooldownKind::Transient),
    refusal(FailureReason::SessionExpired, "session_expired", CooldownKind::Transient),
    row(FailureReason::Billing, "billing", Blame::Profile, CooldownKind::Disabled, false),
    row(FailureReason::Format, "format", Blame::Request, CooldownKind::None, false),
    row(FailureReason::ContextOverflow, "context_overflow", Blame::Request, CooldownKind::None, false),
    row(FailureReason::ModelNotFound, "model_not_found", Blame::Model, CooldownKind::Transient, true),
    row(FailureReason::Overloaded, "overloaded", Blame::Provider, CooldownKind::None, true),
    row(FailureReason::ServerError, "server_error", Blame::Provider, CooldownKind::None, true),
    row(FailureReason::Timeout, "timeout", Blame::Model, CooldownKind::Transient, true),
    row(FailureReason::NotFound, "not_found", Blame::Nobody, CooldownKind::None, false),
    row(FailureReason::Network, "network", Blame::Nobody, CooldownKind::None, false),
    row(FailureReason::RateLimit, "rate_limit", Blame::Profile, CooldownKind::Transient, true),
    row(FailureReason::Unknown, "unknown", Blame::Profile, CooldownKind::Transient, false),
];

const UNKNOWN: &Row = &row(FailureReason::Unknown, "unknown", Blame::Profile, CooldownKind::Transient, false);

impl FailureReason {
    /// Returns every reason, the most significant first. The order breaks ties.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.reason)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.reason == self).unwrap_or(UNKNOWN)
    }

    /// Returns the name in credential files, such as `rate_limit`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Returns the reason of this name, or `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.reason)
    }

    /// Returns the part of the call that the failure is attributed to.
    #[must_use]
    pub fn blame(self) -> Blame {
        self.row().blame
    }

    /// Returns the window that the failure opens under the default rules.
    #[must_use]
    pub fn cooldown_kind(self) -> CooldownKind {
        self.row().cooldown
    }

    /// Returns `true` if the failure concerns only one model of the profile, provided that the model is known.
    pub(crate) fn is_model_scoped(self) -> bool {
        self.row().model_scoped
    }

    /// Returns `true` if the provider refused the credential: it is wrong, revoked or disabled, or its session is over.
    ///
    /// Only the cooldowns of these reasons end with a refresh. [`Billing`](Self::Billing) is not one of them: the
    /// provider accepted the credential, but the account is empty.
    pub(crate) fn is_refusal(self) -> bool {
        self.row().refusal
    }
}

impl FailureReason {
    /// Returns the HTTP status that fits this reason best, for programs that pass a failure on as their own response.
    ///
    /// The status is OpenClaw's where it has one.
    #[must_use]
    pub fn as_status(self) -> http::StatusCode {
        use http::StatusCode;
        match self {
            Self::Auth => StatusCode::UNAUTHORIZED,
            Self::AuthPermanent => StatusCode::FORBIDDEN,
            Self::SessionExpired => StatusCode::GONE,
            Self::Billing => StatusCode::PAYMENT_REQUIRED,
            Self::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::ModelNotFound | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Network => StatusCode::BAD_GATEWAY,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::ServerError | Self::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Format | Self::ContextOverflow => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
