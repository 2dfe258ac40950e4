//! Authenticated requests for the Messages API, built from a credential, an endpoint and a body.
//!
//! An [`Endpoint`] is the server: [`Endpoint::anthropic`], or one at another URL, such as Bedrock or a gateway. Its
//! [`EndpointKind`] follows from the host. [`RequestBuilder`] puts the secret into the one header that the server reads
//! ([`AuthScheme`]), merges beta flags ([`BetaList`]) and inserts cache breakpoints (`cache_control` markers) into the
//! body. The resulting [`PreparedRequest`] converts into `http::Request` and, with the feature `client`, into
//! `reqwest::Request`.
//!
//! [`Selection::authenticate`](crate::Selection::authenticate) authenticates a request that another library built, for
//! any provider.

mod auth;
mod beta;
mod builder;
mod endpoint;
mod foreign;
mod headers;
mod hosts;
mod known_hosts;
mod merge;
mod model_member;
mod prepared;
#[cfg(feature = "client")]
mod reqwest;
mod url;

pub use beta::{BetaList, BetaPolicy};
pub use builder::RequestBuilder;
#[cfg(feature = "client")]
pub(crate) use builder::nothing_cached;
pub use endpoint::Endpoint;
#[cfg(feature = "client")]
pub(crate) use headers::remove_connection_headers;
pub use hosts::EndpointKind;
pub use prepared::PreparedRequest;

pub use crate::credential::AuthScheme;
