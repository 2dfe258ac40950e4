//! What markers do to a body, and what replies say about the cache.

mod history;
mod markers;
mod places;
mod properties;
mod repeated;
mod usage;
