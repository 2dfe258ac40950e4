//! The form of a successful body that its headers do not declare as a stream.

use std::borrow::Cow;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A complete answer, as far as can be seen.
    Whole,
    /// Server-sent events, regardless of the headers.
    Events,
    /// The start of an answer, or not the type that its headers declare.
    Cut,
    /// Nothing that the provider's API would send: a web page, or the text of a proxy.
    Foreign,
}

/// Determines the form of a body. `is_messages` is `true` for an answer of the Messages API, which must be JSON.
pub(super) fn form_of(status: StatusCode, headers: &HeaderMap, body: &[u8], is_messages: bool) -> Form {
    // A compressed body cannot be examined.
    let has_none = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    if has_none || headers.contains_key(CONTENT_ENCODING) {
        return Form::Whole;
    }
    let kind = media_type(headers);
    let promised = kind.ends_with("/json") || kind.ends_with("+json") || is_lines(&kind);
    // Other types belong to other protocols, such as Amazon's framed events.
    let due = is_messages && (kind.is_empty() || kind.starts_with("text/") || kind == "application/octet-stream");
    if is_events(body) {
        Form::Events
    } else if promised || due {
        form_of_json(body, is_lines(&kind), promised)
    } else {
        Form::Whole
    }
}

/// Returns the form of a body that should be JSON: one value, or one after another.
pub(super) fn form_of_json(body: &[u8], is_lines: bool, promised: bool) -> Form {
    let body = without_mark(body).trim_ascii();
    if body.starts_with(b"<") {
        return Form::Foreign;
    }
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<IgnoredAny>();
    let (mut count, mut last) = (0_u32, 0);
    loop {
        let start = values.byte_offset();
        match values.next() {
            Some(Ok(_)) => (count, last) = (count.saturating_add(1), start),
            // Some servers write numbers that JSON does not have, such as `NaN`: a closed value is complete.
            Some(Err(error)) if error.classify() != Category::Eof && is_closed(body) => return Form::Whole,
            Some(Err(error)) if promised || error.classify() == Category::Eof => return Form::Cut,
            Some(Err(_)) => return Form::Foreign,
            None if count == 0 => return Form::Cut,
            None => break,
        }
    }
    let goes_on = (is_lines || count > 1) && body.get(last..).is_some_and(says_more_is_to_come);
    if goes_on { Form::Cut } else { Form::Whole }
}

fn is_closed(body: &[u8]) -> bool {
    matches!(body, [b'{', .., b'}'] | [b'[', .., b']'])
}

/// Returns `true` if a line of Ollama's announces more; each line states whether it is the last.
fn says_more_is_to_come(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Line {
        done: Option<bool>,
    }
    serde_json::from_slice::<Line>(line).is_ok_and(|line| line.done == Some(false))
}

/// Returns `true` if a body begins like a stream of events and has data.
fn is_events(body: &[u8]) -> bool {
    let fields: [&[u8]; 5] = [b"event:", b"data:", b"id:", b"retry:", b":"];
    let start = without_mark(body).trim_ascii_start();
    let mut lines = start.split(|byte| matches!(byte, b'\n' | b'\r'));
    fields.iter().any(|field| start.starts_with(field)) && lines.any(|line| line.starts_with(b"data:"))
}

fn is_lines(kind: &str) -> bool {
    ["ndjson", "jsonl", "jsonlines"].iter().any(|name| kind.ends_with(name))
}

/// Returns the media type without parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Cow<'_, str> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_lower = !kind.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(kind) } else { Cow::Owned(kind.to_ascii_lowercase()) }
}

/// Returns `true` if the headers declare a stream of server-sent events.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    media_type(headers) == "text/event-stream"
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str, body: &str, is_messages: bool) -> Form {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        form_of(StatusCode::OK, &headers, body.as_bytes(), is_messages)
    }

    #[test]
    fn a_body_is_what_it_looks_like() {
        let json = "application/json; charset=utf-8";
        for (kind, body, expected) in [
            (json, "{\"type\":\"message\",\"content\":[]}\n", Form::Whole),
            (json, "\u{feff}{\"a\":1}", Form::Whole),
            (json, "[{\"candidates\":[]}\n,\r\n{\"candidates\":[]}]", Form::Whole),
            ("application/vnd.api+json", "{\"a\":", Form::Cut),
            (json, "{\"type\":\"message\",\"content\":[{\"te", Form::Cut),
            (json, "[{\"candidates\":[]}\n,\r\n", Form::Cut),
            (json, "{\"logprob\":-Infinity}", Form::Whole),
            (json, "{\"logprob\":-Infinity,\"te", Form::Cut),
            (json, "", Form::Cut),
            (json, "OK", Form::Cut),
            (json, "<html>login</html>", Form::Foreign),
            // Ollama, under its own type and another.
            ("application/x-ndjson", "{\"done\":false}\n{\"done\":true}\n", Form::Whole),
            ("application/x-ndjson", "{\"done\":false}\n", Form::Cut),
            (json, "{\"done\":false}\n{\"done\":false}\n", Form::Cut),
            (json, "{\"done\":false}", Form::Whole),
            // Events under any type.
            (json, "data: {}\n\n", Form::Events),
            ("text/plain", "event: message_start\r\ndata: {}\r\n\r\n", Form::Events),
            ("", ": a comment\n\ndata: {}", Form::Events),
            ("text/plain", ":-) is all I say", Form::Whole),
            ("text/plain", "event: a party", Form::Whole),
            ("text/plain", "OK", Form::Whole),
            ("audio/mpeg", "ID3", Form::Whole),
        ] {
            assert_eq!(form(kind, body, false), expected, "{kind} {body}");
        }
        // The answer to a request for a message must be JSON.
        for (kind, body, expected) in [
            ("text/plain", "OK", Form::Foreign),
            ("", "", Form::Cut),
            ("", "{\"type\":\"message\"}", Form::Whole),
            ("application/octet-stream", "{\"type\":", Form::Cut),
            ("application/vnd.amazon.eventstream", "\0\0\0", Form::Whole),
        ] {
            assert_eq!(form(kind, body, true), expected, "{kind} {body}");
        }
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(form(json, &nested, false), Form::Whole);
        let mut packed = HeaderMap::new();
        packed.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(form_of(StatusCode::OK, &packed, b"\x1f\x8b", true), Form::Whole);
        assert_eq!(form_of(StatusCode::NO_CONTENT, &HeaderMap::new(), b"", true), Form::Whole);
    }
}
