//! The coordinator of refreshes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::access::Access;
#[cfg(feature = "client")]
use super::flights::{Flight, Flights, Place};
#[cfg(feature = "client")]
use super::need::Need;
use super::need::Windows;
use super::outcome::RefreshOutcome;
use super::park::block_on;
use super::refresher::TokenRefresher;
use super::steps::Steps;
use crate::clock::Clock;
use crate::error::Result;
#[cfg(any(feature = "client", doc))]
use crate::error::{Error, ErrorKind};
use crate::id::ProfileId;
use crate::secret::Secret;
use crate::store::AuthProfileStore;
#[cfg(feature = "client")]
use crate::store::StoreQueue;

/// A coordinator that refreshes the OAuth credentials of a store, one refresh per profile at a time in this process and
/// among all that share the store.
///
/// A refresh runs under the store's [`lease`](AuthProfileStore::lease) on the profile, never under its write lock:
///
/// 1. The store is read again under the lease. If somebody else has refreshed the credential meanwhile, that result is
///    used.
/// 2. The refresh token is spent, once.
/// 3. The new tokens are written if the spent token is still the stored one; a newer credential is never overwritten.
///
/// A credential that OpenClaw is refreshing, or holds back for another reason, is left to OpenClaw.
///
/// A refresh that fails leaves the store unchanged. If the endpoint permanently refuses a refresh token, the
/// coordinator and its clones remember exactly this token and do not send it again; a new credential is not affected.
/// Tokens that could not be written are kept in memory together with the lease, so that nobody else sends the spent
/// token. The next call writes them, or a background thread does, which tries at least every 10 s as long as the
/// coordinator and the store exist.
///
/// # Two forms
///
/// `refresh_if_needed` and `refresh_rejected` (feature `client`) are asynchronous and run in a tokio runtime with
/// timers enabled. Store calls do not block the runtime's threads. Callers that arrive while a profile is being
/// refreshed wait for that refresh and share its outcome.
///
/// [`refresh_if_needed_blocking`](Self::refresh_if_needed_blocking) and
/// [`refresh_rejected_blocking`](Self::refresh_rejected_blocking) do everything on the calling thread, for programs
/// without a runtime. The refresher must then need no runtime either, and have its own time limit.
///
/// # Cancellation
///
/// Endpoints with single-use refresh tokens have spent the old token before the new one arrives, and losing both ends
/// the login. A refresh therefore runs to its end in a separate task, even if the caller drops the future; it ends
/// early only with its runtime.
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
/// let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {"anthropic:me":
///     {"type": "oauth", "provider": "anthropic", "access": "access-1", "refresh": "refresh-1", "expires": 1}}}"#)?));
/// let coordinator = RefreshCoordinator::new(store, Arc::new(Endpoint));
/// let id = ProfileId::new("anthropic:me")?;
/// assert!(matches!(coordinator.refresh_if_needed_blocking(&id)?, RefreshOutcome::Refreshed));
/// assert!(matches!(coordinator.refresh_if_needed_blocking(&id)?, RefreshOutcome::NotNeeded));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct RefreshCoordinator {
    store: Arc<dyn AuthProfileStore>,
    steps: Steps,
    #[cfg(feature = "client")]
    queue: StoreQueue,
    #[cfg(feature = "client")]
    flights: Flights,
}

impl RefreshCoordinator {
    /// Creates a coordinator for the OAuth credentials of a store, with the system's clock and the default times.
    #[must_use]
    pub fn new(store: Arc<dyn AuthProfileStore>, refresher: Arc<dyn TokenRefresher>) -> Self {
        Self {
            #[cfg(feature = "client")]
            queue: StoreQueue::new(Arc::clone(&store)),
            #[cfg(feature = "client")]
            flights: Flights::default(),
            store,
            steps: Steps::new(refresher),
        }
    }

    /// Sets the clock that decides whether an access token has expired. Default: the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.steps.clock = clock;
        self
    }

    /// Sets how long before a token's end a refresh is due: first advisory, when the live token is used if the refresh
    /// fails, then mandatory, when it must succeed. Defaults: 120 s and 30 s. After a failed advisory refresh, the next
    /// one is tried 10 s later at the earliest.
    #[must_use]
    pub fn windows(mut self, advisory: Duration, mandatory: Duration) -> Self {
        self.steps.windows = Windows { advisory, mandatory };
        self
    }

    /// Sets how long to wait for a refresh by somebody else. Default: 45 s. An advisory refresh does not wait.
    #[must_use]
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.steps.lease_wait = wait;
        self
    }

    /// Sets the time limit of the refresher in an asynchronous refresh; a later answer is lost. Default: 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.steps.timeout = timeout;
        self
    }

    /// Refreshes an OAuth credential if its access token has expired or soon will.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefreshFailed`] if a due refresh did not succeed this time, if there is no runtime, or if OpenClaw
    /// is refreshing the credential or holds it back; [`ErrorKind::RefreshDenied`] if the endpoint permanently refuses
    /// the refresh token; the source is the cause. [`ErrorKind::MissingCredentials`] if there is no such profile; the
    /// errors of [`load`](AuthProfileStore::load).
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub async fn refresh_if_needed(&self, profile: &ProfileId) -> Result<RefreshOutcome> {
        self.run(profile, None).await
    }

    /// Refreshes an OAuth credential whose access token the provider did not accept, regardless of its expiry. Does
    /// nothing if the store holds another access token by now.
    ///
    /// # Errors
    ///
    /// Same as [`refresh_if_needed`](Self::refresh_if_needed).
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub async fn refresh_rejected(&self, profile: &ProfileId, rejected: &Secret) -> Result<RefreshOutcome> {
        self.run(profile, Some(rejected)).await
    }

    /// Refreshes an OAuth credential if its access token has expired or soon will, on the calling thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RefreshFailed`] if a due refresh did not succeed this time, or if OpenClaw is refreshing the
    /// credential or holds it back; [`ErrorKind::RefreshDenied`] if the endpoint permanently refuses the refresh token;
    /// the source is the cause. [`ErrorKind::MissingCredentials`] if there is no such profile; the errors of
    /// [`load`](AuthProfileStore::load).
    pub fn refresh_if_needed_blocking(&self, profile: &ProfileId) -> Result<RefreshOutcome> {
        block_on(self.run_here(profile, None))
    }

    /// Refreshes an OAuth credential whose access token the provider did not accept, on the calling thread. Does
    /// nothing if the store holds another access token by now.
    ///
    /// # Errors
    ///
    /// Same as [`refresh_if_needed_blocking`](Self::refresh_if_needed_blocking).
    pub fn refresh_rejected_blocking(&self, profile: &ProfileId, rejected: &Secret) -> Result<RefreshOutcome> {
        block_on(self.run_here(profile, Some(rejected)))
    }

    async fn run_here(&self, id: &ProfileId, rejected: Option<&Secret>) -> Result<RefreshOutcome> {
        let access = Access::Direct(Arc::clone(&self.store));
        match self.steps.due(&access, id, rejected).await? {
            None => Ok(RefreshOutcome::NotNeeded),
            Some(need) => {
                let outcome = self.steps.refresh(&access, id, rejected, need).await;
                self.steps.memory.write_later(&self.store);
                outcome
            }
        }
    }

    #[cfg(feature = "client")]
    async fn run(&self, id: &ProfileId, rejected: Option<&Secret>) -> Result<RefreshOutcome> {
        let access = Access::Queued(self.queue.clone());
        let mut landed = None;
        loop {
            let need = match (self.steps.due(&access, id, rejected).await?, landed) {
                (None, None) => return Ok(RefreshOutcome::NotNeeded),
                (None, Some(_)) => return Ok(RefreshOutcome::RefreshedElsewhere),
                (Some(Need::Mandatory), Some(Err(error))) => return Err(Error::shared(&error)),
                // If the endpoint issues tokens that expire at once, asking again does not help.
                (Some(_), Some(Ok(()))) if rejected.is_none() => return Ok(RefreshOutcome::RefreshedElsewhere),
                (Some(need), _) => need,
            };
            let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                return self.failed(id, need, "an asynchronous refresh needs a tokio runtime");
            };
            landed = match self.flights.enter(id) {
                Place::First(flight) => {
                    let work = self.clone().fly(flight, id.clone(), rejected.cloned(), need);
                    #[cfg(feature = "tracing")]
                    let work = tracing::Instrument::in_current_span(work);
                    return match runtime.spawn(work).await {
                        Ok(result) => result,
                        Err(_) => self.failed(id, need, "the refresh panicked or ended with its runtime"),
                    };
                }
                Place::Joined(other) => match tokio::time::timeout(self.steps.patience(need), other.landing()).await {
                    Ok(landed) => landed,
                    Err(_) => return self.failed(id, need, "another refresh of the login did not end in time"),
                },
            };
        }
    }

    /// Runs the refresh for all that wait for it.
    #[cfg(feature = "client")]
    async fn fly(self, flight: Flight, id: ProfileId, rejected: Option<Secret>, need: Need) -> Result<RefreshOutcome> {
        let outcome = self.steps.refresh(&Access::Queued(self.queue), &id, rejected.as_ref(), need).await;
        self.steps.memory.write_later(&self.store);
        match outcome {
            Err(error) => {
                let error = Arc::new(error);
                flight.land(Err(Arc::clone(&error)));
                Err(Error::shared(&error))
            }
            // A refresh that this caller could postpone may be urgent for others, who try it again.
            Ok(RefreshOutcome::Postponed(error)) => Ok(RefreshOutcome::Postponed(error)),
            Ok(outcome) => {
                flight.land(Ok(()));
                Ok(outcome)
            }
        }
    }

    #[cfg(feature = "client")]
    fn failed(&self, id: &ProfileId, need: Need, why: &str) -> Result<RefreshOutcome> {
        self.steps.conclude(id, need, self.steps.clock.now(), Err(Error::new(ErrorKind::RefreshFailed, why)))
    }
}

impl fmt::Debug for RefreshCoordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshCoordinator")
            .field("store", &self.store)
            .field("refresher", &self.steps.refresher)
            .field("windows", &self.steps.windows)
            .field("lease_wait", &self.steps.lease_wait)
            .field("timeout", &self.steps.timeout)
            .finish_non_exhaustive()
    }
}
