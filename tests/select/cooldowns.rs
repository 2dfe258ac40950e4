//! The effect of a failure and of a success, step by step, under the default rules.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::profile::UsageStats;
use provider_auth::select::{Receipt, Verdict};
use provider_auth::{AuthProfiles, Failure, FailureReason, ProfileId, ProfileSelector, ProviderId, Query, Timestamp};

use crate::support::HOUR;

const START: i64 = 1_700_000_000_000;

/// One profile, its selector, and seconds since the start as the time.
struct Desk {
    profiles: AuthProfiles,
    selector: ProfileSelector,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1_000)
}

impl Desk {
    fn new() -> Self {
        let document = r#"{"version": 1, "profiles": {"p:a": {"type": "api_key", "provider": "p", "key": "k"}}}"#;
        Self { profiles: AuthProfiles::from_json(document).unwrap(), selector: ProfileSelector::default() }
    }

    fn receipt(model: Option<&str>, picked: i64) -> Receipt {
        Receipt::new(ProfileId::new("p:a").unwrap(), ProviderId::new("p").unwrap(), model, at(picked))
    }

    fn fail(&mut self, reason: FailureReason, model: Option<&str>, picked: i64, now: i64) {
        self.fail_until(reason, model, picked, now, None);
    }

    fn fail_until(&mut self, reason: FailureReason, model: Option<&str>, picked: i64, now: i64, until: Option<i64>) {
        let receipt = Self::receipt(model, picked);
        self.selector.record_failure(&mut self.profiles, &receipt, reason, until.map(at), at(now)).unwrap();
    }

    fn succeed(&mut self, model: Option<&str>, picked: i64, now: i64) {
        self.selector.record_success(&mut self.profiles, &Self::receipt(model, picked), at(now)).unwrap();
    }

    fn usage(&self) -> UsageStats {
        self.profiles.usage("p:a").cloned().unwrap_or_default()
    }

    /// How long the profile is cooling down from now for a model, in seconds.
    fn rests(&self, model: Option<&str>, now: i64) -> i64 {
        let provider = ProviderId::new("p").unwrap();
        let query = model.iter().fold(Query::new(&provider), |query, model| query.model(*model));
        let candidates = self.selector.candidates(&self.profiles, &query, at(now));
        candidates.retry_at().map_or(0, |until| (until.as_millis() - at(now).as_millis()) / 1_000)
    }
}

/// How long each of several failures lets the profile rest, each right after the window before it has ended.
fn ladder(reason: FailureReason, steps: usize) -> Vec<i64> {
    let (mut desk, mut now) = (Desk::new(), 0);
    let step = |_| {
        desk.fail(reason, Some("m"), now, now);
        let rest = desk.rests(Some("m"), now);
        now += rest + 1;
        rest
    };
    (0..steps).map(step).collect()
}

#[test]
fn ladders() {
    for reason in [
        FailureReason::Auth,
        FailureReason::SessionExpired,
        FailureReason::Timeout,
        FailureReason::ModelNotFound,
        FailureReason::Unknown,
    ] {
        assert_eq!(ladder(reason, 4), [30, 60, 300, 300], "{reason}");
    }
    assert_eq!(ladder(FailureReason::RateLimit, 9), [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    assert_eq!(ladder(FailureReason::Billing, 4), [600, 1_200, 2_400, 4_800]);
    assert_eq!(ladder(FailureReason::AuthPermanent, 5), [600, 1_200, 2_400, 3_600, 3_600]);
    for reason in
        [FailureReason::ContextOverflow, FailureReason::Format, FailureReason::Overloaded, FailureReason::ServerError]
    {
        assert_eq!(ladder(reason, 2), [0, 0], "{reason}");
    }
}

#[test]
fn each_reason_counts_by_itself() {
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, None, 0, 0);
    desk.fail(FailureReason::Unknown, None, 31, 31);
    assert_eq!(desk.rests(None, 31), 30);
    desk.fail(FailureReason::Auth, None, 62, 62);
    assert_eq!(desk.rests(None, 62), 60);
    assert!((desk.usage().failure_count(FailureReason::Auth) - 2.0).abs() < f64::EPSILON);
}

#[test]
fn a_running_window_stays_where_it_is() {
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, None, 0, 0);
    desk.fail(FailureReason::Auth, None, 10, 10);
    assert_eq!(desk.rests(None, 10), 20);
    desk.fail_until(FailureReason::Auth, None, 10, 10, Some(15));
    assert_eq!(desk.rests(None, 10), 20, "a deadline does not shorten it");
    desk.fail_until(FailureReason::Auth, None, 10, 10, Some(50));
    assert_eq!(desk.rests(None, 10), 40, "a deadline lengthens it");
}

#[test]
fn failures_of_requests_from_before_the_window_are_one() {
    let mut desk = Desk::new();
    for now in 1..11 {
        desk.fail(FailureReason::RateLimit, Some("m"), 0, now);
    }
    assert!((desk.usage().failure_count(FailureReason::RateLimit) - 1.0).abs() < f64::EPSILON);
    let before = desk.usage();
    desk.fail(FailureReason::RateLimit, Some("m"), 0, 40);
    assert_eq!(desk.usage(), before);
    assert_eq!(desk.rests(Some("m"), 40), 0, "an old request opens no second window");
    desk.fail_until(FailureReason::RateLimit, Some("m"), 0, 41, Some(50));
    assert_eq!(desk.rests(Some("m"), 41), 9, "but what the server says with it is respected");
    assert!((desk.usage().failure_count(FailureReason::RateLimit) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_deadline_beats_the_ladder_within_the_cap() {
    for (until, expected) in [(5, 5), (7_000, 7_000), (90_000, 86_400), (-5, 30), (0, 30)] {
        let mut desk = Desk::new();
        desk.fail_until(FailureReason::RateLimit, Some("m"), 0, 0, Some(until));
        assert_eq!(desk.rests(Some("m"), 0), expected, "{until}");
    }
    let mut desk = Desk::new();
    desk.fail_until(FailureReason::Overloaded, Some("m"), 0, 0, Some(40));
    assert_eq!((desk.rests(Some("m"), 0), desk.rests(Some("n"), 0)), (40, 0));
    assert!(desk.usage().failure_count(FailureReason::Overloaded).abs() < f64::EPSILON, "the profile is not to blame");
    let mut desk = Desk::new();
    desk.fail_until(FailureReason::Overloaded, None, 0, 0, Some(40));
    assert_eq!(desk.rests(None, 0), 0, "without a model there is nothing to rest");
}

#[test]
fn windows_of_models_stand_side_by_side() {
    let mut desk = Desk::new();
    desk.fail(FailureReason::RateLimit, Some("m"), 0, 0);
    desk.fail_until(FailureReason::Timeout, Some("n"), 0, 0, Some(90));
    assert_eq!((desk.rests(Some("m"), 0), desk.rests(Some("n"), 0), desk.rests(Some("o"), 0)), (30, 90, 0));
    desk.fail(FailureReason::Auth, Some("m"), 1, 1);
    assert_eq!((desk.rests(Some("o"), 1), desk.rests(Some("m"), 1), desk.rests(Some("n"), 1)), (30, 30, 89));
    desk.fail(FailureReason::Billing, Some("m"), 2, 2);
    assert_eq!(desk.rests(Some("o"), 2), 600);

    // The window of a model is not lost when the whole profile gets one.
    let mut desk = Desk::new();
    desk.fail_until(FailureReason::RateLimit, Some("m"), 0, 0, Some(500));
    desk.fail(FailureReason::Auth, Some("m"), 1, 1);
    assert_eq!((desk.rests(Some("m"), 1), desk.rests(Some("n"), 1)), (499, 30));
}

#[test]
fn success_ends_what_came_before_it_and_nothing_else() {
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, Some("m"), 0, 0);
    desk.fail(FailureReason::Billing, Some("m"), 0, 0);
    desk.fail(FailureReason::RateLimit, Some("n"), 0, 0);
    desk.succeed(Some("m"), 5, 6);
    assert_eq!((desk.rests(Some("m"), 6), desk.rests(Some("n"), 6)), (0, 24));
    assert!(desk.usage().failure_count(FailureReason::Auth).abs() < f64::EPSILON);
    assert!((desk.usage().failure_count(FailureReason::RateLimit) - 1.0).abs() < f64::EPSILON);
    assert_eq!(desk.usage().last_used(), Some(at(6)));
    assert_eq!(
        desk.profiles.last_good(&ProviderId::new("p").unwrap()).map(ToString::to_string).as_deref(),
        Some("p:a")
    );

    // A slow success does not end what was said after it was sent.
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, None, 10, 10);
    desk.succeed(None, 5, 12);
    assert_eq!(desk.rests(None, 12), 28);
    // What was said in the moment of the pick is older than the answer.
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, None, 10, 10);
    desk.succeed(None, 10, 12);
    assert_eq!(desk.rests(None, 12), 0);
    // A late failure says nothing against a newer success.
    let mut desk = Desk::new();
    desk.succeed(None, 5, 6);
    desk.fail(FailureReason::Auth, None, 4, 7);
    assert_eq!(desk.rests(None, 7), 0);
    desk.fail(FailureReason::Auth, None, 6, 7);
    assert_eq!(desk.rests(None, 7), 30);
    // Of two that were sent in one moment, the failure counts.
    let mut desk = Desk::new();
    desk.succeed(None, 5, 6);
    desk.fail(FailureReason::Auth, None, 5, 7);
    assert_eq!(desk.rests(None, 7), 30);
    // Nor against one of another model.
    let mut desk = Desk::new();
    desk.succeed(Some("n"), 5, 6);
    desk.fail(FailureReason::RateLimit, Some("m"), 4, 7);
    assert_eq!(desk.rests(Some("m"), 7), 30);
    desk.fail(FailureReason::RateLimit, Some("n"), 4, 7);
    assert_eq!(desk.rests(Some("n"), 7), 0);
}

#[test]
fn a_day_without_failures_starts_the_ladder_again() {
    for (gap, expected) in [(24 * 3_600, 60), (24 * 3_600 + 1, 30)] {
        let mut desk = Desk::new();
        desk.fail(FailureReason::Auth, None, 0, 0);
        desk.fail(FailureReason::Auth, None, gap, gap);
        assert_eq!(desk.rests(None, gap), expected, "{gap}");
    }
}

#[test]
fn a_window_has_ended_at_its_end() {
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, None, 0, 0);
    assert_eq!((desk.rests(None, 29), desk.rests(None, 30)), (1, 0));
    assert!((desk.usage().error_count() - 1.0).abs() < f64::EPSILON);
    desk.fail(FailureReason::Auth, None, 1, 2);
    assert!((desk.usage().error_count() - 2.0).abs() < f64::EPSILON);
    desk.fail(FailureReason::Auth, None, 31, 31);
    assert!((desk.usage().error_count() - 1.0).abs() < f64::EPSILON, "the aggregate starts again");
}

#[test]
fn a_clock_set_back_rests_nobody_longer_than_the_cap() {
    let mut desk = Desk::new();
    desk.fail_until(FailureReason::RateLimit, Some("m"), 0, 0, Some(86_000));
    assert!(desk.rests(Some("m"), -300) > 0);
    assert_eq!(desk.rests(Some("m"), -10 * HOUR / 1_000), 0);
    // A window that seems to open later than now does not swallow the failures of now.
    let mut desk = Desk::new();
    desk.fail(FailureReason::Auth, None, 100, 100);
    desk.fail(FailureReason::Auth, None, 50, 50);
    assert!((desk.usage().failure_count(FailureReason::Auth) - 2.0).abs() < f64::EPSILON);
}

#[test]
fn clearing_ends_every_window() {
    let mut desk = Desk::new();
    desk.fail(FailureReason::Billing, None, 0, 0);
    desk.fail(FailureReason::RateLimit, Some("m"), 0, 0);
    let id = ProfileId::new("p:a").unwrap();
    assert!(desk.selector.clear_cooldown(&mut desk.profiles, &id).unwrap());
    assert_eq!(desk.rests(Some("m"), 0), 0);
    assert!(!desk.selector.clear_cooldown(&mut desk.profiles, &id).unwrap());
    assert_eq!(desk.usage().last_failure_at(), Some(at(0)));
}

#[test]
fn reports_count_once_and_only_for_profiles_that_exist() {
    let mut desk = Desk::new();
    let receipt = Desk::receipt(None, 0);
    let failure = Failure::new(FailureReason::Billing).with_deadline(Some(at(100)));
    for _ in 0..2 {
        let (reason, deadline) = (failure.reason(), failure.deadline());
        desk.selector.record_failure(&mut desk.profiles, &receipt, reason, deadline, at(0)).unwrap();
    }
    desk.selector.record_success(&mut desk.profiles, &receipt, at(50)).unwrap();
    assert_eq!(desk.rests(None, 0), 100);
    let provider = ProviderId::new("p").unwrap();
    let query = Query::new(&provider);
    let candidates = desk.selector.candidates(&desk.profiles, &query, at(0));
    assert!(matches!(candidates.iter().next().unwrap().verdict, Verdict::Disabled { .. }));

    let gone = Receipt::new(ProfileId::new("p:gone").unwrap(), ProviderId::new("p").unwrap(), None, at(0));
    desk.selector.record_failure(&mut desk.profiles, &gone, FailureReason::Auth, None, at(0)).unwrap();
    assert!(desk.profiles.usage("p:gone").is_none());
    let inline = Receipt::new(ProfileId::new("inline-api-key:p").unwrap(), ProviderId::new("p").unwrap(), None, at(0));
    desk.selector.record_failure(&mut desk.profiles, &inline, FailureReason::Auth, None, at(0)).unwrap();
    assert!(desk.profiles.usage("inline-api-key:p").is_some());
}
