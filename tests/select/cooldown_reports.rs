//! Reports that are late, repeated, concurrent, or about something that is not the profile's fault.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

use provider_auth::profile::DirtyState;
use provider_auth::select::{ProbePolicy, Receipt};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Credential, Failure, FailureReason, MemoryStore, ProfileSelector, Query,
    RecordOutcome, Secret,
};
use serde_json::json;

use crate::bench::{Bench, ID};
use crate::support::{DAY, HOUR, MINUTE, NOW, SECOND, at, document, id, provider};

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, Overloaded, RateLimit, ServerError, SessionExpired, Timeout,
    Unknown,
};

#[test]
fn ten_parallel_failures_are_one() {
    for reason in [RateLimit, Auth, Timeout, Billing, AuthPermanent] {
        let mut bench = Bench::new();
        for n in 0..10 {
            bench.fail_full(reason, None, NOW + n, None, NOW + SECOND + n);
        }
        assert_eq!(bench.count(reason), 1, "{reason}");
        // The same again once the window is over: one more step, not ten.
        let later = NOW + HOUR;
        for n in 0..10 {
            bench.fail_full(reason, None, later + n, None, later + SECOND + n);
        }
        assert_eq!(bench.count(reason), 2, "{reason}");
        // And stragglers of the first wave that arrive after everything is over.
        bench.fail_full(reason, None, NOW + 5, None, NOW + DAY);
        assert_eq!(bench.count(reason), 2, "{reason}");
        assert!(bench.verdict(None, NOW + DAY).is_ready());
    }
}

#[test]
fn ten_parallel_failures_within_one_millisecond_are_one() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.fail_full(Timeout, None, NOW, None, NOW);
    }
    assert_eq!(bench.count(Timeout), 1);
}

#[test]
fn parallel_failures_of_one_model_are_one_and_other_models_count_for_themselves() {
    let mut bench = Bench::new();
    for (n, model) in ["opus", "sonnet", "opus", "sonnet", "opus"].into_iter().enumerate() {
        bench.fail_full(Timeout, Some(model), NOW, None, NOW + SECOND + i64::try_from(n).unwrap());
    }
    assert_eq!(bench.rest(Some("opus"), NOW + SECOND), 30 * SECOND);
    assert!(bench.verdict(Some("haiku"), NOW + SECOND).is_ready());
    assert!(bench.count(Timeout) <= 2);
}

#[test]
fn a_late_failure_after_a_newer_success_changes_nothing() {
    for reason in [Auth, AuthPermanent, SessionExpired, Billing, RateLimit, Timeout, Unknown] {
        let mut bench = Bench::new();
        bench.succeed(None, NOW + 10, NOW + 20);
        let before = bench.text();
        bench.fail_full(reason, None, NOW + 9, None, NOW + 30);
        bench.fail_full(reason, None, NOW, None, NOW + HOUR);
        assert_eq!(bench.text(), before, "{reason}");
        bench.fail_full(reason, None, NOW + 11, None, NOW + 30);
        assert_eq!(bench.count(reason), 1, "{reason}: this one was picked after the success");
    }
}

#[test]
fn the_newest_success_is_remembered_in_whatever_order_reports_arrive() {
    let mut bench = Bench::new();
    bench.succeed(None, NOW + 100, NOW + 200);
    bench.succeed(None, NOW, NOW + 201);
    let before = bench.text();
    bench.fail_full(Auth, None, NOW + 50, None, NOW + 202);
    assert_eq!(bench.text(), before, "picked before the success of {}", NOW + 100);
}

#[test]
fn a_late_failure_of_a_model_is_late_whatever_other_models_did() {
    let mut bench = Bench::new();
    bench.succeed(Some("opus"), NOW + 10, NOW + 20);
    bench.succeed(Some("sonnet"), NOW + 11, NOW + 21);
    let before = bench.text();
    bench.fail_full(RateLimit, Some("opus"), NOW, None, NOW + 30);
    assert_eq!(bench.text(), before);
}

#[test]
fn a_late_success_does_not_end_what_the_server_said_since() {
    let mut bench = Bench::new();
    bench.fail_full(RateLimit, None, NOW + 5, Some(NOW + HOUR), NOW + 10);
    bench.succeed(None, NOW, NOW + 20);
    assert_eq!(bench.rest(None, NOW + 20), HOUR - 20);
    bench.succeed(None, NOW + 11, NOW + 30);
    assert!(bench.verdict(None, NOW + 30).is_ready(), "picked after the window was opened");
}

#[test]
fn a_success_on_one_model_leaves_the_window_of_another() {
    let mut bench = Bench::new();
    bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + HOUR), NOW + 1);
    bench.succeed(Some("sonnet"), NOW + 2, NOW + 3);
    assert_eq!(bench.rest(Some("opus"), NOW + 3), HOUR - 3);
    assert!(bench.verdict(Some("sonnet"), NOW + 3).is_ready());
    bench.succeed(Some("opus"), NOW + HOUR, NOW + HOUR + 1);
    assert!(bench.verdict(None, NOW + HOUR + 1).is_ready());
    assert_eq!(bench.count(RateLimit), 0);
}

/// The bench's document as another program leaves it, which has learned when the plan's limit ends.
fn blocked(until: i64, scope: &serde_json::Value) -> Bench {
    let mut stats = json!({"lastUsed": NOW - HOUR, "blockedUntil": until, "blockedReason": "subscription_limit",
        "blockedSource": "wham", "later": [1.5]});
    stats.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    Bench::with_stats(&stats)
}

#[test]
fn a_failure_picked_before_another_program_announced_a_window_changes_nothing() {
    let (t0, t1, t2) = (NOW, NOW + MINUTE, NOW + 2 * MINUTE);
    let anthropic = provider("anthropic");
    for (until, reason) in [
        (t1 + HOUR, RateLimit),
        (t1 + HOUR, Timeout),
        (t1 + HOUR, Unknown),
        (t1 + HOUR, Auth),
        (t1 + HOUR, Billing),
        (t1 + HOUR, AuthPermanent),
        (t1 + HOUR, Overloaded),
        // Days ahead, as the limits of a week are.
        (t1 + 5 * DAY, RateLimit),
        // Over by the time of the report.
        (t2 - SECOND, RateLimit),
    ] {
        for deadline in [None, Some(until - SECOND)] {
            if deadline.is_some() && until <= t2 {
                continue;
            }
            // A receipt of the selector, and one that was made by hand.
            let query = Query::new(&anthropic).model("opus");
            let selected = ProfileSelector::default().select(&Bench::new().profiles, &query, at(t0)).unwrap().receipt;
            let by_hand = Receipt::new(id(ID), anthropic.clone(), Some("opus"), at(t0));
            for receipt in [selected, by_hand] {
                let mut bench = blocked(until, &json!({}));
                let before = bench.text();
                let deadline = deadline.map(at);
                bench.selector.record_failure(&mut bench.profiles, &receipt, reason, deadline, at(t2)).unwrap();
                assert_eq!(bench.text(), before, "{reason}, {until}, {deadline:?}");
                assert_eq!(bench.profiles.dirty_state(), DirtyState::None, "{reason}");
            }
        }
    }
}

#[test]
fn a_late_success_does_not_end_a_window_that_another_program_announced_since() {
    let anthropic = provider("anthropic");
    let receipt = |bench: &Bench, now| {
        bench.selector.select_or_probe(&bench.profiles, &Query::new(&anthropic), &ProbePolicy::default(), None, at(now))
    };
    let early = receipt(&Bench::new(), NOW).unwrap().receipt;
    let mut bench = blocked(NOW + MINUTE, &json!({}));
    let probe = receipt(&bench, NOW + 1).unwrap().receipt;
    bench.selector.record_success(&mut bench.profiles, &early, at(NOW + 2)).unwrap();
    assert!(bench.verdict(None, NOW + 2).is_cooling_down());
    bench.selector.record_success(&mut bench.profiles, &probe, at(NOW + 3)).unwrap();
    assert!(bench.verdict(None, NOW + 3).is_ready());
}

#[test]
fn a_failure_counts_where_the_announced_window_was_known_or_is_about_something_else() {
    let anthropic = provider("anthropic");
    // A probe in the window, which was announced before: its failure leaves a mark that throttles the next.
    let mut bench = blocked(NOW + MINUTE, &json!({}));
    let query = Query::new(&anthropic);
    let probe =
        bench.selector.select_or_probe(&bench.profiles, &query, &ProbePolicy::default(), None, at(NOW)).unwrap();
    bench.selector.record_failure(&mut bench.profiles, &probe.receipt, RateLimit, None, at(NOW + SECOND)).unwrap();
    assert_eq!((bench.count(RateLimit), bench.stats().last_failure_at()), (1, Some(at(NOW + SECOND))));
    // The window of another model.
    let scope = json!({"blockedModel": "opus", "blockedScope": "model"});
    let mut bench = blocked(NOW + HOUR, &scope);
    bench.fail_full(RateLimit, Some("sonnet"), NOW, None, NOW + 1);
    assert_eq!(bench.count(RateLimit), 1);
    let mut bench = blocked(NOW + HOUR, &scope);
    bench.fail_full(RateLimit, Some("opus"), NOW, None, NOW + 1);
    assert_eq!(bench.count(RateLimit), 0);
    bench.fail_full(Auth, Some("opus"), NOW, None, NOW + 1);
    assert_eq!(bench.count(Auth), 1, "a bad key is not about the model");
    // Picked when it was over.
    let mut bench = blocked(NOW, &json!({}));
    bench.fail_full(RateLimit, None, NOW, None, NOW + 1);
    assert_eq!(bench.count(RateLimit), 1);
    // A deadline of the server that lies behind the window's end is news; it is not counted.
    let mut bench = blocked(NOW + MINUTE, &json!({}));
    bench.fail_full(RateLimit, None, NOW, Some(NOW + HOUR), NOW + 1);
    assert_eq!((bench.rest(None, NOW + 1), bench.count(RateLimit)), (HOUR - 1, 0));
    // No window at all.
    for until in [i64::MAX, -1, 0] {
        let mut bench = blocked(until, &json!({}));
        bench.fail_full(RateLimit, None, NOW, None, NOW + 1);
        assert_eq!(bench.count(RateLimit), 1, "{until}");
    }
}

#[test]
fn a_key_from_outside_the_document_has_statistics_too() {
    let mut bench = Bench::new();
    let pseudo = || Receipt::new(id("inline-api-key:anthropic"), provider("anthropic"), None, at(NOW));
    bench.selector.record_failure(&mut bench.profiles, &pseudo(), Billing, None, at(NOW + 1)).unwrap();
    let stats = bench.profiles.usage("inline-api-key:anthropic").unwrap();
    assert_eq!(stats.disabled_until(), Some(at(NOW + 1 + 10 * MINUTE)));
    bench.selector.record_success(&mut bench.profiles, &pseudo(), at(NOW + 2)).unwrap();
    assert_eq!(bench.profiles.last_good(&provider("anthropic")), None, "it is no profile");
}

#[test]
fn a_success_on_one_model_does_not_hide_a_failure_of_another() {
    let mut bench = Bench::new();
    bench.succeed(Some("sonnet"), NOW + 10, NOW + 20);
    bench.fail_full(RateLimit, Some("opus"), NOW, None, NOW + 30);
    assert!(bench.verdict(Some("opus"), NOW + 30).is_cooling_down());
    assert!(bench.verdict(Some("sonnet"), NOW + 30).is_ready());
}

#[test]
fn a_doubled_report_changes_nothing() {
    let mut bench = Bench::new();
    let receipt = Receipt::new(id(ID), provider("anthropic"), None, at(NOW));
    let twin = receipt.clone();
    bench.selector.record_failure(&mut bench.profiles, &receipt, RateLimit, None, at(NOW + 1)).unwrap();
    let before = bench.text();
    for (receipt, now) in [(&receipt, NOW + 2), (&twin, NOW + 3), (&twin, NOW + HOUR)] {
        bench.selector.record_failure(&mut bench.profiles, receipt, Billing, Some(at(NOW + DAY)), at(now)).unwrap();
        bench.selector.record_success(&mut bench.profiles, receipt, at(now)).unwrap();
        assert_eq!(bench.text(), before);
    }
    assert!(receipt.is_reported() && twin.is_reported());
}

#[test]
fn what_is_not_the_profiles_fault_is_not_held_against_it() {
    for reason in [Overloaded, ServerError, Format, ContextOverflow] {
        let mut bench = Bench::new();
        for model in [None, Some("opus")] {
            bench.fail_full(reason, model, NOW - 1, None, NOW);
            bench.fail_full(reason, model, NOW - 1, Some(NOW - HOUR), NOW);
            assert_eq!(bench.profiles.dirty_state(), DirtyState::None, "{reason}");
        }
        bench.fail_full(reason, None, NOW - 1, Some(NOW + MINUTE), NOW);
        assert!(bench.verdict(None, NOW).is_ready(), "{reason}: a deadline concerns the model, and none is known");

        bench.fail_full(reason, Some("opus"), NOW - 1, Some(NOW + MINUTE), NOW);
        let respected = [Overloaded, ServerError].contains(&reason);
        assert_eq!(bench.rest(Some("opus"), NOW), if respected { MINUTE } else { 0 }, "{reason}");
        assert!(bench.verdict(Some("sonnet"), NOW).is_ready(), "{reason}");
        assert_eq!((bench.count(reason), bench.stats().error_count()), (0, 0.0), "{reason}");
        assert_eq!(bench.stats().last_failure_at(), None, "{reason}");
        bench.fail_full(reason, Some("opus"), NOW - 1, Some(NOW + 3 * DAY), NOW);
        assert!(bench.rest(Some("opus"), NOW) <= DAY, "{reason}: the cap holds here too");
    }
}

#[test]
fn a_store_records_what_the_pure_rules_say() {
    let store = MemoryStore::new(document(
        &json!({"profiles": {ID: {"type": "api_key", "provider": "anthropic", "key": "k"}}}),
    ));
    let mut bench = Bench::new();
    let receipt = || Receipt::new(id(ID), provider("anthropic"), Some("opus"), at(NOW));
    let limited = Failure::new(RateLimit).with_deadline(Some(at(NOW + HOUR)));
    store.record_failure(&bench.selector, &receipt(), &limited, at(NOW + 1)).unwrap();
    bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + HOUR), NOW + 1);
    assert_eq!(store.load().unwrap().usage(ID), Some(&bench.stats()));
    assert!(store.clear_cooldown(&bench.selector, &id(ID)).unwrap());
    assert!(!store.clear_cooldown(&bench.selector, &id(ID)).unwrap());
    store.record_success(&bench.selector, &receipt(), at(NOW + 2)).unwrap();
    let after = store.load().unwrap();
    assert_eq!(after.last_good(&provider("anthropic")), Some(&id(ID)));
    for unknown in ["anthropic:ghost", "x"] {
        let ghost = Receipt::new(id(unknown), provider("anthropic"), None, at(NOW));
        store.record_failure(&bench.selector, &ghost, &Failure::new(Billing), at(NOW)).unwrap();
    }
    assert_eq!(store.load().unwrap().to_json(), after.to_json(), "a profile that is not there learns nothing");
}

#[test]
fn a_failure_of_a_secret_that_was_replaced_says_nothing_about_the_new_one() {
    let anthropic = provider("anthropic");
    let selector = ProfileSelector::default();
    let fails_after = |old: &Credential, new: &Credential, reason: FailureReason| {
        let mut profiles = AuthProfiles::new();
        profiles.upsert(&id(ID), &anthropic, old, None).unwrap();
        let selection = selector.select(&profiles, &Query::new(&anthropic), at(NOW)).unwrap();
        profiles.upsert(&id(ID), &anthropic, new, None).unwrap();
        selector.record_failure(&mut profiles, &selection.receipt, reason, None, at(NOW + 1)).unwrap();
        profiles.usage(ID).map_or(0.0, |usage| usage.failure_count(reason))
    };
    let key = |text: &str| Credential::api_key(Secret::new(text));
    assert!(fails_after(&key("sk-old"), &key("sk-new"), RateLimit) > 0.5, "a short cooldown does little harm");
    for reason in [Auth, AuthPermanent, SessionExpired, Billing] {
        assert!(fails_after(&key("sk-old"), &key("sk-new"), reason) < 0.5, "{reason}");
        assert!(fails_after(&key("sk-old"), &key("sk-old"), reason) > 0.5, "{reason}");
    }
    // A login's access token is renewed for one and the same account: its limits stay its limits.
    let login = |access: &str| Credential::oauth(Secret::new(access), Some(Secret::new("refresh")), None);
    assert!(fails_after(&login("old"), &login("new"), AuthPermanent) < 0.5);
    assert!(fails_after(&login("old"), &login("new"), Billing) > 0.5);
}

#[test]
fn words_and_numbers_of_other_programs_survive_a_failure() {
    let text = r#"{"version":1,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":"k"}},
        "usageStats":{"anthropic:a":{"cooldownUntil":1700000060000,"cooldownReason":"empty_response",
            "failureCounts":{"billing":9007199254740993,"later":1e999,"auth":1.0}}}}"#;
    let mut profiles = AuthProfiles::from_json(text).unwrap();
    let receipt = Receipt::new(id(ID), provider("anthropic"), Some("opus"), at(NOW));
    ProfileSelector::default().record_failure(&mut profiles, &receipt, RateLimit, None, at(NOW)).unwrap();
    let written = profiles.to_json();
    for kept in ["\"empty_response\"", "9007199254740993", "1e999", "1.0"] {
        assert!(written.expose().contains(kept), "{kept} is gone: {}", written.expose());
    }
}

#[test]
fn a_short_deadline_of_the_provider_does_not_shorten_a_window() {
    let mut bench = Bench::new();
    bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + HOUR), NOW);
    bench.fail_full(Overloaded, Some("opus"), NOW + 1, Some(NOW + MINUTE), NOW + 1);
    assert_eq!(bench.rest(Some("opus"), NOW + 1), HOUR - 1);
    bench.fail_full(Overloaded, Some("opus"), NOW + 2, Some(NOW + 2 * HOUR), NOW + 2);
    assert_eq!(bench.rest(Some("opus"), NOW + 2), 2 * HOUR - 2);
}
