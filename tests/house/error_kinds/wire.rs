//! Errors from answers of providers and token endpoints, over real connections.

use std::sync::Arc;
use std::time::Duration;

use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant, TokenRefresher as _};
use provider_auth::{Error, ErrorKind, MemoryStore, ProfileId, ProviderId, Secret};
use serde_json::json;

use crate::support::rotation::{OPUS, Rig, keys};
use crate::support::server::{Act, Server};

/// Longer than any answer takes on a machine with other work to do: one that comes late must not count as none.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// An answer of each kind a provider can give, and what the rotator makes of it.
pub(crate) async fn answers() -> Vec<Error> {
    let acts = [
        Act::error(401, "authentication_error", "invalid x-api-key"),
        Act::error(403, "permission_error", "This API key has been disabled."),
        Act::error(402, "billing_error", "Your credit balance is too low to access the Anthropic API."),
        Act::error(429, "rate_limit_error", "This request would exceed your rate limit."),
        Act::error(404, "not_found_error", "model: claude-opus-4-5"),
        Act::error(404, "not_found_error", "Not Found"),
        Act::json(407, "{}"),
        Act::error(529, "overloaded_error", "Overloaded"),
        Act::error(500, "api_error", "Internal server error"),
        Act::error(400, "invalid_request_error", "max_tokens: must be above 0"),
        Act::error(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        Act::error(418, "teapot", "short and stout"),
    ];
    let mut found = Vec::new();
    for act in acts {
        found.push(answered(act, PATIENT).await);
    }
    // The one that never comes; waiting for it longer proves no more.
    found.push(answered(Act::hang(), Duration::from_millis(500)).await);
    found
}

/// What the rotator makes of the only answer, if it comes within this time. There is another key that is not tried: where
/// none is left, the text goes on to say why of each.
pub(crate) async fn answered(act: Act, patience: Duration) -> Error {
    let timed = |builder: provider_auth::rotate::RotatorBuilder| builder.attempt_timeout(patience).max_attempts(1);
    let rig = Rig::with(Server::script(vec![act]), &keys(&["a", "b"]), timed);
    Error::from(rig.send(OPUS).await.unwrap_err())
}

pub(crate) async fn refreshes() -> Vec<Error> {
    let mut found = Vec::new();
    for (status, answer) in [(400, r#"{"error":"invalid_grant"}"#), (503, "{}")] {
        let server = Server::script(vec![Act::json(status, answer)]);
        let grant = RefreshTokenGrant::new(&server.url(), "client", reqwest::Client::builder()).unwrap();
        let (id, provider) = (ProfileId::new("anthropic:me").unwrap(), ProviderId::anthropic());
        found.push(grant.refresh(&id, &provider, &Secret::new("r-1")).await.unwrap_err());
    }
    assert!(found.iter().any(|error| error.kind() == ErrorKind::RefreshFailed));
    found
}

/// What is said of a login that cannot be renewed, with the token endpoint's answer behind it.
pub(crate) async fn renewal() -> Error {
    let login = json!({"type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1", "expires": 1});
    let profiles = crate::support::document(&json!({"version": 1, "profiles": {"anthropic:me": login}}));
    let server = Server::script(vec![Act::json(503, "{}")]);
    let grant = RefreshTokenGrant::new(&server.url(), "client", reqwest::Client::builder()).unwrap();
    let coordinator = RefreshCoordinator::new(Arc::new(MemoryStore::new(profiles)), Arc::new(grant));
    coordinator.refresh_if_needed(&ProfileId::new("anthropic:me").unwrap()).await.unwrap_err()
}
