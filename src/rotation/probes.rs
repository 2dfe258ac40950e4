//! The log of probes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::id::ProviderId;

/// A log of when each provider was last probed, shared by the calls of a program, so that at most one probe of a
/// provider runs at a time.
#[derive(Debug, Default)]
pub struct ProbeLog(Mutex<HashMap<ProviderId, Timestamp>>);

impl ProbeLog {
    /// Runs a function on the time of a provider's last probe, one at a time.
    pub(super) fn last<T>(&self, provider: &ProviderId, look: impl FnOnce(&mut Option<Timestamp>) -> T) -> T {
        let mut probed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = probed.get(provider).copied();
        let value = look(&mut last);
        if let Some(last) = last {
            probed.insert(provider.clone(), last);
        }
        value
    }
}
