//! Headroom: what is left of a provider's rate limits and plans, read from its responses.
//!
//! Providers report with every response how much is left: requests and tokens per minute, or a plan's five hours and
//! week. [`Headroom::read`] reads the headers of a success or a failure, and leaves out whatever it cannot read. A
//! [`HeadroomTracker`] keeps the headroom of each profile and model and counts the requests that were sent since, so
//! that calls move to another profile before a limit is reached, without a failure; [`HeadroomPolicy`] has the
//! thresholds. The page [How a key is chosen](crate::docs::how_a_key_is_chosen) explains how headroom, order, cooldowns
//! and sessions work together.
//!
//! `Rotator` (feature `client`) does all of this. With another client, pass the tracker to
//! [`Rotation::headroom`](crate::rotation::Rotation::headroom), and the headers of each response to
//! [`Attempt::observe`](crate::rotation::Attempt::observe).
//!
//! The module is pure: headers and the time come in as arguments.

mod account;
mod families;
mod gauge;
mod hint;
mod limit;
mod listed;
mod meter;
mod plan;
mod policy;
mod read;
mod sessions;
mod ticket;
mod tracker;
mod value;

pub(crate) use hint::Hint;
pub use limit::{Limit, LimitKind, Refill, TokenEstimate};
pub(crate) use meter::Request;
pub use policy::HeadroomPolicy;
pub use read::Headroom;
pub(crate) use sessions::key as session_key;
pub(crate) use ticket::{Planned, Ticket};
pub use tracker::{HeadroomTracker, ProfileHeadroom};
pub(crate) use tracker::{Known, Standing};
