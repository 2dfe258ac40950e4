//! Sending with `reqwest`: one call selects a profile, builds the request, sends it, classifies the answer, records the
//! outcome, and rotates or stops.
//!
//! [`Rotator::send`] does all of this for the Messages API. [`Rotator::run`] runs the same loop with any other
//! asynchronous client. A [`Rotation`](crate::rotation::Rotation) decides each next step; its module documents the
//! rules.

mod attempt;
mod body;
mod bound;
mod builder;
mod call;
mod conversations;
mod drive;
mod exchange;
mod form;
mod forwarded;
#[cfg(feature = "testing")]
mod made;
mod outcomes;
mod reading;
mod reply;
mod reported;
mod reporting;
mod rotator;
mod sessions;
mod settings;
mod stream;
mod stream_event;
mod streamed;
mod target;

pub use builder::RotatorBuilder;
pub use call::Call;
pub use reply::Reply;
pub use rotator::Rotator;
pub use stream_event::StreamEvent;
