//! How a shared store works.

use std::sync::Arc;
use std::time::Duration;

use super::sealing::{Seal, Sealing};
use crate::clock::{Clock, SystemClock};

/// How a [`SharedStore`](super::SharedStore) works, whatever its server is.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) staleness: Duration,
    pub(super) serve_stale: Duration,
    pub(super) lease_life: Duration,
    pub(super) seal: Seal,
    pub(super) clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            staleness: Duration::ZERO,
            serve_stale: Duration::ZERO,
            lease_life: Duration::from_secs(40),
            seal: Seal::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Settings {
    /// Sets for how long a document that was read is given to loads without a question to the server. Default: zero, so that
    /// every load sees what other machines have committed.
    #[must_use]
    pub fn staleness(mut self, staleness: Duration) -> Self {
        self.staleness = staleness;
        self
    }

    /// Sets for how long after it was read the last document is given to loads while the server is away, which is asked again
    /// once a second. Default: zero, so that a load says that it is away.
    #[must_use]
    pub fn serve_stale(mut self, time: Duration) -> Self {
        self.serve_stale = time;
        self
    }

    /// Sets how long a lease outlives its holder. Longer than a request to a token endpoint may take. The claim on a trial
    /// is renewed for two more lives at most, so that a request without an answer keeps others from its profile for three.
    /// Default: 40 s.
    #[must_use]
    pub fn lease_life(mut self, life: Duration) -> Self {
        self.lease_life = life.max(Duration::from_millis(1));
        self
    }

    /// Sets what encrypts values before they reach the server. Default: nothing does, and the server keeps every secret in
    /// clear.
    #[must_use]
    pub fn sealing(mut self, sealing: Arc<dyn Sealing>) -> Self {
        self.seal = Seal(Some(sealing));
        self
    }

    /// Sets the clock by which a document gets old. Leases go by the server's. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}
