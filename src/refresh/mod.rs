//! Refreshing OAuth credentials: one refresh at a time, within and between processes, and no token lost.

mod access;
mod coordinator;
#[cfg(feature = "client")]
mod flights;
#[cfg(feature = "client")]
mod grant;
mod late;
mod memory;
mod need;
mod outcome;
mod park;
mod refresher;
mod steps;

pub use coordinator::RefreshCoordinator;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use grant::RefreshTokenGrant;
pub use outcome::RefreshOutcome;
pub use refresher::{RefreshFuture, TokenRefresher};
