//! Reading an answer that failed, against `serde_json::Value` over the same body.
//!
//! `cargo bench --bench failure`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod timing;

use http::{HeaderMap, StatusCode};
use provider_auth::{FailureClassifier, ProviderId, Timestamp};
use serde_json::{Value, json};

fn main() {
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    let now = Timestamp::from_millis(1_700_000_000_000);
    timing::head("classification");
    for (name, status, bodies) in [
        ("a limit and its message", StatusCode::TOO_MANY_REQUESTS, &limits as &dyn Fn(usize) -> Value),
        ("a refusal of unknown words", StatusCode::BAD_REQUEST, &messages),
        ("details", StatusCode::BAD_REQUEST, &details),
        ("many quotes", StatusCode::BAD_REQUEST, &quotes),
        ("JSON in the message", StatusCode::BAD_REQUEST, &nested),
    ] {
        for size in [1 << 10, 64 << 10, 256 << 10] {
            let body = bodies(size).to_string();
            let body = body.as_bytes();
            let classify = || classifier.response(status, &HeaderMap::new(), body, now);
            let parse = || serde_json::from_slice::<Value>(body).is_ok();
            let aim = if size == 64 << 10 { "aim: at most 8" } else { "" };
            let allocations = allocation_counter::measure(|| drop(classify())).count_total;
            timing::row(&format!("{name}, {} kB", body.len() >> 10), timing::pair(classify, parse), aim);
            println!("    {allocations} allocations");
        }
    }
}

fn error(message: &str) -> Value {
    json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}, "request_id": "req_1"})
}

fn limits(size: usize) -> Value {
    error(&"Rate limit reached for requests of this organization, please slow down. ".repeat(size / 71))
}

fn messages(size: usize) -> Value {
    error(&"messages.0.content: the model could not read what stands here. ".repeat(size / 64))
}

fn quotes(size: usize) -> Value {
    error(&"tools.1: `get_x` is not 'a name' and \"never\" was. ".repeat(size / 50))
}

fn nested(size: usize) -> Value {
    error(&format!("the gateway said: {}", json!({"code": 400, "message": "x".repeat(size)})))
}

fn details(size: usize) -> Value {
    let detail = json!({"loc": ["body", "messages", 3], "msg": "Field required", "type": "missing"});
    json!({"detail": vec![detail; size / 64], "error": {"message": "validation failed"}})
}
