//! Errors in a stream of server-sent events that began with a success.

use serde_json::Value;

use super::body::{MAX_JSON, is_error, parse};

/// The error in a stream of events, if there is one: an `error` event, or data that is an error by its structure.
pub(super) fn error_in(stream: &str) -> Option<Value> {
    let (mut event, mut data) = (String::new(), String::new());
    // An event ends at a blank line; the last one may end with the stream.
    for line in stream.lines().chain([""]) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            if let Some(error) = error_of(&event, &data) {
                return Some(error);
            }
            event.clear();
            data.clear();
        } else if let Some(name) = line.strip_prefix("event:") {
            name.trim().clone_into(&mut event);
        } else if let Some(more) = line.strip_prefix("data:")
            && data.len() + more.len() <= MAX_JSON
        {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(more.trim_start());
        }
    }
    None
}

fn error_of(event: &str, data: &str) -> Option<Value> {
    let named = matches!(event, "error" | "response.failed");
    match parse(data) {
        Some(value) if named || is_error(&value) => Some(value),
        None if named => Some(serde_json::json!({ "error": { "message": data } })),
        _ => None,
    }
}

/// Whether a text looks like a stream of events.
pub(super) fn is_stream(text: &str) -> bool {
    let text = text.trim_start();
    ["event:", "data:", ":"].iter().any(|field| text.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_error_and_nothing_else() {
        for (stream, expected) in [
            ("event: error\ndata: {\"type\":\"error\"}\n\n", true),
            ("event: error\r\ndata: {\"type\":\r\ndata: \"error\"}\r\n\r\n", true),
            ("data: {\"a\":1}\n\ndata: {\"error\":{\"code\":429}}", true),
            ("event: error\ndata: Overloaded\n\n", true),
            ("event: error\n\n", true),
            ("event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\ndata: {}\n\n", false),
            ("data: {\"error\":null}\n\ndata: [DONE]\n\n", false),
            (": OPENROUTER PROCESSING\n\n", false),
        ] {
            assert_eq!(error_in(stream).is_some(), expected, "{stream}");
        }
    }
}
