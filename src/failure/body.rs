//! The contents of an error body in any form: object, one-element array, JSON in a string, nested proxies.

use serde_json::{Map, Value};

use super::caller::without_caller_words;
use super::deadline::Hints;
use super::envelope::{exception, is_envelope, parse};
use super::fragments::{codes_in, objects_in, quoted_at_end};
use super::prose::status_in;
use super::rules::is_about_request;
use super::text::{Text, ends_of};

const MAX_DEPTH: usize = 8;
const MAX_CODES: usize = 16;
const MAX_CODE_LEN: usize = 96;
/// The number of elements of an array to examine.
const MAX_ELEMENTS: usize = 8;

/// Members whose text is a code. Of several on one level, later ones are more specific.
const CODES: [&str; 13] = [
    "type",
    "status",
    "__type",
    "code",
    "Code",
    "reason",
    "error_type",
    "error_code",
    "errorCode",
    "limit_source",
    "http_status",
    "statusCode",
    "status_code",
];

/// Members whose text is a message for people.
const MESSAGES: [&str; 11] = [
    "message",
    "Message",
    "msg",
    "detail",
    "error_description",
    "error_message",
    "errorMessage",
    "title",
    "raw",
    "description",
    "status_msg",
];

/// Members that contain the error, or a more specific one.
const NESTED: [&str; 16] = [
    "error",
    "Error",
    "errors",
    "response",
    "Response",
    "choices",
    "details",
    "detail",
    "metadata",
    "availability",
    "cause",
    "innererror",
    "inner_error",
    "body",
    "data",
    "base_resp",
];

/// Members that repeat what the caller sent.
const ECHOES: [&str; 14] = [
    "input",
    "inputs",
    "ctx",
    "request",
    "value",
    "param",
    "params",
    "parameters",
    "arguments",
    "messages",
    "tools",
    "content",
    "flagged_input",
    "failed_generation",
];

/// The evidence found in a body.
#[derive(Debug, Default)]
pub(super) struct Found<'n> {
    /// Names that the caller chose; see [`without_caller_words`].
    names: &'n [Box<str>],
    /// In lower case, outermost first.
    pub(super) codes: Vec<String>,
    /// Codes in a text, which count if the structure has none.
    pub(super) told: Vec<String>,
    /// A status that the body has as a number.
    pub(super) status: Option<u16>,
    /// A status that a message states.
    pub(super) told_status: Option<u16>,
    /// The messages without the caller's words.
    pub(super) text: Text,
    /// The innermost message, bounded and otherwise unchanged.
    pub(super) message: String,
    pub(super) request_id: Option<String>,
    pub(super) hints: Hints,
    /// The code for the caller: the most specific one, as the provider wrote it.
    pub(super) code: Option<String>,
}

impl<'n> Found<'n> {
    pub(super) fn new(names: &'n [Box<str>]) -> Self {
        Self { names, ..Self::default() }
    }

    pub(super) fn in_value(value: &Value, names: &'n [Box<str>]) -> Self {
        let mut found = Self::new(names);
        found.visit(value, 0);
        found
    }

    pub(super) fn in_text(text: &str, names: &'n [Box<str>]) -> Self {
        let mut found = Self::new(names);
        found.add_message(text, 0);
        found
    }

    fn visit(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(elements) => {
                elements.iter().take(MAX_ELEMENTS).for_each(|element| self.visit(element, depth + 1));
            }
            Value::Object(object) => self.visit_object(object, depth),
            _ => {}
        }
    }

    fn visit_object(&mut self, object: &Map<String, Value>, depth: usize) {
        for name in CODES {
            match object.get(name) {
                Some(Value::String(code)) => self.add_code(code),
                Some(Value::Number(number)) => self.add_number(number, name),
                _ => {}
            }
        }
        if let Some((class, told)) = exception(object) {
            self.add_code(class);
            self.visit(told, depth + 1);
        }
        // The class of an error that an SDK printed.
        if let Some(class) = object.get("name").and_then(Value::as_str)
            && (class.ends_with("Exception") || class.ends_with("Error"))
        {
            self.add_code(class);
        }
        for name in ["request_id", "requestId", "requestID"] {
            if let Some(id) = object.get(name).and_then(Value::as_str) {
                self.request_id.get_or_insert_with(|| id.to_owned());
            }
        }
        self.hints.read(object);
        for name in MESSAGES {
            match object.get(name) {
                Some(Value::String(message)) => self.add_message(message, depth),
                Some(nested @ Value::Object(_)) => self.visit(nested, depth + 1),
                _ => {}
            }
        }
        for name in NESTED {
            match object.get(name) {
                // In OAuth's format the code is the error.
                Some(Value::String(text)) if name == "error" => {
                    if is_token(text) {
                        self.add_code(text);
                    } else {
                        self.add_message(text, depth);
                    }
                }
                Some(nested @ (Value::Object(_) | Value::Array(_)))
                    if !MESSAGES.contains(&name) || nested.is_array() =>
                {
                    self.visit(nested, depth + 1);
                }
                _ => {}
            }
        }
        // A gateway uses other names for the error that it received, and repeats the request under others still.
        for (name, nested) in object {
            let known = [&NESTED[..], &MESSAGES, &ECHOES].iter().any(|names| names.contains(&name.as_str()));
            if !known && is_envelope(nested) {
                self.visit(nested, depth + 1);
            }
        }
    }

    /// Adds a message, or the errors inside it.
    fn add_message(&mut self, message: &str, depth: usize) {
        if depth < MAX_DEPTH {
            let quoted = message.trim();
            let quoted =
                quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|rest| !rest.contains('"'));
            if let Some(inside) = quoted {
                return self.add_message(inside, depth + 1);
            }
            if let Some(value) = parse(message) {
                return self.visit(&value, depth + 1);
            }
            if let Some((start, errors)) = self.objects_in(message, depth) {
                let before = message.get(..start).unwrap_or_default();
                self.add_told(before, depth);
                let (texts, codes) = (self.text.len, self.codes.len());
                for error in &errors {
                    self.visit(error, depth + 1);
                }
                if self.text.len > texts || self.codes.len() > codes {
                    self.hints.read_text(message);
                    return;
                }
            }
        }
        self.add_told(message, depth);
        if depth == 0
            && let Some(sentence) = quoted_at_end(message)
        {
            return self.add_message(sentence, 1);
        }
        let (head, tail) = ends_of(message);
        self.text.push(&without_caller_words(head, self.names), message.len());
        if !tail.is_empty() {
            self.text.push(&without_caller_words(tail, self.names), 0);
        }
        self.hints.read_text(message);
        head.clone_into(&mut self.message);
    }

    /// Returns the errors inside a message. If the answer has a code that blames the request, they are the caller's
    /// words. Otherwise they follow the name of their source.
    fn objects_in(&self, message: &str, depth: usize) -> Option<(usize, Vec<Value>)> {
        let alone = depth == 0;
        if !alone && self.codes.iter().any(|code| is_about_request(code)) {
            return None;
        }
        let (start, objects) = objects_in(message, alone)?;
        let before = message.get(..start)?.trim_end_matches([' ', '\n', 'b', '\'', '"']);
        let told = before.is_empty() || before.ends_with([':', '-', '>']);
        (alone || told).then_some((start, objects))
    }

    /// Adds the codes and the status that a text states. In the message of an answer, such a code is one of the
    /// caller's.
    fn add_told(&mut self, text: &str, depth: usize) {
        let (head, _) = ends_of(text);
        if depth == 0 {
            let room = MAX_CODES.saturating_sub(self.told.len());
            let own = |code: &&str| !self.names.iter().any(|name| name.eq_ignore_ascii_case(code));
            self.told.extend(codes_in(head).filter(own).take(room).map(str::to_ascii_lowercase));
        }
        self.told_status = self.told_status.or_else(|| status_in(head));
    }

    pub(super) fn add_code(&mut self, code: &str) {
        // Amazon: `ThrottlingException:http://...` in the header, `com.amazon#ThrottlingException` in the body.
        let code = code.split(':').next().unwrap_or(code);
        let code = code.rsplit('#').next().unwrap_or(code).trim();
        if let Ok(status) = code.parse::<u16>()
            && (400..=599).contains(&status)
        {
            self.status.get_or_insert(status);
        } else if is_token(code) && self.codes.len() < MAX_CODES {
            if code != "error" && !code.starts_with("type.googleapis") {
                self.code = Some(code.to_owned());
            }
            self.codes.push(code.to_ascii_lowercase());
        }
    }

    fn add_number(&mut self, number: &serde_json::Number, name: &str) {
        match number.as_u64() {
            Some(status @ 400..=599) => {
                self.status.get_or_insert(u16::try_from(status).unwrap_or(0));
            }
            // Codes of vendors; a line or a column is not named `code`.
            Some(code) if matches!(name, "code" | "status_code") => self.add_code(&code.to_string()),
            _ => {}
        }
    }
}

/// Returns `true` if a text can be a code rather than a sentence.
fn is_token(text: &str) -> bool {
    let fits = (1..=MAX_CODE_LEN).contains(&text.len());
    fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found<'static> {
        Found::in_text(text, &[])
    }

    #[test]
    fn shapes() {
        let inner =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#;
        let quoted = serde_json::to_string(inner).unwrap();
        let twice = serde_json::to_string(&format!(r#"{{"error":{{"message":{quoted}}}}}"#)).unwrap();
        for body in [
            inner.to_owned(),
            format!("[{inner}]"),
            format!(" \u{feff}{inner}\n"),
            format!(r#"{{"error":{{"code":500,"message":{quoted}}}}}"#),
            format!(r#"{{"error":{{"message":{twice}}}}}"#),
            format!(r#"{{"error":{inner}}}"#),
            format!(r#"{{"detail":[{inner}]}}"#),
            format!(r#"{{"error":{{"message":"Provider returned error","metadata":{{"raw":{quoted}}}}}}}"#),
        ] {
            let found = found(&body);
            assert!(found.codes.iter().any(|code| code == "overloaded_error"), "{body}: {found:?}");
            assert_eq!(found.message, "Overloaded", "{body}");
            assert_eq!(found.request_id.as_deref(), Some("req_1"), "{body}");
        }
    }

    #[test]
    fn the_most_specific_code_is_told() {
        let body = r#"{"error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        assert_eq!(found(body).code.as_deref(), Some("enforced_spend_limit_reached"));
        let body = r#"{"error":{"message":"m","type":"invalid_request_error","code":"invalid_api_key"}}"#;
        assert_eq!(found(body).code.as_deref(), Some("invalid_api_key"));
    }

    #[test]
    fn depth_and_numbers_are_bounded() {
        let deep = format!("{}{{\"code\":\"deep_code\"}}{}", r#"{"error":"#.repeat(100), "}".repeat(100));
        assert!(found(&deep).codes.is_empty());
        assert_eq!(found(r#"{"code":1311,"message":"x"}"#).codes, ["1311"]);
        assert_eq!(found(r#"{"code":"429","message":"x"}"#).status, Some(429));
        assert_eq!(found(r#"{"code":402.5}"#).status, None);
        assert_eq!(found(r#"{"status":"503","error":{"code":"429"}}"#).status, Some(503), "the outermost answers");
    }
}
