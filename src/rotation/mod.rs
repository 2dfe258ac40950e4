//! Rotation over profiles and models for one call, with any client.
//!
//! A [`Rotation`] decides which attempt is next and what the outcome of an attempt means. It is the loop of one call
//! without its input and output, and owns neither store nor clock: [`next`] takes the profiles and the time and returns
//! an [`Attempt`], a pause or the end; [`report`] takes the [`Outcome`] and returns what to record. The rotation tracks
//! the fallback models, the profiles that were tried, and the remaining time and attempts. Two drivers run it:
//!
//! - [`BlockingDriver`] over a store and a clock, for programs without a runtime;
//! - `Rotator::run` (feature `client`) in a tokio runtime, with any asynchronous client. `Rotator::send` does the same
//!   with `reqwest`.
//!
//! # What follows from a failure
//!
//! | what is to blame | what the rotation does |
//! | --- | --- |
//! | the profile: refused, out of credit, rate limited | the next profile; a refused OAuth credential is refreshed once first; if no other is left, the same one after a short wait that the server names |
//! | the model: no answer, not available | the next profile |
//! | the provider: overloaded, failing | the same profile again after a pause ([`RotationLimits::retries`]), then one more profile ([`RotationLimits::overloaded_rotations`]) |
//! | nobody: the network, a wrong address | the same profile again if that can help, then the models of another provider |
//! | the request: malformed, too long | the failure is returned to the caller |
//!
//! Then come the fallback models, each once. The header `x-should-retry: false` rules out a retry, unless the account
//! is to blame, because another account may still succeed. `x-should-retry: true` makes any failure of the provider or
//! the network worth a retry; if the profile or the model is to blame, the server must name a wait as well, because
//! they are cooling down meanwhile. Retries are counted together and never wait longer than the longest pause of the
//! backoff. Apart from them, a profile is tried once per model.
//!
//! A model for which no request can be built is left out ([`UnservedModel`]), and the others are tried.
//!
//! If every profile is cooling down, one of them may be probed; see [`ProbePolicy`](crate::select::ProbePolicy).
//!
//! With a store that many machines share, one of them makes each probe and the first request after the end of a window
//! ([`Trial`](crate::profile::Trial)). For the others the profile is cooling down for two more seconds.
//!
//! [`next`]: Rotation::next
//! [`report`]: Rotation::report

mod attempt;
mod blocking;
mod end;
mod failure;
mod follow;
mod headroom;
mod limits;
mod model_end;
mod outcome;
mod pick;
mod probes;
mod refreshed;
mod response;
#[expect(clippy::module_inception, reason = "the module is named after its main type")]
mod rotation;
mod trial;
mod unserved;

pub use attempt::{Answered, Attempt, AttemptRecord};
pub use blocking::BlockingDriver;
pub use failure::SendFailure;
#[cfg(feature = "client")]
pub(crate) use follow::leaves_a_mark;
pub use limits::RotationLimits;
pub use outcome::{AttemptError, Outcome, Step};
pub use probes::ProbeLog;
pub use response::ErrorResponse;
pub use rotation::Rotation;
pub use unserved::UnservedModel;
