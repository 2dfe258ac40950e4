//! Stores of credential profiles: a file, a database, a server, memory, or your own.
//!
//! [`AuthProfileStore`] is the contract. It has two required methods: one loads the document, the other updates it as a
//! whole. The crate comes with four stores:
//!
//! - `FileStore` (feature `file`): OpenClaw's `auth-profiles.json`.
//! - `SqliteStore` (feature `sqlite`): the databases that OpenClaw uses since June 2026.
//! - `RedisStore` (feature `redis`): a server that many machines share.
//! - [`MemoryStore`]: memory, for tests.
//!
//! `StateDir` opens whichever files or databases a state directory has. [`AuthProfileStoreExt`] adds, orders and
//! removes profiles in any store, [`copy_profiles`] copies them to another store, and
//! [`RecordOutcome`](crate::RecordOutcome) records the outcome of a request.
//!
//! To write your own store, see [`writing_a_store`](crate::docs::writing_a_store), and run the suite `conformance` in
//! its tests.

#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod copy;
mod ext;
#[cfg(feature = "file")]
mod file;
mod gate;
mod lease;
mod memory;
#[cfg(feature = "client")]
mod queue;
#[cfg(feature = "redis")]
mod redis;
pub mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;
mod trial;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use copy::{CopyScope, copy_profiles};
pub use ext::AuthProfileStoreExt;
pub(crate) use ext::unknown_profile;
#[cfg(feature = "sqlite")]
pub(crate) use file::check_agent;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub use file::{Durability, FileStore, FileStoreBuilder, StateFile};
#[cfg(feature = "file")]
pub(crate) use file::{agent_database, main_database, shared_database};
#[cfg(feature = "client")]
pub(crate) use gate::Gate;
pub use lease::{Lease, LeaseGuard, RefreshEnd};
pub use memory::MemoryStore;
#[cfg(feature = "client")]
pub(crate) use queue::StoreQueue;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use redis::{RedisEngine, RedisStore};
pub use shared::SharedStore;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::stored_secrets;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{SqliteStore, SqliteStoreBuilder};
pub use trial::TrialClaim;

use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, Trial, UsageStats};

/// A store of the credential profiles of one agent.
///
/// Two methods are required; [`AuthProfileStoreExt`] builds on them. The trait is synchronous, as local files are, so
/// it works with any runtime and without one. It is object-safe and implemented for `&T`, `Box<T>` and `Arc<T>`.
///
/// # Contract
///
/// - `update` is the only way to write; `update_usage` writes a part. It runs the closure on fresh data under exclusion
///   and commits all or nothing: an error or a panic in the closure changes nothing. If the data turn out to be
///   outdated, the closure runs again on the newer data.
/// - The closure may run more than once, must be quick, and must not update the same store: such an update returns an
///   error instead of hanging. Reading the store inside the closure is allowed and returns the committed document.
/// - `load` returns a snapshot that never changes, and does not wait for an update in progress.
/// - A document for which [`AuthProfiles::check_writable`] fails is never written.
///
/// # Blocking
///
/// `load` may read a disk or ask a server, but never waits for a writer. `update` and `update_usage` also wait for
/// their turn, and must return [`Locked`](crate::ErrorKind::Locked) eventually. `lease` waits for up to `wait`.
///
/// The asynchronous parts of this crate (feature `client`) therefore call a store on the runtime's threads for blocking
/// work. One `load` serves all callers that wait for it, updates run one after the other, and at most one call waits
/// for the lease on a profile, so any number of callers needs only a handful of threads. Calls that cannot block skip
/// the other thread: [`try_load`](Self::try_load) before every `load`, and if [`may_block`](Self::may_block) returns
/// `false`, `load` and `update` as well. Other asynchronous callers should do the same with their runtime.
///
/// Dropping the future of a caller does not affect the store: an update that is queued or running completes. A lease
/// ends when it is dropped, also during a panic.
///
/// The suite `conformance` (feature of that name) tests a backend against this contract.
pub trait AuthProfileStore: fmt::Debug + Send + Sync {
    /// Returns the committed document.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) and the kinds of [`AuthProfiles::from_json`], where they apply to the backend.
    fn load(&self) -> Result<Arc<AuthProfiles>>;

    /// Returns the committed document if the store knows it without waiting for a disk, a network or a lock, and `None`
    /// otherwise, also if `load` would fail. The document must be as fresh as the one that `load` would return now.
    ///
    /// Asynchronous callers try this first, because moving a `load` to another thread usually takes longer than the
    /// call itself. The default implementation returns `None`, which is right for every store.
    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        None
    }

    /// Runs a closure on the fresh document, commits its changes, and returns the resulting document.
    ///
    /// # Errors
    ///
    /// The closure's own error; [`Reentrant`](crate::ErrorKind::Reentrant) from inside an update of the same store;
    /// [`Locked`](crate::ErrorKind::Locked) if the lock could not be acquired in time;
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) if a newer program wrote the document.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>>;

    /// Runs a closure on the statistics of one profile, with the document that contains them, commits its changes to
    /// the statistics, and returns a document with them.
    ///
    /// If there are no statistics under the id, the closure gets empty ones, even if there is no such profile. The
    /// default implementation calls [`update`](Self::update) and keeps its promises. A store that
    /// [`splits_usage`](Self::splits_usage) commits on the condition that the credentials and these statistics have not
    /// changed meanwhile, so outcomes of different profiles never wait for each other. The statistics of other profiles
    /// may then be older ones, both in the closure's document and in the returned one.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update); [`Corrupt`](crate::ErrorKind::Corrupt) if the document's statistics are not
    /// an object.
    fn update_usage(
        &self,
        profile: &ProfileId,
        change: &mut dyn FnMut(&AuthProfiles, &mut UsageStats),
    ) -> Result<Arc<AuthProfiles>> {
        self.update(&mut |profiles| {
            let before = profiles.usage(profile.as_str()).cloned().unwrap_or_default();
            let mut usage = before.clone();
            change(profiles, &mut usage);
            if usage == before { Ok(()) } else { profiles.set_usage(profile, usage) }
        })
    }

    /// Returns `true` if the statistics of each profile are committed separately. Outcomes are then written with
    /// [`update_usage`](Self::update_usage), profile by profile, and a success does not update the last good profile,
    /// which is for display only. The default implementation returns `false`, which is right for every store that keeps
    /// one document.
    fn splits_usage(&self) -> bool {
        false
    }

    /// Acquires the exclusive right to refresh a profile's credential, so that a refresh token is used only once.
    ///
    /// A lease does not lock the store: updates continue meanwhile. The default implementation excludes callers of this
    /// process; a store that several processes share must exclude those of the others too.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked) if someone else holds it for longer than `wait`.
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        lease::in_process(std::ptr::from_ref(self).cast::<()>() as usize, profile, wait)
    }

    /// Claims the trial of a profile during or after a window, so that only one machine of a fleet makes it. Does not
    /// wait for others.
    ///
    /// A store that several machines share grants the claim to one caller at a time under [`Trial::name`], ends it some
    /// time after its holder died, and shows what the last holder wrote with the next `load`. The default
    /// implementation returns [`TrialClaim::Unshared`], which is right for every store of one machine.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load). The caller then makes the trial without a claim.
    fn claim_trial(&self, trial: &Trial) -> Result<TrialClaim> {
        let _ = trial;
        Ok(TrialClaim::Unshared)
    }

    /// Returns `true` if the store's server could not be reached by the last call, so that `load` fails or returns what
    /// was read before, or if it refused the last write. The default implementation returns `false`, which is right for
    /// every store without a server.
    fn is_away(&self) -> bool {
        false
    }

    /// Returns `false` if `load` and `update` never wait for a disk, a network or another process, so that they may be
    /// called on an asynchronous runtime's own threads. The default implementation returns `true`, which is right for
    /// every store.
    fn may_block(&self) -> bool {
        true
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: AuthProfileStore + ?Sized> AuthProfileStore for $pointer {
            fn load(&self) -> Result<Arc<AuthProfiles>> {
                (**self).load()
            }

            fn try_load(&self) -> Option<Arc<AuthProfiles>> {
                (**self).try_load()
            }

            fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
                (**self).update(change)
            }

            fn update_usage(
                &self,
                profile: &ProfileId,
                change: &mut dyn FnMut(&AuthProfiles, &mut UsageStats),
            ) -> Result<Arc<AuthProfiles>> {
                (**self).update_usage(profile, change)
            }

            fn splits_usage(&self) -> bool {
                (**self).splits_usage()
            }

            fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
                (**self).lease(profile, wait)
            }

            fn claim_trial(&self, trial: &Trial) -> Result<TrialClaim> {
                (**self).claim_trial(trial)
            }

            fn is_away(&self) -> bool {
                (**self).is_away()
            }

            fn may_block(&self) -> bool {
                (**self).may_block()
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
