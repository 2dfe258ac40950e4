//! A message of the Messages API that fits its request.

use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

/// Returns the status and the body of a message with this text, or of the API's refusal of the request.
pub(super) fn message(request: &Request<Vec<u8>>, text: &str) -> (u16, Vec<u8>) {
    let (status, body) = answer(request, text);
    (status, body.to_string().into_bytes())
}

fn answer(request: &Request<Vec<u8>>, text: &str) -> (u16, Value) {
    let refuse = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}});
    if request.uri().path() != "/v1/messages" {
        return (404, refuse("not_found_error", "there is only /v1/messages here"));
    }
    let count = |name: &str| request.headers().get_all(name).iter().count();
    if count("x-api-key") + count(AUTHORIZATION.as_str()) != 1 {
        return (401, refuse("authentication_error", "send exactly one of x-api-key and authorization"));
    }
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    if count("anthropic-version") != 1 || !body.get("messages").is_some_and(Value::is_array) {
        return (400, refuse("invalid_request_error", "not a request of the Messages API"));
    }
    // Four bytes per token is precise enough for a test.
    let tokens = request.body().len() / 4;
    let written = if is_marked(&body) { tokens } else { 0 };
    let message = json!({
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": tokens - written,
            "output_tokens": text.len().div_ceil(4),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": 0
        }
    });
    (200, message)
}

/// Returns `true` if there is a `cache_control` marker anywhere in the value.
fn is_marked(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("cache_control") || members.values().any(is_marked),
        Value::Array(items) => items.iter().any(is_marked),
        _ => false,
    }
}
