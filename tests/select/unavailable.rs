//! The reasons that nothing is available, and when one cooling profile may be probed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use std::time::Duration;

use provider_auth::select::{ProbePolicy, Unavailable};
use provider_auth::{AuthProfiles, FailureReason, ProfileSelector, ProviderId, Query};
use serde_json::{Value, json};

use crate::support::{MINUTE, NOW, at};

fn profiles(usage: &Value) -> AuthProfiles {
    let ids = usage.as_object().unwrap().keys();
    let entries = ids.map(|id| (id.clone(), json!({"type": "api_key", "provider": "anthropic", "key": "sk-1"})));
    let entries: Value = entries.collect::<serde_json::Map<_, _>>().into();
    AuthProfiles::from_json(&json!({"version": 1, "profiles": entries, "usageStats": usage}).to_string()).unwrap()
}

fn refusal(profiles: &AuthProfiles) -> Unavailable {
    let anthropic = ProviderId::anthropic();
    ProfileSelector::default().select(profiles, &Query::new(&anthropic), at(NOW)).unwrap_err()
}

#[test]
fn recorded_reasons() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../fixtures/unavailable_vectors.json")).unwrap();
    for case in &cases {
        let reason = refusal(&profiles(&case["input"]["usageStats"])).reason();
        let expected = case["expected"]["reason"].as_str().and_then(FailureReason::from_name);
        assert_eq!(reason, expected, "{}", case["id"]);
    }
}

#[test]
fn what_really_blocks() {
    let until = NOW + MINUTE;
    for (usage, expected) in [
        // Counters of all profiles in cooldown are summed: no profile alone decides.
        (
            json!({"anthropic:a": {"cooldownUntil": until, "failureCounts": {"auth": 3, "rate_limit": 2}},
                   "anthropic:b": {"cooldownUntil": until, "failureCounts": {"rate_limit": 2}}}),
            FailureReason::RateLimit,
        ),
        // A window that says why outweighs any counter.
        (
            json!({"anthropic:a": {"cooldownUntil": until, "failureCounts": {"auth": 1e9}},
                   "anthropic:b": {"disabledUntil": until, "disabledReason": "billing"}}),
            FailureReason::Billing,
        ),
        (json!({"anthropic:a": {"cooldownUntil": until}}), FailureReason::Unknown),
        (json!({"anthropic:a": {"cooldownUntil": until, "failureCounts": {"auth": -5}}}), FailureReason::Unknown),
    ] {
        assert_eq!(refusal(&profiles(&usage)).reason(), Some(expected), "{usage}");
    }
    let none = AuthProfiles::from_json(r#"{"version": 1, "profiles": {}}"#).unwrap();
    assert_eq!(refusal(&none).reason(), None);
}

fn next(usage: &Value, last_probe: Option<i64>) -> Option<(String, i64)> {
    let profiles = profiles(usage);
    let probe = ProbePolicy::default().next(&refusal(&profiles), &profiles, last_probe.map(at))?;
    Some((probe.profile.as_str().to_owned(), (probe.at.as_millis() - NOW) / 1_000))
}

#[test]
fn a_probe_comes_shortly_before_the_end_and_not_too_often() {
    let cooling = |minutes: i64, failed: i64| {
        json!({"anthropic:a": {"cooldownUntil": NOW + minutes * MINUTE, "cooldownReason": "rate_limit",
            "lastFailureAt": NOW - failed * 1_000}})
    };
    let disabled = |reason: &str, failed: i64| {
        json!({"anthropic:a": {"disabledUntil": NOW + 300 * MINUTE, "disabledReason": reason,
            "lastFailureAt": NOW - failed * 1_000}})
    };
    for (name, usage, last_probe, expected) in [
        ("two minutes before the end", cooling(60, 90), None, 58 * 60),
        ("at once if that has passed", cooling(1, 90), None, 0),
        ("30 s after its last failure", cooling(1, 10), None, 20),
        ("30 s after the last probe", cooling(1, 90), Some(NOW - 5_000), 25),
        ("a moment that lies ahead is a clock set back", cooling(1, -500), Some(NOW + 5_000), 0),
        ("never after the end", cooling(1, 90), Some(NOW), 30),
        ("out of credit, every half hour", disabled("billing", 600), None, 20 * 60),
        ("out of credit for long", disabled("billing", 6_000), None, 0),
        ("finished, not before the end", disabled("auth_permanent", 6_000), None, 300 * 60),
    ] {
        assert_eq!(next(&usage, last_probe), Some(("anthropic:a".to_owned(), expected)), "{name}");
    }
    let short = json!({"anthropic:a": {"cooldownUntil": NOW + 10_000, "lastFailureAt": NOW}});
    assert_eq!(next(&short, None).unwrap().1, 10, "a window shorter than the throttle simply ends");
}

#[test]
fn of_several_the_first_that_is_due() {
    let usage = json!({
        "anthropic:a": {"cooldownUntil": NOW + 90_000},
        "anthropic:b": {"cooldownUntil": NOW + 60_000},
        "anthropic:c": {"cooldownUntil": NOW + 3_600_000}});
    assert_eq!(next(&usage, None).unwrap().0, "anthropic:b");
    let none = AuthProfiles::from_json(r#"{"version": 1, "profiles": {}}"#).unwrap();
    assert_eq!(ProbePolicy::default().next(&refusal(&none), &none, None), None);
}

#[test]
fn a_probe_is_a_selection_and_its_success_ends_the_rest() {
    let usage = json!({"anthropic:a": {"cooldownUntil": NOW + 3_600_000, "cooldownSince": NOW - 1_000,
        "cooldownReason": "rate_limit", "lastFailureAt": NOW - 1_000}, "anthropic:b": {"cooldownUntil": NOW + 7_200_000}});
    let mut profiles = profiles(&usage);
    let (anthropic, selector, policy) = (ProviderId::anthropic(), ProfileSelector::default(), ProbePolicy::default());
    let query = Query::new(&anthropic);
    assert!(selector.select_or_probe(&profiles, &query, &policy, None, at(NOW)).is_err());
    let later = at(NOW) + Duration::from_secs(58 * 60);
    let probe = selector.select_or_probe(&profiles, &query, &policy, None, later).unwrap();
    assert_eq!((probe.profile.as_str(), probe.skipped.len()), ("anthropic:a", 1));
    assert!(selector.select_or_probe(&profiles, &query, &policy, Some(later), later).is_err());
    selector.record_success(&mut profiles, &probe.receipt, later).unwrap();
    let selection = selector.select_or_probe(&profiles, &query, &policy, Some(later), later).unwrap();
    assert_eq!(selection.profile.as_str(), "anthropic:a");
}
