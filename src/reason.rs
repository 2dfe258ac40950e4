//! Why a request failed, and whom that concerns.

use std::fmt;

/// Why a request failed, as far as its credential is concerned.
///
/// The names are those of the reference's `failureCounts` and `cooldownReason`.
///
/// | reason | blame | lane | scope |
/// | --- | --- | --- | --- |
/// | `auth` | profile | transient | profile |
/// | `auth_permanent` | profile | disabled | profile |
/// | `session_expired` | profile | transient | profile |
/// | `billing` | profile | disabled | profile |
/// | `rate_limit` | profile | transient | model |
/// | `timeout` | model | transient | model |
/// | `model_not_found` | model | transient | model |
/// | `overloaded` | provider | none | model, for a server deadline |
/// | `server_error` | provider | none | model, for a server deadline |
/// | `format` | request | none | |
/// | `context_overflow` | request | none | |
/// | `unknown` | profile | transient | profile |
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
    /// No answer in time, or no connection.
    Timeout,
    /// The model is unknown or not served to this account.
    ModelNotFound,
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
}

/// Which of a profile's two windows a failure opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lane {
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
    lane: Lane,
    model_scoped: bool,
}

const fn row(reason: FailureReason, name: &'static str, blame: Blame, lane: Lane, model_scoped: bool) -> Row {
    Row { reason, name, blame, lane, model_scoped }
}

/// In the order in which a tie between counters is broken when a whole set of profiles is unavailable.
const TABLE: [Row; 12] = [
    row(FailureReason::AuthPermanent, "auth_permanent", Blame::Profile, Lane::Disabled, false),
    row(FailureReason::Auth, "auth", Blame::Profile, Lane::Transient, false),
    row(FailureReason::SessionExpired, "session_expired", Blame::Profile, Lane::Transient, false),
    row(FailureReason::Billing, "billing", Blame::Profile, Lane::Disabled, false),
    row(FailureReason::Format, "format", Blame::Request, Lane::None, false),
    row(FailureReason::ContextOverflow, "context_overflow", Blame::Request, Lane::None, false),
    row(FailureReason::ModelNotFound, "model_not_found", Blame::Model, Lane::Transient, true),
    row(FailureReason::Overloaded, "overloaded", Blame::Provider, Lane::None, true),
    row(FailureReason::ServerError, "server_error", Blame::Provider, Lane::None, true),
    row(FailureReason::Timeout, "timeout", Blame::Model, Lane::Transient, true),
    row(FailureReason::RateLimit, "rate_limit", Blame::Profile, Lane::Transient, true),
    row(FailureReason::Unknown, "unknown", Blame::Profile, Lane::Transient, false),
];

const UNKNOWN: &Row = &row(FailureReason::Unknown, "unknown", Blame::Profile, Lane::Transient, false);

impl FailureReason {
    /// Every reason, most telling first: the order that breaks ties.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.reason)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.reason == self).unwrap_or(UNKNOWN)
    }

    /// The name in credential files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The reason of this name, if it is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.reason)
    }

    /// What the failure says something about.
    #[must_use]
    pub fn blame(self) -> Blame {
        self.row().blame
    }

    /// Which window it opens under the default rules.
    #[must_use]
    pub fn lane(self) -> Lane {
        self.row().lane
    }

    /// Whether it concerns one model of the profile only, where the model is known.
    #[must_use]
    pub fn is_model_scoped(self) -> bool {
        self.row().model_scoped
    }
}

impl FailureReason {
    /// The HTTP status that says this reason best, for callers that hand a failure on as an answer of their own.
    ///
    /// Those of the reference where it has one.
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
            Self::ModelNotFound => StatusCode::NOT_FOUND,
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
