//! Headroom from headers, and its effect on the choice of a profile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a fixture that fails is a failed test"
)]

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use provider_auth::headroom::{Headroom, HeadroomPolicy, HeadroomTracker, LimitKind, TokenEstimate};
use provider_auth::rotation::{Attempt, Outcome, Rotation, Step};
use provider_auth::select::{SelectorRules, Verdict};
use provider_auth::{AuthProfiles, ErrorKind, ProfileSelector, ProviderId, Query, Timestamp};
use serde_json::{Value, json};

/// The moment that the fixtures are written for.
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn headers(pairs: &Value) -> HeaderMap {
    let pairs = pairs.as_object().unwrap().iter();
    let pair = |(name, value): (&String, &Value)| {
        (name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse::<HeaderValue>().unwrap())
    };
    pairs.map(pair).collect()
}

fn read(provider: &str, pairs: &Value) -> Headroom {
    Headroom::read(&ProviderId::new(provider).unwrap(), &headers(pairs), NOW)
}

/// The limits as the fixtures write them: kind, name, limit, what is left, milliseconds until the reset.
fn limits(headroom: &Headroom) -> Vec<Value> {
    let round = |number: Option<f64>| number.map(|number| (number * 1e6).round() / 1e6);
    let limit = headroom.limits().iter().map(|limit| {
        let reset = limit.reset.map(|at| at.as_millis() - NOW.as_millis());
        json!([limit.kind.as_str(), limit.name, round(limit.limit), round(limit.remaining), reset])
    });
    limit.collect()
}

fn as_floats(limit: &Value) -> Value {
    let [kind, name, limit, remaining, reset] = limit.as_array().unwrap().as_slice() else { panic!("{limit}") };
    json!([kind, name, limit.as_f64(), remaining.as_f64(), reset])
}

#[test]
fn headers_of_every_provider_are_read() {
    let fixtures = include_str!("../fixtures/headroom_headers.jsonl");
    for line in fixtures.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let expected: Vec<Value> = row["limits"].as_array().unwrap().iter().map(as_floats).collect();
        let provider = row["provider"].as_str().unwrap();
        assert_eq!(limits(&read(provider, &row["headers"])), expected, "{line}");
    }
}

#[test]
fn values_that_are_no_text_are_passed_over() {
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-remaining-requests", HeaderValue::from_bytes(b"\xff").unwrap());
    headers.append("x-ratelimit-remaining-requests", HeaderValue::from_static("5"));
    headers.append("x-ratelimit-remaining-requests", HeaderValue::from_static("9"));
    let headroom = Headroom::read(&ProviderId::new("openai").unwrap(), &headers, NOW);
    assert_eq!(headroom.limits()[0].remaining, Some(5.0), "the first one that can be read counts");
}

proptest::proptest! {
    #[test]
    fn no_header_makes_reading_fail(
        part in proptest::sample::select(vec!["limit", "remaining", "reset"]),
        provider in proptest::sample::select(vec!["anthropic", "openai", "mistral", "nobody"]),
        value in "[ -~]{0,24}",
    ) {
        let mut pairs = serde_json::Map::new();
        for name in [
            format!("anthropic-ratelimit-tokens-{part}"),
            format!("x-ratelimit-{part}-requests"),
            format!("anthropic-ratelimit-unified-5h-{}", if part == "limit" { "utilization" } else { part }),
            "ratelimit".to_owned(),
            "x-codex-primary-used-percent".to_owned(),
        ] {
            pairs.insert(name, json!(value));
        }
        for limit in read(provider, &Value::Object(pairs)).limits() {
            proptest::prop_assert!(limit.remaining.is_none_or(|left| (0.0..=1e15).contains(&left)));
            proptest::prop_assert!(limit.reset.is_none_or(|at| at > NOW && at - NOW <= Duration::from_secs(32 * 86_400)));
        }
    }
}

fn profiles(names: &[&str]) -> AuthProfiles {
    let entry = |name: &&str| {
        let key = name.rsplit(':').next().unwrap();
        ((*name).to_owned(), json!({"type": "api_key", "provider": "openai", "key": format!("sk-{key}")}))
    };
    let profiles: serde_json::Map<String, Value> = names.iter().map(entry).collect();
    AuthProfiles::from_json(&json!({"version": 1, "profiles": profiles}).to_string()).unwrap()
}

/// A program with calls of one model, and a memory.
struct Program {
    profiles: AuthProfiles,
    selector: Arc<ProfileSelector>,
    tracker: Arc<HeadroomTracker>,
    /// Attempts that were made and are not answered yet.
    in_flight: std::cell::RefCell<Vec<Attempt>>,
}

impl Program {
    fn new(names: &[&str], rules: SelectorRules) -> Self {
        let selector = Arc::new(ProfileSelector::new(rules));
        Self { profiles: profiles(names), selector, tracker: Arc::default(), in_flight: Vec::new().into() }
    }

    fn step(&self, query: Query, now: Timestamp) -> Step {
        self.step_with("openai/gpt-5", query, now)
    }

    fn step_with(&self, model: &str, query: Query, now: Timestamp) -> Step {
        let rotation = Rotation::new(Arc::clone(&self.selector), model.parse().unwrap(), now);
        self.kept(rotation.headroom(Arc::clone(&self.tracker)).query(query).next(&self.profiles, now))
    }

    /// Keeps an attempt as a program does while it waits for the answer.
    fn kept(&self, step: Step) -> Step {
        if let Step::Attempt(attempt) = &step {
            self.in_flight.borrow_mut().push(attempt.clone());
        }
        step
    }

    fn attempt(&self, query: Query, now: Timestamp) -> Attempt {
        match self.step(query, now) {
            Step::Attempt(attempt) => attempt,
            other => panic!("{other:?}"),
        }
    }

    /// A request that is answered with what is left.
    fn ask(&self, query: Query, now: Timestamp, left: &Value) -> String {
        let attempt = self.attempt(query, now);
        attempt.observe(&headers(left), now);
        attempt.profile().as_str().to_owned()
    }
}

fn query() -> Query {
    Query::new(&ProviderId::new("openai").unwrap())
}

fn requests(remaining: u32) -> Value {
    json!({
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": remaining.to_string(),
        "x-ratelimit-reset-requests": format!("{}s", 60 - remaining),
    })
}

fn tokens(remaining: u32) -> Value {
    json!({"x-ratelimit-limit-tokens": "60000", "x-ratelimit-remaining-tokens": remaining.to_string()})
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_profile_is_left_before_it_is_empty_and_comes_back_when_enough_has_refilled() {
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    assert_eq!(program.ask(query(), NOW, &tokens(3_000)), "openai:a");
    // 1000 tokens come back in a second; the reset of the bucket would be 57 seconds away.
    let large = || query().tokens(TokenEstimate::new(7_000, 1_000)).preferred("openai:a".parse().unwrap());
    assert_eq!(program.attempt(large(), NOW).profile().as_str(), "openai:b");
    assert_eq!(program.attempt(large(), NOW + SECOND * 4).profile().as_str(), "openai:b");
    assert_eq!(program.attempt(large(), NOW + SECOND * 5).profile().as_str(), "openai:a");
    // That one has taken it all again, before its answer says so.
    assert_eq!(program.attempt(large(), NOW + SECOND * 6).profile().as_str(), "openai:b");
    let small = query().tokens(TokenEstimate::new(500, 500)).preferred("openai:a".parse().unwrap());
    assert_eq!(program.attempt(small, NOW + SECOND * 6).profile().as_str(), "openai:a");
}

#[test]
fn the_verdict_has_a_name_and_no_failure_is_counted() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    program.ask(query(), NOW, &json!({
        "x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10m0s",
    }));
    // One comes back in a minute, which is longer than a call waits.
    let Step::End(failure) = program.step(query(), NOW) else { panic!("nothing is left") };
    let error = failure.error();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Unavailable, Some(SECOND * 60)));
    let unavailable = error.unavailable().unwrap();
    let verdict = unavailable.candidates[0].verdict;
    assert_eq!(verdict.code(), "no_headroom");
    assert!(
        matches!(verdict, Verdict::NoHeadroom { until, limit: LimitKind::Requests, .. } if until == NOW + SECOND * 60)
    );
    let text = unavailable.to_string();
    assert!(text.ends_with(": openai:a has too little left of its limit of requests for 1 min"), "{text}");
    assert_eq!(program.profiles.usage("openai:a"), None);
}

#[test]
fn a_call_waits_for_a_little_that_comes_back_soon() {
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    for _ in 0..2 {
        program.ask(query(), NOW, &requests(0));
    }
    let Step::Pause(pause) = program.step(query(), NOW) else { panic!("one comes back in a second") };
    assert_eq!(pause, SECOND);
    program.attempt(query(), NOW + pause);
}

#[test]
fn a_new_session_goes_where_most_is_left_and_a_running_one_stays() {
    let program = Program::new(&["openai:a", "openai:b", "openai:c"], SelectorRules::default());
    for (name, left) in [("openai:a", 20), ("openai:b", 50), ("openai:c", 10)] {
        program.ask(query().locked(name.parse().unwrap()), NOW, &requests(left));
    }
    for number in 0..6 {
        let session = format!("session-{number}");
        assert_eq!(program.ask(query().session(&session), NOW, &requests(50)), "openai:b", "{session}");
    }
    // It stays although others have more, until its account would refuse.
    assert_eq!(program.ask(query().session("session-0"), NOW, &requests(3)), "openai:b");
    assert_eq!(program.ask(query().session("session-0"), NOW, &requests(0)), "openai:b");
    // It waits for a little that comes back soon, because its prompt cache is here, but not for long.
    assert!(matches!(program.step(query().session("session-0"), NOW), Step::Pause(pause) if pause == SECOND));
    let slow = json!({
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10m0s",
    });
    assert_eq!(program.ask(query().session("session-0"), NOW + SECOND, &slow), "openai:b");
    assert_eq!(program.ask(query().session("session-0"), NOW + SECOND, &requests(19)), "openai:a");
    // It does not go back when the first one has more again: its cache is elsewhere by now.
    assert_eq!(program.ask(query().session("session-0"), NOW + SECOND * 40, &requests(30)), "openai:a");
}

/// A prompt cache belongs to one model, so that a call of a small model does not draw the session along.
#[test]
fn a_session_has_a_profile_for_each_of_its_models() {
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    let session = || query().session("a session");
    let ask = |model: &str, query: Query, left: u32| {
        let Step::Attempt(attempt) = program.step_with(model, query, NOW) else { panic!("both have room") };
        attempt.observe(&headers(&requests(left)), NOW);
        attempt.profile().as_str().to_owned()
    };
    for (model, fuller, other) in
        [("openai/gpt-5", "openai:a", "openai:b"), ("openai/gpt-5-mini", "openai:b", "openai:a")]
    {
        ask(model, query().locked(other.parse().unwrap()), 30);
        ask(model, query().locked(fuller.parse().unwrap()), 50);
    }
    for _ in 0..3 {
        assert_eq!(ask("openai/gpt-5", session(), 20), "openai:a");
        assert_eq!(ask("openai/gpt-5-mini", session(), 20), "openai:b");
    }
}

#[test]
fn the_caller_says_at_which_share_a_session_leaves() {
    let mut rules = SelectorRules::default();
    let mut policy = HeadroomPolicy::default();
    policy.leave_below = 0.25;
    rules.headroom = Some(policy);
    let program = Program::new(&["openai:a", "openai:b"], rules);
    let session = || query().session("a session");
    let first = program.ask(session(), NOW, &requests(16));
    assert_eq!(program.ask(session(), NOW, &requests(14)), first);
    assert_ne!(program.ask(session(), NOW, &requests(60)), first);
}

#[test]
fn all_of_it_can_be_switched_off_and_the_february_rules_do_not_know_it() {
    let mut off = SelectorRules::default();
    off.headroom = None;
    for rules in [off, SelectorRules::openclaw_2026_02()] {
        let program = Program::new(&["openai:a"], rules);
        program.ask(query(), NOW, &requests(0));
        program.attempt(query(), NOW);
        assert_eq!(program.tracker.profiles(NOW), []);
    }
}

#[test]
fn where_it_is_not_known_how_a_limit_fills_one_request_tries() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    // Missing over reset is not known either: the reset is missing.
    let unknown = json!({"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"});
    program.ask(query(), NOW, &unknown);
    assert!(matches!(program.step(query(), NOW), Step::Pause(pause) if pause == SECOND * 5));
    assert!(matches!(program.step(query(), NOW + SECOND * 4), Step::Pause(pause) if pause == SECOND));
    program.attempt(query(), NOW + SECOND * 5);
    assert!(matches!(program.step(query(), NOW + SECOND * 5), Step::Pause(pause) if pause == SECOND * 5));
}

#[test]
fn what_requests_take_is_learnt_where_the_caller_does_not_say_it() {
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    let a = || query().preferred("openai:a".parse().unwrap());
    for left in [50_000, 40_000, 30_000, 20_000, 10_000] {
        assert_eq!(program.ask(a(), NOW, &tokens(left)), "openai:a");
    }
    assert_eq!(
        program.attempt(a(), NOW).profile().as_str(),
        "openai:b",
        "another one of 10000, a little more perhaps, is not left"
    );
}

#[test]
fn an_estimate_that_is_wrong_by_a_constant_factor_is_corrected() {
    for (told, each) in [(20_000, 5_000), (2_000, 5_000), (5_000, 5_000)] {
        let program = Program::new(&["openai:a"], SelectorRules::default());
        let sized = || query().tokens(TokenEstimate::new(0, told));
        for number in 0..4 {
            program.ask(sized(), NOW, &tokens(60_000 - number * each));
        }
        program.attempt(sized(), NOW);
        let left = program.tracker.profiles(NOW)[0].limits[0].remaining;
        assert_eq!(left, Some(f64::from(60_000 - 4 * each)), "{told} told of {each}");
    }
}

#[test]
fn a_refusal_shows_that_a_request_takes_more_than_is_left() {
    let left = |program: &Program| program.tracker.profiles(NOW)[0].limits[0].remaining;
    let mut refused = tokens(5_000);
    refused["retry-after"] = json!("5");
    for (size, cost) in [(Some(3_000), 5_000.0), (Some(1_000), 2_000.0), (None, 5_000.0)] {
        let program = Program::new(&["openai:a"], SelectorRules::default());
        let sized = || size.map_or_else(query, |size| query().tokens(TokenEstimate::new(size, 0)));
        program.ask(sized(), NOW, &tokens(5_000));
        program.ask(sized(), NOW, &refused);
        program.attempt(sized(), NOW);
        assert_eq!(left(&program), Some(5_000.0 - cost), "{size:?}");
    }
}

#[test]
fn answers_out_of_order_and_requests_in_flight_count_once() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    let (first, second, third) =
        (program.attempt(query(), NOW), program.attempt(query(), NOW), program.attempt(query(), NOW));
    second.observe(&headers(&requests(1)), NOW);
    // The third was sent after the second, so that the one that is left is taken.
    assert!(matches!(program.step(query(), NOW), Step::Pause(_)));
    first.observe(&headers(&requests(2)), NOW);
    assert!(matches!(program.step(query(), NOW), Step::Pause(_)), "an older answer says nothing new");
    third.observe(&headers(&requests(30)), NOW);
    program.attempt(query(), NOW);
}

#[test]
fn a_changed_key_and_a_clock_that_was_set_back_end_it() {
    let mut program = Program::new(&["openai:a"], SelectorRules::default());
    let hour = json!({"x-codex-primary-used-percent": "100", "x-codex-primary-reset-after-seconds": "86400"});
    program.ask(query(), NOW, &hour);
    assert!(matches!(program.step(query(), NOW), Step::End(_)));
    program.attempt(query(), NOW - SECOND * 3_600);
    program.profiles = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {"openai:a": {"type": "api_key", "provider": "openai", "key": "sk-new"}}}"#,
    )
    .unwrap();
    program.attempt(query(), NOW);
}

#[test]
fn plan_windows_bind_every_model_they_are_for() {
    let mut program = Program::new(&["openai:a"], SelectorRules::default());
    program.profiles = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {"anthropic:a": {"type": "token", "provider": "anthropic", "token": "sk-ant-oat01-made-up"}}}"#,
    )
    .unwrap();
    let step = |model: &str, now| {
        let rotation = Rotation::new(Arc::clone(&program.selector), model.parse().unwrap(), now);
        rotation.headroom(Arc::clone(&program.tracker)).next(&program.profiles, now)
    };
    let Step::Attempt(attempt) = step("anthropic/claude-sonnet-4-5", NOW) else { panic!("it is ready") };
    attempt.observe(&headers(&json!({
        "anthropic-ratelimit-unified-7d_opus-utilization": "1", "anthropic-ratelimit-unified-7d_opus-status": "rejected",
        "anthropic-ratelimit-unified-7d_opus-reset": (NOW.as_millis() / 1_000 + 300_000).to_string(),
    })), NOW);
    assert!(matches!(step("anthropic/claude-sonnet-4-5", NOW), Step::Attempt(_)));
    let Step::End(failure) = step("anthropic/claude-opus-4-5", NOW) else { panic!("the week is used up") };
    assert_eq!(failure.error().retry_after(), Some(SECOND * 300_000));
    assert!(matches!(step("anthropic/claude-opus-4-5", NOW + SECOND * 300_000), Step::Attempt(_)));
}

#[test]
fn a_failure_tells_what_is_left_as_well() {
    use provider_auth::rotation::{AttemptError, ErrorResponse};
    use provider_auth::{Failure, FailureReason};
    let program = Program::new(&["openai:a"], SelectorRules::default());
    let mut rotation = Rotation::new(Arc::clone(&program.selector), "openai/gpt-5".parse().unwrap(), NOW)
        .headroom(Arc::clone(&program.tracker));
    let Step::Attempt(attempt) = rotation.next(&program.profiles, NOW) else { panic!("it is ready") };
    let response = ErrorResponse::new(http::StatusCode::BAD_REQUEST, headers(&requests(0)), b"");
    let error = AttemptError::from(Failure::new(FailureReason::Format)).with_response(response);
    rotation.report(&attempt, Outcome::from(error), NOW);
    assert!(matches!(program.step(query(), NOW), Step::Pause(_)));
}

#[test]
fn what_is_left_is_told_with_the_time_that_has_gone_by() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    program.ask(query(), NOW, &tokens(30_000));
    let shown = &program.tracker.profiles(NOW + SECOND * 10)[0];
    assert_eq!((shown.profile.as_str(), shown.model.as_deref()), ("openai:a", Some("gpt-5")));
    assert_eq!(shown.limits[0].remaining, Some(40_000.0));
    assert_eq!(shown.limits[0].reset, Some(NOW + SECOND * 30));
    let text = format!("openai:a for gpt-5: 40000 of 60000 tokens, full at {}", NOW + SECOND * 30);
    assert_eq!(shown.to_string(), text);
    program.tracker.forget(&"openai:a".parse().unwrap());
    assert_eq!(program.tracker.profiles(NOW), []);
}

#[test]
fn what_the_cache_has_counts_for_the_profile_of_the_session_alone() {
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    let left = |input: u32| {
        json!({
            "anthropic-ratelimit-input-tokens-limit": "60000", "anthropic-ratelimit-input-tokens-remaining": input.to_string(),
        })
    };
    let session = || query().session("a session").tokens(TokenEstimate::new(20_000, 0).with_cached(19_000));
    let first = program.ask(session(), NOW, &left(3_000));
    // A thousand are enough here.
    assert_eq!(program.ask(session(), NOW, &left(3_000)), first);
    let other = if first == "openai:a" { "openai:b" } else { "openai:a" };
    program.ask(query().locked(other.parse().unwrap()), NOW, &left(3_000));
    program.ask(
        query().locked(first.parse().unwrap()).session("a session").tokens(TokenEstimate::new(500, 0)),
        NOW,
        &left(0),
    );
    // Elsewhere it would be twenty, and it comes back here first.
    assert!(matches!(program.step(session(), NOW), Step::Pause(pause) if pause <= SECOND * 2));
}

#[test]
fn the_status_has_it_as_text_and_json() {
    use provider_auth::status::StatusReport;
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    program.ask(query(), NOW, &tokens(30_000));
    let config = crate::support::config("{}");
    let report = |tracker| StatusReport::builder(&config, &program.profiles).headroom(tracker).build(NOW);
    let json =
        |report: StatusReport| serde_json::from_str::<Value>(&report.to_json()).unwrap()["auth"]["headroom"].clone();
    let tokens = json!({
        "kind": "tokens", "name": "tokens", "limit": 60_000.0, "remaining": 30_000.0,
        "fullAt": (NOW + SECOND * 30).as_millis(),
    });
    let expected = json!([{"profileId": "openai:a", "model": "gpt-5", "limits": [tokens]}]);
    assert_eq!(json(report(&program.tracker)), expected);
    let text = report(&program.tracker).to_string();
    let row = "\n\nPROFILE   MODEL  HEADROOM\nopenai:a  gpt-5  30000 of 60000 tokens, full in 30s\n\n";
    assert!(text.contains(row), "{text}");
    let empty = HeadroomTracker::new();
    assert_eq!(json(report(&empty)), Value::Null, "a report without it is as before");
    assert!(!report(&empty).to_string().contains("HEADROOM"));
    let plan = json!({"x-codex-primary-used-percent": "40"});
    program.ask(query().preferred("openai:b".parse().unwrap()), NOW, &plan);
    assert_eq!(report(&program.tracker).headroom[1].to_string(), "openai:b: 60% of the plan's primary");
}

/// What keeps a request from being sent.
type End = fn(&mut Rotation, Attempt);

/// Ways in which a request is not sent after its profile was chosen.
fn unsent() -> Vec<(&'static str, End)> {
    use provider_auth::failure::TransportError;
    use provider_auth::{Error, Failure};
    fn report(rotation: &mut Rotation, attempt: &Attempt, outcome: Outcome) {
        rotation.report(attempt, outcome, NOW);
    }
    vec![
        ("postponed", |rotation, attempt| rotation.postpone(&attempt, NOW)),
        ("unusable", |rotation, attempt| {
            report(rotation, &attempt, Outcome::Unusable(Error::new(ErrorKind::InvalidSecret, "made up")));
        }),
        ("unserved", |rotation, attempt| {
            report(rotation, &attempt, Outcome::Unserved(Error::new(ErrorKind::NoEndpoint, "made up")));
        }),
        ("aborted", |rotation, attempt| {
            report(rotation, &attempt, Outcome::Aborted(Error::new(ErrorKind::InvalidBody, "made up")));
        }),
        ("no connection", |rotation, attempt| {
            report(rotation, &attempt, Failure::from(TransportError::Connect).into());
        }),
        ("dropped", |_, attempt| drop(attempt)),
    ]
}

#[test]
fn what_is_not_sent_uses_no_headroom_teaches_no_cost_and_settles_no_session() {
    for (name, end) in unsent() {
        let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
        let a = || query().preferred("openai:a".parse().unwrap());
        let begun = |query: Query| {
            let rotation = Rotation::new(Arc::clone(&program.selector), "openai/gpt-5".parse().unwrap(), NOW);
            let mut rotation = rotation.headroom(Arc::clone(&program.tracker)).query(query);
            let Step::Attempt(attempt) = rotation.next(&program.profiles, NOW) else { panic!("{name}: a has room") };
            assert_eq!(attempt.profile().as_str(), "openai:a", "{name}");
            (rotation, attempt)
        };
        let left = || program.tracker.profiles(NOW)[0].limits[0].remaining;
        program.ask(a(), NOW, &tokens(60_000));
        let sized = || a().tokens(TokenEstimate::new(28_000, 0));
        for _ in 0..3 {
            let (mut rotation, attempt) = begun(sized());
            assert_eq!(left(), Some(32_000.0), "{name}: set aside until it is known");
            end(&mut rotation, attempt);
            assert_eq!(left(), Some(60_000.0), "{name}");
        }

        // One of the two takes all of the 20000.
        let (mut rotation, attempt) = begun(a());
        end(&mut rotation, attempt);
        program.ask(a(), NOW, &tokens(40_000));
        program.ask(a(), NOW, &tokens(20_000));
        assert_eq!(program.attempt(a(), NOW).profile().as_str(), "openai:b", "{name}: another 20000 are not left");

        // The session is new, and goes where most is left.
        let (mut rotation, attempt) = begun(a().session("a session").tokens(TokenEstimate::new(1_000, 0)));
        end(&mut rotation, attempt);
        let session = || query().session("a session").tokens(TokenEstimate::new(1_000, 0));
        assert_eq!(program.attempt(session(), NOW).profile().as_str(), "openai:b", "{name}");
    }
}

#[test]
fn a_session_goes_back_to_its_profile_if_the_request_elsewhere_was_not_sent() {
    for (name, end) in unsent() {
        let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
        let session = || query().session("a session");
        let b = program.ask(session().locked("openai:b".parse().unwrap()), NOW, &requests(30));
        program.ask(query().locked("openai:a".parse().unwrap()), NOW, &requests(59));
        let rotation = Rotation::new(Arc::clone(&program.selector), "openai/gpt-5".parse().unwrap(), NOW);
        let preferred = session().preferred("openai:a".parse().unwrap());
        let mut rotation = rotation.headroom(Arc::clone(&program.tracker)).query(preferred);
        let Step::Attempt(attempt) = rotation.next(&program.profiles, NOW) else { panic!("both have room") };
        assert_eq!(attempt.profile().as_str(), "openai:a");
        end(&mut rotation, attempt);
        assert_eq!(program.attempt(session(), NOW).profile().as_str(), b, "{name}");
    }
}

#[test]
fn a_session_that_leaves_for_its_share_and_a_call_that_waits_are_told() {
    use crate::support::traced::traced;
    let mut rules = SelectorRules::default();
    rules.headroom.as_mut().unwrap().leave_below = 0.25;
    let program = Program::new(&["openai:a", "openai:b"], rules);
    let session = || query().session("a session");
    let first = program.ask(session(), NOW, &requests(14));
    let ((), text) = traced(|| {
        program.attempt(session(), NOW);
        program.attempt(session(), NOW);
    });
    let told = |text: &str, sentence: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains("INFO") && line.contains(sentence)).map(str::to_owned).collect()
    };
    let left = told(&text, "a session leaves a profile with little left");
    assert_eq!(left.len(), 1, "{text}");
    for word in [format!("from={first}"), "profile=openai:".to_owned(), "leave_below=0.25".to_owned()] {
        assert!(left[0].contains(&word), "{word}: {}", left[0]);
    }
    let alone = Program::new(&["openai:a"], SelectorRules::default());
    alone.ask(query(), NOW, &requests(0));
    let ((), text) = traced(|| assert!(matches!(alone.step(query(), NOW), Step::Pause(_))));
    let waits = told(&text, "waiting until a profile has enough left of its limits");
    assert_eq!(waits.len(), 1, "{text}");
    assert!(waits[0].contains("profile=openai:a") && waits[0].contains("pause_ms=1000"), "{}", waits[0]);
}

#[test]
fn a_profile_that_is_left_is_told_once() {
    use crate::support::traced::traced;
    let program = Program::new(&["openai:a", "openai:b"], SelectorRules::default());
    let ((), text) = traced(|| {
        program.ask(query(), NOW, &requests(0));
        program.attempt(query(), NOW);
        program.attempt(query(), NOW);
    });
    let told: Vec<&str> =
        text.lines().filter(|line| line.contains("leaving a profile before its limit is reached")).collect();
    assert_eq!(told.len(), 1, "{text}");
    for word in ["INFO", "from=openai:a", "profile=openai:b", "limit=\"requests\"", "until="] {
        assert!(told[0].contains(word), "{word}: {}", told[0]);
    }
    assert!(!text.contains("sk-"), "{text}");
}

/// What `OpenRouter` says once, on a 429.
fn openrouter() -> (AuthProfiles, Value) {
    let profiles = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {"openrouter:a": {"type": "api_key", "provider": "openrouter", "key": "sk-a"}}}"#,
    );
    let reset = (NOW + SECOND * 41).as_millis().to_string();
    let told = json!({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset});
    (profiles.unwrap(), told)
}

#[test]
fn a_limit_that_only_an_error_tells_does_not_throttle_for_good() {
    for is_observed in [true, false] {
        let (profiles, told) = openrouter();
        let program = Program { profiles, ..Program::new(&[], SelectorRules::default()) };
        let step = |now| {
            let rotation = Rotation::new(Arc::clone(&program.selector), "openrouter/some-model".parse().unwrap(), now);
            program.kept(rotation.headroom(Arc::clone(&program.tracker)).next(&program.profiles, now))
        };
        let Step::Attempt(attempt) = step(NOW) else { panic!("nothing is known") };
        attempt.observe(&headers(&told), NOW);
        assert!(!matches!(step(NOW + SECOND * 40), Step::Attempt(_)));
        let mut now = NOW + SECOND * 41;
        let mut waited = Duration::ZERO;
        for number in 0..200 {
            match step(now) {
                // Successes tell nothing; some callers do not pass them on at all.
                Step::Attempt(attempt) if is_observed => attempt.observe(&HeaderMap::new(), now),
                Step::Attempt(_) => {}
                Step::Pause(pause) => (now, waited) = (now + pause, waited + pause),
                other => panic!("{number}: {other:?}"),
            }
        }
        assert_eq!(waited, if is_observed { Duration::ZERO } else { SECOND * 5 });
    }
}

#[test]
fn an_answer_that_tells_nothing_leaves_what_fills_by_itself() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    let (first, second) = (program.attempt(query(), NOW), program.attempt(query(), NOW));
    first.observe(&headers(&requests(0)), NOW);
    second.observe(&HeaderMap::new(), NOW);
    assert!(matches!(program.step(query(), NOW), Step::Pause(_)));
}

#[test]
fn a_request_larger_than_the_limit_takes_no_more_than_all_of_it() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    program.ask(query(), NOW, &tokens(60_000));
    program.attempt(query().tokens(TokenEstimate::new(600_000, 0)), NOW);
    let small = || query().tokens(TokenEstimate::new(7_000, 0));
    assert!(matches!(program.step(small(), NOW), Step::Pause(pause) if pause == SECOND * 7));
    program.attempt(small(), NOW + SECOND * 7);
}

#[test]
fn names_that_a_server_makes_up_are_bounded() {
    let item = |number: u32| format!("\"made-up-{number}\";r=5;t=30");
    let list: Vec<String> = (0..1_000).map(item).collect();
    let headroom = read("nobody", &json!({"ratelimit": list.join(", ")}));
    assert_eq!(headroom.limits().len(), 8);
    let long = format!("\"{}\";r=5;t=30, \"short\";r=5;t=30, \"short\";r=9;t=30", "x".repeat(65));
    assert_eq!(limits(&read("nobody", &json!({"ratelimit": long}))), [json!(["requests", "short", null, 5.0, 30_000])]);
}

#[test]
fn a_reset_is_believed_for_a_period_or_an_hour() {
    let hour = json!({"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": "2000000"});
    let minute = json!({"ratelimit": "\"default\";r=0;t=2000000", "ratelimit-policy": "\"default\";q=10;w=60"});
    for (told, seconds) in [(hour, 3_600), (minute, 60)] {
        let program = Program::new(&["openai:a"], SelectorRules::default());
        program.ask(query(), NOW, &told);
        let Step::End(failure) = program.step(query(), NOW) else { panic!("nothing is left") };
        assert_eq!(failure.error().retry_after(), Some(SECOND * seconds));
        program.attempt(query(), NOW + SECOND * seconds);
    }
}

#[test]
fn limits_of_the_same_name_in_other_headers_count_beside_each_other() {
    let program = Program::new(&["openai:a"], SelectorRules::default());
    let mut told = requests(0);
    told["ratelimit-limit"] = json!("100");
    told["ratelimit-remaining"] = json!("50");
    program.ask(query(), NOW, &told);
    assert!(matches!(program.step(query(), NOW), Step::Pause(pause) if pause == SECOND));
}
