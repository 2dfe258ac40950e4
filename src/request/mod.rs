//! Building requests of the Messages API: a credential, an endpoint and a body become a request that is ready to send.
//!
//! An [`Endpoint`] is the server: [`Endpoint::anthropic`], or one at another URL, whose host tells its kind, such as Bedrock
//! ([`EndpointKind`]). [`RequestBuilder`] puts the secret into the one header the server reads ([`AuthScheme`]), merges
//! beta flags ([`BetaList`]) and places cache breakpoints in the body's own bytes. The [`PreparedRequest`] that comes
//! of it converts into `http::Request` and, with the feature `client`, into `reqwest::Request`.
//!
//! A request that another library built, for any provider, is authenticated by
//! [`Selection::authenticate`](crate::Selection::authenticate).

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
pub use endpoint::Endpoint;
#[cfg(feature = "client")]
pub(crate) use headers::remove_connection_headers;
pub use hosts::EndpointKind;
pub use prepared::PreparedRequest;

pub use crate::credential::AuthScheme;
