//! The default cooldown policy, rule by rule.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

mod support;

use std::time::Duration;

use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Change, Credential, FailureReason, MemoryStore,
    ProfileSelector, Query, Receipt, Secret, SelectorRules, UsageStats, Verdict,
};
use serde_json::{Value, json};
use support::{DAY, HOUR, MINUTE, NOW, SECOND, YEAR, at, document, id, provider, written};

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, ModelNotFound, Overloaded, RateLimit, ServerError,
    SessionExpired, Timeout, Unknown,
};

const ID: &str = "anthropic:a";

/// One profile, and what happens to it.
struct Bench {
    selector: ProfileSelector,
    profiles: AuthProfiles,
}

impl Bench {
    fn new() -> Self {
        Self::with_stats(&json!({}))
    }

    fn with_stats(stats: &Value) -> Self {
        Self::with_text(&stats.to_string())
    }

    fn with_text(stats: &str) -> Self {
        let text = format!(
            r#"{{"version":1,"profiles":{{"{ID}":{{"type":"api_key","provider":"anthropic","key":"sk-old"}}}},"usageStats":{{"{ID}":{stats}}}}}"#
        );
        Self { selector: ProfileSelector::default(), profiles: AuthProfiles::from_json(&text).unwrap() }
    }

    fn fail_full(&mut self, reason: FailureReason, model: Option<&str>, picked: i64, deadline: Option<i64>, now: i64) {
        let receipt = Receipt::new(id(ID), provider("anthropic"), model, at(picked));
        self.selector.record_failure(&mut self.profiles, &receipt, reason, deadline.map(at), at(now)).unwrap();
    }

    /// A failure of a request that was picked a millisecond ago.
    fn fail(&mut self, reason: FailureReason, now: i64) {
        self.fail_full(reason, None, now - 1, None, now);
    }

    fn succeed(&mut self, model: Option<&str>, picked: i64, now: i64) {
        let receipt = Receipt::new(id(ID), provider("anthropic"), model, at(picked));
        self.selector.record_success(&mut self.profiles, &receipt, at(now)).unwrap();
    }

    fn stats(&self) -> UsageStats {
        self.profiles.usage(ID).cloned().unwrap_or_default()
    }

    fn count(&self, reason: FailureReason) -> i64 {
        #[allow(clippy::cast_possible_truncation, reason = "counts of a test are small")]
        let count = self.stats().failure_count(reason) as i64;
        count
    }

    fn verdict(&self, model: Option<&str>, now: i64) -> Verdict {
        let anthropic = provider("anthropic");
        let mut query = Query::new(&anthropic);
        if let Some(model) = model {
            query = query.model(model);
        }
        let candidates = self.selector.candidates(&self.profiles, &query, at(now));
        candidates.iter().next().unwrap().verdict
    }

    /// The rest that is left, in milliseconds.
    fn rest(&self, model: Option<&str>, now: i64) -> i64 {
        self.verdict(model, now).until().map_or(0, |until| until.as_millis() - now)
    }

    fn text(&self) -> String {
        self.profiles.to_json().expose().to_owned()
    }
}

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
    // DEFECT: a pick of the same millisecond in which the window was opened counts, although no pick of this profile
    // can follow the opening. A refused connection on one machine fails within a millisecond.
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
    // DEFECT: the report of an older success overwrites the stamp of the newer one.
    assert_eq!(bench.text(), before, "picked before the success of {}", NOW + 100);
}

#[test]
fn a_success_on_one_model_does_not_hide_a_failure_of_another() {
    let mut bench = Bench::new();
    bench.succeed(Some("sonnet"), NOW + 10, NOW + 20);
    bench.fail_full(RateLimit, Some("opus"), NOW, None, NOW + 30);
    assert!(bench.verdict(Some("opus"), NOW + 30).is_resting());
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
    let key = |text: &str| Credential::api_key(Secret::new(text));
    let ways: [(&str, fn(&mut Bench, &dyn Fn(&str) -> Credential)); 3] = [
        ("success", |bench, _| bench.succeed(Some("opus"), NOW - 1, NOW)),
        ("clear", |bench, _| assert!(bench.selector.clear_cooldown(&mut bench.profiles, &id(ID)).unwrap())),
        ("secret", |bench, key| bench.profiles.upsert(&id(ID), &provider("anthropic"), &key("sk-new"), None).unwrap()),
    ];
    for (way, apply) in ways {
        let mut bench = Bench::with_stats(&lanes);
        assert!(bench.verdict(Some("opus"), NOW).is_resting() && bench.verdict(Some("sonnet"), NOW).is_resting());
        apply(&mut bench, &key);
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
        support::exact(&lanes.to_string()),
        "the same secret changes nothing"
    );
}

#[test]
fn what_is_not_the_profiles_fault_is_not_held_against_it() {
    for reason in [Overloaded, ServerError, Format, ContextOverflow] {
        let mut bench = Bench::new();
        for model in [None, Some("opus")] {
            bench.fail_full(reason, model, NOW - 1, None, NOW);
            bench.fail_full(reason, model, NOW - 1, Some(NOW - HOUR), NOW);
            assert_eq!(bench.profiles.change(), Change::None, "{reason}");
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
            r#"{{"lastUsed":{number},"cooldownUntil":{number},"disabledUntil":{number},"blockedUntil":{number},"errorCount":{number},"lastFailureAt":{number},"failureCounts":{{"rate_limit":{number},"billing":{number}}},"modelCooldowns":{{"opus":{{"until":{number},"since":{number}}}}},"lastSuccessPickedAt":{number}}}"#
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
fn a_store_records_what_the_pure_rules_say() {
    let store = MemoryStore::new(document(
        &json!({"profiles": {ID: {"type": "api_key", "provider": "anthropic", "key": "k"}}}),
    ));
    let mut bench = Bench::new();
    let receipt = || Receipt::new(id(ID), provider("anthropic"), Some("opus"), at(NOW));
    store.record_failure(&bench.selector, &receipt(), RateLimit, Some(at(NOW + HOUR)), at(NOW + 1)).unwrap();
    bench.fail_full(RateLimit, Some("opus"), NOW, Some(NOW + HOUR), NOW + 1);
    assert_eq!(store.load().unwrap().usage(ID), Some(&bench.stats()));
    assert!(store.clear_cooldown(&bench.selector, &id(ID)).unwrap());
    assert!(!store.clear_cooldown(&bench.selector, &id(ID)).unwrap());
    store.record_success(&bench.selector, &receipt(), at(NOW + 2)).unwrap();
    let after = store.load().unwrap();
    assert_eq!(after.last_good(&provider("anthropic")), Some(&id(ID)));
    for unknown in ["anthropic:ghost", "x"] {
        let ghost = Receipt::new(id(unknown), provider("anthropic"), None, at(NOW));
        store.record_failure(&bench.selector, &ghost, Billing, None, at(NOW)).unwrap();
    }
    assert_eq!(store.load().unwrap().to_json(), after.to_json(), "a profile that is not there learns nothing");
}
