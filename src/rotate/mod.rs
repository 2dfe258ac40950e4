//! One call that selects, builds, sends, classifies, records, and rotates or stops.

mod attempt;
mod builder;
mod call;
mod exchange;
mod failure;
mod pick;
mod reply;
mod rotator;
mod run;
mod send;
mod stream;

pub use attempt::Attempt;
pub use builder::RotatorBuilder;
pub use call::Call;
pub use failure::SendFailure;
pub use reply::Reply;
pub use rotator::Rotator;
