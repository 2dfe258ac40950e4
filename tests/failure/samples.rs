//! Answers of providers as they were seen, with their expected reason and deadline.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_auth::failure::{Blame, SubscriptionRefusal};
use provider_auth::{Failure, FailureClassifier, FailureReason, ProviderId, Timestamp};
use serde_json::Value;

/// 2026-03-15T00:00:00Z: before every date the samples name.
const NOW: Timestamp = Timestamp::from_millis(1_773_532_800_000);

/// Samples that are decided otherwise, and why.
const OTHERWISE: [(&str, FailureReason, &str); 3] = [
    ("ant-404-resource", FailureReason::NotFound, "a 404 that names no model"),
    ("bdr-400-input-too-long", FailureReason::ContextOverflow, "too long has a reason of its own"),
    ("gai-400-context", FailureReason::ContextOverflow, "too long has a reason of its own"),
];

fn samples() -> Vec<Value> {
    serde_json::from_str(include_str!("../fixtures/failure_samples.json")).unwrap()
}

fn headers(sample: &Value) -> HeaderMap {
    let entries = sample["headers"].as_object().unwrap().iter();
    let pair = |(name, value): (&String, &Value)| {
        (HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap())
    };
    entries.map(pair).collect()
}

fn classify(sample: &Value) -> Failure {
    let provider = ProviderId::new(sample["provider"].as_str().unwrap()).unwrap();
    let status = StatusCode::from_u16(u16::try_from(sample["status"].as_u64().unwrap()).unwrap()).unwrap();
    let body = sample["body"].as_str().unwrap();
    let failure = FailureClassifier::new(&provider).response(status, &headers(sample), body.as_bytes(), NOW);
    failure.unwrap_or_else(|| panic!("{} is not a failure", sample["id"]))
}

fn expected(sample: &Value) -> Vec<FailureReason> {
    let id = sample["id"].as_str().unwrap();
    if let Some((_, reason, _)) = OTHERWISE.iter().find(|(other, ..)| *other == id) {
        return vec![*reason];
    }
    let any = sample["reason_any"].as_array().cloned().unwrap_or_else(|| vec![sample["expected_reason"].clone()]);
    any.iter().map(|name| FailureReason::from_name(name.as_str().unwrap()).unwrap()).collect()
}

#[test]
fn every_sample_gives_its_reason() {
    let wrong: Vec<String> = samples()
        .iter()
        .filter_map(|sample| {
            let (failure, expected) = (classify(sample), expected(sample));
            (!expected.contains(&failure.reason())).then(|| format!("{}: {failure:?}, not {expected:?}", sample["id"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_sample_gives_its_deadline() {
    for sample in samples() {
        let failure = classify(&sample);
        let waits = failure.deadline().map(|at| (at - NOW).as_secs_f64());
        let (seconds, date) = (sample["retry_after_s"].as_f64(), sample["deadline"].as_str());
        if let Some(seconds) = seconds {
            assert!((waits.unwrap() - seconds).abs() < 0.001, "{}: {waits:?}", sample["id"]);
        } else if let Some(date) = date {
            let at = failure.deadline().unwrap().to_string().replace(".000Z", "Z");
            assert_eq!(at, date, "{}", sample["id"]);
        } else if sample["id"] == "gateway-429-spend-limit" {
            // Its sentence names a moment, which the sample leaves unconverted.
            assert_eq!(failure.deadline().unwrap().to_string(), "2026-08-09T00:00:00.000Z");
        } else {
            assert_eq!(waits, None, "{}", sample["id"]);
        }
    }
}

#[test]
fn no_sample_shows_its_own_words() {
    for sample in samples() {
        let failure = classify(&sample);
        let message = failure.unredacted_message().map(|message| message.expose().to_owned());
        let shown = format!("{failure} {failure:?} {:?} {}", failure.clone().into_error(), failure.help());
        if let Some(message) = message.filter(|message| message.len() > 12) {
            assert!(!shown.contains(&message), "{shown}");
        }
        assert!(!shown.contains("req_"), "{shown}");
    }
}

#[test]
fn subscription_refusals_are_named_and_advise_an_api_key() {
    let named: Vec<(String, SubscriptionRefusal)> = samples()
        .iter()
        .filter_map(|sample| Some((sample["id"].as_str()?.to_owned(), classify(sample).refusal()?)))
        .collect();
    for (id, refusal) in [
        ("ant-400-claude-code-only-credential", SubscriptionRefusal::ClaudeCodeOnly),
        ("ant-401-oauth-not-supported", SubscriptionRefusal::NotSupported),
        ("ant-401-oauth-not-allowed-org", SubscriptionRefusal::NotAllowed),
        ("ant-400-third-party-apps", SubscriptionRefusal::ExtraUsage),
        ("ant-400-third-party-apps-credit", SubscriptionRefusal::ExtraUsage),
        ("ant-400-out-of-extra-usage", SubscriptionRefusal::ExtraUsage),
        ("ant-400-out-of-extra-usage-admin", SubscriptionRefusal::ExtraUsage),
        ("ant-429-extra-usage-long-context", SubscriptionRefusal::ExtraUsage),
        ("ant-429-error-subscription", SubscriptionRefusal::BareRateLimit),
    ] {
        assert!(named.contains(&(id.to_owned(), refusal)), "{id} in {named:?}");
    }
    assert_eq!(named.len(), 9, "{named:?}");
    for sample in samples() {
        let failure = classify(&sample);
        if let Some(refusal) = failure.refusal() {
            assert!(refusal.help().contains("API key"));
            assert!(!failure.can_retry() && failure.can_rotate());
            let (sentence, error) = (failure.to_string(), failure.into_error());
            assert_eq!(error.to_string(), sentence);
            assert_eq!(error.help(), refusal.help());
        }
    }
}

#[test]
fn blame_decides_whether_another_profile_is_tried() {
    for sample in samples() {
        let failure = classify(&sample);
        assert_eq!(
            failure.can_rotate(),
            !matches!(failure.blame(), Blame::Request | Blame::Nobody),
            "{}",
            sample["id"]
        );
    }
}
