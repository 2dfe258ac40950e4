//! Where credential profiles are kept: in a file, in memory, or in a place of your own.
//!
//! [`AuthProfileStore`] is the contract, with two required methods: load the document, and update it as a whole.
//! [`MemoryStore`] keeps it in memory, and `FileStore` (feature `file`) in OpenClaw's `auth-profiles.json`,
//! `SqliteStore` (feature `sqlite`) in the databases OpenClaw has since June 2026, `RedisStore` (feature `redis`) on a server
//! that many machines share; `StateDir` opens whichever there is.
//! [`AuthProfileStoreExt`] adds, orders and removes profiles in any store, [`copy_profiles`] takes them to another one,
//! and [`RecordOutcome`](crate::RecordOutcome) writes down what became of a request.
//!
//! A store of your own runs the suite `conformance` in its tests; the page
//! [`writing_a_store`](crate::docs::writing_a_store) shows one.

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

/// A place where the credential profiles of one agent are kept.
///
/// Two methods are required; [`AuthProfileStoreExt`] has what follows from them. The trait is synchronous because local
/// files are, so that it works in every runtime and in none. It is object-safe, and forwarded for `&T`, `Box<T>` and
/// `Arc<T>`.
///
/// # Contract
///
/// - `update` is the only way to write, with `update_usage` for a part of it. It runs the closure on fresh data, under
///   exclusion, and commits all or nothing: an error or a panic in the closure changes nothing. A run on data that were no
///   longer fresh is repeated on what is.
/// - The closure may run more than once, must be quick, and must not update the same store: that is an error, never a
///   hang. Reading the store inside it is allowed and gives the committed document.
/// - `load` gives a snapshot that never changes, and does not wait for an update in progress.
/// - A document for which [`AuthProfiles::check_writable`] fails is never written.
///
/// # What may block
///
/// `load` may read a disk or ask a server, and never waits for a writer. `update` and `update_usage` also wait for their
/// turn, for as long as the store lets them: [`Locked`](crate::ErrorKind::Locked) must come in the end. `lease` waits for
/// up to `wait`.
///
/// The asynchronous parts of this crate (feature `client`) therefore call a store on the runtime's threads for blocking
/// work. One `load` serves all callers that wait for it, updates run one after the other, and at most one call waits for
/// the lease on a profile, so that any number of callers costs a handful of threads. What is known without waiting is not
/// waited for: [`try_load`](Self::try_load) is called in place before every `load`, and if [`may_block`](Self::may_block)
/// is `false`, so are `load` and `update`. Other asynchronous callers do the same with their runtime's means.
///
/// A caller that goes away changes nothing in a store: an update that was queued or begun runs to its end. A lease ends
/// when it is dropped, also by a panic.
///
/// The exported suite `conformance` (feature of that name) proves a backend against this.
pub trait AuthProfileStore: fmt::Debug + Send + Sync {
    /// The committed document.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) and the kinds of [`AuthProfiles::from_json`], as far as the backend can meet them.
    fn load(&self) -> Result<Arc<AuthProfiles>>;

    /// Returns the committed document if the store knows it without waiting for a disk, a network or a lock, and `None`
    /// otherwise, also where a `load` would fail. What it returns is as fresh as what `load` would return at this moment.
    ///
    /// Asynchronous callers ask this first: handing a `load` over to another thread costs more than most of these answers.
    /// The provided one returns `None`, which is right for every store.
    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        None
    }

    /// Runs a closure on the fresh document and commits what it changed; gives the document that is then in force.
    ///
    /// # Errors
    ///
    /// The closure's own error; [`Reentrant`](crate::ErrorKind::Reentrant) from inside an update of the same store;
    /// [`Locked`](crate::ErrorKind::Locked) if the lock could not be acquired in time;
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) if a newer program wrote the document.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>>;

    /// Runs a closure on the statistics of one profile, and on the document they stand in, and commits what it changed of
    /// them; gives a document in which they are in force.
    ///
    /// A profile without statistics is given empty ones, and so is an id without a profile. The provided one is an
    /// [`update`](Self::update), with its promises. A store that [`splits_usage`](Self::splits_usage) commits it under the
    /// condition that the credentials and these statistics are still what the closure was given, so that outcomes of
    /// different profiles never wait for each other; the statistics of other profiles may then be older ones in what the
    /// closure is given and in what is returned.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update); [`Corrupt`](crate::ErrorKind::Corrupt) if the document's statistics are not an
    /// object.
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

    /// Returns `true` if the statistics of each profile are committed on their own, which makes
    /// [`update_usage`](Self::update_usage) better than [`update`](Self::update) for them. Outcomes are then written profile by
    /// profile, and the last good profile, for display only, is not written anew with each success. The provided one
    /// returns `false`, which is right for every store that keeps one document.
    fn splits_usage(&self) -> bool {
        false
    }

    /// The exclusive right to refresh a profile's credential, so that a refresh token is spent once.
    ///
    /// Never the right to write: updates go on meanwhile. The provided one holds within this process; a store that is
    /// shared between processes must hold between them.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked) if another holder keeps it for longer than `wait`.
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        lease::in_process(std::ptr::from_ref(self).cast::<()>() as usize, profile, wait)
    }

    /// Claims the trial of a profile after a window, of which one machine of a fleet makes each; waits for nobody.
    ///
    /// A store that is shared between machines gives the claim to one caller at a time under
    /// [`Trial::name`], ends it some time after a holder that died, and shows with the next `load` what the last holder
    /// wrote. The provided one says that this process may try, which is right for every store of one machine.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load). The caller then tries for itself.
    fn claim_trial(&self, trial: &Trial) -> Result<TrialClaim> {
        let _ = trial;
        Ok(TrialClaim::Unshared)
    }

    /// Returns `true` if the server that keeps the profiles could not be reached when it was last asked, so that a `load` is an
    /// error, or what was last read. The provided one returns `false`, which is right for every store without a server.
    fn is_away(&self) -> bool {
        false
    }

    /// Returns `false` if `load` and `update` never wait for a disk, a network or another process, so that they may be
    /// called on an asynchronous runtime's own thread. The provided one returns `true`, which is right for every store.
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
