//! Windows that end more than a day ahead: those of other programs are in force and shown, those of this crate are not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use std::time::Duration;

use provider_auth::select::{ProbePolicy, SelectorRules, Unavailable, Verdict};
use provider_auth::{AuthProfiles, FailureReason, ProfileSelector, Query, RecordOutcome};
use serde_json::{Value, json};

use crate::bench::{Bench, ID};
use crate::support::{DAY, HOUR, MINUTE, NOW, SECOND, YEAR, at, document, id, provider};

/// The statistics of the profile of a subscription whose weekly limit is reached, as OpenClaw 2026.9.6 keeps them.
fn weekly() -> Value {
    json!({"lastUsed": NOW - HOUR, "blockedUntil": NOW + 5 * DAY, "blockedReason": "subscription_limit",
        "blockedSource": "wham", "lastFailureAt": NOW - HOUR})
}

fn with(mut stats: Value, key: &str, value: impl Into<Value>) -> Value {
    stats[key] = value.into();
    stats
}

fn without(mut stats: Value, key: &str) -> Value {
    stats.as_object_mut().unwrap().remove(key);
    stats
}

#[test]
fn a_weekly_limit_is_in_force_to_its_end() {
    let bench = Bench::with_stats(&weekly());
    for now in [NOW, NOW + DAY, NOW + 5 * DAY - 1] {
        assert_eq!(bench.rest(None, now), NOW + 5 * DAY - now);
        assert_eq!(bench.verdict(Some("opus"), now).reason(), Some(FailureReason::RateLimit));
    }
    assert!(bench.verdict(None, NOW + 5 * DAY).is_ready());
    let scoped = with(with(weekly(), "blockedModel", "opus"), "blockedScope", "model");
    let bench = Bench::with_stats(&scoped);
    assert!(bench.verdict(Some("opus"), NOW).is_cooling_down() && bench.verdict(Some("sonnet"), NOW).is_ready());
}

#[test]
fn the_true_wait_is_told_and_the_credential_of_the_environment_does_not_serve_meanwhile() {
    let bench = Bench::with_stats(&weekly());
    let query = Query::new(&provider("anthropic"));
    let refusal = bench.selector.select(&bench.profiles, &query, at(NOW)).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(5 * 86_400)));
    assert!(refusal.to_string().contains("for 5 d"), "{refusal}");
}

#[test]
fn a_window_counts_by_who_wrote_it() {
    let far = NOW + 5 * DAY;
    for (name, stats, rests) in [
        ("another's cooldown", json!({"cooldownUntil": far}), true),
        ("another's, used lately", json!({"cooldownUntil": far, "lastUsed": NOW}), true),
        ("another's, disabled", json!({"disabledUntil": far, "disabledReason": "billing"}), true),
        ("longer than any rule of ours", json!({"cooldownUntil": far, "cooldownSince": NOW - 1}), true),
        ("longer, disabled", json!({"disabledUntil": far, "disabledSince": NOW - 1}), true),
        ("over before it began", json!({"disabledUntil": NOW + 5 * HOUR, "disabledSince": NOW + YEAR}), true),
        ("ours, opened in the future", json!({"cooldownUntil": far, "cooldownSince": far - HOUR}), false),
        ("used at a moment to come", with(weekly(), "lastUsed", NOW + DAY), false),
        ("failed at a moment to come", with(weekly(), "lastFailureAt", NOW + DAY), false),
        ("clocks are corrected by a little all the time", with(weekly(), "lastUsed", NOW + 30 * SECOND), true),
        ("within a day every stamp is believed", json!({"cooldownUntil": NOW + HOUR, "lastUsed": NOW + YEAR}), true),
        ("no moment at all", json!({"blockedUntil": 9e15}), false),
        ("no moment that ends", json!({"blockedUntil": 0}), false),
    ] {
        let bench = Bench::with_stats(&stats);
        assert_eq!(bench.verdict(None, NOW).is_cooling_down(), rests, "{name}");
        let shown = bench.selector.cooldown(&bench.stats(), at(NOW)).and_then(Verdict::until);
        assert_eq!(shown.is_some(), rests, "{name}: the status says the same");
    }
}

#[test]
fn a_server_that_lengthens_a_window_does_not_end_it() {
    let mut bench = Bench::new();
    bench.fail_full(FailureReason::RateLimit, None, NOW - 6 * HOUR, Some(NOW + HOUR), NOW - 5 * HOUR);
    bench.fail_full(FailureReason::RateLimit, None, NOW - HOUR, Some(NOW + 23 * HOUR), NOW);
    assert_eq!(bench.rest(None, NOW), 23 * HOUR);
}

/// The statistics after an OpenClaw that keeps what it does not know has opened a window of its own.
fn opened_by_openclaw(bench: &Bench, until: i64, now: i64) -> Bench {
    let stats: Value = serde_json::from_str(&bench.stats().to_json()).unwrap();
    let name = if stats.get("disabledUntil").is_some() { "disabledUntil" } else { "cooldownUntil" };
    Bench::with_stats(&with(with(stats, name, until), "lastFailureAt", now))
}

#[test]
fn a_stamp_of_ours_says_nothing_of_a_window_that_openclaw_opened_later() {
    for reason in [FailureReason::Billing, FailureReason::RateLimit] {
        let mut ours = Bench::new();
        ours.fail(reason, NOW - 20 * HOUR);
        let mut bench = opened_by_openclaw(&ours, NOW + 23 * HOUR, NOW - HOUR);
        assert_eq!(bench.rest(None, NOW), 23 * HOUR, "{reason}");
        // A request that was picked before it says nothing of it.
        bench.succeed(None, NOW - 2 * HOUR, NOW);
        assert_eq!(bench.rest(None, NOW), 23 * HOUR, "{reason}");
        // Nor does its failure count once more.
        let counted = bench.count(reason);
        bench.fail_full(reason, None, NOW - 2 * HOUR, None, NOW);
        assert_eq!(bench.count(reason), counted, "{reason}");
        // A clock that ran ahead when ours was opened does not hide it either.
        let mut ours = Bench::new();
        ours.fail(reason, NOW + HOUR);
        let bench = opened_by_openclaw(&ours, NOW + 2 * HOUR, NOW - MINUTE);
        assert_eq!(bench.rest(None, NOW), 2 * HOUR, "{reason}");
        let bench = opened_by_openclaw(&ours, NOW + 80 * MINUTE, NOW - MINUTE);
        assert_eq!(bench.rest(None, NOW), 80 * MINUTE, "{reason}");
    }
}

#[test]
fn distant_windows_are_a_rule_of_their_own() {
    let mut rules = SelectorRules::default();
    rules.distant_windows = false;
    let mut bench = Bench::with_stats(&weekly());
    bench.selector = ProfileSelector::new(rules);
    assert!(bench.verdict(None, NOW).is_ready());
    let february = SelectorRules::openclaw_2026_02();
    assert!(!february.distant_windows && !february.daily_probe);
}

#[test]
fn nothing_but_success_a_new_secret_and_a_word_of_its_owner_ends_it() {
    let mut bench = Bench::with_stats(&weekly());
    bench.fail_full(FailureReason::RateLimit, None, NOW - MINUTE, None, NOW);
    assert_eq!(bench.rest(None, NOW), 5 * DAY);
    assert!(bench.selector.clear_cooldown(&mut bench.profiles, &id(ID)).unwrap());
    assert!(bench.verdict(None, NOW).is_ready());
}

fn refusal(profiles: &AuthProfiles, selector: &ProfileSelector, now: i64) -> Unavailable {
    selector.select(profiles, &Query::new(&provider("anthropic")), at(now)).unwrap_err()
}

/// When the profile is probed, in hours from now.
fn probe(stats: &Value, last_probe: Option<i64>) -> i64 {
    let (bench, policy) = (Bench::with_stats(stats), ProbePolicy::default());
    let unavailable = refusal(&bench.profiles, &bench.selector, NOW);
    let probe = policy.next(&unavailable, &bench.profiles, last_probe.map(at)).unwrap();
    (probe.at.as_millis() - NOW) / HOUR
}

#[test]
fn one_careful_probe_a_day() {
    let quiet = || without(without(weekly(), "lastFailureAt"), "lastUsed");
    for (name, stats, last_probe, hours) in [
        ("a day after the last failure", weekly(), None, 23),
        ("a day after OpenClaw's last probe", with(weekly(), "lastProbeAt", NOW - MINUTE), None, 23),
        ("a day after ours", with(weekly(), "lastFailureAt", NOW - 3 * DAY), Some(NOW - 2 * HOUR), 22),
        ("at once where the last failure is older", with(weekly(), "lastFailureAt", NOW - 3 * DAY), None, 0),
        ("at once where nothing is known", quiet(), None, 0),
        ("not where the window ends within the day", with(quiet(), "blockedUntil", NOW + 20 * HOUR), None, 19),
        ("a failure to come is a clock set back", with(quiet(), "lastProbeAt", NOW + DAY), None, 0),
        (
            "whatever the reason",
            json!({"disabledUntil": NOW + 5 * DAY, "disabledReason": "auth_permanent", "lastFailureAt": NOW - 2 * DAY}),
            None,
            0,
        ),
    ] {
        assert_eq!(probe(&stats, last_probe), hours, "{name}");
    }
}

#[test]
fn the_probe_of_the_day_is_for_when_every_profile_is_unusable() {
    let key = json!({"type": "api_key", "provider": "anthropic", "key": "sk-1"});
    let block = with(weekly(), "lastFailureAt", NOW - 2 * DAY);
    let both = |second: Value| {
        document(&json!({"version": 1, "profiles": {"anthropic:a": key, "anthropic:b": key},
            "usageStats": {"anthropic:a": block, "anthropic:b": second}}))
    };
    let (selector, policy) = (ProfileSelector::default(), ProbePolicy::default());
    let query = Query::new(&provider("anthropic"));
    let pick = |profiles: &AuthProfiles, last| selector.select_or_probe(profiles, &query, &policy, last, at(NOW));
    assert_eq!(pick(&both(json!({})), None).unwrap().profile.as_str(), "anthropic:b");
    let cooling = both(json!({"cooldownUntil": NOW + HOUR, "lastFailureAt": NOW}));
    let probe = pick(&cooling, None).unwrap();
    assert_eq!(probe.profile.as_str(), "anthropic:a");
    assert!(pick(&cooling, Some(at(NOW))).is_err(), "one a day");
    // Its failure leaves the mark that keeps the next program from a probe of its own.
    let mut after = cooling.clone();
    selector.record_failure(&mut after, &probe.receipt, FailureReason::RateLimit, None, at(NOW)).unwrap();
    assert!(pick(&after, None).is_err());
    // Its success ends the window.
    let mut after = cooling.clone();
    let probe = pick(&cooling, None).unwrap();
    selector.record_success(&mut after, &probe.receipt, at(NOW)).unwrap();
    assert_eq!(pick(&after, None).unwrap().profile.as_str(), "anthropic:a");
}

#[test]
fn without_the_rule_nobody_is_probed_within_the_window() {
    let mut rules = SelectorRules::default();
    rules.daily_probe = false;
    let selector = ProfileSelector::new(rules);
    let bench = Bench::with_stats(&with(weekly(), "lastFailureAt", NOW - 3 * DAY));
    let unavailable = refusal(&bench.profiles, &selector, NOW);
    let probe = ProbePolicy::default().next(&unavailable, &bench.profiles, None).unwrap();
    assert_eq!(probe.at, at(NOW + 5 * DAY - 2 * MINUTE));
}

#[test]
fn a_store_that_is_asked_to_clear_it_clears_it() {
    let store = provider_auth::MemoryStore::new(Bench::with_stats(&weekly()).profiles);
    assert!(store.clear_cooldown(&ProfileSelector::default(), &id(ID)).unwrap());
}
