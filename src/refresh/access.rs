//! Access of a refresh to the store.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::AuthProfiles;
#[cfg(feature = "client")]
use crate::store::StoreQueue;
use crate::store::{AuthProfileStore, Lease};

/// Access to the store, with the same steps with and without a runtime. Only in a runtime can other work go on
/// meanwhile.
pub(super) enum Access {
    /// On the caller's own thread.
    Direct(Arc<dyn AuthProfileStore>),
    /// Beside the runtime's threads.
    #[cfg(feature = "client")]
    Queued(StoreQueue),
}

#[cfg_attr(not(feature = "client"), expect(clippy::unused_async, reason = "only a runtime is waited for"))]
impl Access {
    pub(super) async fn load(&self) -> Result<Arc<AuthProfiles>> {
        match self {
            Self::Direct(store) => store.load(),
            #[cfg(feature = "client")]
            Self::Queued(queue) => queue.load().await,
        }
    }

    pub(super) async fn transact<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn AuthProfileStore) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Direct(store) => job(&**store),
            #[cfg(feature = "client")]
            Self::Queued(queue) => queue.transact(job).await,
        }
    }

    /// Runs a job that may wait for a server, and waits for it.
    pub(super) async fn post(&self, job: impl FnOnce() + Send + 'static) {
        match self {
            Self::Direct(_) => job(),
            // Without a thread the job is dropped, and the lease with it.
            #[cfg(feature = "client")]
            Self::Queued(queue) => {
                let job = move |_: &dyn AuthProfileStore| {
                    job();
                    Ok(())
                };
                drop(queue.transact(job).await);
            }
        }
    }

    pub(super) async fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        match self {
            Self::Direct(store) => store.lease(profile, wait),
            #[cfg(feature = "client")]
            Self::Queued(queue) => queue.lease(profile, wait).await,
        }
    }

    /// Waits for a future up to a limit; `None` if it was not done by then. Without a runtime there is no limit.
    #[cfg_attr(not(feature = "client"), expect(unused_variables, reason = "only a runtime has a timer"))]
    pub(super) async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        match self {
            Self::Direct(_) => Some(future.await),
            #[cfg(feature = "client")]
            Self::Queued(_) => tokio::time::timeout(limit, future).await.ok(),
        }
    }
}
