//! The refreshes that are under way in this process: whoever comes meanwhile waits for the outcome instead of a lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::error::Error;
use crate::id::ProfileId;

/// How a refresh ended, for those who waited for it.
pub(super) type Landing = Result<(), Arc<Error>>;

type Waiting = watch::Receiver<Option<Landing>>;

/// At most one flight for each profile.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<ProfileId, Waiting>>>);

/// Where a caller finds itself.
pub(super) enum Place {
    /// It has to make the refresh.
    First(Flight),
    /// Another makes it.
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

/// The right to make the refresh; when it is dropped, also by a panic, the next caller has it.
pub(super) struct Flight {
    flights: Flights,
    id: ProfileId,
    waiting: watch::Sender<Option<Landing>>,
    landing: Option<Landing>,
}

impl Flight {
    /// Tells those who wait how it ended.
    pub(super) fn land(mut self, landing: Landing) {
        self.landing = Some(landing);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.id);
        // Nobody may find it any more who would hear of an end that lies before the question.
        self.waiting.send_replace(self.landing.take());
    }
}

/// The wait for another's refresh.
pub(super) struct Joined(Waiting);

impl Joined {
    /// How it ended; `None` if it was given up, or failed in a way that says nothing to others.
    pub(super) async fn landing(mut self) -> Option<Landing> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}
