//! Recorded classifications of OpenClaw: by status, by text, by code.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use http::{HeaderMap, StatusCode};
use provider_auth::{Failure, FailureClassifier, FailureReason, ProviderId, Timestamp};
use serde_json::Value;

/// Cases that are decided otherwise, and why.
const OTHERWISE: [(&str, FailureReason, &str); 16] = [
    ("class-038", FailureReason::ServerError, "the provider's other failures are its own, with or without words"),
    ("class-039", FailureReason::ServerError, "as class-038"),
    ("class-040", FailureReason::ServerError, "as class-038"),
    ("class-041", FailureReason::Timeout, "524 is a timeout"),
    ("class-048", FailureReason::Billing, "a spend limit is money, under any status"),
    ("class-053", FailureReason::Billing, "as class-048"),
    ("class-021", FailureReason::Network, "the request failed on the way"),
    ("class-129", FailureReason::Network, "the request failed on the way"),
    ("class-132", FailureReason::Network, "the request failed on the way"),
    ("class-133", FailureReason::Network, "the request failed on the way"),
    ("class-178", FailureReason::Network, "the request failed on the way"),
    ("class-182", FailureReason::Network, "the request failed on the way"),
    ("class-183", FailureReason::Network, "the request failed on the way"),
    ("class-195", FailureReason::Network, "the request failed on the way"),
    ("class-196", FailureReason::Network, "the request failed on the way"),
    ("class-168", FailureReason::NotFound, "a 404 that names no model"),
];

fn long_text(spec: &Value) -> String {
    let text = |name: &str| spec[name].as_str().unwrap_or_default();
    let filled =
        |fill: &str, count: &str| text(fill).repeat(usize::try_from(spec[count].as_u64().unwrap_or(0)).unwrap());
    let middle = filled("fill", "fillCount") + text("insert") + &filled("fill2", "fill2Count");
    text("prefix").to_owned() + &middle + text("suffix")
}

fn classify(input: &Value) -> Failure {
    let provider = ProviderId::new(input["provider"].as_str().unwrap_or("generic")).unwrap();
    let classifier = FailureClassifier::new(&provider);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let message = match (&input["message"], &input["messageSpec"], &input["code"], &input["error"]) {
        (Value::String(message), ..) => message.clone(),
        (_, spec @ Value::Object(_), ..) => long_text(spec),
        (_, _, Value::String(code), _) => code.clone(),
        (.., error) if !error.is_null() => error.as_str().map_or_else(|| error.to_string(), ToOwned::to_owned),
        _ => String::new(),
    };
    match input["status"].as_u64() {
        Some(status) => {
            let status = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
            classifier.response(status, &HeaderMap::new(), message.as_bytes(), now).unwrap()
        }
        None => classifier.text(&message, now).unwrap(),
    }
}

fn allowed(case: &Value) -> Vec<FailureReason> {
    let id = case["id"].as_str().unwrap();
    if let Some((_, reason, _)) = OTHERWISE.iter().find(|(other, ..)| *other == id) {
        return vec![*reason];
    }
    let expected = &case["expected"];
    let any = expected["reason_any"].as_array().cloned().unwrap_or_else(|| vec![expected["reason"].clone()]);
    // No reason at all means that nothing rests and nothing rotates.
    let name = |name: &Value| FailureReason::from_name(name.as_str().unwrap_or("unknown")).unwrap();
    any.iter().map(name).collect()
}

#[test]
fn every_case_gives_its_reason() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../fixtures/failure_vectors.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let (input, expected) = (&case["input"], &case["expected"]);
        let right = match input["op"].as_str().unwrap() {
            "status_for_reason" => {
                let reason = FailureReason::from_name(input["reason"].as_str().unwrap()).unwrap();
                u64::from(reason.as_status().as_u16()) == expected["status"].as_u64().unwrap()
            }
            "is_billing_message" => {
                (classify(input).reason() == FailureReason::Billing) == expected["billing"].as_bool().unwrap()
            }
            "is_auth_permanent_message" => {
                (classify(input).reason() == FailureReason::AuthPermanent) == expected["permanent"].as_bool().unwrap()
            }
            "classify" | "classify_error" | "coerce_failover_error" | "describe_error" => {
                allowed(case).contains(&classify(input).reason())
            }
            other => panic!("an operation that no test knows: {other}"),
        };
        if !right {
            wrong.push(format!("{} {input}: {:?}, not {expected}", case["id"], classify(input).reason()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong: {wrong:#?}", wrong.len(), cases.len());
}
