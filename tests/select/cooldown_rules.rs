//! The default cooldown policy, rule by rule.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

use std::time::Duration;

use provider_auth::select::{SelectorRules, Verdict};
use provider_auth::{AuthProfiles, FailureReason, ProfileSelector, Query};
use serde_json::{Value, json};

use crate::bench::{Bench, ID, key};
use crate::support::{DAY, HOUR, MINUTE, NOW, SECOND, YEAR, at, exact, id, provider, written};

use FailureReason::{Auth, AuthPermanent, Billing, ModelNotFound, RateLimit, SessionExpired, Timeout, Unknown};

#[test]
fn every_reason_climbs_its_own_ladder() {
    let transient = [30 * SECOND, MINUTE, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE];
    let minutes = |list: &[i64]| list.iter().map(|minutes| minutes * MINUTE).collect::<Vec<_>>();
    let rate_limit =
        [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600].map(|seconds: i64| seconds * SECOND).to_vec();
    for (reason, ladder) in [
        (Auth, transient.to_vec()),
        (SessionExpired, transient.to_vec()),
        (Timeout, transient.to_vec()),
        (ModelNotFound, transient.to_vec()),
        (Unknown, transient.to_vec()),
        (RateLimit, rate_limit),
        (Billing, minutes(&[10, 20, 40, 80, 160, 320, 640, 1_280, 1_440])),
        (AuthPermanent, minutes(&[10, 20, 40, 60, 60, 60])),
    ] {
        let (mut bench, mut now) = (Bench::new(), NOW);
        for (step, length) in ladder.into_iter().enumerate() {
            bench.fail(reason, now);
            assert_eq!(bench.rest(None, now), length, "{reason}, failure {}", step + 1);
            let (cooldown, disabled) = (bench.stats().cooldown_until(), bench.stats().disabled_until());
            let long = [Billing, AuthPermanent].contains(&reason);
            assert_eq!((cooldown.is_some(), disabled.is_some()), (!long, long), "{reason} uses one lane");
            assert!(bench.rest(None, now + length - 1) == 1 && bench.verdict(None, now + length).is_ready());
            now += length;
        }
    }
}

#[test]
fn the_first_window_of_a_reason_does_not_depend_on_the_others() {
    let mut bench = Bench::new();
    let mut now = NOW;
    for _ in 0..3 {
        bench.fail(RateLimit, now);
        now += HOUR;
    }
    for (reason, first) in
        [(Auth, 30 * SECOND), (Timeout, 30 * SECOND), (Billing, 10 * MINUTE), (AuthPermanent, 10 * MINUTE)]
    {
        bench.fail(reason, now);
        assert_eq!((bench.count(reason), bench.rest(None, now)), (1, first), "{reason}");
        now += HOUR;
    }
    bench.fail(RateLimit, now);
    assert_eq!((bench.count(RateLimit), bench.rest(None, now)), (4, 4 * MINUTE));
}

#[test]
fn a_running_window_is_never_moved_by_a_further_failure() {
    for reason in [Auth, RateLimit, Billing, AuthPermanent] {
        let mut bench = Bench::new();
        bench.fail(reason, NOW);
        let end = bench.verdict(None, NOW).until();
        for later in [1, 5 * SECOND, 29 * SECOND] {
            bench.fail_full(reason, None, NOW + later, None, NOW + later);
            assert_eq!(bench.verdict(None, NOW + later).until(), end, "{reason}");
        }
    }
}

#[test]
fn a_deadline_of_the_server_beats_the_ladder_within_the_cap() {
    for reason in [RateLimit, Auth, Billing, AuthPermanent, Timeout] {
        for (named, length) in [
            (Some(1), Some(1)),
            (Some(7 * SECOND), Some(7 * SECOND)),
            (Some(3 * HOUR), Some(3 * HOUR)),
            (Some(DAY), Some(DAY)),
            (Some(DAY + 1), Some(DAY)),
            (Some(30 * YEAR), Some(DAY)),
            (Some(i64::MAX - NOW), Some(DAY)),
            (Some(0), None),
            (Some(-1), None),
            (Some(-NOW), None),
            (Some(i64::MIN), None),
        ] {
            let (mut bench, mut plain) = (Bench::new(), Bench::new());
            bench.fail_full(reason, None, NOW - 1, named.map(|after| NOW.saturating_add(after)), NOW);
            plain.fail(reason, NOW);
            let expected = length.unwrap_or_else(|| plain.rest(None, NOW));
            assert_eq!(bench.rest(None, NOW), expected, "{reason}, deadline {named:?}");
        }
    }
}

#[test]
fn a_deadline_lengthens_a_running_window_and_never_shortens_it() {
    let mut bench = Bench::new();
    bench.fail(RateLimit, NOW);
    for (later, deadline, end) in [
        (1, 10 * SECOND, 30 * SECOND),
        (2, -HOUR, 30 * SECOND),
        (3, HOUR, HOUR),
        (4, 45 * SECOND, HOUR),
        (5, 2 * DAY, DAY + 5),
    ] {
        bench.fail_full(RateLimit, None, NOW - 1, Some(NOW + deadline), NOW + later);
        assert_eq!(bench.rest(None, NOW + later), end - later);
    }
    assert_eq!(bench.count(RateLimit), 1, "what is older than the window only lengthens it");
}

#[test]
fn a_window_that_the_server_set_is_a_step_of_the_ladder_too() {
    for (reason, second) in [(RateLimit, MINUTE), (Auth, MINUTE), (Billing, 20 * MINUTE)] {
        let mut bench = Bench::new();
        bench.fail_full(reason, None, NOW - 1, Some(NOW + 5 * SECOND), NOW);
        bench.fail(reason, NOW + 5 * SECOND + 1);
        assert_eq!((bench.count(reason), bench.rest(None, NOW + 5 * SECOND + 1)), (2, second), "{reason}");
    }
}

#[test]
fn counters_restart_after_more_than_a_day_and_not_after_exactly_one() {
    for (gap, count, length) in [(DAY - 1, 4, 4 * MINUTE), (DAY, 4, 4 * MINUTE), (DAY + 1, 1, 30 * SECOND)] {
        let mut bench = Bench::with_stats(&json!({
            "errorCount": 5, "failureCounts": {"rate_limit": 3, "auth": 2}, "lastFailureAt": NOW - gap,
        }));
        bench.fail(RateLimit, NOW);
        assert_eq!((bench.count(RateLimit), bench.rest(None, NOW)), (count, length), "gap of {gap}");
        assert_eq!(bench.count(Auth), if gap > DAY { 0 } else { 2 });
    }
}

#[test]
fn a_success_a_clear_and_a_new_secret_end_every_lane() {
    let lanes = json!({
        "lastUsed": NOW - HOUR, "errorCount": 9, "failureCounts": {"rate_limit": 4, "billing": 5},
        "lastFailureAt": NOW - MINUTE, "cooldownUntil": NOW + HOUR, "cooldownReason": "rate_limit",
        "cooldownModel": "opus", "cooldownSince": NOW - MINUTE, "disabledUntil": NOW + DAY, "disabledReason": "billing",
        "disabledSince": NOW - MINUTE, "blockedUntil": NOW + HOUR, "blockedReason": "subscription_limit",
        "modelCooldowns": {"opus": {"until": NOW + HOUR, "since": NOW - MINUTE, "reason": "timeout"}}, "later": [1],
    });
    for way in ["success", "clear", "secret"] {
        let mut bench = Bench::with_stats(&lanes);
        assert!(
            bench.verdict(Some("opus"), NOW).is_cooling_down() && bench.verdict(Some("sonnet"), NOW).is_cooling_down()
        );
        match way {
            "success" => bench.succeed(Some("opus"), NOW - 1, NOW),
            "clear" => assert!(bench.selector.clear_cooldown(&mut bench.profiles, &id(ID)).unwrap()),
            _ => bench.profiles.upsert(&id(ID), &provider("anthropic"), &key("sk-new"), None).unwrap(),
        }
        for model in [None, Some("opus"), Some("sonnet")] {
            assert_eq!(bench.verdict(model, NOW), Verdict::Ready, "{way}, {model:?}");
        }
        assert_eq!((bench.count(RateLimit), bench.count(Billing)), (0, 0), "{way}");
        assert_eq!(bench.stats().last_failure_at(), Some(at(NOW - MINUTE)), "{way} keeps the stamp");
        assert_eq!(bench.stats().last_used(), Some(at(if way == "success" { NOW } else { NOW - HOUR })), "{way}");
        let stats = &written(&bench.profiles)["usageStats"][ID];
        assert_eq!((&stats["later"], &stats["errorCount"]), (&json!([1.0]), &json!(0.0)), "{way}");
        for key in ["cooldownUntil", "disabledUntil", "disabledReason", "blockedUntil", "modelCooldowns"] {
            assert_eq!(stats[key], Value::Null, "{way} leaves {key}");
        }
        bench.fail(RateLimit, NOW + 1);
        assert_eq!(bench.rest(None, NOW + 1), 30 * SECOND, "{way}: the ladder starts again");
    }
    let mut bench = Bench::with_stats(&lanes);
    for same in ["sk-old", " sk-old\n", "sk-\r\nold"] {
        bench.profiles.upsert(&id(ID), &provider("anthropic"), &key(same), Some("user@example.com")).unwrap();
    }
    assert_eq!(
        written(&bench.profiles)["usageStats"][ID],
        exact(&lanes.to_string()),
        "the same secret changes nothing"
    );
}

#[test]
fn arithmetic_saturates_at_both_ends_of_time() {
    let moments = [i64::MIN, i64::MIN + 1, -NOW, -1, 0, 1, NOW, 8_640_000_000_000_000, i64::MAX - 1, i64::MAX];
    for reason in FailureReason::all() {
        for now in moments {
            for deadline in [None, Some(i64::MIN), Some(0), Some(i64::MAX)] {
                let mut bench = Bench::new();
                for picked in moments {
                    bench.fail_full(reason, Some("opus"), picked, deadline, now);
                    bench.fail_full(reason, None, picked, deadline, now.saturating_add(HOUR));
                }
                AuthProfiles::from_json(&bench.text()).unwrap();
                for later in moments {
                    let anthropic = provider("anthropic");
                    let refusal = bench.selector.select(&bench.profiles, &Query::new(&anthropic), at(later)).err();
                    let wait = refusal.and_then(|refusal| refusal.retry_after()).unwrap_or_default();
                    assert!(wait <= Duration::from_secs(86_400 + 2), "{reason} at {now}, asked at {later}: {wait:?}");
                }
                bench.succeed(Some("opus"), now, now);
                bench.selector.clear_cooldown(&mut bench.profiles, &id(ID)).unwrap();
                assert!(bench.verdict(None, now).is_ready());
            }
        }
    }
}

#[test]
fn numbers_that_are_no_moments_lock_nothing_and_break_nothing() {
    for number in ["0", "-0", "-1", "-1.5e300", "1e400", "-1e400", "1e308", "0.25", "null", "\"soon\"", "[1]", "true"] {
        let all = format!(
            r#"{{"lastUsed":{number},"cooldownUntil":{number},"disabledUntil":{number},"blockedUntil":{number},"errorCount":{number},"lastFailureAt":{number},"failureCounts":{{"rate_limit":{number},"billing":{number}}},"modelCooldowns":{{"opus":{{"until":{number},"since":{number}}}}},"successPickedAt":{{"":{number},"opus":{number}}}}}"#
        );
        let mut bench = Bench::with_text(&all);
        for model in [None, Some("opus")] {
            assert_eq!(bench.verdict(model, NOW), Verdict::Ready, "{number}");
        }
        for (reason, cap) in [(RateLimit, HOUR), (Billing, DAY)] {
            bench.fail(reason, NOW);
            let rest = bench.rest(None, NOW);
            assert!((30 * SECOND..=cap).contains(&rest), "{number}, {reason}: rests for {rest}");
            AuthProfiles::from_json(&bench.text()).unwrap();
        }
        bench.succeed(None, NOW, NOW + 1);
        assert_eq!(bench.verdict(Some("opus"), NOW + 1), Verdict::Ready, "{number}");
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_freeze_the_ladder() {
    let mut bench = Bench::new();
    for _ in 0..4 {
        bench.fail(Billing, NOW);
        bench.fail(RateLimit, NOW);
    }
    let back = NOW - YEAR;
    assert!(bench.verdict(None, back).is_ready(), "a window of next year is the trace of another clock");
    bench.fail(RateLimit, back);
    assert!((30 * SECOND..=HOUR).contains(&bench.rest(None, back)));
    bench.succeed(None, back, back + MINUTE);
    assert!(bench.verdict(None, back + MINUTE).is_ready());
    assert_eq!(bench.count(RateLimit), 0);
    let forward = NOW + YEAR;
    bench.fail(RateLimit, forward);
    assert_eq!(bench.rest(None, forward), 30 * SECOND);
}

#[test]
fn the_policy_is_data() {
    let mut rules = SelectorRules::default();
    rules.cooldown.deadline_cap = Duration::from_secs(2 * 86_400);
    rules.cooldown.failure_window = Duration::from_secs(60);
    rules.cooldown.billing_base_by_provider.push((provider("Anthropic"), Duration::from_secs(3_600)));
    let mut bench = Bench::new();
    bench.selector = ProfileSelector::new(rules);
    bench.fail(Billing, NOW);
    assert_eq!(bench.rest(None, NOW), HOUR);
    bench.fail_full(RateLimit, None, NOW - 1, Some(NOW + 3 * DAY), NOW);
    assert_eq!(bench.rest(None, NOW), 2 * DAY);
}

#[test]
fn a_window_opened_far_ahead_of_the_clock_never_comes_into_force() {
    // Half a minute, opened a year from now by a clock that has been set back since.
    let since = NOW + YEAR;
    let text = format!(
        r#"{{"version":1,"profiles":{{"{ID}":{{"type":"api_key","provider":"anthropic","key":"k"}}}},
            "usageStats":{{"{ID}":{{"cooldownUntil":{},"cooldownSince":{since}}}}}}}"#,
        since + 30 * SECOND
    );
    let profiles = AuthProfiles::from_json(&text).unwrap();
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let ready = |now: i64| selector.select(&profiles, &Query::new(&anthropic), at(now)).is_ok();
    assert!(ready(NOW) && ready(since - HOUR) && ready(since - 2 * MINUTE));
    assert!(!ready(since) && !ready(since + 29 * SECOND) && ready(since + 30 * SECOND));
}
