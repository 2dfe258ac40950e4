//! Store calls from asynchronous code: off the runtime's own threads, and on few others.

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

/// The longest uninterrupted wait for a lease, and so the longest delay for a runtime that shuts down meanwhile.
const SLICE: Duration = Duration::from_millis(500);

type Job = Box<dyn FnOnce(&dyn AuthProfileStore) + Send>;
type Loaded = oneshot::Sender<Result<Arc<AuthProfiles>, Arc<Error>>>;

/// A store whose calls queue instead of each blocking a thread: at most one thread loads, and one updates.
///
/// Cheap to clone; clones share everything. Without a tokio runtime, or after it has shut down, calls run in place.
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

    /// Returns the store itself, for calls that bypass the queue.
    pub(crate) fn store(&self) -> &Arc<dyn AuthProfileStore> {
        &self.store
    }

    /// Returns the document as committed now. One load serves every caller that asked before it began, so no caller
    /// gets a document older than its question.
    ///
    /// # Errors
    ///
    /// Those of [`load`](AuthProfileStore::load); [`ErrorKind::Io`] if no thread could be started, or the call
    /// panicked.
    pub(crate) async fn load(&self) -> Result<Arc<AuthProfiles>> {
        if !self.store.may_block() {
            return self.store.load();
        }
        // If the store panics here, `load` panics too, where that becomes an error.
        if let Ok(Some(known)) = catch_unwind(AssertUnwindSafe(|| self.store.try_load())) {
            return Ok(known);
        }
        let (loaded, answer) = oneshot::channel();
        let loaded = self.loads.submit(loaded, answer).await.ok_or_else(no_thread)?;
        loaded.map_err(|error| Error::shared(&error))
    }

    /// Runs a job that updates the store after all jobs queued before. Once polled, the job runs to its end even if the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// Those of the job; [`ErrorKind::Io`] if no thread could be started, and the job never runs, or if it panicked.
    pub(crate) async fn transact<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn AuthProfileStore) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if !self.store.may_block() {
            return guarded(|| job(&*self.store));
        }
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |store| drop(done.send(guarded(|| job(store)))));
        self.updates.submit(job, answer).await.unwrap_or_else(|| Err(no_thread()))
    }

    /// Queues a job that updates the store and returns at once; a runtime that shuts down waits for the job. The job is
    /// dropped if no thread could be started.
    pub(crate) fn post(&self, job: impl FnOnce(&dyn AuthProfileStore) + Send + 'static) {
        let job: Job = Box::new(move |store| {
            // After a panic, the owner of the job notices that it did not finish.
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
    /// Those of [`claim_trial`](AuthProfileStore::claim_trial); [`ErrorKind::Io`] if no thread could be started, or the
    /// call panicked.
    pub(crate) async fn claim_trial(&self, trial: Trial) -> Result<TrialClaim> {
        if !self.store.may_block() {
            return guarded(|| self.store.claim_trial(&trial));
        }
        let store = Arc::clone(&self.store);
        beside(move || store.claim_trial(&trial)).await
    }

    /// Releases a claim, outside the queue.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if no thread could be started, or the call panicked; the claim then expires on its own.
    pub(crate) async fn give_back(&self, claim: Box<dyn TrialGuard>) -> Result<()> {
        let give_back = move || {
            claim.release();
            Ok(())
        };
        if self.store.may_block() { beside(give_back).await } else { guarded(give_back) }
    }

    /// Waits for a lease, outside the queue, and frees its thread now and then, as the holder may need a thread to
    /// finish.
    ///
    /// # Errors
    ///
    /// Those of [`lease`](AuthProfileStore::lease); [`ErrorKind::Io`] if no thread could be started, or the call
    /// panicked.
    pub(crate) async fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        let mut left = wait;
        loop {
            // The holder's runtime may have shut down and left the job that ends the lease in the queue.
            self.updates.start();
            let slice = left.min(SLICE);
            left = left.saturating_sub(slice);
            let (store, id) = (Arc::clone(&self.store), profile.clone());
            match beside(move || store.lease(&id, slice)).await {
                Err(error) if error.is_locked() && !left.is_zero() => {}
                Err(error) if error.is_locked() && wait > SLICE => {
                    let waited = wait.as_millis();
                    let message = format!(
                        "the lease on profile {:?} was held by someone else for {waited} ms",
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

/// Runs a call on a separate thread, or in place if there is no runtime.
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
        let _gone = caller.send(loaded.clone());
    }
}

fn run_in_order(store: &dyn AuthProfileStore, jobs: Vec<Job>) {
    for job in jobs {
        job(store);
    }
}

/// Turns a panic into an error, so that later calls proceed.
fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(panicked()))
}

fn panicked() -> Error {
    Error::new(ErrorKind::Io, "the call on the credential store panicked")
}

fn no_thread() -> Error {
    Error::new(ErrorKind::Io, "no thread could be started for the credential store")
}
