//! Trying one profile after another, with any client: which attempt is next, and what its outcome means.
//!
//! A [`Rotation`] is the loop of one call without its input and output. It owns neither store nor clock: [`next`] is given
//! the profiles and the time and returns an [`Attempt`], a pause or the end; [`report`] is told the [`Outcome`] and
//! returns what is to be recorded. It knows the fallback models, what was tried, and how much time and how many attempts
//! are left. Two drivers run it:
//!
//! - [`BlockingDriver`] over a store and a clock, for programs without a runtime;
//! - `Rotator::run` (feature `client`) in a tokio runtime, with any asynchronous client. `Rotator::send` is that with
//!   `reqwest`.
//!
//! # What follows from a failure
//!
//! | what is to blame | what follows |
//! | --- | --- |
//! | the profile: refused, out of credit, limited | the next profile; a refused OAuth credential is refreshed once first; where no other is left, the same once a short wait that the server names is over |
//! | the model: no answer, not served | the next profile |
//! | the provider: overloaded, failing | the same profile again after a pause ([`RotationLimits::retries`]), then one more profile ([`RotationLimits::overloaded_rotations`]) |
//! | nobody: the way to the provider, a wrong address | the same profile again where that can help, then the models of another provider |
//! | the request: malformed, too long | the failure goes to the caller |
//!
//! Then come the fallback models, each once. A server that says that a further try is of no use
//! (`x-should-retry: false`) is believed, unless the account is to blame: that says nothing of another account. That it is
//! (`x-should-retry: true`) makes any failure of the provider or the way worth a retry; where the profile or the model is to
//! blame, it takes a wait that the server names as well, because they rest meanwhile. But for the retries, which are counted
//! together and wait no longer than the longest pause of the backoff, a profile is tried once for each model.
//!
//! A model for which no request can be made is left out ([`UnservedModel`]), the others are tried.
//!
//! If every profile is cooling down, one of them may be probed, see [`ProbePolicy`](crate::select::ProbePolicy).
//!
//! Over a store that many machines share, one of them makes each probe, and the first request after the end of a window
//! ([`Trial`](crate::profile::Trial)). For the others the profile is cooling down for two seconds more.
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
#[expect(clippy::module_inception, reason = "the room's main concept bears its name")]
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
