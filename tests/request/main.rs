//! From credential and body to a request.

mod configured;
mod configured_headers;
mod foreign;
mod gateways;
mod hosts;
mod leaks;
mod marked;
mod reference;
#[path = "../support/mod.rs"]
mod support;
mod wire;
