//! Errors in a stream of server-sent events that began with a success.

use serde_json::Value;

use super::envelope::{is_error, parse};
use crate::net::{Event, events};

/// Returns the error in a stream, if there is one: an `error` event, or data that is an error by its structure.
pub(super) fn error_in(stream: &str) -> Option<Value> {
    match start_of(stream).chars().next() {
        // Ollama: one object per line.
        Some('{') => lines(stream).filter_map(parse).find(is_error),
        // Google, if no events are requested.
        Some('[') => element_in(stream),
        _ => {
            let mut found = None;
            events(stream.as_bytes(), |event| {
                if found.is_none() {
                    found = error_of(event);
                }
            });
            found
        }
    }
}

/// Returns the error in an array that was cut off, whose elements are separated by lines with a comma.
fn element_in(array: &str) -> Option<Value> {
    let lines: Vec<&str> = lines(array).collect();
    let elements = lines.split(|line| line.trim() == ",").map(|lines| lines.join("\n"));
    let bare = |element: &str| parse(start_of(element).trim_start_matches('[').trim_end().trim_end_matches(']'));
    elements.filter_map(|element| bare(&element)).find(is_error)
}

/// Returns the error in an event, if it is one.
pub(super) fn error_of(event: Event<'_>) -> Option<Value> {
    let named = matches!(event.name, b"error" | b"response.failed");
    let data = String::from_utf8_lossy(event.data);
    match parse(&data) {
        Some(value) if named || is_error(&value) => Some(value),
        Some(_) => None,
        // Without blank lines, several events look like one.
        None => lines(&data)
            .filter_map(parse)
            .find(is_error)
            .or_else(|| named.then(|| serde_json::json!({ "error": { "message": start_of(&data) } }))),
    }
}

/// Returns `true` if a text looks like a stream: of events, of objects per line, or an array that was cut off.
pub(super) fn is_stream(text: &str) -> bool {
    let fields = ["event:", "data:", "id:", "retry:", ":", "["];
    fields.iter().any(|field| start_of(text).starts_with(field)) || is_lines(text)
}

/// Returns `true` if a text has one object per line, at least two.
fn is_lines(text: &str) -> bool {
    let mut lines = lines(start_of(text)).map(str::trim_end).filter(|line| !line.is_empty());
    let mut object = || lines.next().is_some_and(|line| line.starts_with('{') && line.ends_with('}'));
    object() && object()
}

/// Returns a text without its possible prefix.
fn start_of(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\r', '\n'])
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
            ("\u{feff}event: error\rdata: Overloaded\r\r", true),
            ("event: error\n\n", true),
            ("event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\ndata: {}\n\n", false),
            ("data: {\"error\":null}\n\ndata: [DONE]\n\n", false),
            (": OPENROUTER PROCESSING\n\n", false),
            ("{\"done\":false}\n{\"error\":\"it stopped\"}\n", true),
            ("{\"done\":false}\n{\"done\":true}\n", false),
        ] {
            assert_eq!(error_in(stream).is_some(), expected, "{stream}");
        }
    }
}
