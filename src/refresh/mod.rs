//! Renewing logins: one refresh at a time, within and between processes, and no token lost.

#[cfg(feature = "client")]
mod grant;
mod memory;
mod need;
mod refresher;
mod renewer;

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use grant::RefreshTokenGrant;
pub use refresher::{RefreshFuture, TokenRefresher};
pub use renewer::{DetachedTask, Renewal, Renewer};
