//! What can go wrong, and what helps.

/// What went wrong, as a closed question a program can ask.
///
/// New kinds may be added in any release; match with a wildcard arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON5, or not JSON where JSON is required.
    Syntax,
    /// The text is larger than the size cap.
    TooLarge,
    /// The text nests deeper than the depth limit.
    TooDeep,
    /// One object has the same key twice.
    DuplicateKey,
    /// A number is not finite, or too large to be read without loss.
    InvalidNumber,
    /// The configuration has at least one problem that strict reading does not accept.
    InvalidConfig,
    /// A `${NAME}` in the configuration names a variable that is unset or empty.
    MissingVariable,
    /// A credential document parses, but does not have the shape of one.
    Corrupt,
    /// A credential document was written by a newer version: it can be read, not written.
    UnsupportedVersion,
    /// A provider id, profile id or model reference is blank or malformed.
    InvalidId,
    /// A secret is blank, or has characters that cannot stand in a header.
    InvalidSecret,
    /// The named profile has no usable credential.
    MissingCredentials,
    /// No profile, environment variable or configuration key gives a credential for the provider.
    MissingApiKey,
    /// The profile exists, but is not one of those that may serve this provider.
    ProfileNotConfigured,
    /// Every profile of the provider is cooling down or otherwise unusable now.
    Unavailable,
    /// The provider did not accept the credential (status 401).
    Unauthorized,
    /// The model reference cannot be resolved to a provider and a model.
    UnknownModel,
    /// The URL cannot be parsed, is relative, or carries user info.
    InvalidUrl,
    /// A credential would travel over plain HTTP to a host that is not loopback.
    InsecureTransport,
    /// A header name or value is not allowed in a request.
    InvalidHeader,
    /// A second authentication header was configured.
    ConflictingAuthHeader,
    /// The request body is not a JSON object of the shape the Messages API takes.
    InvalidBody,
    /// More than four cache markers.
    TooManyCacheMarkers,
    /// A one-hour cache marker stands after a five-minute one.
    CacheMarkerOrder,
    /// A cache marker stands where the API refuses one, or has a form the API does not know.
    InvalidCacheMarker,
    /// The operating system refused a file operation.
    Io,
    /// The file or directory does not exist.
    NotFound,
    /// Something stands at the path that is not a regular file, or the path names no file.
    NotAFile,
    /// This user may not do what was tried with a file, or the file system is read-only.
    PermissionDenied,
    /// The disk is full, or the user's share of it.
    StorageFull,
    /// Others may read or change a credential file, or it belongs to someone else, and the store is strict about that.
    InsecurePermissions,
    /// The file system has no file locks, or none that are known to hold.
    LocksUnsupported,
    /// Someone else held the lock for longer than the caller was ready to wait.
    Locked,
    /// An update was started from inside an update of the same store.
    Reentrant,
    /// The closure given to an update reported this failure, or panicked; nothing was changed.
    UpdateFailed,
    /// A backend broke a promise of the store contract.
    Conformance,
    /// A pasted secret plainly is something else than what was asked for: a token for a key, an id, another provider's.
    WrongSecret,
    /// There is no profile of this name.
    UnknownProfile,
    /// A length of time is not a number above zero with a known unit.
    InvalidLifetime,
    /// A `$include` of the configuration cannot be followed: the file cannot be had, may not be read, or is included
    /// by itself.
    InvalidInclude,
    /// The account's credit, quota or spend limit is exhausted.
    PaymentRequired,
    /// The provider limits the rate of requests.
    RateLimited,
    /// The provider does not know the model, or does not serve it to this account.
    ModelUnavailable,
    /// The provider refused the request itself: malformed, too long, or not allowed.
    RequestRefused,
    /// The provider failed, is overloaded, did not answer, or answered with something unknown.
    ProviderFailed,
    /// A login could not be renewed this time: the token endpoint failed, or another process kept the lease.
    RefreshFailed,
    /// A login cannot be renewed any more: the token endpoint does not accept its refresh token.
    RefreshDenied,
    /// The HTTP client could not be built.
    Client,
}

impl ErrorKind {
    const ALL: &[Self] = &[
        Self::Syntax,
        Self::TooLarge,
        Self::TooDeep,
        Self::DuplicateKey,
        Self::InvalidNumber,
        Self::InvalidConfig,
        Self::MissingVariable,
        Self::Corrupt,
        Self::UnsupportedVersion,
        Self::InvalidId,
        Self::InvalidSecret,
        Self::MissingCredentials,
        Self::MissingApiKey,
        Self::ProfileNotConfigured,
        Self::Unavailable,
        Self::Unauthorized,
        Self::UnknownModel,
        Self::InvalidUrl,
        Self::InsecureTransport,
        Self::InvalidHeader,
        Self::ConflictingAuthHeader,
        Self::InvalidBody,
        Self::TooManyCacheMarkers,
        Self::CacheMarkerOrder,
        Self::InvalidCacheMarker,
        Self::Io,
        Self::NotFound,
        Self::NotAFile,
        Self::PermissionDenied,
        Self::StorageFull,
        Self::InsecurePermissions,
        Self::LocksUnsupported,
        Self::Locked,
        Self::Reentrant,
        Self::UpdateFailed,
        Self::Conformance,
        Self::WrongSecret,
        Self::UnknownProfile,
        Self::InvalidLifetime,
        Self::InvalidInclude,
        Self::PaymentRequired,
        Self::RateLimited,
        Self::ModelUnavailable,
        Self::RequestRefused,
        Self::ProviderFailed,
        Self::RefreshFailed,
        Self::RefreshDenied,
        Self::Client,
    ];

    /// Every kind there is in this version.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }

    /// What the user can do about it, in one or two sentences.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a sentence for each kind")]
    pub fn help(self) -> &'static str {
        match self {
            Self::Syntax => {
                "Correct the text at the position given. `openclaw.json` is JSON5; `auth-profiles.json` is strict JSON."
            }
            Self::TooLarge => {
                "Check that this is the right file. If it is, raise `max_bytes` of `ReadOptions` or of `FileStore::builder`."
            }
            Self::TooDeep => {
                "Check that this is the right file, and what it includes: `ReadOptions::max_depth` allows 128 levels at most."
            }
            Self::DuplicateKey => {
                "Remove one of the two entries at `Error::location`; only you know which one is meant."
            }
            Self::InvalidNumber => {
                "Write a finite number at `Error::location`: NaN, Infinity and numbers beyond the range of a double are not accepted."
            }
            Self::InvalidConfig => {
                "Correct the entries that `Error::diagnostics` lists, or read the file with `ReadOptions::lenient` to fall back to defaults."
            }
            Self::MissingVariable => {
                "Set the variable in the environment or in the `env` block of `openclaw.json`, or write `$${NAME}` for literal text."
            }
            Self::Corrupt => {
                "The file was left as it is. Restore it from a backup, or set it aside with `FileStore::quarantine` and log in again."
            }
            Self::UnsupportedVersion => {
                "Update this program, which can only read such an `auth-profiles.json`; the file was left as it is."
            }
            Self::InvalidId => {
                "Use `provider/model` for `ModelRef`, `provider:name` for `ProfileId`, and no blank parts."
            }
            Self::InvalidSecret => {
                "Paste the secret alone and complete; `setup::api_key` and `setup::setup_token` say what they accept."
            }
            Self::MissingCredentials => {
                "Store a key or token for this profile again with `setup::save_key` or `setup::save_token`, or ask for another profile."
            }
            Self::MissingApiKey => {
                "Store a profile for this provider in this agent's `auth-profiles.json` with `setup::save_key`, or set the provider's API key variable; credentials are per agent and are not inherited."
            }
            Self::ProfileNotConfigured => {
                "Use a profile of this provider, or correct `auth.order` and `auth.profiles` in `openclaw.json`."
            }
            Self::Unavailable => {
                "Wait until the time given, add another profile with `setup::save_key`, or end the cooldown with `setup::clear_cooldown` if its cause is gone."
            }
            Self::Unauthorized => {
                "Replace the key or token with `setup::save_key`: it was revoked, has expired or belongs elsewhere. A subscription token is only meant for the provider's own applications; an API key is the supported way."
            }
            Self::UnknownModel => {
                "Use `provider/model`, or an alias that `openclaw.json` defines under `agents.defaults.models`."
            }
            Self::InvalidUrl => {
                "Give `Endpoint::new` or `baseUrl` an absolute http or https URL without user name, password or fragment."
            }
            Self::InsecureTransport => {
                "Use https in `Endpoint::new` or `baseUrl`. Plain HTTP is allowed to 127.0.0.0/8, ::1 and localhost only."
            }
            Self::InvalidHeader => {
                "Remove line breaks and control characters from the `headers` in `openclaw.json` or in `RequestBuilder::header`, and use plain names."
            }
            Self::ConflictingAuthHeader => {
                "Remove the header from `headers` in `openclaw.json` or from `RequestBuilder::header`: the credential's own header is the only one that may authenticate."
            }
            Self::InvalidBody => {
                "Give `RequestBuilder::body` a JSON object with `messages`, as the Messages API takes it."
            }
            Self::TooManyCacheMarkers => {
                "Keep at most four `cache_control` markers in the body, the top-level one included; `RequestBuilder::plan` shows them."
            }
            Self::CacheMarkerOrder => {
                "Put one-hour markers before five-minute ones in the order tools, system, messages; `RequestBuilder::plan` shows them."
            }
            Self::InvalidCacheMarker => {
                "Move the marker in `RequestBuilder::body` to a non-empty text, image, document or tool block, with type `ephemeral` and ttl `5m` or `1h`."
            }
            Self::Io => {
                "Check that the path exists and that this user may read and write it; `Error::source` has the cause."
            }
            Self::NotFound => "Check the path or the agent that was given to `Config::from_path` or `FileStore`.",
            Self::NotAFile => "Give `Config::from_path` or `FileStore::new` the path of a regular file.",
            Self::PermissionDenied => {
                "Check who owns the file at `Error::location`, and its directory: a file is replaced by writing another one beside it."
            }
            Self::StorageFull => "Free some space and try again; `auth-profiles.json` was left as it is.",
            Self::InsecurePermissions => {
                "Take `auth-profiles.json` over and make it private: `chown` to this user and `chmod 600`."
            }
            Self::LocksUnsupported => {
                "Keep the file on a local disk, or switch locks off with `FileStoreBuilder::file_locks` if only one process uses it."
            }
            Self::Locked => {
                "Try again, or wait longer with `FileStoreBuilder::lock_wait`; if it persists, another process holds the lock."
            }
            Self::Reentrant => "Finish the outer `AuthProfileStore::update` first; do everything in one closure.",
            Self::UpdateFailed => "Nothing was changed; `Error::source` has the cause if there is one.",
            Self::Conformance => "The backend must be corrected; see the contract of `AuthProfileStore`.",
            Self::WrongSecret => {
                "Store an API key with `setup::save_key` and a token with `setup::save_token`, each for its own provider."
            }
            Self::UnknownProfile => "Look up the names with `StatusReport`, or in this agent's `auth-profiles.json`.",
            Self::InvalidLifetime => {
                "Give `setup::lifetime` a number with `ms`, `s`, `m`, `h` or `d`, such as 365d; a bare number means days."
            }
            Self::InvalidInclude => {
                "Correct the `$include` at the position given. Files outside the directory of `openclaw.json` need `ReadOptions::include_anywhere`."
            }
            Self::PaymentRequired => {
                "Add credit or raise the spend limit at the provider, and then call `setup::clear_cooldown`; or use another account."
            }
            Self::RateLimited => "Wait until the time given, or add another profile with `setup::save_key`.",
            Self::ModelUnavailable => {
                "Check the model's name in `openclaw.json` and whether this account may use it, or use another model."
            }
            Self::RefreshFailed => {
                "Try again; if it persists, check the token endpoint and the client id given to `Renewer`."
            }
            Self::Client => "Check the settings given to `RotatorBuilder::client`, and the system's TLS certificates.",
            Self::RefreshDenied => {
                "Log in again and store the new login with `AuthProfileStoreExt::upsert`: the old one was ended, or its refresh token was used elsewhere."
            }
            Self::RequestRefused => {
                "Correct or shorten the body given to `RequestBuilder::body`; another credential would be answered the same way."
            }
            Self::ProviderFailed => {
                "Try again later; if it persists, `Failure::raw_message` has the provider's own words, and its status page may say more."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_listed_in_order() {
        // The enumeration as it stands in this file, because nothing else knows a kind that was forgotten.
        let (_, text) = include_str!("kind.rs").split_once("pub enum ErrorKind {").unwrap();
        let (text, _) = text.split_once("\n}\n").unwrap();
        let names: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//"))
            .filter_map(|line| line.strip_suffix(','))
            .collect();
        let listed: Vec<String> = ErrorKind::all().map(|kind| format!("{kind:?}")).collect();
        assert_eq!(listed, names, "`ErrorKind::ALL` has to be completed");
    }
}
