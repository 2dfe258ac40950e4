//! The loop alone: answers as input; attempts, records and pauses as output. No network, no runtime, no store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::credential::{Credential, CredentialSource, InlineCredential};
use provider_auth::record::Record;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, TokenRefresher};
use provider_auth::rotation::{Attempt, BlockingDriver, Outcome, ProbeLog, Rotation, RotationLimits, Step};
use provider_auth::select::ProbePolicy;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Config, Error, ErrorKind, Failure, FailureReason, MemoryStore, ModelRef,
    ProfileId, ProfileSelector, ProviderId, ReadOptions, Rotator, Secret, SendFailure, Timestamp,
};
use serde_json::json;

use crate::support::rotation::{HAIKU, OPUS, keys};
use crate::support::{NOW, at, config};

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, ModelNotFound, Network, NotFound, Overloaded, RateLimit,
    ServerError, SessionExpired, Timeout, Unknown,
};

pub(crate) fn document(names: &[&str]) -> AuthProfiles {
    AuthProfiles::from_json(&keys(names).to_string()).unwrap()
}

pub(crate) fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// What the loop did, a word each: the key and the first letter of the model, `!` where the failure is recorded; `=` and the
/// milliseconds of a pause; at the end the kind of the error, or `ok`.
pub(crate) fn play(
    mut rotation: Rotation,
    names: &[&str],
    mut answer: impl FnMut(&Attempt, Timestamp) -> Outcome,
) -> String {
    let (mut profiles, mut said, mut now) = (document(names), Vec::new(), at(NOW));
    for n in 0.. {
        match rotation.next(&profiles, now) {
            Step::Attempt(attempt) => {
                let name = attempt.profile().as_str().trim_start_matches("anthropic:").to_owned();
                let letter = if attempt.model().to_string() == OPUS { 'o' } else { 'h' };
                let outcome = answer(&attempt, now);
                let answered = matches!(outcome, Outcome::Answered { .. });
                let record = rotation.report(&attempt, outcome, now);
                let failed = matches!(record, Some(Record::Failure(..)));
                said.push(format!("{name}{letter}{}", if failed { "!" } else { "" }));
                if let Some(record) = record {
                    assert_eq!(record.receipt().profile(), attempt.profile());
                    record.apply(&ProfileSelector::default(), &mut profiles, now).unwrap();
                }
                if answered {
                    said.push("ok".to_owned());
                    break;
                }
            }
            Step::Pause(pause) => {
                now = now + pause;
                said.push(format!("={}", pause.as_millis()));
            }
            Step::End(failure) => {
                said.push(format!("{:?}", failure.kind()));
                break;
            }
            other => panic!("{other:?}"),
        }
        assert!(n < 50, "{said:?}");
    }
    said.join(" ")
}

/// Answers in this order, then successes.
pub(crate) fn answers(reasons: &[FailureReason]) -> impl FnMut(&Attempt, Timestamp) -> Outcome + use<'_> {
    let mut reasons = reasons.iter().copied();
    move |_, _| match reasons.next() {
        Some(reason) => failed(reason),
        None => Outcome::answered(None),
    }
}

pub(crate) fn failed(reason: FailureReason) -> Outcome {
    Outcome::Failed { failure: Failure::new(reason), status: None, response: None }
}

/// Without retries, so that each row says what follows once they are over.
pub(crate) fn rotation() -> Rotation {
    retrying(0)
}

pub(crate) fn retrying(retries: u32) -> Rotation {
    let mut limits = RotationLimits::default();
    limits.retries = retries;
    Rotation::new(ProfileSelector::default(), model(OPUS), at(NOW)).fallbacks([model(HAIKU)]).limits(limits)
}

#[test]
fn answers_lead_to_attempts_records_and_pauses() {
    let rows: &[(&[&str], &[FailureReason], &str)] = &[
        (&["a", "b"], &[], "ao ok"),
        // The profile is to blame: every other one, then the next model with those that are left.
        (&["a", "b", "c"], &[RateLimit], "ao! bo ok"),
        (&["a", "b", "c"], &[RateLimit, RateLimit], "ao! bo! co ok"),
        (&["a", "b"], &[RateLimit, RateLimit], "ao! bo! ah ok"),
        (&["a", "b"], &[RateLimit; 4], "ao! bo! ah! bh! RateLimited"),
        (&["a", "b"], &[Auth, Auth], "ao! bo! Unauthorized"),
        (&["a", "b"], &[AuthPermanent, SessionExpired], "ao! bo! Unauthorized"),
        (&["a", "b"], &[Billing], "ao! bo ok"),
        (&["a", "b"], &[Unknown], "ao! bo ok"),
        // The model.
        (&["a", "b"], &[Timeout], "ao! bo ok"),
        (&["a", "b"], &[ModelNotFound, ModelNotFound], "ao! bo! ah ok"),
        // The provider: one more profile, then the next model.
        (&["a", "b", "c"], &[Overloaded, Overloaded], "ao! bo! ah ok"),
        (&["a", "b", "c"], &[ServerError; 4], "ao! bo! ah! bh! ProviderFailed"),
        (&["a"], &[Overloaded], "ao! ah ok"),
        // The way to the provider, and its address: nobody is to blame, and the next model goes the same way.
        (&["a", "b"], &[Network], "ao Unreachable"),
        (&["a", "b"], &[NotFound], "ao WrongAddress"),
        // The request: nobody would fare better, and nothing is recorded.
        (&["a", "b"], &[Format], "ao RequestRefused"),
        (&["a", "b"], &[RateLimit, ContextOverflow], "ao! bo RequestRefused"),
    ];
    for (names, reasons, expected) in rows {
        assert_eq!(play(rotation(), names, answers(reasons)), *expected, "{names:?} {reasons:?}");
    }
}

#[test]
fn what_the_provider_or_the_way_is_to_blame_for_is_tried_again_with_the_same_profile() {
    let rows: &[(u32, &[&str], &[FailureReason], &str)] = &[
        (2, &["a", "b"], &[Overloaded], "ao! =500 ao ok"),
        (2, &["a"], &[Overloaded, ServerError], "ao! =500 ao! =1000 ao ok"),
        (1, &["a"], &[Overloaded, Overloaded], "ao! =500 ao! ah ok"),
        // One more profile, which is not asked twice, then the next model, which has retries of its own.
        (2, &["a", "b"], &[Overloaded; 5], "ao! =500 ao! =1000 ao! bo! ah! =500 ah ok"),
        (2, &["a", "b"], &[Network, Network], "ao =500 ao =1000 ao ok"),
        (2, &["a", "b"], &[Network; 3], "ao =500 ao =1000 ao Unreachable"),
        // A profile, a model or the request is not to be blamed less for being asked again.
        (2, &["a", "b"], &[RateLimit], "ao! bo ok"),
        (2, &["a", "b"], &[Timeout], "ao! bo ok"),
        (2, &["a", "b"], &[NotFound], "ao WrongAddress"),
        (2, &["a", "b"], &[Format], "ao RequestRefused"),
    ];
    for (retries, names, reasons, expected) in rows {
        assert_eq!(play(retrying(*retries), names, answers(reasons)), *expected, "{retries} {names:?} {reasons:?}");
    }
    // A key from outside the document is tried again as well, and the call then goes on with another provider's model.
    let inline = || {
        let credential = Credential::api_key(Secret::new("k-env"));
        let inline = InlineCredential::new(credential, CredentialSource::Caller);
        retrying(2).inline(ProviderId::anthropic(), inline)
    };
    let name = "inline-api-key:";
    assert_eq!(
        play(inline(), &[], answers(&[Network; 3])),
        format!("{name}o =500 {name}o =1000 {name}o Unreachable").replace(name, "inline-api-key:anthropic")
    );
    assert_eq!(
        play(inline(), &[], answers(&[Overloaded])),
        format!("{name}o! =500 {name}o ok").replace(name, "inline-api-key:anthropic")
    );
    // The random number shortens the pause, and a wait that the server names replaces it, unless it is long.
    let random = |random: f64| play(retrying(2).random(random), &["a"], answers(&[Overloaded]));
    assert_eq!(random(1.0), "ao! =375 ao ok");
    for (seconds, expected) in [(3, "ao! =3000 ao ok"), (60, "ao! bo ok")] {
        let told = Failure::new(Overloaded).with_deadline(Some(at(NOW + seconds * 1_000)));
        let mut told = Some(told);
        let said = play(retrying(2), &["a", "b"], |_, _| match told.take() {
            Some(failure) => Outcome::Failed { failure, status: None, response: None },
            None => Outcome::answered(None),
        });
        assert_eq!(said, expected, "{seconds}");
    }
    // Nothing is tried for which no time is left.
    let mut limits = RotationLimits::default();
    limits.time = Duration::from_millis(400);
    assert_eq!(play(retrying(2).limits(limits), &["a"], answers(&[Overloaded])), "ao! ah ok");
}

#[test]
fn a_server_that_says_no_more_is_believed_unless_the_account_is_to_blame() {
    use http::{HeaderMap, StatusCode};
    use provider_auth::{FailureClassifier, ProviderId};
    let mut headers = HeaderMap::new();
    headers.insert("x-should-retry", " false ".parse().unwrap());
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    for (status, expected) in [
        (529, "ao! ProviderFailed"),
        (500, "ao! ProviderFailed"),
        (504, "ao! ProviderFailed"),
        (418, "ao! ProviderFailed"),
        (429, "ao! bo ok"),
        (401, "ao! bo ok"),
        (402, "ao! bo ok"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let failure = classifier.response(status, &headers, b"", at(NOW)).unwrap();
        let mut failure = Some(failure);
        let said = play(rotation(), &["a", "b"], |_, _| match failure.take() {
            Some(failure) => Outcome::Failed { failure, status: Some(status), response: None },
            None => Outcome::answered(None),
        });
        assert_eq!(said, expected, "{status}");
    }
}

#[test]
fn limits_end_a_call() {
    let limits = |set: fn(&mut RotationLimits)| {
        let mut limits = RotationLimits::default();
        limits.retries = 0;
        set(&mut limits);
        rotation().limits(limits)
    };
    let limited = [RateLimit; 9];
    assert_eq!(play(limits(|l| l.attempts = 2), &["a", "b", "c"], answers(&limited)), "ao! bo! RateLimited");
    assert_eq!(play(limits(|l| l.attempts = 0), &["a", "b"], answers(&limited)), "ao! RateLimited");
    assert_eq!(
        play(limits(|l| l.rate_limited_rotations = Some(1)), &["a", "b", "c"], answers(&limited[..3])),
        "ao! bo! ah! bh ok"
    );
    assert_eq!(play(limits(|l| l.overloaded_rotations = 0), &["a", "b"], answers(&[Overloaded])), "ao! ah ok");
    let paused = |l: &mut RotationLimits| l.overloaded_pause = Duration::from_millis(250);
    assert_eq!(play(limits(paused), &["a", "b"], answers(&[Overloaded])), "ao! =250 bo ok");
    assert_eq!(play(limits(paused), &["a", "b"], answers(&[ServerError])), "ao! bo ok");

    let (profiles, mut rotation) = (document(&["a", "b"]), limits(|l| l.time = Duration::from_secs(10)));
    let Step::Attempt(first) = rotation.next(&profiles, at(NOW + 4_000)) else { panic!() };
    assert_eq!(first.timeout(), Duration::from_secs(6));
    rotation.report(&first, failed(RateLimit), at(NOW + 10_000));
    let Step::End(failure) = rotation.next(&profiles, at(NOW + 10_000)) else { panic!() };
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::RateLimited, 1));
    let mut rotation =
        limits(|l| (l.time, l.attempt_timeout) = (Duration::from_secs(10), Some(Duration::from_secs(2))));
    let timeout = |step: Step| if let Step::Attempt(attempt) = step { attempt.timeout().as_secs() } else { 0 };
    assert_eq!(timeout(rotation.next(&profiles, at(NOW + 4_000))), 2);
    assert_eq!(timeout(rotation.next(&profiles, at(NOW + 9_000))), 1);
}

#[test]
fn the_configuration_gives_fallbacks_limits_and_inline_credentials() {
    let text = json!({
        "agents": {"defaults": {"model": {"primary": OPUS, "fallbacks": [HAIKU, "openai/gpt-5"]}}},
        "auth": {"cooldowns": {"overloadedProfileRotations": 0, "overloadedBackoffMs": 250, "rateLimitedProfileRotations": 1}},
        "env": {"OPENAI_API_KEY": "sk-env"},
    });
    let rotation = |config: &Config| config.rotation(model(OPUS), None, at(NOW));
    let config = config(&text.to_string());
    assert_eq!(rotation(&config).models().len(), 3);
    assert_eq!(
        play(rotation(&config), &["a", "b", "c"], answers(&[Overloaded; 6])),
        "ao! =500 ao! =1000 ao! ah! =500 ah! =1000 ah! inline-api-key:openaih ok"
    );
    assert_eq!(play(rotation(&config), &["a", "b", "c"], answers(&[RateLimit; 2])), "ao! bo! ah ok");
    let plain = Config::from_json5_str("{}", &ReadOptions::new()).unwrap();
    assert_eq!(rotation(&plain).models().len(), 1);
}

#[test]
fn what_cannot_be_sent_makes_room_or_ends_the_call() {
    // A profile that cannot be used is left out for every model; only a denied refresh is recorded.
    let unusable = |kind: ErrorKind| {
        let mut asked = 0..;
        move |_: &Attempt, _: Timestamp| match asked.next().unwrap_or(0) {
            0 => Outcome::Unusable(Error::new(kind, "not this one")),
            1 => failed(RateLimit),
            _ => Outcome::answered(None),
        }
    };
    assert_eq!(play(rotation(), &["a", "b"], unusable(ErrorKind::RefreshFailed)), "ao bo! bh ok");
    assert_eq!(play(rotation(), &["a", "b"], unusable(ErrorKind::RefreshDenied)), "ao! bo! bh ok");
    let aborted = |_: &Attempt, _: Timestamp| Outcome::Aborted(Error::new(ErrorKind::InvalidBody, "no body"));
    assert_eq!(play(rotation(), &["a", "b"], aborted), "ao InvalidBody");
    assert_eq!(play(rotation(), &[], answers(&[])), "MissingApiKey");
}

#[test]
fn a_refused_oauth_credential_is_worth_one_refresh_in_a_call() {
    let profiles = AuthProfiles::from_json(
        r#"{"version":1,"profiles":{"anthropic:me":{"type":"oauth","provider":"anthropic","access":"a","refresh":"r"}}}"#,
    )
    .unwrap();
    let mut rotation = rotation();
    let refused = Failure::new(Auth);
    let Step::Attempt(first) = rotation.next(&profiles, at(NOW)) else { panic!() };
    assert!(rotation.can_refresh(&first, &refused) && !rotation.can_refresh(&first, &Failure::new(AuthPermanent)));
    let outcome = Outcome::Refreshed { failure: refused.clone(), status: None, response: None };
    assert!(rotation.report(&first, outcome, at(NOW)).is_none());
    let Step::Attempt(second) = rotation.next(&profiles, at(NOW)) else { panic!() };
    assert_eq!((second.profile(), rotation.can_refresh(&second, &refused)), (first.profile(), false));
    assert!(rotation.report(&second, failed(Auth), at(NOW)).is_some());
    assert_eq!(rotation.attempts().len(), 2);
}

#[test]
fn probes_of_a_provider_leave_time_between_them() {
    let mut cooling = keys(&["a"]);
    cooling["usageStats"] = json!({"anthropic:a": {"cooldownUntil": NOW + 60_000, "cooldownReason": "rate_limit"}});
    let profiles = AuthProfiles::from_json(&cooling.to_string()).unwrap();
    let log = Arc::new(ProbeLog::default());
    let call = |now: Timestamp| {
        let rotation = Rotation::new(ProfileSelector::default(), model(OPUS), now);
        rotation.probes(ProbePolicy::default(), log.clone()).next(&profiles, now)
    };
    assert!(matches!(call(at(NOW)), Step::Attempt(_)));
    assert!(matches!(call(at(NOW + 1_000)), Step::End(failure) if failure.kind() == ErrorKind::Unavailable));
    assert!(matches!(call(at(NOW + 30_000)), Step::Attempt(_)));
}

#[test]
fn the_blocking_driver_records_every_outcome() {
    let (store, clock) = (MemoryStore::new(document(&["a", "b"])), ManualClock::new(at(NOW)));
    let driver = BlockingDriver::new(&store, &clock, |_| {});
    let run = |reasons: &[FailureReason]| -> Result<usize, SendFailure> {
        let mut reasons = reasons.iter();
        let send = |_: &Attempt| reasons.next().map_or(Ok(()), |reason| Err(Failure::new(*reason)));
        driver
            .run(Rotation::new(ProfileSelector::default(), model(OPUS), at(NOW)), send)
            .map(|done| done.attempts.len())
    };
    assert_eq!(run(&[RateLimit]).unwrap(), 2);
    let stats = |name: &str| store.load().unwrap().usage(name).cloned().unwrap();
    assert!((stats("anthropic:a").failure_count(RateLimit) - 1.0).abs() < f64::EPSILON);
    assert_eq!(stats("anthropic:b").last_used(), Some(at(NOW)));
    let failure = run(&[Billing]).unwrap_err();
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::PaymentRequired, 1));
    assert_eq!(failure.unavailable().unwrap().candidates.len(), 2);
}

#[tokio::test]
async fn a_refresh_that_takes_all_the_time_leaves_none_to_send_in() {
    #[derive(Debug)]
    struct Slow(ManualClock);

    impl TokenRefresher for Slow {
        fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _: &'a Secret) -> RefreshFuture<'a> {
            self.0.advance(Duration::from_secs(3_600));
            Box::pin(async { Ok(Tokens::new(Secret::new("a-2"))) })
        }
    }

    let login = r#"{"version":1,"profiles":{"anthropic:me":
        {"type":"oauth","provider":"anthropic","access":"a-1","refresh":"r-1","expires":1}}}"#;
    for asynchronous in [true, false] {
        let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(login).unwrap()));
        let clock = ManualClock::new(at(NOW));
        let coordinator = RefreshCoordinator::new(store.clone(), Arc::new(Slow(clock.clone())));
        let coordinator = coordinator.clock(Arc::new(clock.clone()));
        let failure = if asynchronous {
            let rotator = Rotator::builder(store.clone()).config(config("{}")).clock(Arc::new(clock.clone()));
            let rotator = rotator.coordinator(coordinator).build().unwrap();
            let sent = |_| async { panic!("there is no time to send in") };
            rotator.run::<(), Failure, _, _>(&Call::new(model(OPUS)), sent).await.unwrap_err()
        } else {
            let driver = BlockingDriver::new(&*store, &clock, |_| {}).refresh(&coordinator);
            let rotation = Rotation::new(ProfileSelector::default(), model(OPUS), at(NOW));
            driver.run::<(), Failure>(rotation, |_| panic!("there is no time to send in")).unwrap_err()
        };
        assert!(failure.attempts().is_empty(), "{failure:?}");
        let profiles = store.load().unwrap();
        assert!(profiles.usage("anthropic:me").is_none_or(|usage| usage.cooldown_until().is_none()));
        assert_eq!(profiles.get("anthropic:me").unwrap().credential().unwrap().secret().expose(), "a-2");
    }
}
