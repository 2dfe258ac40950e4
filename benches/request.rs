//! Compares building a request with one validating pass of `serde_json` over the same bytes, in the same run.
//!
//! `cargo bench --bench request` prints the ratios; below 1 means that building the whole request, with headers and
//! marked body, took less time than `serde_json` needs to validate the bytes.
#![expect(clippy::print_stdout, reason = "the ratios are what this program is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use provider_auth::{CacheRetention, Credential, Endpoint, RequestBuilder, Secret};
use serde::de::IgnoredAny;

const ROUNDS: usize = 301;

fn main() {
    let endpoint = Endpoint::anthropic();
    let credential = Credential::api_key(Secret::new("sk-ant-api03-example"));
    println!("{:>10}  {:>9}  {:>8}  {:>8}  {:>8}", "text", "bytes", "pass", "request", "ratio");
    for (name, sentence) in [
        (
            "plain",
            "The quick brown fox jumps over the lazy dog, and then it is cooling down in the shade for a while. ",
        ),
        ("code", "    let x = \"a\\tb\"; // first\n    println!(\"{x}\");\n}\n"),
        ("mixed", "Größe und Straße: the naïve café owner paid 12 € for a crème brûlée. "),
        ("chinese", "快速的棕色狐狸跳过了懒狗，然后在树荫下休息了一会儿。"),
    ] {
        for size in [100_000, 1_000_000] {
            let body = conversation(size, sentence);
            let pass = median(|| timed(|| serde_json::from_slice::<IgnoredAny>(black_box(&body)).is_ok()));
            let building = median(|| {
                let body = body.clone();
                timed(|| RequestBuilder::new(&endpoint, &credential).body(body).retention(CacheRetention::Long).build())
            });
            row(name, body.len(), pass, building);
        }
    }
}

fn row(name: &str, bytes: usize, pass: Duration, ours: Duration) {
    let ratio = ours.as_secs_f64() / pass.as_secs_f64();
    println!("{name:>10}  {bytes:>9}  {:>6}us  {:>6}us  {ratio:>8.2}", pass.as_micros(), ours.as_micros());
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    black_box(result);
    took
}

fn median(mut round: impl FnMut() -> Duration) -> Duration {
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_unstable();
    rounds.get(ROUNDS / 2).copied().unwrap_or_default()
}

/// An agent's conversation of about this many bytes: tools, a system prompt, and turns of text, calls and results.
fn conversation(size: usize, sentence: &str) -> Vec<u8> {
    let text = |sentences: usize| sentence.repeat(sentences);
    let tools: Vec<_> = (0..20)
        .map(|tool| {
            serde_json::json!({"name": format!("tool_{tool}"), "description": text(3), "input_schema": {
                "type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["path"]}})
        })
        .collect();
    let mut messages = vec![serde_json::json!({"role": "user", "content": text(2)})];
    let mut written = 10_000;
    for turn in 0.. {
        let call = format!("toolu_{turn:020}");
        messages.push(serde_json::json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": text(4), "signature": "c2lnbmF0dXJl".repeat(20)},
            {"type": "text", "text": text(2)},
            {"type": "tool_use", "id": call, "name": "tool_3", "input": {"path": "src/main.rs", "limit": turn}}]}));
        messages.push(serde_json::json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call, "content": [{"type": "text", "text": text(20)}]}]}));
        written += 29 * sentence.len() + 600;
        if written >= size {
            break;
        }
    }
    let body = serde_json::json!({"model": "claude-opus-4-5", "max_tokens": 4096, "system": text(30),
        "tools": tools, "messages": messages, "stream": true});
    serde_json::to_vec(&body).unwrap_or_default()
}
