//! The time limit of a call: waits, pauses, and attempts that are cut off.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_auth::failure::TransportError;
use provider_auth::rotation::{AttemptRecord, Outcome, Rotation, RotationLimits, Step};
use provider_auth::{Failure, FailureClassifier, FailureReason, ProfileSelector, ProviderId, SystemClock, Timestamp};

use crate::support::rotation::{OPUS, Rig, keys, reasons};
use crate::support::server::{Act, Server};
use crate::support::{NOW, at};
use crate::table::{answers, document, failed, model, play, retrying, rotation};

use FailureReason::{Overloaded, RateLimit};

#[test]
fn a_short_wait_that_the_server_names_is_kept_where_nobody_else_is_left() {
    let limited = |seconds: u64, now: Timestamp| {
        let failure = Failure::new(RateLimit).with_deadline(Some(now + Duration::from_secs(seconds)));
        Outcome::Failed { failure, status: None, response: None }
    };
    // The seconds that each answer says in turn, then a success.
    let rows: &[(u32, &[&str], &[u64], &str)] = &[
        (2, &["a"], &[1], "ao! =1000 ao ok"),
        (2, &["a"], &[3, 2], "ao! =3000 ao! =2000 ao ok"),
        (2, &["a"], &[1, 1, 1], "ao! =1000 ao! =1000 ao! ah ok"),
        // The one that is back first, once both were tried.
        (2, &["a", "b"], &[5, 2], "ao! bo! =2000 bo ok"),
        (2, &["a", "b"], &[2, 5], "ao! bo! =2000 ao ok"),
        (2, &["a", "b"], &[1], "ao! bo ok"),
        // Too long a wait, or none to be had.
        (2, &["a"], &[9], "ao! ah ok"),
        (0, &["a"], &[1], "ao! ah ok"),
    ];
    for (retries, names, waits, expected) in rows {
        let mut waits = waits.iter();
        let said = play(retrying(*retries), names, |_, now| {
            waits.next().map_or_else(|| Outcome::answered(None), |seconds| limited(*seconds, now))
        });
        assert_eq!(said, *expected, "{retries} {names:?}");
    }
}

#[test]
fn a_pause_that_takes_all_the_time_is_not_made() {
    let limits = |milliseconds: u64| {
        let mut limits = RotationLimits::default();
        (limits.retries, limits.overloaded_pause) = (0, Duration::from_secs(5));
        limits.time = Duration::from_millis(milliseconds);
        rotation().limits(limits)
    };
    assert_eq!(play(limits(6_000), &["a", "b"], answers(&[Overloaded])), "ao! =5000 bo ok");
    assert_eq!(play(limits(5_000), &["a", "b"], answers(&[Overloaded])), "ao! ah ok");
    assert_eq!(play(limits(5_000).fallbacks([]), &["a", "b"], answers(&[Overloaded; 2])), "ao! ah! ProviderFailed");
    // An attempt's own limit is not the pause's.
    let mut short = RotationLimits::default();
    (short.retries, short.overloaded_pause) = (0, Duration::from_secs(5));
    short.attempt_timeout = Some(Duration::from_secs(1));
    assert_eq!(play(rotation().limits(short), &["a", "b"], answers(&[Overloaded])), "ao! =5000 bo ok");
}

#[test]
fn the_time_that_others_took_is_not_charged_to_the_attempt_that_is_cut_off() {
    let late = || Outcome::from(Failure::from(TransportError::TimedOut));
    let rotation = |attempt: Option<u64>| {
        let mut limits = RotationLimits::default();
        (limits.time, limits.attempt_timeout) = (Duration::from_secs(1), attempt.map(Duration::from_millis));
        Rotation::new(ProfileSelector::default(), model(OPUS), at(NOW)).limits(limits)
    };
    let attempt = |step: Step| if let Step::Attempt(attempt) = step { attempt } else { panic!("{step:?}") };
    let profiles = document(&["a"]);

    // An overload after 350 ms and a pause leave 150 ms for the retry.
    let mut call = rotation(None);
    let first = attempt(call.next(&profiles, at(NOW)));
    call.report(&first, failed(Overloaded), at(NOW + 350));
    assert!(matches!(call.next(&profiles, at(NOW + 350)), Step::Pause(_)));
    let retry = attempt(call.next(&profiles, at(NOW + 850)));
    assert!(call.report(&retry, late(), at(NOW + 1_000)).is_none());
    let Step::End(failure) = call.next(&profiles, at(NOW + 1_000)) else { panic!() };
    assert_eq!(failure.failure().map(Failure::reason), Some(Overloaded));
    let attempts = failure.attempts().iter().map(AttemptRecord::reason);
    assert_eq!(attempts.collect::<Vec<_>>(), [Some(Overloaded), Some(FailureReason::Timeout)]);

    // The whole time of the call, and the whole time of an attempt, are the provider's to use.
    let mut call = rotation(None);
    let first = attempt(call.next(&profiles, at(NOW)));
    assert!(call.report(&first, late(), at(NOW + 1_000)).is_some());
    let mut call = rotation(Some(400));
    let first = attempt(call.next(&profiles, at(NOW + 600)));
    assert!(call.report(&first, late(), at(NOW + 1_000)).is_some());
    // The client's own timeout ended it before the call's did.
    let mut call = rotation(None);
    let first = attempt(call.next(&profiles, at(NOW + 600)));
    assert!(call.report(&first, late(), at(NOW + 700)).is_some());
}

/// The same over the wire: 350 ms for the overload and 500 ms of a pause leave 350 ms for an answer that does not come.
#[cfg(feature = "client")]
#[tokio::test]
async fn a_call_that_runs_out_of_time_ends_in_the_failure_before_it() {
    let overloaded = Act::error(529, "overloaded_error", "Overloaded").after(Duration::from_millis(350));
    let rig = Rig::with(Server::script(vec![overloaded, Act::hang()]), &keys(&["a"]), |builder| {
        let builder = builder.clock(Arc::new(SystemClock)).retries(1).max_time(Duration::from_millis(1_200));
        builder.random(|| 0.0)
    });
    let before = rig.text();
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(reasons(failure.attempts()), [Some(Overloaded), Some(FailureReason::Timeout)]);
    assert_eq!(failure.failure().map(Failure::reason), Some(Overloaded));
    assert_eq!(failure.response().map(|response| response.status().as_u16()), Some(529));
    assert_eq!(rig.text(), before);
}

#[cfg(feature = "client")]
#[tokio::test]
async fn a_single_key_comes_back_from_a_short_limit_within_the_call() {
    let limited = Act::error(429, "rate_limit_error", "Slow down").header("retry-after-ms", "50");
    let rig = Rig::with(Server::script(vec![limited, Act::message("Hello")]), &keys(&["a"]), |builder| {
        builder.clock(Arc::new(SystemClock)).retries(1)
    });
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(RateLimit), None]);
    assert!(rig.stats("a").cooldown_until().is_none() && rig.stats("a").last_used().is_some());
}

#[test]
fn a_server_that_says_to_try_again_is_believed_where_the_same_profile_may() {
    let answer = |status: u16, headers: &[(&'static str, &str)]| {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let classifier = FailureClassifier::new(&ProviderId::anthropic());
        classifier.response(StatusCode::from_u16(status).unwrap(), &headers, b"", at(NOW)).unwrap()
    };
    let again = ("x-should-retry", "true");
    for (status, headers, expected) in [
        (404, &[][..], "ao WrongAddress"),
        (404, &[again], "ao =500 ao ok"),
        (429, &[again, ("retry-after", "1")], "ao! =1000 ao ok"),
        (429, &[("retry-after-ms", "200")], "ao! =200 ao ok"),
        (429, &[("x-should-retry", "false"), ("retry-after", "1")], "ao! ah ok"),
        // The profile rests for longer than a retry waits.
        (429, &[again], "ao! ah ok"),
        // The request would be refused again.
        (400, &[again], "ao RequestRefused"),
    ] {
        let mut failure = Some(answer(status, headers));
        let said = play(retrying(2), &["a"], |_, _| match failure.take() {
            Some(failure) => Outcome::from(failure),
            None => Outcome::answered(None),
        });
        assert_eq!(said, expected, "{status} {headers:?}");
    }
}
