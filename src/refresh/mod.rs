//! Refreshing OAuth credentials: one refresh at a time, within and between processes, and no token lost.

mod coordinator;
#[cfg(feature = "client")]
mod grant;
mod memory;
mod need;
mod refresher;

pub use coordinator::{DetachedTask, RefreshCoordinator, RefreshOutcome};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use grant::RefreshTokenGrant;
pub use refresher::{RefreshFuture, TokenRefresher};
