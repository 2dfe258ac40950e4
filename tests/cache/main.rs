//! Tests of cache breakpoints in bodies and of cache usage in replies.

mod clearing;
mod history;
mod markers;
mod places;
mod properties;
mod repeated;
mod usage;
