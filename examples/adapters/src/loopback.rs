//! A scripted server on loopback for the adapters, with the Messages API and OpenAI's chat completions.

use std::sync::{Mutex, PoisonError};

use provider_auth::testing::{Answer as Said, Server};
use serde_json::{Value, json};

/// The answer to one request.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each adapter uses its own part")]
pub enum Answer {
    /// A message; a stream if the request asks for one.
    Message,
    /// 429 with this many seconds in `retry-after`.
    RateLimit(u32),
    /// 401, as for a revoked key.
    Revoked,
}

/// Starts a server that sends the answers of a script in turn, and stops when it is dropped.
pub fn start(script: Vec<Answer>) -> Result<Server, provider_auth::Error> {
    let script = Mutex::new(script.into_iter());
    Server::answering(move |request| {
        let answer = script.lock().unwrap_or_else(PoisonError::into_inner).next();
        match answer {
            Some(Answer::Message) => message(request),
            Some(Answer::RateLimit(seconds)) => {
                Said::error(429, "rate_limit_error", "This request would exceed the limit.")
                    .header("retry-after", &seconds.to_string())
            }
            Some(Answer::Revoked) => Said::error(401, "authentication_error", "This API key has been revoked."),
            None => Said::error(501, "api_error", "The script has no answer left.").header("x-should-retry", "false"),
        }
    })
}

fn message(request: &http::Request<Vec<u8>>) -> Said {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let is_stream = body["stream"] == true;
    if request.uri().path() == "/v1/messages" {
        return if is_stream { Said::events(messages(&body["model"]).iter().map(event)) } else { Said::message(TEXT) };
    }
    if is_stream {
        return Said::events(chunks(&body["model"]).iter().map(event).chain(["data: [DONE]\n\n".to_owned()]));
    }
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"});
    let answer = json!({"id": "chatcmpl-test", "object": "chat.completion", "model": body["model"],
        "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 6}});
    Said::json(200, answer.to_string())
}

const TEXT: &str = "Hello from loopback.";
const PIECES: [&str; 2] = ["Hello ", "from loopback."];

fn event(data: &Value) -> String {
    match data["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}

/// The events of a stream of the Messages API.
fn messages(model: &Value) -> Vec<Value> {
    let begun = json!({"id": "msg_test", "type": "message", "role": "assistant", "model": model, "content": [],
        "usage": {"input_tokens": 9, "output_tokens": 1}});
    let mut events = vec![
        json!({"type": "message_start", "message": begun}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    events.extend(
        PIECES.map(
            |text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        ),
    );
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}),
        json!({"type": "message_stop"}),
    ]);
    events
}

/// The events of a streamed chat completion.
fn chunks(model: &Value) -> Vec<Value> {
    let chunk = |choices: Value, usage: Value| {
        json!({"id": "chatcmpl-test", "object": "chat.completion.chunk", "model": model, "choices": choices,
            "usage": usage})
    };
    let mut chunks: Vec<Value> =
        PIECES.map(|text| chunk(json!([{"index": 0, "delta": {"content": text}}]), Value::Null)).to_vec();
    chunks.push(chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), Value::Null));
    chunks.push(chunk(json!([]), json!({"prompt_tokens": 9, "completion_tokens": 6})));
    chunks
}
