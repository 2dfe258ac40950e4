//! One refresh at a time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::memory::{Fresh, Memory};
use super::need::{Need, Windows, need};
use super::refresher::TokenRefresher;
use crate::background::{blocking, promise, within};
use crate::clock::{Clock, SystemClock};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::profile::Profile;
use crate::secret::Secret;
use crate::store::{AuthProfileStore, AuthProfileStoreExt, Lease};

/// A task that has to run to its end, whoever waits for it.
pub type DetachedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

type Spawner = dyn Fn(DetachedTask) + Send + Sync;

/// Outcome of an attempt to refresh a credential.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// There was nothing to do: the token is good for longer, it is not a login, or it has no refresh token.
    NotNeeded,
    /// The store holds new tokens, which were asked for just now.
    Refreshed,
    /// The store holds new tokens, for which another task or process asked.
    RefreshedElsewhere,
    /// It failed, but the present token lives on for a while and can be used.
    Postponed(Error),
}

/// Refreshes the logins of a store: one refresh of a profile at a time, in this process and among all that share the store.
///
/// A refresh runs under the store's [`lease`](AuthProfileStore::lease) on the profile, never under its write lock:
///
/// 1. The store is read again once the lease is there; if somebody else has refreshed the login meanwhile, that is it.
/// 2. The refresh token is spent, once.
/// 3. The new tokens are written if the spent token is still the stored one; a newer login is never overwritten.
///
/// A refresh that fails leaves the store as it is. That the endpoint has finished with a token is remembered, for exactly
/// this token and as long as this value and its clones live: it is not sent again, and a new login is unaffected. Tokens
/// that could not be written are kept in memory and written by the next call.
///
/// The lease is waited for, and the store written, on threads made for it, so no runtime is assumed and none is held up.
///
/// # Cancellation
///
/// Endpoints with single-use refresh tokens have spent the old one before the new one arrives. A caller that drops the
/// future in between would lose both; so give the coordinator a [`spawner`](Self::spawner), with which each refresh runs to
/// its end in a task of its own. Without one, do not drop the future.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use provider_auth::{AuthProfiles, MemoryStore, ProfileId, ProviderId, Secret};
/// use provider_auth::credential::Tokens;
/// use provider_auth::refresh::{RefreshFuture, RefreshOutcome, RefreshCoordinator, TokenRefresher};
///
/// #[derive(Debug)]
/// struct Endpoint;
///
/// impl TokenRefresher for Endpoint {
///     fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _: &'a Secret) -> RefreshFuture<'a> {
///         Box::pin(async { Ok(Tokens::new(Secret::new("access-2")).refresh(Secret::new("refresh-2"))) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), provider_auth::Error> {
/// let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {"anthropic:me":
///     {"type": "oauth", "provider": "anthropic", "access": "access-1", "refresh": "refresh-1", "expires": 1}}}"#)?));
/// let coordinator = RefreshCoordinator::new(store, Arc::new(Endpoint)).spawner(|task| drop(tokio::spawn(task)));
/// let id = ProfileId::new("anthropic:me")?;
/// assert!(matches!(coordinator.refresh_if_needed(&id).await?, RefreshOutcome::Refreshed));
/// assert!(matches!(coordinator.refresh_if_needed(&id).await?, RefreshOutcome::NotNeeded));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RefreshCoordinator {
    store: Arc<dyn AuthProfileStore>,
    refresher: Arc<dyn TokenRefresher>,
    clock: Arc<dyn Clock>,
    windows: Windows,
    lease_wait: Duration,
    timeout: Duration,
    spawner: Option<Arc<Spawner>>,
    memory: Arc<Memory>,
}

impl RefreshCoordinator {
    /// A coordinator for the logins of a store, with the system's clock and the default times.
    #[must_use]
    pub fn new(store: Arc<dyn AuthProfileStore>, refresher: Arc<dyn TokenRefresher>) -> Self {
        Self {
            store,
            refresher,
            clock: Arc::new(SystemClock),
            windows: Windows { advisory: Duration::from_secs(120), mandatory: Duration::from_secs(30) },
            lease_wait: Duration::from_secs(45),
            timeout: Duration::from_secs(30),
            spawner: None,
            memory: Arc::default(),
        }
    }

    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long before a token's end a refresh is due: first advisory, where the live token is used if the refresh fails,
    /// then mandatory, where it must succeed. Defaults: 120 s and 30 s. After an advisory refresh failed, the next one is
    /// tried 10 s later at the earliest.
    #[must_use]
    pub fn windows(mut self, advisory: Duration, mandatory: Duration) -> Self {
        self.windows = Windows { advisory, mandatory };
        self
    }

    /// How long to wait for another's refresh to end. Default: 45 s. In the advisory window nobody waits.
    #[must_use]
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
    }

    /// How long one refresh may take; a later answer is lost. Default: 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How to start a task that runs to its end even if its caller is gone, for example
    /// `|task| drop(tokio::spawn(task))`. Default: none; the caller's own task does the work.
    #[must_use]
    pub fn spawner(mut self, spawner: impl Fn(DetachedTask) + Send + Sync + 'static) -> Self {
        self.spawner = Some(Arc::new(spawner));
        self
    }

    /// Refreshes a login if its access token has ended or soon will.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefreshFailed`] if it is due and did not succeed this time, [`ErrorKind::RefreshDenied`] if the refresh
    /// token is finished; the source says why. [`ErrorKind::MissingCredentials`] if there is no such profile; those of
    /// [`load`](AuthProfileStore::load).
    pub async fn refresh_if_needed(&self, profile: &ProfileId) -> Result<RefreshOutcome> {
        self.run(profile, None).await
    }

    /// Refreshes a login whose access token the provider did not accept, whatever its expiry says; does nothing if the store
    /// holds another one by now.
    ///
    /// # Errors
    ///
    /// Those of [`refresh_if_needed`](Self::refresh_if_needed).
    pub async fn refresh_rejected(&self, profile: &ProfileId, rejected: &Secret) -> Result<RefreshOutcome> {
        self.run(profile, Some(rejected.clone())).await
    }

    async fn run(&self, id: &ProfileId, rejected: Option<Secret>) -> Result<RefreshOutcome> {
        let need = self.look(id, rejected.as_ref())?.0;
        let now = self.clock.now();
        if need == Need::None || (need == Need::Advisory && self.memory.is_postponed(id, now)) {
            return Ok(RefreshOutcome::NotNeeded);
        }
        let (coordinator, profile) = (self.clone(), id.clone());
        let work = async move { coordinator.refresh(&profile, rejected.as_ref(), need).await };
        let result = match &self.spawner {
            None => work.await,
            Some(spawn) => {
                let (promise, outcome) = promise();
                spawn(Box::pin(async move { promise.keep(work.await) }));
                let gone = || Err(Error::new(ErrorKind::RefreshFailed, "the task of the refresh was ended"));
                outcome.await.unwrap_or_else(gone)
            }
        };
        let result = match result.map_err(|error| refused(id, error)) {
            Err(error) if need == Need::Advisory => {
                self.memory.postpone(id, now);
                Ok(RefreshOutcome::Postponed(error))
            }
            result => result,
        };
        #[cfg(feature = "tracing")]
        trace(id, &result);
        result
    }

    /// What the store says of a profile now.
    fn look(&self, id: &ProfileId, rejected: Option<&Secret>) -> Result<(Need, Profile)> {
        let profiles = self.store.load()?;
        let Some(profile) = profiles.get(id.as_str()) else {
            return Err(Error::new(ErrorKind::MissingCredentials, format!("there is no profile \"{id}\"")));
        };
        Ok((need(profile, rejected, self.windows, self.clock.now()), profile.clone()))
    }

    async fn refresh(&self, id: &ProfileId, rejected: Option<&Secret>, first: Need) -> Result<RefreshOutcome> {
        let wait = if first == Need::Advisory { Duration::ZERO } else { self.lease_wait };
        let lease = self.lease(id, wait).await?;
        // The need of a moment ago may have been met by whoever had the lease.
        let (need, profile) = self.look(id, rejected)?;
        let Some(Credential::OAuth { refresh: Some(refresh), .. }) =
            profile.credential().filter(|_| need != Need::None)
        else {
            return Ok(RefreshOutcome::RefreshedElsewhere);
        };
        let fresh = match self.memory.unsaved(id, refresh) {
            Some(fresh) => fresh,
            None => self.spend(id, &profile, refresh).await?,
        };
        let written = self.write(id, fresh.clone()).await;
        self.memory.keep(id, written.is_err().then_some(fresh));
        drop(lease);
        Ok(if written? { RefreshOutcome::Refreshed } else { RefreshOutcome::RefreshedElsewhere })
    }

    async fn lease(&self, id: &ProfileId, wait: Duration) -> Result<Lease> {
        let (store, id) = (Arc::clone(&self.store), id.clone());
        blocking(move || store.lease(&id, wait)).await
    }

    async fn spend(&self, id: &ProfileId, profile: &Profile, refresh: &Secret) -> Result<Fresh> {
        if self.memory.is_denied(id, refresh) {
            return Err(Error::new(ErrorKind::RefreshDenied, "the refresh token was denied before"));
        }
        let asked = self.clock.now();
        let answer = within(Some(self.timeout), self.refresher.refresh(id, profile.provider(), refresh)).await;
        let late = || Err(Error::new(ErrorKind::RefreshFailed, "the token endpoint did not answer in time"));
        match answer.unwrap_or_else(late) {
            Ok(tokens) => {
                let expires = tokens.expires_in.map(|lifetime| asked + lifetime);
                Ok(Fresh { spent: refresh.clone(), tokens, expires })
            }
            Err(error) => {
                if error.kind() == ErrorKind::RefreshDenied {
                    self.memory.deny(id, refresh);
                }
                Err(error)
            }
        }
    }

    async fn write(&self, id: &ProfileId, fresh: Fresh) -> Result<bool> {
        let (store, id) = (Arc::clone(&self.store), id.clone());
        let Fresh { spent, tokens, expires } = fresh;
        blocking(move || store.transact(|profiles| profiles.apply_refresh(&id, &spent, &tokens, expires))).await
    }
}

/// The error the caller sees, with the cause behind it.
fn refused(id: &ProfileId, cause: Error) -> Error {
    let kind = match cause.kind() {
        ErrorKind::RefreshDenied => ErrorKind::RefreshDenied,
        _ => ErrorKind::RefreshFailed,
    };
    Error::new(kind, format!("OAuth token refresh failed for {id}")).with_source(cause)
}

#[cfg(feature = "tracing")]
fn trace(id: &ProfileId, result: &Result<RefreshOutcome>) {
    match result {
        Ok(RefreshOutcome::Postponed(error)) => {
            tracing::warn!(profile = %id, kind = ?error.kind(), "refresh postponed");
        }
        Ok(refresh) => tracing::debug!(profile = %id, ?refresh, "refresh"),
        Err(error) => tracing::warn!(profile = %id, kind = ?error.kind(), "refresh failed"),
    }
}

impl fmt::Debug for RefreshCoordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshCoordinator")
            .field("store", &self.store)
            .field("refresher", &self.refresher)
            .field("windows", &self.windows)
            .field("lease_wait", &self.lease_wait)
            .field("timeout", &self.timeout)
            .field("detached", &self.spawner.is_some())
            .finish_non_exhaustive()
    }
}
