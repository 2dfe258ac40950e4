//! Profiles on a server that many machines share, whatever server that is.
//!
//! [`SharedStore`] is a store over an [`Engine`], which is all that a server has to be able to do. The page
//! [`writing_a_store`](crate::docs::writing_a_store) shows an engine of a third party; the crate's own are `RedisEngine`
//! (feature `redis`) and `MemoryEngine` (features `testing` and `conformance`).

mod core;
#[cfg(any(test, feature = "testing", feature = "conformance"))]
mod double;
mod engine;
mod lease;
mod note;
mod sealing;
mod settings;
mod snapshot;
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

/// Credential profiles on a server that many machines share.
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
/// # How the document is kept
///
/// Credentials, order and last good profiles are one value, and the statistics of each profile are one each, with a version of
/// its own. An update of one profile's statistics is conditional on these and on the credentials, any other update on
/// everything. A commit that meets a conflict is tried again on what is new, after a short pause that differs.
///
/// # Promises
///
/// - **Nothing acknowledged is lost** as long as the server loses nothing.
/// - **A load asks the server once**, unless [`staleness`](Settings::staleness) says that it need not, and reads nothing again
///   that has not changed.
/// - **Waiting ends.** An update that meets a conflict a hundred times is [`Locked`](crate::ErrorKind::Locked).
/// - **One refresh at a time.** A lease ends with its holder, or a [`lease_life`](Settings::lease_life) after it died or was
///   paused, by the clock of the server. It is checked right before a refresh token is sent.
/// - **One trial at a time.** The first request after the end of a window, and a probe while one runs, is made by one caller of
///   one machine. One that is not over after three lives of a lease keeps the others no longer. A machine that cannot reach
///   the server tries for itself.
/// - **A token that may be lost is tried once more at most.** Where a holder died between sending a refresh token and writing
///   what it got, the next one [counts](Self::orphaned) that and sends it once; after that, and once the endpoint has
///   denied it, no machine sends it.
pub struct SharedStore<E> {
    core: Arc<Core<E>>,
}

impl<E: Engine + 'static> SharedStore<E> {
    /// A store over an engine. Nothing is asked of it yet.
    #[must_use]
    pub fn new(engine: E, settings: Settings) -> Self {
        Self { core: Arc::new(Core::new(engine, settings)) }
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> &E {
        &self.core.engine
    }

    /// Counts the refresh tokens that this store found sent by a holder who died before it wrote what it got.
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
    /// The committed document, from the server or as it was read within the [`staleness`](Settings::staleness) allowed.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if the server is away and there is no document to
    /// [serve](Settings::serve_stale) meanwhile; the kinds of [`AuthProfiles::from_json`] with the name of the value.
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.core.load()
    }

    /// The document as it was read, within the [`staleness`](Settings::staleness) allowed.
    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        self.core.known()
    }

    /// Runs a closure on what was last read, and commits it if that is still in force; if it is not, on what is.
    ///
    /// # Errors
    ///
    /// The closure's own error; [`Reentrant`](crate::ErrorKind::Reentrant);
    /// [`Locked`](crate::ErrorKind::Locked) after a hundred conflicts;
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion); [`StorageFull`](crate::ErrorKind::StorageFull);
    /// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable), where the message says if it may have been written all the same.
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

    /// The exclusive right to refresh a profile's credential, on all machines. It is renewed as long as it is held.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked); [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        self.core.lease(profile, wait)
    }

    /// Claims the trial of a profile for one caller of one machine. It ends with its guard, a
    /// [`lease_life`](Settings::lease_life) after a machine that died, and after three of them however long the guard is held.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
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
