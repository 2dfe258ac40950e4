//! The steps of a refresh: check, lease, check again, spend, write.

use std::sync::Arc;
use std::time::Duration;

use super::access::Access;
use super::memory::{Fresh, Memory};
use super::need::{Need, Windows, need};
use super::outcome::{RefreshOutcome, refused};
use super::refresher::TokenRefresher;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::ProfileId;
use crate::profile::{Hold, Profile};
use crate::secret::Secret;
use crate::store::{AuthProfileStore, Lease, RefreshEnd};

/// The inputs of the steps apart from the store.
#[derive(Clone)]
pub(super) struct Steps {
    pub(super) refresher: Arc<dyn TokenRefresher>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) windows: Windows,
    pub(super) lease_wait: Duration,
    pub(super) timeout: Duration,
    pub(super) memory: Arc<Memory>,
}

impl Steps {
    pub(super) fn new(refresher: Arc<dyn TokenRefresher>) -> Self {
        Self {
            refresher,
            clock: Arc::new(SystemClock),
            windows: Windows { advisory: Duration::from_secs(120), mandatory: Duration::from_secs(30) },
            lease_wait: Duration::from_secs(45),
            timeout: Duration::from_secs(30),
            memory: Arc::default(),
        }
    }

    /// Returns the urgency of a refresh, if one is due.
    pub(super) async fn due(&self, access: &Access, id: &ProfileId, rejected: Option<&Secret>) -> Result<Option<Need>> {
        let need = self.look(access, id, rejected).await?.0;
        let put_off = need == Need::Advisory && self.memory.is_postponed(id, self.clock.now());
        Ok((need != Need::None && !put_off).then_some(need))
    }

    /// Returns how long to wait for a refresh by somebody else.
    pub(super) fn patience(&self, need: Need) -> Duration {
        if need == Need::Advisory { Duration::ZERO } else { self.lease_wait }
    }

    /// Refreshes a credential that needs it.
    pub(super) async fn refresh(
        &self,
        access: &Access,
        id: &ProfileId,
        rejected: Option<&Secret>,
        need: Need,
    ) -> Result<RefreshOutcome> {
        let began = self.clock.now();
        let result = self.leased(access, id, rejected, need).await;
        self.conclude(id, need, began, result)
    }

    /// Returns the outcome for the caller.
    pub(super) fn conclude(
        &self,
        id: &ProfileId,
        need: Need,
        began: Timestamp,
        result: Result<RefreshOutcome>,
    ) -> Result<RefreshOutcome> {
        let result = match result.map_err(|error| refused(id, error)) {
            Err(error) if need == Need::Advisory => {
                self.memory.postpone(id, began);
                Ok(RefreshOutcome::Postponed(error))
            }
            result => result,
        };
        #[cfg(feature = "tracing")]
        super::outcome::trace(id, &result);
        result
    }

    async fn leased(
        &self,
        access: &Access,
        id: &ProfileId,
        rejected: Option<&Secret>,
        first: Need,
    ) -> Result<RefreshOutcome> {
        let lease = match self.memory.held(id) {
            Some(lease) => lease,
            None => access.lease(id, self.patience(first)).await?,
        };
        let (lease, result) = self.holding(access, lease, id, rejected).await;
        let lease = if result.is_err() { lease.and_then(|lease| self.memory.hold(id, lease)) } else { lease };
        if let Some(lease) = lease {
            // Releasing the lease may wait for a server.
            access.post(move || drop(lease)).await;
        }
        result
    }

    /// Runs the steps under the lease. Returns the lease for release unless writing has ended it.
    async fn holding(
        &self,
        access: &Access,
        lease: Lease,
        id: &ProfileId,
        rejected: Option<&Secret>,
    ) -> (Option<Lease>, Result<RefreshOutcome>) {
        // The previous holder of the lease may have refreshed the credential.
        let (need, profile) = match self.look(access, id, rejected).await {
            Ok(seen) => seen,
            Err(error) => return (Some(lease), Err(error)),
        };
        let Some(Credential::OAuth { refresh: Some(refresh), .. }) =
            profile.credential().filter(|_| need != Need::None)
        else {
            return (Some(lease), Ok(RefreshOutcome::RefreshedElsewhere));
        };
        let (lease, fresh) = match self.memory.unsaved(id, refresh) {
            Some(fresh) => (lease, fresh),
            None => match self.spend(access, lease, id, &profile, refresh).await {
                (Some(lease), Ok(fresh)) => (lease, fresh),
                (lease, Err(error)) => return (lease, Err(error)),
                (None, Ok(_)) => return (None, Err(Error::new(ErrorKind::RefreshFailed, "the lease was lost"))),
            },
        };
        // The tokens are kept until they are written, and so is the lease.
        self.memory.keep(id, Some(fresh.clone()));
        let (memory, profile) = (Arc::clone(&self.memory), id.clone());
        let write = move |store: &dyn AuthProfileStore| memory.write(store, &profile, &fresh, lease);
        let outcome = match access.transact(write).await {
            Ok(true) => Ok(RefreshOutcome::Refreshed),
            Ok(false) => Ok(RefreshOutcome::RefreshedElsewhere),
            Err(error) => Err(error),
        };
        (None, outcome)
    }

    /// Returns a profile's present state in the store, and its need.
    async fn look(&self, access: &Access, id: &ProfileId, rejected: Option<&Secret>) -> Result<(Need, Profile)> {
        let profiles = access.load().await?;
        let Some(profile) = profiles.get(id.as_str()) else {
            return Err(Error::new(
                ErrorKind::MissingCredentials,
                format!("there is no profile {:?}", Shown::new(id.as_str())),
            ));
        };
        if let Some(hold) = profile.hold() {
            return Err(held_back(id, hold));
        }
        if id.is_personal() {
            let message =
                format!("the login {:?} is a personal account, which only OpenClaw refreshes", Shown::new(id.as_str()));
            let help = "Use another profile. Personal accounts are managed by OpenClaw.";
            return Err(Error::new(ErrorKind::RefreshFailed, message).with_help(help).with_transience(false));
        }
        Ok((need(profile, rejected, self.windows, self.clock.now()), profile.clone()))
    }

    /// Sends the refresh token under the lease. Returns the lease unless the store has lost it.
    async fn spend(
        &self,
        access: &Access,
        mut lease: Lease,
        id: &ProfileId,
        profile: &Profile,
        refresh: &Secret,
    ) -> (Option<Lease>, Result<Fresh>) {
        if self.memory.is_denied(id, refresh) {
            let error = Error::new(ErrorKind::RefreshDenied, "the refresh token was denied before");
            return (Some(lease), Err(error));
        }
        let spent = refresh.clone();
        let noted = access.transact(move |_| {
            let noted = lease.spending(&spent);
            Ok((lease, noted))
        });
        let mut lease = match noted.await {
            Ok((lease, Ok(()))) => lease,
            Ok((lease, Err(error))) => return (Some(lease), Err(error)),
            Err(error) => return (None, Err(error)),
        };
        let asked = self.clock.now();
        let answer = access.within(self.timeout, self.refresher.refresh(id, profile.provider(), refresh)).await;
        let late = || Err(Error::new(ErrorKind::RefreshFailed, "the token endpoint did not answer in time"));
        let error = match answer.unwrap_or_else(late) {
            // A blank token can never be written: keeping it would block every later refresh.
            Ok(tokens) if Secret::cleaned(tokens.access.expose()).is_empty() => {
                Error::new(ErrorKind::RefreshFailed, "the token endpoint returned a blank access token")
            }
            Ok(tokens) => {
                let expires = tokens.expires_in.map(|lifetime| asked + lifetime);
                return (Some(lease), Ok(Fresh { spent: refresh.clone(), tokens, expires }));
            }
            Err(error) => error,
        };
        let denied = error.kind() == ErrorKind::RefreshDenied;
        if denied {
            self.memory.deny(id, refresh);
        }
        let (spent, end) = (refresh.clone(), if denied { RefreshEnd::Denied } else { RefreshEnd::Failed });
        let told = move || {
            lease.ended(&spent, end);
            drop(lease);
        };
        access.post(told).await;
        (None, Err(error))
    }
}

/// Returns the error for a credential that OpenClaw holds back: if two programs refreshed it, one would end the login.
fn held_back(id: &ProfileId, hold: Hold) -> Error {
    let (message, help) = match hold {
        Hold::Refreshing => ("is being refreshed by OpenClaw", "Try again in a moment."),
        Hold::RefreshFailed => ("could not be refreshed by OpenClaw", "Sign in again in OpenClaw."),
        Hold::Inactive => {
            ("is saved but not active", "Make it active with `openclaw models auth activate`, or use another profile.")
        }
    };
    let error = Error::new(ErrorKind::RefreshFailed, format!("the login of {:?} {message}", Shown::new(id.as_str())))
        .with_help(help);
    error.with_transience(hold == Hold::Refreshing)
}
