//! Servers that echo everything they were sent: in bodies, headers, the reason phrase, the target of a redirect.

use std::sync::Arc;

use provider_auth::failure::FailureClassifier;
use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant};
use provider_auth::{AuthProfileStore, Endpoint, ProviderId, Secret};
use serde_json::json;

use super::{Heard, hunt, is_short};
use crate::support::rotation::{OPUS, Rig, call};
use crate::support::server::{Act, After, Server};
use crate::support::traced::traced;
use crate::support::{NOW, at, id};

/// Answers that echo; `@` is the secret in JSON, `~` the secret in a head, `%` in a URL. Lengths are left to the end.
const ECHOES: [&str; 12] = [
    "401 Unauthorized\r\nx-request-id: ~\r\n\r\n{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid @\"}}",
    "403 ~\r\n\r\n{\"error\":{\"type\":\"permission_error\",\"message\":\"API key @ has been revoked\",\"code\":\"@\"},\"@\":1}",
    "429 Too Many Requests\r\nretry-after: ~\r\nx-key: ~\r\n\r\n{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"@ try again in 2s @\"}}",
    "400 ~\r\n\r\n{\"error\":{\"type\":\"@\",\"message\":\"credit balance is too low for @\"}}",
    "404 Not Found\r\ncontent-type: ~\r\n\r\n{\"error\":{\"type\":\"not_found_error\",\"message\":\"model: @\"}}",
    "500 ~\r\nserver: ~\r\n\r\n@",
    "302 Found\r\nlocation: http://me:%@127.0.0.1:1/%\r\n\r\n@",
    "302 ~\r\nlocation: ~\r\n\r\n",
    "200 ~\r\ncontent-type: application/json\r\n\r\n{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"@\"}}",
    "200 ~\r\ncontent-type: application/json\r\nx-key: ~\r\n\r\n{\"type\":\"message\",\"id\":\"@\",\"content\":[{\"type\":\"text\",\"text\":\"@\"}],\"usage\":\"@\"}",
    "200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"@\"}}\n\n",
    "200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: @\ndata: @\n\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":\"@\"}}}\n\n",
];

fn echo(text: &str, heard: &Heard) -> Act {
    // What stands in a line of the head ends it with its own line break.
    let line: String = heard.secret.chars().filter(|c| !c.is_control()).collect();
    let text = text.replace("me:%@", "me:%\u{1}").replace('~', &line).replace('%', &heard.in_url());
    let text = text.replace('@', &heard.written()).replace('\u{1}', "@");
    Act::raw(&[format!("HTTP/1.1 {text}").as_bytes()], After::Close)
}

/// A login that is due and a key, both with the secret, at a URL that has it too.
fn rig(server: &Server, tokens: &Server, heard: &Heard) -> Rig {
    let stored = json!({"version": 1, "profiles": {
        "anthropic:a": {"type": "oauth", "provider": "anthropic", "access": heard.secret, "refresh": heard.secret, "expires": NOW},
        "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": heard.secret},
        "anthropic:c": {"type": "token", "provider": "anthropic", "token": heard.secret, "expires": NOW + 900_000}}});
    let grant = RefreshTokenGrant::new(&tokens.url(), Secret::new(heard.secret.as_str()), reqwest::Client::builder());
    let endpoint = Endpoint::new(&format!("{}?key={}", server.url(), heard.in_url())).unwrap();
    let store = Rig::new(server.clone(), &stored).store as Arc<dyn AuthProfileStore>;
    Rig::with(server.clone(), &stored, |builder| {
        let coordinator = RefreshCoordinator::new(store, Arc::new(grant.unwrap()));
        builder.endpoint(ProviderId::anthropic(), endpoint).coordinator(coordinator)
    })
}

async fn sends(heard: &mut Heard) {
    // Each kind of secret hears a third of them where nobody has more time.
    let (step, first) = if is_short() { (3, heard.kind % 3) } else { (1, 0) };
    for text in ECHOES.into_iter().skip(first).step_by(step) {
        let (server, tokens) = (Server::script(vec![echo(text, heard)]), Server::script(vec![echo(text, heard)]));
        let rig = rig(&server, &tokens, heard);
        heard.debug(&rig.rotator);
        let (secret, body) =
            (heard.secret.clone(), json!({"model": "m", "messages": [{"role": "user", "content": heard.secret}]}));
        let call = call(OPUS).json(&body).setup(move |request| request.header("x-team", secret.as_str()));
        heard.debug(&call);
        match rig.rotator.send(&call).await {
            Ok(mut reply) => {
                heard.debug(&(reply.receipt(), reply.plan(), reply.usage(), reply.failure(), reply.unrecorded()));
                heard.diagnostics(reply.notes());
                reply.attempts().iter().for_each(|attempt| heard.display(attempt));
                while let Ok(Some(event)) = reply.event().await {
                    heard.debug(&event);
                }
                heard.debug(&reply);
                reply.failure().iter().for_each(|failure| heard.display(&failure.sentence()));
            }
            Err(failure) => {
                for attempt in failure.attempts() {
                    heard.debug(attempt);
                    heard.display(attempt);
                }
                heard.debug(&(failure.failure(), failure.unavailable(), failure.response(), failure.unserved()));
                failure.failure().iter().for_each(|failure| {
                    heard.debug(&failure.help());
                    heard.display(&failure.sentence());
                });
                heard.debug(&failure);
                heard.chain(&failure);
                heard.error(&failure.into());
            }
        }
        heard.debug(&*rig.store);
        let grant = RefreshTokenGrant::new(&tokens.url(), "client", reqwest::Client::builder()).unwrap();
        let coordinator = RefreshCoordinator::new(Arc::clone(&rig.store) as _, Arc::new(grant));
        heard.debug(&coordinator);
        heard.result(coordinator.refresh_if_needed(&id("anthropic:a")).await);
    }
}

pub(super) fn echoed(heard: &mut Heard) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ((), log) = traced(|| runtime.block_on(sends(heard)));
    // The HTTP client's own events, below this crate, are its own.
    let own: Vec<&str> = log.lines().filter(|line| line.contains("provider_auth")).collect();
    assert!(own.len() > 15, "only {} lines were logged", own.len());
    for line in own {
        heard.text(line);
    }
    let classifier = FailureClassifier::new(&ProviderId::anthropic()).with_caller_words([heard.secret.clone()]);
    heard.debug(&classifier);
    heard.debug(&classifier.text(&format!("invalid key {}", heard.secret), at(NOW)));
    heard.debug(&classifier.event("error", format!("{{\"error\":\"{}\"}}", heard.written()).as_bytes(), at(NOW)));
}

#[test]
fn no_secret_that_a_server_says_back_is_in_any_text_or_log() {
    hunt("echoes", 60, echoed);
}
