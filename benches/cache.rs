//! Compares marking a body with reading it with `serde_json`, in the same run.
//!
//! `cargo bench --bench cache` prints the ratios and the allocations (`-- 100000` for that size only):
//!
//! - `pass`: one validating pass of `serde_json` that keeps nothing (`IgnoredAny`) over the same bytes,
//! - `without`: the same plan without the previous body,
//! - `read before`: a caller's `PreviousBody`. A session of a `Rotator` has the same from the plan before,
//! - `tree`: parse into a `serde_json::Value`, set the same markers, write.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "it prints ratios, and may stop where its own input is wrong"
)]

mod timing;

use std::hint::black_box;

use provider_auth::CacheRetention;
use provider_auth::cache::{BreakpointOptions, PreviousBody, mark_body};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use timing::{head, pair, pair_both_given, pair_given, row};

const SIZES: [usize; 3] = [100_000, 1_000_000, 10_000_000];
const TEXTS: [(&str, &str); 2] = [
    ("prose", "The quick brown fox jumps over the lazy dog, and then it is cooling down in the shade for a while. "),
    ("code", "    let x = \"a\\tb\"; // first, and then it is cooling down in the shade\n    println!(\"{x}\");\n"),
];

fn main() {
    let only: Option<usize> = std::env::args().find_map(|argument| argument.parse().ok());
    let sizes =
        |text| SIZES.map(|size| (text, size)).into_iter().filter(|(_, size)| only.is_none_or(|only| only == *size));
    for ((name, text), size) in TEXTS.into_iter().flat_map(sizes) {
        let body = conversation(size, text);
        let previous = shorter(&body);
        head(&format!("{} bytes of {name}", body.len()));
        let options = BreakpointOptions::new(CacheRetention::Long);
        // The caller gives its body away; what it costs to have another one is not ours. `to_vec` doubles what it writes
        // to, so there is room behind the body as a rule.
        let given = || {
            let mut own = Vec::with_capacity(body.len().next_power_of_two());
            own.extend_from_slice(&body);
            black_box(own)
        };
        let exact = || black_box(body.clone());
        let pass = || serde_json::from_slice::<IgnoredAny>(black_box(&body)).is_ok();
        row("scan, plan, splice : pass", pair_given(given, |body| mark_body(body, &options), pass), "aim < 1");
        row("the same without room : pass", pair_given(exact, |body| mark_body(body, &options), pass), "");
        let compared = BreakpointOptions::new(CacheRetention::Long).previous(&previous);
        row("the same with the previous body : pass", pair_given(given, |body| mark_body(body, &compared), pass), "");
        let both = pair_both_given(given, |body| mark_body(body, &compared), |body| mark_body(body, &options));
        row("with the previous body : without", both, "aim < 1.5");
        let read = PreviousBody::read(&*previous).expect("a body that was sent");
        let next = BreakpointOptions::new(CacheRetention::Long).previous_body(&read);
        let both = pair_both_given(given, |body| mark_body(body, &next), |body| mark_body(body, &options));
        row("with the previous body, read before : without", both, "aim < 0.7");
        row("reading the previous body : pass", pair(|| PreviousBody::read(&*previous), pass), "");
        let (ours, tree) = pair_given(given, |body| mark_body(body, &options), || tree(&body));
        row("tree : scan, plan, splice", (tree, ours), "aim > 8");

        let counted = |options: &BreakpointOptions<'_>| {
            let own = body.clone();
            let mut marked = None;
            let info = allocation_counter::measure(|| marked = mark_body(own, options).ok());
            drop(marked);
            (info.count_total, info.bytes_total)
        };
        let (count, bytes) = counted(&options);
        println!("allocations: {count}, {bytes} bytes in all, {:.2} of the body", ratio(bytes, body.len()));
        let (count, bytes) = counted(&compared);
        println!("with the previous body: {count}, {:.2} of the body", ratio(bytes, body.len()));
        let (count, bytes) = counted(&next);
        println!("with the previous body, read before: {count}, {:.2} of the body\n", ratio(bytes, body.len()));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for reading")]
fn ratio(bytes: u64, of: usize) -> f64 {
    bytes as f64 / of as f64
}

/// What a client without a scanner of its own does.
fn tree(body: &[u8]) -> usize {
    let mut body: Value = serde_json::from_slice(black_box(body)).unwrap_or_default();
    let marker = json!({"type": "ephemeral", "ttl": "1h"});
    if let Some(tool) = body.pointer_mut("/tools").and_then(Value::as_array_mut).and_then(|tools| tools.last_mut()) {
        set(tool, &marker);
    }
    if let Some(system) = body.get_mut("system") {
        *system = json!([{"type": "text", "text": system.take(), "cache_control": marker}]);
    }
    let last = body.get_mut("messages").and_then(Value::as_array_mut).and_then(|messages| messages.last_mut());
    if let Some(block) = last.and_then(|last| last.pointer_mut("/content/0")) {
        set(block, &marker);
    }
    serde_json::to_vec(&body).unwrap_or_default().len()
}

fn set(block: &mut Value, marker: &Value) {
    if let Some(members) = block.as_object_mut() {
        members.insert("cache_control".to_owned(), marker.clone());
    }
}

/// The request before: without the last answer and its result, marked.
fn shorter(body: &[u8]) -> Vec<u8> {
    let mut tree: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(messages) = tree.get_mut("messages").and_then(Value::as_array_mut) {
        messages.truncate(messages.len().saturating_sub(2));
    }
    let body = serde_json::to_vec(&tree).unwrap_or_default();
    mark_body(body, &BreakpointOptions::new(CacheRetention::Long)).map(|(body, _)| body).unwrap_or_default()
}

/// An agent's conversation of about this many bytes: tools, a system prompt, and turns of text, calls and results.
fn conversation(size: usize, sentence: &str) -> Vec<u8> {
    let text = |sentences: usize| sentence.repeat(sentences);
    let tools: Vec<_> = (0..20)
        .map(|tool| {
            json!({"name": format!("tool_{tool}"), "description": text(3), "input_schema": {
                "type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}}})
        })
        .collect();
    let mut messages = vec![json!({"role": "user", "content": text(2)})];
    let mut written = 10_000;
    for turn in 0.. {
        let call = format!("toolu_{turn:020}");
        messages.push(json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": text(4), "signature": "c2lnbmF0dXJl".repeat(20)},
            {"type": "text", "text": text(2)},
            {"type": "tool_use", "id": call, "name": "tool_3", "input": {"path": "src/main.rs", "limit": turn}}]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call, "content": [{"type": "text", "text": text(20)}]}]}));
        written += 29 * sentence.len() + 600;
        if written >= size {
            break;
        }
    }
    let body = json!({"model": "claude-opus-4-5", "max_tokens": 4096, "system": text(30), "tools": tools,
        "messages": messages, "stream": true});
    serde_json::to_vec(&body).unwrap_or_default()
}
