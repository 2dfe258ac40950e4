//! The refreshes in progress in this process. Later callers wait for the outcome instead of a lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::error::Error;
use crate::id::ProfileId;

/// The end of a refresh, for those that waited for it.
pub(super) type Landing = Result<(), Arc<Error>>;

type Waiting = watch::Receiver<Option<Landing>>;

/// At most one flight for each profile.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<ProfileId, Waiting>>>);

/// The role of a caller.
pub(super) enum Place {
    /// This caller makes the refresh.
    First(Flight),
    /// Another caller makes it.
    Joined(Joined),
}

impl Flights {
    pub(super) fn enter(&self, id: &ProfileId) -> Place {
        let mut flights = self.lock();
        if let Some(waiting) = flights.get(id) {
            return Place::Joined(Joined(waiting.clone()));
        }
        let (sender, waiting) = watch::channel(None);
        flights.insert(id.clone(), waiting);
        Place::First(Flight { flights: self.clone(), id: id.clone(), waiting: sender, landing: None })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProfileId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to make the refresh. When it is dropped, even by a panic, it passes to the next caller.
pub(super) struct Flight {
    flights: Flights,
    id: ProfileId,
    waiting: watch::Sender<Option<Landing>>,
    landing: Option<Landing>,
}

impl Flight {
    /// Announces the end of the refresh to those that wait.
    pub(super) fn land(mut self, landing: Landing) {
        self.landing = Some(landing);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.id);
        // The flight is removed first, so that no later caller sees an end from before its call.
        self.waiting.send_replace(self.landing.take());
    }
}

/// The wait for a refresh by another caller.
pub(super) struct Joined(Waiting);

impl Joined {
    /// Returns the end of the refresh; `None` if it was given up, or failed in a way that does not concern others.
    pub(super) async fn landing(mut self) -> Option<Landing> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}
