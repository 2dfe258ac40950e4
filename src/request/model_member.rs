//! Adapts bodies for servers whose URL names the model.

use http::Uri;
use serde_json::value::RawValue;

use super::endpoint::Endpoint;
use super::hosts::EndpointKind;
use super::url::with_path;
use crate::error::Result;

/// Returns the body and the URL as they are sent. If the model was put into the URL, removes it from the body and uses
/// Google's separate method for streams.
pub(super) fn for_url(body: Vec<u8>, endpoint: &Endpoint) -> Result<(Vec<u8>, Uri)> {
    let uri = endpoint.uri();
    if !endpoint.names_model() {
        return Ok((body, uri.clone()));
    }
    let streamed = uri.path().strip_suffix(":rawPredict").filter(|_| endpoint.kind() == EndpointKind::Vertex);
    let uri = match streamed {
        Some(model) if asks_for_stream(&body) => with_path(uri, &format!("{model}:streamRawPredict"))?,
        _ => uri.clone(),
    };
    Ok((without_model(body), uri))
}

/// The members that such a server does not read in the body, as raw text.
#[derive(serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

fn envelope(body: &[u8]) -> Option<(&str, Envelope<'_>)> {
    let text = std::str::from_utf8(body).ok()?;
    Some((text, serde_json::from_str(text).ok()?))
}

/// Returns `true` if the body asks for a stream.
fn asks_for_stream(body: &[u8]) -> bool {
    envelope(body).and_then(|(_, envelope)| envelope.stream).is_some_and(|stream| stream.get() == "true")
}

/// Removes the top-level `model`, which such a server refuses, and keeps every other byte. An unreadable body stays as
/// it is.
fn without_model(body: Vec<u8>) -> Vec<u8> {
    match shortened(&body) {
        Some(shorter) => shorter,
        None => body,
    }
}

fn shortened(body: &[u8]) -> Option<Vec<u8>> {
    let (text, envelope) = envelope(body)?;
    // `RawValue` borrows from the text, so its address is the position of the value. Everything around it is kept as it
    // is.
    let value = envelope.model?.get();
    let start = value.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let before = text.get(..start)?.trim_end_matches(is_space).strip_suffix(':')?.trim_end_matches(is_space);
    let before = before.strip_suffix("\"model\"")?;
    let after = text.get(start.checked_add(value.len())?..)?;
    // If the last of several members is removed, the comma before it goes too.
    let with_comma = || before.trim_end_matches(is_space).strip_suffix(',').unwrap_or(before);
    let next = after.trim_start_matches(is_space).strip_prefix(',');
    let (before, after) = next.map_or_else(|| (with_comma(), after), |next| (before, next));
    Some([before, after].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_models_member_goes() {
        for (body, expected) in [
            (r#"{"model":"a","x":1.50}"#, r#"{"x":1.50}"#),
            (r#"{ "x" : {"model":"a"}, "model" : "a" }"#, r#"{ "x" : {"model":"a"} }"#),
            (r#"{"x":1,"model":"a","y":2}"#, r#"{"x":1,"y":2}"#),
            (r#"{"model":"a"}"#, "{}"),
            (r#"{"messages":[]}"#, r#"{"messages":[]}"#),
            ("[]", "[]"),
            ("{", "{"),
        ] {
            assert_eq!(String::from_utf8(without_model(body.into())).unwrap(), expected);
        }
        assert!(asks_for_stream(br#"{"stream": true}"#));
        assert!(!asks_for_stream(br#"{"stream": false}"#) && !asks_for_stream(br#"{"x":{"stream":true}}"#));
    }
}
