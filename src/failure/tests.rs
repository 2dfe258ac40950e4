//! The rules as a whole, against the answers in `tests/fixtures`: every row has a sample, and no word of the caller counts.

mod page;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::classifier::FailureClassifier;
use super::failure::Failure;
use super::rules::{self, Rule};
use crate::clock::Timestamp;
use crate::id::ProviderId;
use crate::reason::FailureReason;

const NOW: Timestamp = Timestamp::from_millis(1_773_532_800_000);

/// Returns answers as they were seen or documented, one object per line: `kind`, `provider`, `status`, `headers`,
/// `body`, `reason`, and the source.
fn answers() -> Vec<Value> {
    let lines = include_str!("../../tests/fixtures/failure_answers.jsonl").lines();
    let samples: Vec<Value> = serde_json::from_str(include_str!("../../tests/fixtures/failure_samples.json")).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../tests/fixtures/failure_vectors.json")).unwrap();
    let vectors = vectors.into_iter().map(|vector| {
        let input = &vector["input"];
        let text = ["message", "code", "error"].map(|name| &input[name]);
        let text = text.into_iter().find(|text| !text.is_null()).cloned().unwrap_or_default();
        let kind = if input["status"].is_null() { "text" } else { "response" };
        serde_json::json!({"kind": kind, "provider": input["provider"], "status": input["status"], "body": text})
    });
    lines.map(|line| serde_json::from_str(line).unwrap()).chain(samples).chain(vectors).collect()
}

fn classify(answer: &Value, body: &str) -> Option<Failure> {
    let classifier = match answer["provider"].as_str() {
        Some(provider) => FailureClassifier::new(&ProviderId::new(provider).unwrap()),
        None => FailureClassifier::for_any_provider(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default()).unwrap();
        headers.insert(HeaderName::try_from(name).unwrap(), value);
    }
    match (answer["kind"].as_str(), answer["status"].as_u64()) {
        (Some("event"), _) => classifier.event("", body.as_bytes(), NOW),
        (Some("text"), _) | (None, None) => classifier.text(body, NOW),
        (_, status) => {
            let status = StatusCode::from_u16(u16::try_from(status.unwrap_or_default()).unwrap()).unwrap();
            classifier.response(status, &headers, body.as_bytes(), NOW)
        }
    }
}

fn body(answer: &Value) -> String {
    match &answer["body"] {
        Value::String(body) => body.clone(),
        Value::Null => String::new(),
        body => body.to_string(),
    }
}

fn reason(answer: &Value, body: &str) -> Option<FailureReason> {
    classify(answer, body).map(|failure| failure.reason())
}

#[test]
fn every_row_decides_an_answer() {
    rules::DECIDED.take();
    for answer in answers() {
        classify(&answer, &body(&answer));
    }
    let decided = rules::DECIDED.take();
    let idle: Vec<&Rule> = rules::all().filter(|rule| !decided.contains(&std::ptr::from_ref(*rule))).collect();
    assert!(idle.is_empty(), "{} rows have no sample: {idle:#?}", idle.len());
}

#[test]
fn every_answer_has_its_reason() {
    let mut wrong = Vec::new();
    for answer in answers() {
        let Some(expected) = answer["reason"].as_str() else { continue };
        let found = reason(&answer, &body(&answer));
        if found.map(FailureReason::as_str) != Some(expected) {
            wrong.push(format!("{answer}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

/// Words of ours as a caller may have chosen them.
fn identifiers() -> Vec<String> {
    let words = |text: &str| {
        let plain = text.split(['|', '&', '*']).map(|part| part.trim_start_matches('^').trim_end_matches('$'));
        plain.filter(|part| part.len() > 3 && part.is_ascii()).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    rules::all().flat_map(|rule| words(rule.text).into_iter().chain(words(rule.code))).collect()
}

/// A refused request says nothing about the account, regardless of the names of the caller's tools.
#[test]
fn identifiers_in_a_refused_request_change_nothing() {
    let refused: Vec<Value> =
        answers().into_iter().filter(|answer| answer["status"] == 400 || answer["status"] == 422).collect();
    assert!(refused.len() > 50, "{}", refused.len());
    let mut wrong = Vec::new();
    for (n, words) in identifiers().iter().enumerate() {
        let Some(answer) = refused.get(n % refused.len()) else { continue };
        let plain = body(answer);
        let Ok(mut value) = serde_json::from_str::<Value>(&plain) else { continue };
        let before = reason(answer, &plain);
        let snake: String = words.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let pointers = ["/error/message", "/message", "/detail"];
        let Some(pointer) = pointers.into_iter().find(|pointer| value.pointer(pointer).is_some_and(Value::is_string))
        else {
            continue;
        };
        let message = value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        // A long message is no sentence of a provider's, whatever is added to it.
        if message.len() > 350 {
            continue;
        }
        for changed in [
            format!("{message} (tool `{words}`)"),
            format!("{message} Got '{words}' here."),
            format!("{message} Found \"{words}\""),
            format!("tools.0.get_{snake}.input: {message}"),
            format!("{message} See get_{snake}, messages[0].{snake}.content and /v1/{snake}/x."),
            format!("tools.1.{snake}: {message}"),
            format!("{message} \u{201e}{words}\u{201c} and \u{300c}{words}\u{300d}"),
        ] {
            if let Some(place) = value.pointer_mut(pointer) {
                *place = changed.clone().into();
            }
            let after = reason(answer, &value.to_string());
            if after != before {
                wrong.push(format!("{words}: {before:?} became {after:?} by {changed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), wrong.iter().take(20).collect::<Vec<_>>());
}

/// Names that the caller passes along count as little, however plain they are.
#[test]
fn names_that_are_passed_along_change_nothing() {
    let classifier = FailureClassifier::new(&ProviderId::anthropic()).with_caller_words(["overloaded", "Throttling"]);
    let refused = |message: &str| {
        let body = serde_json::json!({"error": {"type": "invalid_request_error", "message": message}}).to_string();
        classifier.response(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), NOW).unwrap().reason()
    };
    assert_eq!(refused("tool overloaded: input is missing"), FailureReason::Format);
    assert_eq!(refused("tool throttling, overloaded: input is missing"), FailureReason::Format);
    assert_eq!(refused("our servers are overloaded now"), FailureReason::Format);
    assert_eq!(refused("the engine is at capacity"), FailureReason::Overloaded);
}
