//! Judges the markers of a body as the API would, from a tree of values: nothing here is shared with the planner.

use provider_auth::ErrorKind;
use serde_json::Value;

/// What a body says about its markers.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Pointer to the block and lifetime, in prompt order.
    pub(crate) markers: Vec<(String, String)>,
    /// What the API would refuse.
    pub(crate) errors: Vec<ErrorKind>,
}

pub(crate) fn check(body: &Value) -> Verdict {
    let mut verdict = Verdict::default();
    for (path, block) in blocks(body) {
        visit(block, &path, &mut verdict);
    }
    if let Some(marker) = body.get("cache_control").filter(|marker| !marker.is_null()) {
        note(marker, String::new(), &mut verdict);
    }
    if verdict.markers.len() > 4 {
        verdict.errors.push(ErrorKind::TooManyCacheMarkers);
    }
    let lives: Vec<_> = verdict.markers.iter().map(|(_, ttl)| ttl.as_str()).collect();
    if lives.windows(2).any(|pair| pair == ["5m", "1h"]) {
        verdict.errors.push(ErrorKind::CacheMarkerOrder);
    }
    if let Some(clash) = automatic_clash(body) {
        verdict.errors.push(clash);
    }
    verdict
}

/// Tools, system blocks and content blocks of messages, with their pointers.
pub(crate) fn blocks(body: &Value) -> Vec<(String, &Value)> {
    let list = |value: Option<&'_ Value>, path: &str| -> Vec<(String, usize)> {
        let count = value.and_then(Value::as_array).map_or(0, Vec::len);
        (0..count).map(|index| (format!("{path}/{index}"), index)).collect()
    };
    let mut paths: Vec<String> = Vec::new();
    paths.extend(list(body.get("tools"), "/tools").into_iter().map(|(path, _)| path));
    paths.extend(list(body.get("system"), "/system").into_iter().map(|(path, _)| path));
    for (message, _) in list(body.get("messages"), "/messages") {
        let content = format!("{message}/content");
        paths.extend(list(body.pointer(&content), &content).into_iter().map(|(path, _)| path));
    }
    let found = paths.into_iter().filter_map(|path| body.pointer(&path).map(|block| (path, block)));
    found.filter(|(_, block)| block.is_object()).collect()
}

/// The pointers to the calls that code execution made, and to their results.
pub(crate) fn by_code(body: &Value) -> Vec<String> {
    let (mut ids, mut found) = (Vec::new(), Vec::new());
    for (path, block) in blocks(body).into_iter().filter(|(path, _)| path.starts_with("/messages/")) {
        let text = |member: &str| block.get(member).and_then(Value::as_str);
        let caller = block.pointer("/caller/type").and_then(Value::as_str);
        let kind = text("type").unwrap_or_default();
        let is_call = caller.is_some_and(|caller| caller.starts_with("code_execution"));
        if is_call && kind.ends_with("tool_use") {
            ids.extend(text("id"));
            found.push(path);
        } else if kind.ends_with("tool_result") && text("tool_use_id").is_some_and(|id| ids.contains(&id)) {
            found.push(path);
        }
    }
    found
}

/// The pointers to the blocks of messages that the API leaves out: those before the last compaction that did not fail.
pub(crate) fn left_out(body: &Value) -> Vec<String> {
    let mut all: Vec<_> = blocks(body).into_iter().filter(|(path, _)| path.starts_with("/messages/")).collect();
    let is_compaction = |block: &Value| block["type"] == "compaction" && !block["content"].is_null();
    all.truncate(all.iter().rposition(|(_, block)| is_compaction(block)).unwrap_or_default());
    all.into_iter().map(|(path, _)| path).collect()
}

fn visit(block: &Value, path: &str, verdict: &mut Verdict) {
    for inner in ["/content", "/source/content"] {
        let Some(nested) = block.pointer(inner).and_then(Value::as_array) else { continue };
        for (index, child) in nested.iter().enumerate() {
            let before = verdict.markers.len();
            visit(child, &format!("{path}{inner}/{index}"), verdict);
            if index + 1 < nested.len() && verdict.markers.len() > before {
                verdict.errors.push(ErrorKind::InvalidCacheMarker);
            }
        }
    }
    let cited = block.get("citations").filter(|_| !path.starts_with("/tools/")).and_then(Value::as_array);
    let configs = block.get("configs").filter(|_| path.starts_with("/tools/")).and_then(Value::as_object);
    let default = block.get("default_config").filter(|_| path.starts_with("/tools/"));
    let configs = configs.into_iter().flat_map(|configs| configs.values());
    let parts = cited.into_iter().flatten().chain(configs).chain(default);
    if parts.into_iter().any(|part| part.get("cache_control").is_some_and(|marker| !marker.is_null())) {
        verdict.errors.push(ErrorKind::InvalidCacheMarker);
    }
    let Some(marker) = block.get("cache_control").filter(|marker| !marker.is_null()) else { return };
    let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
    let empty_text = kind == "text" && block.get("text").and_then(Value::as_str) == Some("");
    let is_tool = path.starts_with("/tools/");
    if !is_tool && (empty_text || kind == "thinking" || kind == "redacted_thinking") {
        verdict.errors.push(ErrorKind::InvalidCacheMarker);
    }
    note(marker, path.to_owned(), verdict);
}

fn note(marker: &Value, path: String, verdict: &mut Verdict) {
    let ttl = marker.get("ttl").filter(|ttl| !ttl.is_null()).map_or(Some("5m"), Value::as_str);
    match ttl {
        Some(ttl @ ("5m" | "1h")) if marker.get("type").and_then(Value::as_str) == Some("ephemeral") => {
            verdict.markers.push((path, ttl.to_owned()));
        }
        _ => verdict.errors.push(ErrorKind::InvalidCacheMarker),
    }
}

/// A top-level marker falls on the last block that can carry one, which may not have one with another lifetime.
fn automatic_clash(body: &Value) -> Option<ErrorKind> {
    let top = ttl_of(body)?;
    // A string is a block too, and an unmarked one.
    let last_message = body.get("messages").and_then(Value::as_array).and_then(|messages| {
        messages.iter().rev().find_map(|message| match message.get("content") {
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(_)) => Some(true),
            Some(Value::Array(blocks)) if blocks.iter().any(carries) => Some(false),
            _ => None,
        })
    });
    if last_message == Some(true) {
        return None;
    }
    for (path, block) in blocks(body).into_iter().rev() {
        if path.starts_with("/system") || path.starts_with("/tools") {
            let string_between = body.get("system").and_then(Value::as_str).is_some_and(|text| !text.is_empty())
                && path.starts_with("/tools");
            if string_between {
                return None;
            }
        }
        if path.starts_with("/tools/") || carries(block) {
            let mut verdict = Verdict::default();
            visit(block, &path, &mut verdict);
            return verdict.markers.iter().any(|(_, ttl)| *ttl != top).then_some(ErrorKind::InvalidCacheMarker);
        }
    }
    None
}

fn carries(block: &Value) -> bool {
    let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
    let empty = kind == "text" && block.get("text").and_then(Value::as_str) == Some("");
    block.is_object() && !empty && kind != "thinking" && kind != "redacted_thinking"
}

fn ttl_of(value: &Value) -> Option<String> {
    let marker = value.get("cache_control").filter(|marker| !marker.is_null())?;
    Some(marker.get("ttl").and_then(Value::as_str).unwrap_or("5m").to_owned())
}

/// Whether `output` is `input` with nothing but marker texts inserted.
pub(crate) fn only_markers_inserted(input: &[u8], output: &[u8]) -> bool {
    const TEXTS: [&str; 13] = [
        r#","cache_control":{"type":"ephemeral"}"#,
        r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#,
        r#""cache_control":{"type":"ephemeral"}"#,
        r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#,
        r#"[{"type":"text","text":"#,
        r#","cache_control":{"type":"ephemeral"}}]"#,
        r#","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
        // The fields that some hosts want in the body.
        r#","anthropic_version":"bedrock-2023-05-31""#,
        r#""anthropic_version":"bedrock-2023-05-31""#,
        r#","anthropic_version":"vertex-2023-10-16""#,
        r#""anthropic_version":"vertex-2023-10-16""#,
        r#","anthropic_beta":["one","two"]"#,
        r#""anthropic_beta":["one","two"]"#,
    ];
    let same = input.iter().zip(output).take_while(|(a, b)| a == b).count();
    if same == input.len() && same == output.len() {
        return true;
    }
    // An insertion may begin like the text it displaces, so it can start before the first difference.
    TEXTS.iter().any(|text| {
        (same.saturating_sub(text.len())..=same).any(|at| {
            let rest = output[at..].strip_prefix(text.as_bytes());
            rest.is_some_and(|rest| only_markers_inserted(&input[at..], rest))
        })
    })
}
