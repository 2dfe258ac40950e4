//! Sending with `reqwest`: one call that selects, builds, sends, classifies, records, and rotates or stops.
//!
//! [`Rotator::send`] does all of it for the Messages API. [`Rotator::run`] is the same loop around any other asynchronous
//! client; what it tries next is decided by a [`Rotation`](crate::rotation::Rotation).

mod attempt;
mod body;
mod bound;
mod builder;
mod call;
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
