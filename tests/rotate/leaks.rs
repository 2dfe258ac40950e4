//! No secret, and none of the provider's words, in errors, attempts, replies or the output of `tracing`.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::fmt::Write as _;
use std::sync::Arc;

use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant};
use provider_auth::{AuthProfileStore, Endpoint, Error, ProviderId};
use serde_json::json;

use crate::support::NOW;
use crate::support::rotation::{OPUS, Rig, call};
use crate::support::server::{Act, Server};
use crate::support::traced::traced;

/// Stand in keys, tokens, bodies and answers; none may stand anywhere else.
const HIDDEN: [&str; 6] =
    ["hunter-key", "hunter-access", "hunter-refresh", "hunter-prompt", "hunter-answer", "hunter-query"];

fn document() -> serde_json::Value {
    json!({"version": 1, "profiles": {
        "anthropic:login": {"type": "oauth", "provider": "anthropic", "access": "hunter-access-1",
            "refresh": "hunter-refresh-1", "expires": NOW},
        "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "hunter-key-a"},
        "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "hunter-key-b"},
        "anthropic:c": {"type": "api_key", "provider": "anthropic", "key": "hunter-key-c"}}})
}

fn rig(server: Server, tokens: &Server) -> Rig {
    let store = Rig::new(server.clone(), &document()).store;
    let grant = RefreshTokenGrant::new(&tokens.url(), "hunter-key-client", reqwest::Client::builder()).unwrap();
    let endpoint = Endpoint::new(&format!("{}?x=hunter-query", server.url())).unwrap();
    let text = store.load().unwrap().to_json();
    Rig::with(server, &serde_json::from_str(text.expose()).unwrap(), |builder| {
        let coordinator = RefreshCoordinator::new(Arc::clone(&store) as Arc<dyn AuthProfileStore>, Arc::new(grant));
        builder.endpoint(ProviderId::anthropic(), endpoint).coordinator(coordinator)
    })
}

#[test]
fn nothing_secret_is_shown_or_logged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (shown, log) = traced(|| runtime.block_on(exercise()));
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
        // The HTTP client's own events, below this crate, show the URL at most.
        let own = log.lines().filter(|line| line.contains("provider_auth"));
        assert!(!own.clone().any(|line| line.contains(hidden)), "{hidden} in {log}");
    }
    for expected in ["refresh failed", "anthropic:login", "attempt", "rate_limit", "billing", "auth_permanent"] {
        assert!(log.contains(expected), "{expected} is missing in {log}");
    }
}

/// Everything that can be shown of calls that go wrong in many ways.
async fn exercise() -> String {
    let denied = Server::script(vec![Act::json(400, r#"{"error":"invalid_grant","hint":"hunter-refresh-1"}"#)]);
    let revoked = "This API key hunter-key-c (hunter-answer) has been revoked.";
    let credit = "Your credit balance is too low to access the Anthropic API. hunter-answer";
    let server = Server::start(move |asked| match asked.key() {
        "hunter-key-a" => Act::error(429, "rate_limit_error", "hunter-key-a hunter-prompt hunter-answer"),
        "hunter-key-b" => Act::error(400, "invalid_request_error", credit),
        _ => Act::error(401, "authentication_error", revoked),
    });
    let mut shown = String::new();
    let rig = rig(server, &denied);
    let body = json!({"model": "claude-opus-4-5", "messages": [{"role": "user", "content": "hunter-prompt"}]});
    let call = call(OPUS).json(&body).setup(|request| request.header("x-team", "hunter-key-header"));
    let failure = rig.rotator.send(&call).await.unwrap_err();
    assert_eq!(failure.attempts().len(), 4);
    write!(shown, "{call:?} {:?} {failure} {failure:?}", rig.rotator).unwrap();
    for attempt in failure.attempts() {
        write!(shown, "{attempt} {attempt:?}").unwrap();
    }
    let error = Error::from(failure);
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        write!(shown, "{error} {error:?}").unwrap();
        cause = error.source();
    }
    for act in [Act::drop(), Act::json(302, "hunter-answer").header("location", "http://127.0.0.1:1/?hunter-query")] {
        let failure = self::rig(Server::script(vec![act]), &denied).rotator.send(&call).await.unwrap_err();
        write!(shown, "{failure} {failure:?}").unwrap();
    }
    let reply =
        self::rig(Server::script(vec![Act::message("hunter-answer")]), &denied).rotator.send(&call).await.unwrap();
    shown + &format!("{reply:?} {:?}", reply.receipt())
}
