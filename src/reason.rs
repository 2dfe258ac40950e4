//! Why a request failed, and whom that concerns.

use std::fmt;

/// Why a request failed, as far as its credential is concerned.
///
/// The names are those of OpenClaw's `failureCounts` and `cooldownReason`, and two of this crate: `network` and
/// `not_found`, which blame nobody and are never recorded.
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
    /// The credential is finished: revoked, disabled, leaked, suspended, not allowed.
    AuthPermanent,
    /// The login session is over.
    SessionExpired,
    /// Credit, quota or spend limit is exhausted.
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
    /// A 404 that names no model: the address is wrong.
    NotFound,
    /// The provider has no capacity now.
    Overloaded,
    /// The provider failed.
    ServerError,
    /// The request is malformed.
    Format,
    /// The request is too long for the model.
    ContextOverflow,
    /// Nothing matched.
    Unknown,
}

/// What a failure says something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The credential profile.
    Profile,
    /// The model, as this profile sees it.
    Model,
    /// The provider as a whole.
    Provider,
    /// The request itself: another profile would fail the same way.
    Request,
    /// Nothing that takes part in the call, so that nothing is recorded: the way to the provider, or its address.
    Nobody,
}

/// Which of a profile's two windows a failure opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CooldownKind {
    /// The short one, `cooldownUntil`.
    Transient,
    /// The long one, `disabledUntil`.
    Disabled,
    /// Neither.
    None,
}

/// One row of the table: everything the rules know of a reason.
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

/// A row of a reason that says that the credential was refused, which always concerns the whole profile.
const fn refusal(reason: FailureReason, name: &'static str, cooldown: CooldownKind) -> Row {
    Row { refusal: true, ..row(reason, name, Blame::Profile, cooldown, false) }
}

/// In the order in which a tie between counters is broken when a whole set of profiles is unavailable.
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
    /// Returns every reason, most telling first: the order that breaks ties.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.reason)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.reason == self).unwrap_or(UNKNOWN)
    }

    /// Returns the name in credential files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Returns the reason of this name, if it is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.reason)
    }

    /// Returns what the failure says something about.
    #[must_use]
    pub fn blame(self) -> Blame {
        self.row().blame
    }

    /// Returns which window it opens under the default rules.
    #[must_use]
    pub fn cooldown_kind(self) -> CooldownKind {
        self.row().cooldown
    }

    /// Returns `true` if it concerns one model of the profile only, where the model is known.
    #[must_use]
    pub fn is_model_scoped(self) -> bool {
        self.row().model_scoped
    }

    /// Returns `true` if the provider refused the credential: it is wrong, finished, or its session is over.
    ///
    /// A refresh ends the cooldowns of these reasons only. [`Billing`](Self::Billing) is not one of them: the provider
    /// accepted the credential, and its account is empty.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self.row().refusal
    }
}

impl FailureReason {
    /// The HTTP status that says this reason best, for callers that hand a failure on as an answer of their own.
    ///
    /// Those of OpenClaw where it has one.
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
