//! A credential, an endpoint and a body become a request that is ready to send.

mod auth;
mod beta;
mod builder;
mod endpoint;
mod headers;
mod hosts;
mod prepared;
#[cfg(feature = "client")]
mod reqwest;
mod url;

pub use auth::AuthScheme;
pub use beta::{BetaList, BetaPolicy};
pub use builder::RequestBuilder;
pub use endpoint::Endpoint;
pub use hosts::EndpointKind;
pub use prepared::PreparedRequest;
