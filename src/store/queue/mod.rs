//! Calls on a store from asynchronous code: beside the runtime's own threads, and on few others.

mod lane;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use self::lane::Lane;
use super::{AuthProfileStore, Lease, TrialClaim};
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, Trial, TrialGuard};

/// The longest wait for a lease that is not interrupted: a runtime that is dropped meanwhile waits so long at most.
const SLICE: Duration = Duration::from_millis(500);

type Job = Box<dyn FnOnce(&dyn AuthProfileStore) + Send>;
type Loaded = oneshot::Sender<Result<Arc<AuthProfiles>, Arc<Error>>>;

/// A store whose calls wait beside it instead of each on a thread of its own: one thread at most loads, one updates.
///
/// Cheap to clone; clones share everything. Where there is no tokio runtime, or it has shut down, calls run in place.
#[derive(Clone)]
pub(crate) struct StoreQueue {
    store: Arc<dyn AuthProfileStore>,
    loads: Arc<Lane<Loaded>>,
    updates: Arc<Lane<Job>>,
}

impl StoreQueue {
    pub(crate) fn new(store: Arc<dyn AuthProfileStore>) -> Self {
        let loads = Arc::new(Lane::new(Arc::clone(&store), load_for_all, false));
        let updates = Arc::new(Lane::new(Arc::clone(&store), run_in_order, true));
        Self { store, loads, updates }
    }

    /// Returns the store itself, whose calls wait for nobody.
    pub(crate) fn store(&self) -> &Arc<dyn AuthProfileStore> {
        &self.store
    }

    /// The document as it is committed now. One load serves all that asked for it before it began, so that nobody is
    /// given a document which is older than the question.
    ///
    /// # Errors
    ///
    /// Those of [`load`](AuthProfileStore::load); [`ErrorKind::Io`] if there is no thread for it, or it panicked.
    pub(crate) async fn load(&self) -> Result<Arc<AuthProfiles>> {
        if !self.store.may_block() {
            return self.store.load();
        }
        // A store that panics does so where that is an error.
        if let Ok(Some(known)) = catch_unwind(AssertUnwindSafe(|| self.store.try_load())) {
            return Ok(known);
        }
        let (loaded, answer) = oneshot::channel();
        let loaded = self.loads.submit(loaded, answer).await.ok_or_else(no_thread)?;
        loaded.map_err(|error| Error::shared(&error))
    }

    /// Runs a job that updates the store, after those that were queued before. From its first poll on it runs to its end,
    /// whether or not anybody waits for it.
    ///
    /// # Errors
    ///
    /// Those of the job; [`ErrorKind::Io`] if there is no thread for it, which is then never run, or it panicked.
    pub(crate) async fn transact<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn AuthProfileStore) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if !self.store.may_block() {
            return guarded(|| job(&*self.store));
        }
        let (done, answer) = oneshot::channel();
        // Nobody may wait for the answer any more.
        let job: Job = Box::new(move |store| drop(done.send(guarded(|| job(store)))));
        self.updates.submit(job, answer).await.unwrap_or_else(|| Err(no_thread()))
    }

    /// Runs a job that updates the store, after those that were queued before, and waits for nothing: a runtime that ends
    /// waits for it. The job is dropped if there is no thread for it.
    pub(crate) fn post(&self, job: impl FnOnce(&dyn AuthProfileStore) + Send + 'static) {
        let job: Job = Box::new(move |store| {
            // The store panicked, and whoever asked for the job sees that it did not come to its end.
            let _ = guarded(|| {
                job(store);
                Ok(())
            });
        });
        if self.store.may_block() {
            self.updates.post(job);
        } else {
            job(&*self.store);
        }
    }

    /// Claims a trial, outside the queue.
    ///
    /// # Errors
    ///
    /// Those of [`claim_trial`](AuthProfileStore::claim_trial); [`ErrorKind::Io`] if there is no thread for it, or it panicked.
    pub(crate) async fn claim_trial(&self, trial: Trial) -> Result<TrialClaim> {
        if !self.store.may_block() {
            return guarded(|| self.store.claim_trial(&trial));
        }
        let store = Arc::clone(&self.store);
        beside(move || store.claim_trial(&trial)).await
    }

    /// Gives a claim back, outside the queue.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if there is no thread for it, or it panicked; it ends by itself then.
    pub(crate) async fn give_back(&self, claim: Box<dyn TrialGuard>) -> Result<()> {
        let give_back = move || {
            claim.release();
            Ok(())
        };
        if self.store.may_block() { beside(give_back).await } else { guarded(give_back) }
    }

    /// Waits for a lease, outside the queue and on a thread that is given back now and then: the lease may be held by
    /// somebody who needs a thread to end his work.
    ///
    /// # Errors
    ///
    /// Those of [`lease`](AuthProfileStore::lease); [`ErrorKind::Io`] if there is no thread for it, or it panicked.
    pub(crate) async fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        let mut left = wait;
        loop {
            // The holder may have gone with its runtime and have left the job with which the lease ends.
            self.updates.start();
            let slice = left.min(SLICE);
            left = left.saturating_sub(slice);
            let (store, id) = (Arc::clone(&self.store), profile.clone());
            match beside(move || store.lease(&id, slice)).await {
                Err(error) if error.is_locked() && !left.is_zero() => {}
                Err(error) if error.is_locked() && wait > SLICE => {
                    let waited = wait.as_millis();
                    let message = format!(
                        "the lease on profile {:?} was held by another for all of {waited} ms",
                        Shown::new(profile.as_str())
                    );
                    let place = error.location().cloned().unwrap_or_default();
                    return Err(Error::new(ErrorKind::Locked, message).with_location(place));
                }
                leased => return leased,
            }
        }
    }
}

/// Runs a call on a thread of its own, in place where there is no runtime.
async fn beside<T: Send + 'static>(call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let Ok(runtime) = Handle::try_current() else { return call() };
    let started = catch_unwind(AssertUnwindSafe(|| runtime.spawn_blocking(call)));
    started.map_err(|_| no_thread())?.await.unwrap_or_else(|_| Err(panicked()))
}

impl fmt::Debug for StoreQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

fn load_for_all(store: &dyn AuthProfileStore, waiting: Vec<Loaded>) {
    let loaded = guarded(|| store.load()).map_err(Arc::new);
    for caller in waiting {
        // Whoever has gone away does not need it.
        let _gone = caller.send(loaded.clone());
    }
}

fn run_in_order(store: &dyn AuthProfileStore, jobs: Vec<Job>) {
    for job in jobs {
        job(store);
    }
}

/// Makes an error of a panic, so that the calls behind this one go on.
fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(panicked()))
}

fn panicked() -> Error {
    Error::new(ErrorKind::Io, "the call on the credential store panicked")
}

fn no_thread() -> Error {
    Error::new(ErrorKind::Io, "no thread could be started for the credential store")
}
