//! The steps of a refresh: look, lease, look again, spend, write.

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
use crate::store::{AuthProfileStore, AuthProfileStoreExt};

/// What the steps need beside the store.
#[derive(Clone)]
pub(super) struct Steps {
    pub(super) refresher: Arc<dyn TokenRefresher>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) windows: Windows,
    pub(super) lease_wait: Duration,
    pub(super) timeout: Duration,
    memory: Arc<Memory>,
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

    /// How much a refresh is due, if it is.
    pub(super) async fn due(&self, access: &Access, id: &ProfileId, rejected: Option<&Secret>) -> Result<Option<Need>> {
        let need = self.look(access, id, rejected).await?.0;
        let put_off = need == Need::Advisory && self.memory.is_postponed(id, self.clock.now());
        Ok((need != Need::None && !put_off).then_some(need))
    }

    /// How long to wait for another's refresh.
    pub(super) fn patience(&self, need: Need) -> Duration {
        if need == Need::Advisory { Duration::ZERO } else { self.lease_wait }
    }

    /// Refreshes a login that was found to need it.
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

    /// What the caller hears.
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
        let lease = access.lease(id, self.patience(first)).await?;
        // The need of a moment ago may have been met by whoever had the lease.
        let (need, profile) = self.look(access, id, rejected).await?;
        let Some(Credential::OAuth { refresh: Some(refresh), .. }) =
            profile.credential().filter(|_| need != Need::None)
        else {
            return Ok(RefreshOutcome::RefreshedElsewhere);
        };
        let fresh = match self.memory.unsaved(id, refresh) {
            Some(fresh) => fresh,
            None => self.spend(access, id, &profile, refresh).await?,
        };
        // From here on the tokens are in hand: they are kept until they are written, and the lease as long.
        self.memory.keep(id, Some(fresh.clone()));
        let (memory, profile) = (Arc::clone(&self.memory), id.clone());
        let write = move |store: &dyn AuthProfileStore| {
            let Fresh { spent, tokens, expires } = fresh;
            let written = store.transact(|profiles| profiles.apply_refresh(&profile, &spent, &tokens, expires))?;
            memory.keep(&profile, None);
            drop(lease);
            Ok(written)
        };
        Ok(if access.transact(write).await? { RefreshOutcome::Refreshed } else { RefreshOutcome::RefreshedElsewhere })
    }

    /// What the store says of a profile now.
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
                format!("the login {:?} is a personal account, which only OpenClaw renews", Shown::new(id.as_str()));
            let help = "Use another profile. Personal accounts are looked after with OpenClaw itself.";
            return Err(Error::new(ErrorKind::RefreshFailed, message).with_help(help).with_transience(false));
        }
        Ok((need(profile, rejected, self.windows, self.clock.now()), profile.clone()))
    }

    async fn spend(&self, access: &Access, id: &ProfileId, profile: &Profile, refresh: &Secret) -> Result<Fresh> {
        if self.memory.is_denied(id, refresh) {
            return Err(Error::new(ErrorKind::RefreshDenied, "the refresh token was denied before"));
        }
        let asked = self.clock.now();
        let answer = access.within(self.timeout, self.refresher.refresh(id, profile.provider(), refresh)).await;
        let late = || Err(Error::new(ErrorKind::RefreshFailed, "the token endpoint did not answer in time"));
        match answer.unwrap_or_else(late) {
            // Tokens that can never be written would be kept for ever, and the login never asked for again.
            Ok(tokens) if Secret::cleaned(tokens.access.expose()).is_empty() => {
                Err(Error::new(ErrorKind::RefreshFailed, "the token endpoint gave a blank access token"))
            }
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
}

/// Why a login is not refreshed that OpenClaw holds back: of two programs that renew it one would end it.
fn held_back(id: &ProfileId, hold: Hold) -> Error {
    let (message, help) = match hold {
        Hold::Refreshing => ("is being renewed by OpenClaw", "Try again in a moment."),
        Hold::RefreshFailed => ("could not be renewed by OpenClaw", "Sign in again in OpenClaw."),
        Hold::Inactive => {
            ("is saved and not active", "Make it active with `openclaw models auth activate`, or use another profile.")
        }
    };
    let error = Error::new(ErrorKind::RefreshFailed, format!("the login of {:?} {message}", Shown::new(id.as_str())))
        .with_help(help);
    error.with_transience(hold == Hold::Refreshing)
}
