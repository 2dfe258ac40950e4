//! Gateways that need no credential of the caller, and their redirects.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;

use provider_auth::clock::ManualClock;
use provider_auth::request::AuthScheme;
use provider_auth::rotate::RotatorBuilder;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Endpoint, ErrorKind, FailureReason, MemoryStore, ProviderId, Rotator, Secret,
};
use serde_json::{Value, json};

use crate::support::rotation::call;
use crate::support::server::{Act, Asked, Server};
use crate::support::{NOW, SECOND, at, config, document, provider};

const MODEL: &str = "gw/m";

/// A rotator over these profiles, with a clock that stands still.
fn rotator(
    profiles: AuthProfiles,
    setup: impl FnOnce(RotatorBuilder) -> RotatorBuilder,
) -> (Rotator, Arc<MemoryStore>, ManualClock) {
    let (store, clock) = (Arc::new(MemoryStore::new(profiles)), ManualClock::new(at(NOW)));
    let builder = Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>).clock(Arc::new(clock.clone()));
    (setup(builder.retries(0)).build().unwrap(), store, clock)
}

fn configured(url: &str, more: &Value) -> provider_auth::Config {
    let mut entry = json!({"baseUrl": url, "api": "anthropic-messages"});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config(&json!({"models": {"providers": {"gw": entry}}}).to_string())
}

/// What authenticates in a request.
fn credentials(asked: &Asked) -> Vec<(String, String)> {
    let names = ["authorization", "x-api-key", "cf-aig-authorization", "api-key"];
    asked.headers.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect()
}

fn own(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[tokio::test]
async fn a_gateway_with_a_stored_key_needs_no_profile() {
    let server = Server::start(|_: &Asked| Act::message("Hello"));
    let config = configured(&server.url(), &json!({"headers": {"cf-aig-authorization": "Bearer t-1"}}));
    let (rotator, _, _) = rotator(AuthProfiles::new(), |builder| builder.config(config));
    let reply = rotator.send(&call(MODEL)).await.unwrap();
    assert_eq!(reply.profile().as_str(), "inline-api-key:gw");
    assert_eq!(credentials(&server.asked()[0]), own("cf-aig-authorization", "Bearer t-1"));
}

#[tokio::test]
async fn a_server_on_this_machine_needs_nothing() {
    let server = Server::start(|_: &Asked| Act::message("Hello"));
    let (rotator, _, _) = rotator(AuthProfiles::new(), |builder| builder.config(configured(&server.url(), &json!({}))));
    rotator.send(&call(MODEL)).await.unwrap();
    assert_eq!(credentials(&server.asked()[0]), []);
}

#[tokio::test]
async fn an_endpoint_set_in_code_looks_for_no_profile() {
    let server = Server::start(|_: &Asked| Act::message("Hello"));
    let endpoint = Endpoint::new(&server.url()).unwrap();
    let stored =
        document(&json!({"version": 1, "profiles": {"gw:a": {"type": "api_key", "provider": "gw", "key": "k-1"}}}));

    let none = endpoint.clone().with_auth_scheme(AuthScheme::None);
    let (first, store, _) = rotator(stored.clone(), |builder| builder.endpoint(provider("gw"), none));
    let reply = first.send(&call(MODEL)).await.unwrap();
    assert_eq!(reply.profile().as_str(), "inline-api-key:gw", "a key that is not sent has no part in it");
    assert_eq!(credentials(&server.asked()[0]), []);
    assert!(store.load().unwrap().usage("gw:a").is_none());

    let own_header = endpoint.with_auth_header("authorization", Secret::new("Custom abc"));
    let (second, _, _) = rotator(AuthProfiles::new(), |builder| builder.endpoint(provider("gw"), own_header));
    second.send(&call(MODEL)).await.unwrap();
    assert_eq!(credentials(&server.asked()[1]), own("authorization", "Custom abc"));
}

#[tokio::test]
async fn its_failures_are_kept_under_the_pseudo_profile() {
    for by_config in [false, true] {
        let server = Server::script(vec![Act::error(429, "rate_limit_error", "Rate limited."), Act::message("Hello")]);
        let url = server.url();
        let (rotator, store, clock) = rotator(AuthProfiles::new(), |builder| {
            if by_config {
                return builder.config(configured(&url, &json!({})));
            }
            let endpoint = Endpoint::new(&url).unwrap().with_auth_scheme(AuthScheme::None);
            builder.endpoint(provider("gw"), endpoint)
        });
        let failure = rotator.send(&call(MODEL)).await.unwrap_err();
        assert_eq!(failure.attempts()[0].reason(), Some(FailureReason::RateLimit));
        assert!(store.load().unwrap().usage("inline-api-key:gw").is_some());
        assert_eq!(rotator.send(&call(MODEL)).await.unwrap_err().kind(), ErrorKind::Unavailable);
        clock.advance(std::time::Duration::from_millis(60 * u64::try_from(SECOND).unwrap()));
        rotator.send(&call(MODEL)).await.unwrap();
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let other = Server::start(|_: &Asked| Act::message("Hello"));
    let target = other.url();
    for location in [format!("{target}v1/messages"), "http://10.0.0.1/v1/messages".to_owned()] {
        let server = Server::start(move |_: &Asked| Act::json(307, "{}").header("location", &location));
        let endpoint = Endpoint::on_private_network(&server.url()).unwrap();
        let stored =
            document(&json!({"version": 1, "profiles": {"gw:a": {"type": "api_key", "provider": "gw", "key": "k-1"}}}));
        let (rotator, _, _) = rotator(stored, |builder| builder.endpoint(ProviderId::new("gw").unwrap(), endpoint));
        assert_eq!(rotator.send(&call(MODEL)).await.unwrap_err().kind(), ErrorKind::WrongAddress);
    }
    assert!(other.asked().is_empty(), "nothing was sent on");
}
