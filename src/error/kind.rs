//! The kinds of errors.

/// The kind of an [`Error`](crate::Error), for programs.
///
/// Each kind describes what happened and, in a second paragraph, what a program can do. [`help`](Self::help) returns
/// what its user can do.
///
/// New kinds may be added in any release; match with a wildcard arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON5, or not JSON where JSON is required.
    ///
    /// Find the position in [`Error::location`](crate::Error::location).
    Syntax,
    /// The text is larger than the size cap.
    ///
    /// Raise [`ReadOptions::max_bytes`](crate::ReadOptions::max_bytes) or `FileStoreBuilder::max_bytes`.
    TooLarge,
    /// The text nests deeper than the depth limit.
    ///
    /// Check the limit set with [`ReadOptions::max_depth`](crate::ReadOptions::max_depth).
    TooDeep,
    /// One object has the same key twice.
    ///
    /// Find the position in [`Error::location`](crate::Error::location).
    DuplicateKey,
    /// A number is not finite, or too large to be read without loss.
    ///
    /// Find the position in [`Error::location`](crate::Error::location).
    InvalidNumber,
    /// The configuration has at least one problem that strict reading does not accept.
    ///
    /// Show [`Error::diagnostics`](crate::Error::diagnostics), or fall back to defaults with
    /// [`ReadOptions::lenient`](crate::ReadOptions::lenient).
    InvalidConfig,
    /// A `${NAME}` in the configuration names a variable that is unset or empty.
    ///
    /// Pass other variables with [`ReadOptions::environment`](crate::ReadOptions::environment).
    MissingVariable,
    /// A header in the configuration refers to a secret that was not found or not looked up.
    ///
    /// Pass the secrets that a [`ReferenceResolver`](crate::references::ReferenceResolver) finds to
    /// [`Config::with_references`](crate::Config::with_references).
    UnresolvedReference,
    /// A credential document is valid JSON, but does not have the expected shape.
    ///
    /// Call `FileStore::quarantine` to set it aside.
    Corrupt,
    /// A credential document was written by a newer version and can only be read.
    ///
    /// Call [`AuthProfiles::check_writable`](crate::AuthProfiles::check_writable) before a change.
    UnsupportedVersion,
    /// A provider id, profile id or model reference is blank or malformed.
    ///
    /// Check names with [`ModelRef`](crate::ModelRef), [`ProviderId`](crate::ProviderId) and
    /// [`ProfileId`](crate::ProfileId).
    InvalidId,
    /// A secret is blank, or has characters that are not valid in a header.
    ///
    /// Call [`setup::api_key`](crate::setup::api_key) or [`setup::setup_token`](crate::setup::setup_token) to clean and
    /// check what was pasted.
    InvalidSecret,
    /// The named profile has no usable credential.
    ///
    /// Call [`setup::save_key`](crate::setup::save_key) or [`setup::save_token`](crate::setup::save_token).
    MissingCredentials,
    /// No profile, environment variable or configuration key provides a credential for the provider.
    ///
    /// Call [`setup::save_key`](crate::setup::save_key), or [`copy_profiles`](crate::store::copy_profiles) to copy the
    /// profiles of another agent; [`Provider::variables`](crate::providers::Provider::variables) lists the variables.
    MissingApiKey,
    /// The profile exists, but may not be used for this provider.
    ///
    /// Call [`Config::lint`](crate::Config::lint) to see what leaves the profile out.
    ProfileNotConfigured,
    /// Every profile of the provider is cooling down or otherwise unusable now.
    ///
    /// Call [`Error::retry_after`](crate::Error::retry_after) for the time to wait,
    /// [`Error::unavailable`](crate::Error::unavailable) for the reason of every profile, or
    /// [`RecordOutcome::clear_cooldown`](crate::RecordOutcome::clear_cooldown) to end a cooldown.
    Unavailable,
    /// The provider did not accept the credential (status 401).
    ///
    /// Call [`setup::save_key`](crate::setup::save_key) with the new one.
    Unauthorized,
    /// The model reference cannot be resolved to a provider and a model.
    ///
    /// Call [`Config::resolve_model`](crate::Config::resolve_model) to resolve an alias.
    UnknownModel,
    /// No server with the Messages API is known for the model's provider.
    ///
    /// Build requests for other APIs yourself: pass a function that does to `Call::requests`, or call
    /// [`Selection::authenticate`](crate::Selection::authenticate).
    NoEndpoint,
    /// The model's `api` is not the Messages API.
    ///
    /// Build such requests yourself: pass a function that does to `Call::requests`, or call
    /// [`Selection::authenticate`](crate::Selection::authenticate).
    UnsupportedApi,
    /// The URL cannot be parsed, is relative, or contains user info.
    ///
    /// Check the URL passed to [`Endpoint::new`](crate::Endpoint::new).
    InvalidUrl,
    /// A credential would be sent over plain HTTP to a host that is not loopback.
    ///
    /// Check the URL passed to [`Endpoint::new`](crate::Endpoint::new);
    /// [`Endpoint::on_private_network`](crate::Endpoint::on_private_network) also allows private networks.
    InsecureTransport,
    /// A header name or value is not allowed in a request.
    ///
    /// Check the headers passed to [`RequestBuilder::header`](crate::RequestBuilder::header).
    InvalidHeader,
    /// A second authentication header was set without an explicit opt-in.
    ///
    /// Check the headers passed to [`RequestBuilder::header`](crate::RequestBuilder::header), or call
    /// [`Endpoint::with_auth_header`](crate::Endpoint::with_auth_header).
    ConflictingAuthHeader,
    /// The request body is not a JSON object in the form that the Messages API requires.
    ///
    /// Check the body passed to [`RequestBuilder::body`](crate::RequestBuilder::body).
    InvalidBody,
    /// The request has more than four `cache_control` markers.
    ///
    /// Call [`RequestBuilder::plan`](crate::RequestBuilder::plan) to list them.
    TooManyCacheMarkers,
    /// A one-hour `cache_control` marker comes after a five-minute one.
    ///
    /// Call [`RequestBuilder::plan`](crate::RequestBuilder::plan) to list them.
    CacheMarkerOrder,
    /// A `cache_control` marker is in a position that the API does not allow, or has a form that it does not know.
    ///
    /// Check the body passed to [`RequestBuilder::body`](crate::RequestBuilder::body).
    InvalidCacheMarker,
    /// The operating system refused a file operation.
    ///
    /// Find the system's own error in [`Error::source`](std::error::Error::source).
    Io,
    /// The file or directory does not exist.
    ///
    /// Check the path passed to [`Config::from_path`](crate::Config::from_path) or `FileStore::new`.
    NotFound,
    /// The path leads to something other than a regular file, or names no file.
    ///
    /// Check the path passed to [`Config::from_path`](crate::Config::from_path) or `FileStore::new`.
    NotAFile,
    /// This user lacks the permission for a file operation, or the file system is read-only.
    ///
    /// Find the path in [`Error::location`](crate::Error::location).
    PermissionDenied,
    /// The disk or the user's quota is full.
    ///
    /// Try the same call again later.
    StorageFull,
    /// Other users may read or change a credential file, or one of them owns it, and the store is strict about
    /// permissions.
    ///
    /// Only a store with `FileStoreBuilder::strict_permissions` refuses such a file.
    InsecurePermissions,
    /// The file system has no file locks, or none that are known to work.
    ///
    /// Call `FileStoreBuilder::file_locks` to work without locks if only one process uses the file.
    LocksUnsupported,
    /// Another holder kept the lock for longer than the caller was willing to wait.
    ///
    /// Call `FileStoreBuilder::lock_wait` to wait longer.
    Locked,
    /// The server that stores the credentials cannot be reached, or refuses requests for now.
    ///
    /// Try the same call again later; a [`SharedStore`](crate::store::SharedStore) can serve the last document meanwhile.
    StoreUnavailable,
    /// An update was started from inside an update of the same store.
    ///
    /// Finish the outer [`AuthProfileStore::update`](crate::AuthProfileStore::update) first, or do everything in one
    /// closure.
    Reentrant,
    /// The closure passed to an update returned this error or panicked; nothing was changed.
    ///
    /// Find the cause, if there is one, in [`Error::source`](std::error::Error::source).
    UpdateFailed,
    /// A backend broke a promise of the store contract.
    ///
    /// Correct the backend; [`AuthProfileStore`](crate::AuthProfileStore) documents the contract.
    Conformance,
    /// A pasted secret is clearly not what was expected: a token instead of a key, an id, or another provider's secret.
    ///
    /// Call [`setup::save_key`](crate::setup::save_key) for a key and [`setup::save_token`](crate::setup::save_token)
    /// for a token.
    WrongSecret,
    /// There is no profile with this id.
    ///
    /// Show the ids with [`StatusReport`](crate::status::StatusReport).
    UnknownProfile,
    /// A length of time is not a number above zero with a known unit.
    ///
    /// Call [`setup::lifetime`](crate::setup::lifetime) to parse user input.
    InvalidLifetime,
    /// A `$include` of the configuration cannot be followed: the file is not available or not allowed, or includes
    /// itself.
    ///
    /// Allow other directories with [`ReadOptions::include_anywhere`](crate::ReadOptions::include_anywhere).
    InvalidInclude,
    /// The account's credit, quota or spend limit is exhausted.
    ///
    /// Call [`RecordOutcome::clear_cooldown`](crate::RecordOutcome::clear_cooldown) once the account has credit again.
    PaymentRequired,
    /// The provider limits the rate of requests.
    ///
    /// Find the server's deadline in [`Failure::deadline`](crate::Failure::deadline).
    RateLimited,
    /// The provider does not know the model, or does not serve it to this account.
    ///
    /// Set other models with `Call::fallbacks`.
    ModelUnavailable,
    /// The provider refused the request itself as malformed, too long or not allowed.
    ///
    /// Check the body passed to [`RequestBuilder::body`](crate::RequestBuilder::body).
    RequestRefused,
    /// The request did not reach the provider, or something on the way refused it.
    ///
    /// Find the cause in [`Failure::transport`](crate::Failure::transport).
    Unreachable,
    /// The provider has nothing at this address: a 404 that does not concern a model.
    ///
    /// Check the base URL of the [`Endpoint`](crate::Endpoint).
    WrongAddress,
    /// The provider failed, is overloaded, did not answer, or answered with an unknown error.
    ///
    /// Find the provider's own words in [`Failure::unredacted_message`](crate::Failure::unredacted_message).
    ProviderFailed,
    /// An OAuth credential could not be refreshed this time: the token endpoint failed, or another process kept the
    /// lease.
    ///
    /// Check the token endpoint and the client id that the [`RefreshCoordinator`](crate::refresh::RefreshCoordinator) uses.
    RefreshFailed,
    /// An OAuth credential can no longer be refreshed: the token endpoint does not accept its refresh token.
    ///
    /// Call [`AuthProfileStoreExt::upsert`](crate::AuthProfileStoreExt::upsert) with the new credential.
    RefreshDenied,
    /// The HTTP client could not be built.
    ///
    /// Check the client builder passed to `RotatorBuilder::client`.
    Client,
    /// The credentials of this directory are in another kind of store than the one that was opened.
    ///
    /// Call `StateDir::store` to open the right one, in a program built with SQLite.
    WrongStore,
    /// An old credential file is waiting for OpenClaw to import it, and nothing may be written beside it until then.
    ///
    /// Show the help: only the user can start the import.
    MigrationPending,
    /// The directory is OpenClaw's, and the database for this change does not exist yet.
    ///
    /// Show the help: only OpenClaw creates its databases.
    NoDatabase,
    /// The profile is inherited from another agent and cannot be removed here.
    ///
    /// Open the store of its owner.
    InheritedProfile,
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
        Self::UnresolvedReference,
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
        Self::NoEndpoint,
        Self::UnsupportedApi,
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
        Self::StoreUnavailable,
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
        Self::Unreachable,
        Self::WrongAddress,
        Self::ProviderFailed,
        Self::RefreshFailed,
        Self::RefreshDenied,
        Self::Client,
        Self::WrongStore,
        Self::MigrationPending,
        Self::NoDatabase,
        Self::InheritedProfile,
    ];

    /// Returns an iterator over all kinds of this version.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_listed_in_order() {
        // Only the source text of the enumeration shows a kind that was forgotten.
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
