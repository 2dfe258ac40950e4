//! Recognition of errors by their structure alone.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::{Map, Value};

use super::rules::is_known_code;
use crate::net::MAX_EVENT;

/// The maximum size of a body to parse, in bytes; longer ones are read as text at both ends.
pub(super) const MAX_JSON: usize = MAX_EVENT;

/// Returns the JSON value of a text, if it is an object or an array of at most that size.
pub(super) fn parse(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches('\u{feff}').trim_start();
    let plausible = text.starts_with(['{', '[']) && text.len() <= MAX_JSON;
    plausible.then(|| serde_json::from_str(text).ok()).flatten()
}

/// Returns `true` if the body of a success is worth parsing: every error contains one of these words, and every web
/// page its bracket. The words may contain escapes.
pub(super) fn may_be_error(body: &[u8]) -> bool {
    static WORDS: LazyLock<[Finder<'static>; 7]> =
        LazyLock::new(|| ["error", "failed", "base_resp", "$fault", "\"code\"", "Exception", "\\u"].map(Finder::new));
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    start.starts_with(b"<") || WORDS.iter().any(|word| word.find(body).is_some())
}

/// Returns `true` if a value with a success status is an error by its structure alone.
pub(super) fn is_error(value: &Value) -> bool {
    let set = |value: &Value| match value {
        Value::Object(object) => !object.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(error) => *error,
        _ => false,
    };
    let failed = |value: &Value| {
        let reason = value.get("finish_reason").or_else(|| value.get("native_finish_reason"));
        value.get("error").is_some_and(set) || reason.and_then(Value::as_str) == Some("error")
    };
    match value {
        Value::Array(elements) => elements.iter().any(is_error),
        Value::Object(object) => {
            let kind = object.get("type").and_then(Value::as_str);
            let minimax = object.get("base_resp").and_then(|told| told.get("status_code")).and_then(Value::as_i64);
            object.get("error").is_some_and(set)
                || minimax.is_some_and(|code| code != 0)
                || object.get("object").and_then(Value::as_str) == Some("error")
                || object.contains_key("$fault")
                || exception(object).is_some()
                || is_bare(object)
                || matches!(kind, Some("error" | "response.failed"))
                || object.get("response").is_some_and(failed)
                || object.get("choices").and_then(Value::as_array).is_some_and(|choices| choices.iter().any(failed))
        }
        _ => false,
    }
}

/// Returns the error in an event of Amazon's streams: one member, named after its class.
pub(super) fn exception(object: &Map<String, Value>) -> Option<(&String, &Value)> {
    object.iter().next().filter(|(name, value)| object.len() == 1 && name.ends_with("Exception") && value.is_object())
}

/// Returns `true` if an object is an error without an envelope: a message and a code, and no result.
fn is_bare(object: &Map<String, Value>) -> bool {
    let typed = object.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("error"));
    let coded = match object.get("code") {
        Some(Value::Number(code)) => code.as_u64().is_some_and(|code| code >= 400),
        Some(Value::String(code)) => is_known_code(code) || code.parse::<u64>().is_ok_and(|code| code >= 400),
        _ => false,
    };
    let message = ["message", "msg"].iter().find_map(|name| object.get(*name).and_then(Value::as_str));
    // Some gateways give their successes a code as well.
    let praised = ["success", "succeeded", "ok"];
    let praised = message.is_some_and(|message| praised.iter().any(|word| message.trim().eq_ignore_ascii_case(word)));
    let answered = ["data", "choices", "candidates", "output", "result", "content"];
    let answered = answered.iter().any(|name| object.get(*name).is_some_and(|value| !value.is_null()));
    message.is_some() && (typed || coded) && !answered && !praised
}

/// Returns the element of an array that is the error: a stream that is sent as one array ends with it.
pub(super) fn narrowed(value: Value) -> Value {
    match value {
        Value::Array(elements) => match elements.iter().position(is_error) {
            Some(at) => elements.into_iter().nth(at).unwrap_or_default(),
            None => Value::Array(elements),
        },
        other => other,
    }
}

/// Returns `true` if an object looks like an error rather than like something the caller sent.
pub(super) fn is_envelope(value: &Value) -> bool {
    let has = |name: &str| value.get(name).is_some();
    let told = has("message") || has("msg") || has("detail") || has("error_description");
    let marks = ["code", "type", "status", "http_status", "statusCode", "status_code"];
    has("error") || has("errors") || has("response") || (told && marks.iter().any(|mark| has(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_under_a_success_status_are_told_by_structure() {
        for (body, expected) in [
            (r#"{"error":null,"output":[]}"#, false),
            (r#"{"error":{},"output":[]}"#, false),
            (r#"{"type":"message","content":[{"type":"text","text":"error: credit balance is too low"}]}"#, false),
            (r#"{"choices":[{"finish_reason":"stop","message":{"content":"error"}}]}"#, false),
            (r#"{"choices":[{"error":{"code":502,"message":"gone"}}]}"#, true),
            (r#"{"choices":[{"finish_reason":"error"}]}"#, true),
            (r#"{"type":"error","error":{"type":"api_error"}}"#, true),
            (r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#, true),
            (r#"{"code":"2000","message":"success"}"#, false),
            (r#"{"code":2000,"msg":"OK"}"#, false),
            (r#"{"code":20012,"message":"Model does not exist"}"#, true),
            (r#"[{"error":{"code":429}}]"#, true),
            (r#"[{"candidates":[]},{"error":{"code":429}}]"#, true),
            (r#"[{"candidates":[]},{"candidates":[]}]"#, false),
            ("[]", false),
        ] {
            assert_eq!(is_error(&parse(body).unwrap()), expected, "{body}");
        }
    }

    #[test]
    fn every_form_of_error_is_parsed_and_an_answer_is_not() {
        for error in [
            r#"{"error":{"type":"overloaded_error"}}"#,
            r#"{"type":"response.failed"}"#,
            r#"{"\u0065rror":"no"}"#,
            r#"{"base_resp":{"status_code":1008}}"#,
            r#"{"$fault":"client"}"#,
            r#"{"code":500,"message":"x"}"#,
            r#"{"throttlingException":{"message":"Too many requests"}}"#,
            "event: error\ndata: no\n\n",
            "\n<html>",
        ] {
            assert!(may_be_error(error.as_bytes()), "{error}");
        }
        assert!(!may_be_error(br#"{"type":"message","content":[{"type":"text","text":"Hi \"you\""}]}"#));
    }
}
