//! What a provider says is left of its limits, and the memory of it.
//!
//! Providers say with every answer how much is left: of requests and tokens per minute, of a plan's five hours and week.
//! [`Headroom::read`] reads the headers of a success or a failure, and leaves out whatever it cannot read. A
//! [`HeadroomTracker`] keeps what was read of each profile and model, together with the requests that were sent since, so
//! that a profile is left before it is empty and without a failure being counted; [`HeadroomPolicy`] says when. The page
//! [How a key is chosen](crate::docs::how_a_key_is_chosen) tells how that goes together with order, cooldowns and sessions.
//!
//! `Rotator` (feature `client`) does all of it. With another client, give a
//! [`Rotation`](crate::rotation::Rotation::headroom) the tracker, and tell each
//! [`Attempt`](crate::rotation::Attempt::observe) the headers of its answer.
//!
//! Everything here is pure: headers and the time come in as arguments.

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
mod tracker;
mod value;

pub(crate) use hint::Hint;
pub use limit::{Limit, LimitKind, Refill, TokenEstimate};
pub(crate) use meter::Request;
pub use policy::HeadroomPolicy;
pub use read::Headroom;
pub(crate) use sessions::key as session_key;
pub use tracker::{HeadroomTracker, ProfileHeadroom};
pub(crate) use tracker::{Standing, Ticket};
