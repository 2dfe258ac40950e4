//! Settings of a shared store.

use std::sync::Arc;
use std::time::Duration;

use super::sealing::{Seal, Sealing};
use crate::clock::{Clock, SystemClock};

/// Settings of a [`SharedStore`](super::SharedStore), for any server.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) staleness: Duration,
    pub(super) serve_stale: Duration,
    pub(super) lease_life: Duration,
    pub(super) orphan_wait: Duration,
    pub(super) seal: Seal,
    pub(super) clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            staleness: Duration::ZERO,
            serve_stale: Duration::ZERO,
            lease_life: Duration::from_secs(40),
            orphan_wait: Duration::from_secs(5 * 60),
            seal: Seal::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Settings {
    /// Sets for how long loads may return the last document read without asking the server. Default: zero, so every
    /// load sees what other machines have committed.
    #[must_use]
    pub fn staleness(mut self, staleness: Duration) -> Self {
        self.staleness = staleness;
        self
    }

    /// Sets for how long after it was read loads may return the last document while the server is away; the server is
    /// then asked once a second. Default: zero, so a load fails while the server is away.
    #[must_use]
    pub fn serve_stale(mut self, time: Duration) -> Self {
        self.serve_stale = time;
        self
    }

    /// Sets how long a lease outlives its holder; choose longer than a request to a token endpoint may take. The claim
    /// on a trial is extended for two more lives at most, so a request without an answer keeps others from its profile
    /// for three. Default: 40 s; at least 1 ms.
    #[must_use]
    pub fn lease_life(mut self, life: Duration) -> Self {
        self.lease_life = life.max(Duration::from_millis(1));
        self
    }

    /// Sets how long to wait for a holder that has sent a refresh token and stored no outcome, from when another machine
    /// first finds that, before the token is sent once more. A holder that is only cut off from the server has the new
    /// tokens and writes them when it is back, and many endpoints revoke a login whose token is sent twice. Meanwhile
    /// refreshes fail with [`Locked`](crate::ErrorKind::Locked) as their cause. Default: 5 min; zero to send it at once.
    #[must_use]
    pub fn orphan_wait(mut self, wait: Duration) -> Self {
        self.orphan_wait = wait;
        self
    }

    /// Sets the encryption of values before they reach the server. Default: none, so the server keeps every secret in
    /// clear.
    #[must_use]
    pub fn sealing(mut self, sealing: Arc<dyn Sealing>) -> Self {
        self.seal = Seal(Some(sealing));
        self
    }

    /// Sets the clock that measures the age of documents. Leases end by the server's clock. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
