//! Shared by all HTTP code of the crate: checks of URLs, a client that keeps to them, and event streams.

#[cfg(feature = "client")]
mod client;
mod event_stream;
mod place;
mod url;

#[cfg(feature = "client")]
pub(crate) use client::{execute, guarded_client, is_direct};
#[cfg(feature = "client")]
pub(crate) use event_stream::EventReader;
pub(crate) use event_stream::{Event, MAX_EVENT, events};
pub(crate) use place::Place;
pub(crate) use url::{PlainHttp, checked, host, insecure, invalid, origin, same_origin};
