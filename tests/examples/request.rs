//! `examples/request.rs` as another program runs it.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and writes its own files"
)]

use serde_json::{Value, json};

use crate::program::{Answer, answer, example};

fn request(arguments: &[&str], body: &str, variables: &[(&str, &str)]) -> Answer {
    let mut command = example("request");
    command.args(arguments).envs(variables.iter().copied());
    answer(&mut command, body.as_bytes())
}

fn shown(arguments: &[&str], body: &str) -> Value {
    let answer = request(arguments, body, &[]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.err.is_empty(), "{}", answer.err);
    serde_json::from_str(&answer.out).expect("one JSON value")
}

const MODEL: [&str; 2] = ["--model", "anthropic/claude-opus-4-5"];
const BODY: &str =
    r#"{"model":"mine","max_tokens":9007199254740993,"system":"s","messages":[{"role":"user","content":"u"}]}"#;

#[test]
fn it_prints_the_whole_request() {
    let output = shown(&[&MODEL[..], &["--retention", "long", "--header", "X-Team: blue"]].concat(), BODY);
    let keys: Vec<_> = output.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["method", "url", "headers", "body", "markers", "notes"]);
    assert_eq!(output["method"], "POST");
    assert_eq!(output["url"], "https://api.anthropic.com/v1/messages");
    assert_eq!(
        output["headers"],
        json!({"accept": "application/json", "anthropic-beta": "extended-cache-ttl-2025-04-11",
            "anthropic-version": "2023-06-01", "content-type": "application/json", "x-api-key": "[redacted]",
            "x-team": "[redacted]"})
    );
    assert_eq!(
        output["body"],
        r#"{"model":"mine","max_tokens":9007199254740993,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"text","text":"u","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}"#
    );
    assert_eq!(
        output["markers"],
        json!([{"path": "/system/0", "ttl": "1h"}, {"path": "/messages/0/content/0", "ttl": "1h"}])
    );
    assert!(output["notes"].as_array().expect("a list").iter().all(Value::is_string));
}

#[test]
fn the_default_is_a_bare_marker_and_none_is_none() {
    let short = shown(&MODEL, BODY);
    assert_eq!(short["markers"][0], json!({"path": "/system/0", "ttl": "5m"}));
    assert!(short["body"].as_str().expect("text").contains(r#","cache_control":{"type":"ephemeral"}}]"#));
    let none = shown(&[&MODEL[..], &["--retention", "none"]].concat(), BODY);
    assert_eq!((none["body"].as_str(), none["markers"].clone()), (Some(BODY), json!([])));
    let token = shown(&[&MODEL[..], &["--auth", "token", "--retention", "long"]].concat(), BODY);
    assert_eq!(token["body"], BODY);
    assert_eq!(token["headers"]["authorization"], "[redacted]");
    assert_eq!(token["headers"]["anthropic-beta"], "oauth-2025-04-20");
    assert!(token["notes"][0].as_str().is_some_and(|note| note.contains("ignored")), "{token}");
}

#[test]
fn configuration_and_previous_body_are_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let config = file(
        "openclaw.json",
        "{ agents: { defaults: { model: 'relay/claude-x' }, list: [{ id: 'main' }, { id: 'w', params: { cacheRetention: 'long' } }] },
           models: { providers: { relay: { baseUrl: 'https://relay.example.com', api: 'anthropic-messages' } } } }",
    );
    let plain = shown(&["--config", &config], BODY);
    assert_eq!(plain["url"], "https://relay.example.com/v1/messages");
    assert_eq!(plain["markers"], json!([]));
    let writer = shown(&["--config", &config, "--agent", "w", "--base-url", "http://127.0.0.1:9/x"], BODY);
    assert_eq!(writer["url"], "http://127.0.0.1:9/x/v1/messages");
    assert_eq!(writer["markers"][0]["ttl"], "1h");

    // A turn that adds more than a marker can look back over.
    let first = shown(&MODEL, BODY);
    let previous = file("previous.json", first["body"].as_str().expect("text"));
    let calls: Vec<_> =
        (0..30).map(|n| json!({"type": "tool_use", "id": n.to_string(), "name": "t", "input": {}})).collect();
    let results: Vec<_> = (0..30).map(|n| json!({"type": "tool_result", "tool_use_id": n.to_string()})).collect();
    let mut body: Value = serde_json::from_str(BODY).expect("JSON");
    let messages = body["messages"].as_array_mut().expect("a list");
    messages.push(json!({"role": "assistant", "content": calls}));
    messages.push(json!({"role": "user", "content": results}));
    let next = shown(&[&MODEL[..], &["--previous", &previous]].concat(), &body.to_string());
    let paths: Vec<_> = next["markers"].as_array().expect("a list").iter().map(|m| m["path"].clone()).collect();
    assert_eq!(paths, ["/system/0", "/messages/0/content/0", "/messages/2/content/29"]);
}

#[test]
fn the_default_agent_and_what_the_configuration_refers_to_count() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("openclaw.json");
    let text = "{ agents: {
            defaults: { model: 'opus', models: { 'relay/claude-x': { alias: 'opus' } } },
            entries: { other: {}, 'work': { default: true, model: 'mine', params: { cacheRetention: 'long' },
                                            models: { 'relay/claude-y': { alias: 'mine' } } } } },
        models: { providers: { relay: { baseUrl: '${RELAY_URL}', api: 'anthropic-messages',
            headers: { 'x-tenant': { source: 'env', provider: 'default', id: 'TENANT' } } } } } }";
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("UTF-8");
    // The variables are those of the process, and of the `.env` beside the configuration.
    std::fs::write(directory.path().join(".env"), "RELAY_URL=https://relay.example.com\n").expect("written");
    let ask =
        |more: &[&str], variables: &[(&str, &str)]| request(&[&["--config", config], more].concat(), BODY, variables);
    let answer = ask(&[], &[("TENANT", "seven")]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let found: Value = serde_json::from_str(&answer.out).expect("one JSON value");
    assert_eq!(found["url"], "https://relay.example.com/v1/messages");
    assert_eq!((&found["markers"][0]["ttl"], &found["headers"]["x-tenant"]), (&json!("1h"), &json!("[redacted]")));
    let other: Value = serde_json::from_str(&ask(&["--agent", "OTHER"], &[("TENANT", "seven")]).out).expect("JSON");
    assert_eq!(other["markers"], json!([]));
    let refused: Value = serde_json::from_str(&ask(&[], &[]).err).expect("one JSON value");
    assert_eq!(refused["kind"], "unresolved_reference");
}

#[test]
fn errors_are_one_json_object_and_status_one() {
    let secret = "sk-ant-api03-verysecret";
    for (arguments, body, kind) in [
        (vec![], BODY, "usage"),
        (vec!["--model"], BODY, "usage"),
        (vec!["--bogus"], BODY, "usage"),
        (vec![secret], BODY, "usage"),
        (vec!["--model", "anthropic/a", "--model", "anthropic/b"], BODY, "usage"),
        (vec!["--model", "anthropic/a", "--retention", "forever"], BODY, "usage"),
        (vec!["--model", "anthropic/a", "--auth", "oauth"], BODY, "usage"),
        (vec!["--model", "anthropic/a", "--header", "nothing"], BODY, "usage"),
        (vec!["--model", "anthropic/a", "--header", "x-api-key: y"], BODY, "conflicting_auth_header"),
        (vec!["--model", "anthropic/a", "--base-url", "http://example.com"], BODY, "insecure_transport"),
        (vec!["--model", "anthropic/a", "--base-url", "nowhere"], BODY, "invalid_url"),
        (vec!["--model", "anthropic/a", "--previous", "no/such/file"], BODY, "not_found"),
        (vec!["--model", "anthropic/a", "--config", "no/such/file"], BODY, "not_found"),
        (vec!["--model", "nowhere/a"], BODY, "no_endpoint"),
        (vec!["--model", "anthropic/a"], "[1]", "invalid_body"),
        (vec!["--model", "anthropic/a"], "", "invalid_body"),
        (
            vec!["--model", "anthropic/a"],
            r#"{"system":[{"type":"text","text":"","cache_control":{"type":"ephemeral"}}]}"#,
            "invalid_cache_marker",
        ),
    ] {
        let answer = request(&arguments, body, &[("ANTHROPIC_API_KEY", secret)]);
        assert_eq!(answer.code, Some(1), "{arguments:?}: {}", answer.out);
        assert!(answer.out.is_empty(), "{arguments:?}");
        let error: Value = serde_json::from_str(&answer.err).expect("one JSON value");
        assert_eq!(error["kind"], kind, "{arguments:?}: {error}");
        assert!(error["message"].is_string() && error["help"].is_string(), "{error}");
        assert!(!answer.err.contains("verysecret"), "{error}");
    }
}
