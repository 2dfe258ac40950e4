//! A store on a server that many machines share.
//!
//! [`SharedStore`] works over any [`Engine`]: `RedisEngine` (feature `redis`), `MemoryEngine` for tests (features
//! `testing` and `conformance`), or your own, as [`writing_a_store`](crate::docs::writing_a_store) shows.

mod core;
#[cfg(any(test, feature = "testing", feature = "conformance"))]
mod double;
mod engine;
mod lease;
mod note;
mod sealing;
mod settings;
mod snapshot;
mod spending;
mod stamp;
mod trial;
mod turn;
mod update;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(any(test, feature = "testing", feature = "conformance"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "testing", feature = "conformance"))))]
pub use double::{MemoryEngine, Saved};
pub use engine::{Commit, Committed, Condition, Engine, Entry, Known, Listing, Value};
pub use sealing::Sealing;
pub use settings::Settings;

use self::core::Core;
use super::{AuthProfileStore, Lease, TrialClaim};
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, Trial, UsageStats};

/// A profile store on a server that many machines share.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use provider_auth::{AuthProfileStore, AuthProfileStoreExt, Credential, ProfileId, ProviderId, Secret};
/// use provider_auth::store::shared::{MemoryEngine, Settings, SharedStore};
///
/// // Two machines, one server.
/// let server = MemoryEngine::default();
/// let (one, two) = (server.clone(), server);
/// let (one, two) = (SharedStore::new(one, Settings::default()), SharedStore::new(two, Settings::default()));
///
/// let id = ProfileId::new("anthropic:team")?;
/// one.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-ant-example")), None)?;
/// assert!(two.load()?.get("anthropic:team").is_some());
/// # }
/// # Ok::<(), provider_auth::Error>(())
/// ```
///
/// # Storage
///
/// Credentials, order and last good profiles are one value, and the statistics of each profile are another, each with
/// its own version. An update of one profile's statistics is conditional on these and on the credentials; any other
/// update is conditional on everything. After a conflict a commit is retried on the new state, after a short random
/// pause.
///
/// # Promises
///
/// - **Acknowledged writes are kept** as long as the server loses nothing.
/// - **A load asks the server once**, or not at all within [`staleness`](Settings::staleness), and reads only what has
///   changed.
/// - **Waiting ends.** An update fails with [`Locked`](crate::ErrorKind::Locked) after a hundred conflicts.
/// - **One refresh at a time.** A lease ends with its holder, or one [`lease_life`](Settings::lease_life) after the
///   holder died or was paused, by the server's clock. It is verified right before a refresh token is sent.
/// - **One trial at a time.** One caller on one machine makes the first request after a window ends, and a probe during
///   a window. After three lives of a lease it no longer keeps others from trying. A machine that cannot claim, because
///   the server is away or accepts no writes, makes no probe, and tries the end of a window without a claim at a moment
///   of its own within 30 s after it.
/// - **A token that may be lost is tried once more at most.** If a holder disappears between sending a refresh token and
///   writing the new one, the others wait for it ([`orphan_wait`](Settings::orphan_wait)); then one of them
///   [counts](Self::orphaned) that and sends the token once more. After that, and once the endpoint has denied it, no
///   machine sends it.
pub struct SharedStore<E> {
    core: Arc<Core<E>>,
}

impl<E: Engine + 'static> SharedStore<E> {
    /// Creates a store over an engine, without calling it yet.
    #[must_use]
    pub fn new(engine: E, settings: Settings) -> Self {
        Self { core: Arc::new(Core::new(engine, settings)) }
    }

    /// Returns the engine, for its own methods.
    #[must_use]
    pub fn engine(&self) -> &E {
        &self.core.engine
    }

    /// Returns how many times this store sent a refresh token once more because the holder that had sent it disappeared
    /// before it wrote the new one. The count is that of this process; add those of all machines.
    #[must_use]
    pub fn orphaned(&self) -> u64 {
        self.core.orphaned()
    }
}

impl<E> Clone for SharedStore<E> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

impl<E: Engine + 'static> AuthProfileStore for SharedStore<E> {
    /// Returns the committed document, read from the server or within [`staleness`](Settings::staleness) before.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if the server is away and no document may be [served
    /// stale](Settings::serve_stale); the kinds of [`AuthProfiles::from_json`] with the name of the value.
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.core.load()
    }

    /// Returns the document that was last read, if that is within [`staleness`](Settings::staleness).
    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        self.core.known()
    }

    /// Runs a closure on the last document read and commits its changes if that document is still current; otherwise
    /// runs it again on the newer one.
    ///
    /// # Errors
    ///
    /// The closure's own error; [`Reentrant`](crate::ErrorKind::Reentrant); [`Locked`](crate::ErrorKind::Locked) after
    /// a hundred conflicts; [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion);
    /// [`StorageFull`](crate::ErrorKind::StorageFull); [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable), whose
    /// message mentions if the update may have been written.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.core.update(change)
    }

    fn update_usage(
        &self,
        profile: &ProfileId,
        change: &mut dyn FnMut(&AuthProfiles, &mut UsageStats),
    ) -> Result<Arc<AuthProfiles>> {
        self.core.update_usage(profile, change)
    }

    fn splits_usage(&self) -> bool {
        true
    }

    /// Acquires the exclusive right to refresh a profile's credential on all machines, extended as long as it is held.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked); [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        self.core.lease(profile, wait)
    }

    /// Claims the trial of a profile for one caller on one machine. The claim ends with its guard, one
    /// [`lease_life`](Settings::lease_life) after the machine died, and after three of them in any case. If it cannot be
    /// made, the answer is [`Elsewhere`](TrialClaim::Elsewhere) until this machine's own moment within 30 s after the
    /// window.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable) from that moment on.
    fn claim_trial(&self, trial: &Trial) -> Result<TrialClaim> {
        self.core.claim_trial(trial)
    }

    fn is_away(&self) -> bool {
        self.core.is_away()
    }

    fn may_block(&self) -> bool {
        self.core.engine.may_block()
    }
}

impl<E: fmt::Debug> fmt::Debug for SharedStore<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore")
            .field("engine", &self.core.engine)
            .field("settings", &self.core.settings)
            .finish_non_exhaustive()
    }
}
