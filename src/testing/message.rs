//! A message of the Messages API that fits its request.

use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::cache::Cache;

/// The answer to a request for a message.
pub(super) struct Message {
    pub(super) status: u16,
    /// One body, or the events of a stream.
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) is_stream: bool,
}

/// Returns a message with this text, as a stream of events if the request has `"stream": true`, or the API's refusal of
/// the request.
pub(super) fn message(request: &Request<Vec<u8>>, text: &str, cache: &Cache) -> Message {
    let whole = |(status, body): (u16, Value)| Message {
        status,
        pieces: vec![body.to_string().into_bytes()],
        is_stream: false,
    };
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    if let Some(refusal) = refusal(request, &body) {
        return whole(refusal);
    }
    // Four bytes per token is precise enough for a test.
    let tokens = request.body().len() / 4;
    let is_marked = is_marked(&body);
    let read = if is_marked { tokens.min(cache.read(request.headers(), &body) / 4) } else { 0 };
    let written = if is_marked { tokens - read } else { 0 };
    let message = |content: Value, stop_reason: Option<&str>, output: usize| {
        json!({
            "id": "msg_test",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": content,
            "stop_reason": stop_reason,
            "usage": {
                "input_tokens": tokens - written - read,
                "output_tokens": output,
                "cache_creation_input_tokens": written,
                "cache_read_input_tokens": read
            }
        })
    };
    let output = text.len().div_ceil(4);
    if body.get("stream") != Some(&Value::Bool(true)) {
        return whole((200, message(json!([{"type": "text", "text": text}]), Some("end_turn"), output)));
    }
    let delta =
        |word| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}});
    let mut events = vec![
        json!({"type": "message_start", "message": message(json!([]), None, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    events.extend(text.split_inclusive(' ').map(delta));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": output}}),
        json!({"type": "message_stop"}),
    ]);
    let event = |data: &Value| {
        let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n").into_bytes()
    };
    Message { status: 200, pieces: events.iter().map(event).collect(), is_stream: true }
}

fn refusal(request: &Request<Vec<u8>>, body: &Value) -> Option<(u16, Value)> {
    let refuse = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}});
    let count = |name: &str| request.headers().get_all(name).iter().count();
    if request.uri().path() != "/v1/messages" {
        return Some((404, refuse("not_found_error", "there is only /v1/messages here")));
    }
    if count("x-api-key") + count(AUTHORIZATION.as_str()) != 1 {
        return Some((401, refuse("authentication_error", "send exactly one of x-api-key and authorization")));
    }
    let is_message = count("anthropic-version") == 1 && body.get("messages").is_some_and(Value::is_array);
    (!is_message).then(|| (400, refuse("invalid_request_error", "not a request of the Messages API")))
}

/// Returns `true` if there is a `cache_control` marker anywhere in the value.
fn is_marked(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("cache_control") || members.values().any(is_marked),
        Value::Array(items) => items.iter().any(is_marked),
        _ => false,
    }
}
