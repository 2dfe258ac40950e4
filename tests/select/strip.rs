//! OpenClaw 2026.9 drops unknown members whenever it writes. That must not make anybody less careful about what this
//! crate recorded: neither OpenClaw, which reads only its own members, nor this crate afterwards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use proptest::prelude::*;
use proptest::sample::select;
use provider_auth::select::{Receipt, Verdict};
use provider_auth::{AuthProfiles, FailureReason, ProfileSelector, Query, Timestamp};
use serde_json::{Map, Value, json};

use crate::bench::{Bench, ID};
use crate::support::{DAY, HOUR, MINUTE, NOW, SECOND, at, document, id, provider};

use FailureReason::{Auth, Overloaded, RateLimit, ServerError, Timeout};

/// The members of an entry of `usageStats` that OpenClaw 2026.9.6 keeps.
const MEMBERS: [&str; 16] = [
    "lastUsed",
    "blockedUntil",
    "blockedReason",
    "blockedSource",
    "blockedModel",
    "blockedScope",
    "cooldownUntil",
    "cooldownReason",
    "cooldownClassification",
    "cooldownModel",
    "disabledUntil",
    "disabledReason",
    "errorCount",
    "failureCounts",
    "lastFailureAt",
    "lastProbeAt",
];
/// The reasons that it keeps.
const REASONS: [&str; 13] = [
    "auth",
    "auth_permanent",
    "format",
    "overloaded",
    "rate_limit",
    "billing",
    "timeout",
    "model_not_found",
    "session_expired",
    "empty_response",
    "no_error_details",
    "unclassified",
    "unknown",
];

/// The document after OpenClaw wrote it.
fn stripped(profiles: &AuthProfiles) -> AuthProfiles {
    let mut text: Value = serde_json::from_str(profiles.to_json().expose()).unwrap();
    let known = |reason: &Value| reason.as_str().is_some_and(|reason| REASONS.contains(&reason));
    for stats in text["usageStats"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let stats = stats.as_object_mut().unwrap();
        stats.retain(|member, value| {
            MEMBERS.contains(&member.as_str())
                && (!member.ends_with("Reason") || member == "blockedReason" || known(value))
        });
        if let Some(counts) = stats.get_mut("failureCounts").and_then(Value::as_object_mut) {
            counts.retain(|reason, _| REASONS.contains(&reason.as_str()));
        }
    }
    document(&text)
}

/// Until when OpenClaw leaves a profile alone for a model, by its own members.
fn as_openclaw_reads(profiles: &AuthProfiles, name: &str, model: Option<&str>) -> i64 {
    let stats: Value =
        profiles.usage(name).map_or(Value::Null, |stats| serde_json::from_str(&stats.to_json()).unwrap());
    let concerns = |scope: &Value| scope.is_null() || model.is_none() || scope.as_str() == model;
    let ends = [
        concerns(&stats["cooldownModel"]).then(|| stats["cooldownUntil"].as_i64()),
        Some(stats["disabledUntil"].as_i64()),
        concerns(&stats["blockedModel"]).then(|| stats["blockedUntil"].as_i64()),
    ];
    ends.into_iter().flatten().flatten().max().unwrap_or(0)
}

const IDS: [&str; 2] = ["anthropic:a", "anthropic:b"];
const MODELS: [Option<&str>; 4] = [None, Some("opus"), Some("sonnet"), Some("haiku")];

fn verdict(profiles: &AuthProfiles, name: &str, model: Option<&str>, now: i64) -> Verdict {
    let query = Query::new(&provider("anthropic"));
    let query = model.into_iter().fold(query, Query::model);
    let selector = ProfileSelector::default();
    let candidates = selector.candidates(profiles, &query, at(now));
    candidates.iter().find(|candidate| candidate.id.as_str() == name).unwrap().verdict
}

/// Nobody is less careful after OpenClaw wrote, nor is OpenClaw itself.
fn check(profiles: &AuthProfiles, now: i64) -> Result<(), TestCaseError> {
    let after = stripped(profiles);
    for name in IDS {
        for model in MODELS {
            for now in [now, now + 30 * SECOND, now + 5 * MINUTE, now + HOUR, now + DAY - SECOND] {
                let until = |profiles| verdict(profiles, name, model, now).until().map_or(0, Timestamp::as_millis);
                let (with, without) = (until(profiles), until(&after));
                prop_assert!(with <= without, "{name} {model:?}: until {with}, afterwards until {without}");
                let openclaw = as_openclaw_reads(profiles, name, model);
                prop_assert!(with <= openclaw, "{name} {model:?}: until {with}, for OpenClaw until {openclaw}");
            }
        }
    }
    Ok(())
}

#[derive(Clone, Debug)]
struct Step {
    jump: i64,
    id: &'static str,
    model: Option<&'static str>,
    picked: i64,
    /// `None` is a success.
    reason: Option<FailureReason>,
    deadline: Option<i64>,
    /// Whether OpenClaw writes after this step.
    openclaw_writes: bool,
}

fn step() -> impl Strategy<Value = Step> {
    // Back by no more than clocks are corrected all the time, all steps together: a window beyond the rules' longest binds
    // nobody, with or without a stamp, and then it cannot bind in the place of a shorter one.
    let jump = select(vec![0, 1, SECOND, 30 * SECOND, MINUTE, HOUR, DAY, -SECOND, -5 * SECOND]);
    let reason = prop_oneof![1 => Just(None), 5 => select(FailureReason::all().collect::<Vec<_>>()).prop_map(Some)];
    let deadline = proptest::option::of(select(vec![SECOND, MINUTE, HOUR, 5 * HOUR, DAY, 5 * DAY]));
    let picked = select(vec![0, SECOND, HOUR]);
    (jump, select(&IDS[..]), select(&MODELS[..]), picked, reason, deadline, proptest::bool::weighted(0.3)).prop_map(
        |(jump, id, model, picked, reason, deadline, openclaw_writes)| Step {
            jump,
            id,
            model,
            picked,
            reason,
            deadline,
            openclaw_writes,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_openclaw_drops_makes_no_verdict_less_careful(steps in proptest::collection::vec(step(), 1..12)) {
        let key = json!({"type": "api_key", "provider": "anthropic", "key": "sk-1"});
        let mut profiles = document(&json!({"version": 1, "profiles": {IDS[0]: key, IDS[1]: key}}));
        let (selector, mut now) = (ProfileSelector::default(), NOW);
        for step in steps {
            now += step.jump;
            let receipt = Receipt::new(id(step.id), provider("anthropic"), step.model, at(now - step.picked));
            match step.reason {
                None => selector.record_success(&mut profiles, &receipt, at(now)).unwrap(),
                Some(reason) => {
                    let deadline = step.deadline.map(|after| at(now + after));
                    selector.record_failure(&mut profiles, &receipt, reason, deadline, at(now)).unwrap();
                }
            }
            check(&profiles, now)?;
            if step.openclaw_writes {
                profiles = stripped(&profiles);
            }
        }
    }
}

fn stats(bench: &Bench) -> Value {
    serde_json::from_str(&bench.stats().to_json()).unwrap()
}

fn after_openclaw(bench: &Bench) -> Bench {
    Bench { selector: ProfileSelector::default(), profiles: stripped(&bench.profiles) }
}

#[test]
fn of_two_model_windows_the_later_survives_whichever_came_first() {
    for (first, second) in [(HOUR, 2 * HOUR), (2 * HOUR, HOUR)] {
        let mut bench = Bench::new();
        bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + first), NOW);
        assert_eq!(stats(&bench)["cooldownModel"], json!("opus"), "one model alone leaves the others to OpenClaw");
        bench.fail_full(RateLimit, Some("sonnet"), NOW + 1, Some(NOW + second), NOW + 1);
        let rest = |bench: &Bench, model| bench.rest(Some(model), NOW + 1) + 1;
        // Here each model has its own window, and the third is free.
        assert_eq!((rest(&bench, "opus"), rest(&bench, "sonnet")), (first, second));
        assert!(bench.verdict(Some("haiku"), NOW + 1).is_ready());
        // There is one place for both, which holds the later end for all of them.
        let after = after_openclaw(&bench);
        assert_eq!((rest(&after, "opus"), rest(&after, "sonnet")), (2 * HOUR, 2 * HOUR));
        assert_eq!(stats(&after)["cooldownUntil"], json!(NOW + 2 * HOUR));
        // The model whose window is left has the place for itself again.
        let other = if first > second { ("sonnet", "opus") } else { ("opus", "sonnet") };
        bench.succeed(Some(other.0), NOW + 2, NOW + 3);
        assert_eq!(
            (stats(&bench)["cooldownModel"].clone(), stats(&bench).get("modelCooldowns")),
            (json!(other.1), None)
        );
        assert_eq!(stats(&bench).get("modelCooldownsUntil"), None);
    }
}

#[test]
fn a_window_of_the_profile_and_a_longer_one_of_a_model_share_the_place() {
    let mut bench = Bench::new();
    bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + HOUR), NOW);
    bench.fail_full(Auth, None, NOW + 1, None, NOW + 1);
    assert_eq!(bench.rest(Some("opus"), NOW + 1), HOUR - 1);
    assert_eq!(bench.rest(Some("sonnet"), NOW + 1), 30 * SECOND);
    assert_eq!(after_openclaw(&bench).rest(Some("sonnet"), NOW + 1), HOUR - 1);
    // The shorter one of the profile is over; the one of the model is not.
    assert!(bench.verdict(Some("sonnet"), NOW + MINUTE).is_ready());
    // The other way round nothing has to be widened.
    let mut bench = Bench::new();
    bench.fail_full(Auth, None, NOW, Some(NOW + HOUR), NOW);
    bench.fail_full(Timeout, Some("opus"), NOW + 1, Some(NOW + MINUTE), NOW + 1);
    assert_eq!(
        (stats(&bench)["cooldownUntil"].clone(), stats(&bench)["cooldownReason"].clone()),
        (json!(NOW + HOUR), json!("auth"))
    );
    assert_eq!(stats(&bench)["modelCooldowns"]["opus"]["until"], json!(NOW + MINUTE));
}

#[test]
fn a_window_that_openclaw_moved_is_its_own() {
    let mut bench = Bench::new();
    bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + HOUR), NOW);
    bench.fail_full(RateLimit, Some("sonnet"), NOW + 1, Some(NOW + 2 * HOUR), NOW + 1);
    // OpenClaw until May 2026 keeps what it does not know.
    let mut moved = stats(&bench);
    moved["cooldownUntil"] = json!(NOW + 3 * HOUR);
    moved["lastFailureAt"] = json!(NOW + 2);
    let bench = Bench::with_stats(&moved);
    assert_eq!(bench.rest(Some("haiku"), NOW + 2), 3 * HOUR - 2);
    assert!(bench.profiles.usage(ID).is_some());
}

#[test]
fn a_reason_that_openclaw_does_not_keep_leaves_its_window() {
    for reason in [ServerError, Overloaded] {
        let mut bench = Bench::new();
        bench.fail_full(reason, Some("opus"), NOW, Some(NOW + HOUR), NOW);
        assert_eq!(after_openclaw(&bench).rest(Some("opus"), NOW), HOUR);
        assert!(after_openclaw(&bench).verdict(Some("sonnet"), NOW).is_ready());
    }
}

#[test]
fn nothing_of_ours_is_ever_a_blocked_window() {
    for reason in FailureReason::all() {
        let mut bench = Bench::new();
        bench.fail_full(reason, Some("opus"), NOW, Some(NOW + HOUR), NOW);
        assert!(!bench.text().contains("blocked"), "{reason}");
    }
}
