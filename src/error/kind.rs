//! What can go wrong.

/// What went wrong, as a closed question a program can ask.
///
/// Each kind says what happened and, in a second paragraph, what a program can do; [`help`](Self::help) is for its user.
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
    /// A reference to a secret, of a header in the configuration, leads to none or was not looked up.
    ///
    /// Give [`Config::with_references`](crate::Config::with_references) what a
    /// [`ReferenceResolver`](crate::references::ReferenceResolver) finds.
    UnresolvedReference,
    /// A credential document parses, but does not have the shape of one.
    ///
    /// Call `FileStore::quarantine` to set it aside.
    Corrupt,
    /// A credential document was written by a newer version: it can be read, not written.
    ///
    /// Ask [`AuthProfiles::check_writable`](crate::AuthProfiles::check_writable) before a change.
    UnsupportedVersion,
    /// A provider id, profile id or model reference is blank or malformed.
    ///
    /// Check names with [`ModelRef`](crate::ModelRef), [`ProviderId`](crate::ProviderId) and
    /// [`ProfileId`](crate::ProfileId).
    InvalidId,
    /// A secret is blank, or has characters that cannot stand in a header.
    ///
    /// Call [`setup::api_key`](crate::setup::api_key) or [`setup::setup_token`](crate::setup::setup_token) to clean and
    /// check what was pasted.
    InvalidSecret,
    /// The named profile has no usable credential.
    ///
    /// Call [`setup::save_key`](crate::setup::save_key) or [`setup::save_token`](crate::setup::save_token).
    MissingCredentials,
    /// No profile, environment variable or configuration key gives a credential for the provider.
    ///
    /// Call [`setup::save_key`](crate::setup::save_key), or [`copy_profiles`](crate::store::copy_profiles) for another
    /// agent's; [`Provider::variables`](crate::providers::Provider::variables) lists the variables.
    MissingApiKey,
    /// The profile exists, but is not one of those that may serve this provider.
    ///
    /// Call [`Config::lint`](crate::Config::lint) to see what leaves the profile out.
    ProfileNotConfigured,
    /// Every profile of the provider is cooling down or otherwise unusable now.
    ///
    /// Call [`Error::retry_after`](crate::Error::retry_after) for the time,
    /// [`Error::unavailable`](crate::Error::unavailable) for every profile, and
    /// [`RecordOutcome::clear_cooldown`](crate::RecordOutcome::clear_cooldown).
    Unavailable,
    /// The provider did not accept the credential (status 401).
    ///
    /// Call [`setup::save_key`](crate::setup::save_key) with the new one.
    Unauthorized,
    /// The model reference cannot be resolved to a provider and a model.
    ///
    /// Call [`Config::resolve_model`](crate::Config::resolve_model) to resolve an alias.
    UnknownModel,
    /// No server is known that takes requests of the Messages API for the model's provider.
    ///
    /// Make the requests of other APIs yourself: give `Call::requests` the function that does, or call
    /// [`Selection::authenticate`](crate::Selection::authenticate).
    NoEndpoint,
    /// The model is asked through another API than the Messages API, as its `api` says.
    ///
    /// Make such requests yourself: give `Call::requests` the function that does, or call
    /// [`Selection::authenticate`](crate::Selection::authenticate).
    UnsupportedApi,
    /// The URL cannot be parsed, is relative, or carries user info.
    ///
    /// Check what [`Endpoint::new`](crate::Endpoint::new) is given.
    InvalidUrl,
    /// A credential would travel over plain HTTP to a host that is not loopback.
    ///
    /// Check what [`Endpoint::new`](crate::Endpoint::new) is given;
    /// [`Endpoint::on_private_network`](crate::Endpoint::on_private_network) takes private networks too.
    InsecureTransport,
    /// A header name or value is not allowed in a request.
    ///
    /// Check what [`RequestBuilder::header`](crate::RequestBuilder::header) is given.
    InvalidHeader,
    /// A second authentication header was set, and not on purpose.
    ///
    /// Check what [`RequestBuilder::header`](crate::RequestBuilder::header) is given, or call
    /// [`Endpoint::with_auth_header`](crate::Endpoint::with_auth_header).
    ConflictingAuthHeader,
    /// The request body is not a JSON object of the shape the Messages API takes.
    ///
    /// Check what [`RequestBuilder::body`](crate::RequestBuilder::body) is given.
    InvalidBody,
    /// More than four cache markers.
    ///
    /// Call [`RequestBuilder::plan`](crate::RequestBuilder::plan) to see them.
    TooManyCacheMarkers,
    /// A one-hour cache marker stands after a five-minute one.
    ///
    /// Call [`RequestBuilder::plan`](crate::RequestBuilder::plan) to see them.
    CacheMarkerOrder,
    /// A cache marker stands where the API refuses one, or has a form the API does not know.
    ///
    /// Check what [`RequestBuilder::body`](crate::RequestBuilder::body) is given.
    InvalidCacheMarker,
    /// The operating system refused a file operation.
    ///
    /// Find the system's own error in [`Error::source`](std::error::Error::source).
    Io,
    /// The file or directory does not exist.
    ///
    /// Check what [`Config::from_path`](crate::Config::from_path) or `FileStore::new` is given.
    NotFound,
    /// Something stands at the path that is not a regular file, or the path names no file.
    ///
    /// Check what [`Config::from_path`](crate::Config::from_path) or `FileStore::new` is given.
    NotAFile,
    /// This user may not do what was tried with a file, or the file system is read-only.
    ///
    /// Find the path in [`Error::location`](crate::Error::location).
    PermissionDenied,
    /// The disk is full, or the user's share of it.
    ///
    /// Try the same call again later.
    StorageFull,
    /// Others may read or change a credential file, or it belongs to someone else, and the store is strict about that.
    ///
    /// Only a store with `FileStoreBuilder::strict_permissions` refuses such a file.
    InsecurePermissions,
    /// The file system has no file locks, or none that are known to hold.
    ///
    /// Call `FileStoreBuilder::file_locks` to do without locks where only one process uses the file.
    LocksUnsupported,
    /// Someone else held the lock for longer than the caller was ready to wait.
    ///
    /// Call `FileStoreBuilder::lock_wait` to wait longer.
    Locked,
    /// The server on which the credentials are kept cannot be reached, or refuses to work for now.
    ///
    /// Try the same call again later; a [`SharedStore`](crate::store::SharedStore) can serve the last document meanwhile.
    StoreUnavailable,
    /// An update was started from inside an update of the same store.
    ///
    /// Finish the outer [`AuthProfileStore::update`](crate::AuthProfileStore::update) first, or do everything in one
    /// closure.
    Reentrant,
    /// The closure given to an update reported this failure, or panicked; nothing was changed.
    ///
    /// Find the cause, if there is one, in [`Error::source`](std::error::Error::source).
    UpdateFailed,
    /// A backend broke a promise of the store contract.
    ///
    /// Correct the backend; [`AuthProfileStore`](crate::AuthProfileStore) has the contract.
    Conformance,
    /// A pasted secret plainly is something else than what was asked for: a token for a key, an id, another provider's.
    ///
    /// Call [`setup::save_key`](crate::setup::save_key) for a key and [`setup::save_token`](crate::setup::save_token)
    /// for a token.
    WrongSecret,
    /// There is no profile of this name.
    ///
    /// Show the names with [`StatusReport`](crate::status::StatusReport).
    UnknownProfile,
    /// A length of time is not a number above zero with a known unit.
    ///
    /// Call [`setup::lifetime`](crate::setup::lifetime) to read what a user writes.
    InvalidLifetime,
    /// A `$include` of the configuration cannot be followed: the file cannot be had, may not be read, or is included
    /// by itself.
    ///
    /// Allow other directories with [`ReadOptions::include_anywhere`](crate::ReadOptions::include_anywhere).
    InvalidInclude,
    /// The account's credit, quota or spend limit is exhausted.
    ///
    /// Call [`RecordOutcome::clear_cooldown`](crate::RecordOutcome::clear_cooldown).
    PaymentRequired,
    /// The provider limits the rate of requests.
    ///
    /// Find the time that the server named in [`Failure::deadline`](crate::Failure::deadline).
    RateLimited,
    /// The provider does not know the model, or does not serve it to this account.
    ///
    /// Name other models with `Call::fallbacks`.
    ModelUnavailable,
    /// The provider refused the request itself: malformed, too long, or not allowed.
    ///
    /// Check what [`RequestBuilder::body`](crate::RequestBuilder::body) is given.
    RequestRefused,
    /// Nothing reached the provider, or something on the way refused the request.
    ///
    /// Find what it was in [`Failure::transport`](crate::Failure::transport).
    Unreachable,
    /// The provider knows nothing at this address: a 404 that is about no model.
    ///
    /// Check the base URL that the [`Endpoint`](crate::Endpoint) was given.
    WrongAddress,
    /// The provider failed, is overloaded, did not answer, or answered with something unknown.
    ///
    /// Find the provider's own words in [`Failure::unredacted_message`](crate::Failure::unredacted_message).
    ProviderFailed,
    /// A login could not be refreshed this time: the token endpoint failed, or another process kept the lease.
    ///
    /// Check the token endpoint and the client id that the [`RefreshCoordinator`](crate::refresh::RefreshCoordinator) uses.
    RefreshFailed,
    /// A login cannot be refreshed any more: the token endpoint does not accept its refresh token.
    ///
    /// Call [`AuthProfileStoreExt::upsert`](crate::AuthProfileStoreExt::upsert) with the new login.
    RefreshDenied,
    /// The HTTP client could not be built.
    ///
    /// Check what `RotatorBuilder::client` is given.
    Client,
    /// The credentials of this directory are kept in another kind of store than the one that was asked.
    ///
    /// Call `StateDir::store` to open the right one, in a program that is built with SQLite.
    WrongStore,
    /// An old file of credentials waits for OpenClaw to import it, and until then nothing may be written beside it.
    ///
    /// Show the help: only the user can start the import.
    MigrationPending,
    /// The directory is OpenClaw's, and the database that the change belongs to has not been made yet.
    ///
    /// Show the help: only OpenClaw makes its databases.
    NoDatabase,
    /// The profile is another agent's, from whom it is inherited, and cannot be removed here.
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

    /// Every kind there is in this version.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
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
