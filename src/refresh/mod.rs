//! Refreshes of OAuth credentials: one at a time for each profile, within and between processes, without losing a
//! token.
//!
//! A [`RefreshCoordinator`] decides when a credential needs a refresh, takes the store's lease, and writes the new
//! tokens. A [`TokenRefresher`] sends the request; `RefreshTokenGrant` (feature `client`) is one for the standard
//! grant. This module contains no token endpoint, no client id, and no way to log in.

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
