//! Compares reading a failed response with parsing its body into `serde_json::Value`, and reading the headroom in its
//! headers with building a request of 100 kB.
//!
//! `cargo bench --bench failure`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod timing;

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use provider_auth::headroom::Headroom;
use provider_auth::{
    CacheRetention, Credential, Endpoint, FailureClassifier, ProviderId, RequestBuilder, Secret, Timestamp,
};
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
    headroom(now);
}

/// Reading the headers of an answer, of which most have nothing to do with limits.
fn headroom(now: Timestamp) {
    timing::head("what is left");
    let common = "date server content-type content-length cf-ray cf-cache-status via x-request-id request-id alt-svc vary \
                  strict-transport-security x-robots-tag anthropic-organization-id";
    let kinds = ["requests", "tokens", "input-tokens", "output-tokens"];
    let reset = "2023-11-14T22:14:20Z";
    let bucket = |kind: &str| {
        [("limit", "50000"), ("remaining", "12000"), ("reset", reset)]
            .map(|(part, value)| (format!("anthropic-ratelimit-{kind}-{part}"), value))
    };
    let buckets: Vec<_> = kinds.iter().flat_map(|kind| bucket(kind)).collect();
    let plan = [("status", "allowed"), ("utilization", "0.4"), ("reset", "1700010000")];
    let windows = ["5h", "7d"];
    let windows = windows
        .iter()
        .flat_map(|window| plan.map(|(part, value)| (format!("anthropic-ratelimit-unified-{window}-{part}"), value)));
    let compatible = ["requests", "tokens"].iter().flat_map(|kind| {
        [("limit", "500"), ("remaining", "400"), ("reset", "6m0s")]
            .map(|(part, value)| (format!("x-ratelimit-{part}-{kind}"), value))
    });
    let endpoint = Endpoint::anthropic();
    let credential = Credential::api_key(Secret::new("sk-ant-api03-example"));
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(2_200);
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}).to_string();
    let build = || {
        RequestBuilder::new(&endpoint, &credential)
            .body(body.as_bytes())
            .retention(CacheRetention::Long)
            .build()
            .is_ok()
    };
    for (name, provider, limits) in [
        ("none", "anthropic", Vec::new()),
        ("Anthropic", "anthropic", buckets),
        ("a plan of Anthropic", "anthropic", windows.collect()),
        ("OpenAI", "openai", compatible.collect()),
    ] {
        let pair = |(name, value): (&str, &str)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?));
        let others = common.split_whitespace().map(|name| (name, "a value"));
        let told = limits.iter().map(|(name, value)| (name.as_str(), *value));
        let headers: HeaderMap = others.chain(told).filter_map(pair).collect();
        let Ok(provider) = ProviderId::new(provider) else { return };
        let read = || Headroom::read(&provider, &headers, now);
        timing::row(&format!("headers: {name}"), timing::pair(read, build), "aim: below 2 µs, or at most 0.005");
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
