//! Deadlines in every format that servers use, including hostile ones.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a test may stop where it fails, and a table is as long as it is"
)]

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_auth::{Failure, FailureClassifier, FailureReason, ProviderId, Timestamp};

/// 2023-11-14T22:13:20Z.
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LIMITED: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited"}}"#;

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(pair).collect();
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    classifier.response(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), NOW).unwrap()
}

fn wait(failure: &Failure) -> Option<f64> {
    failure.deadline().map(|at| (at - NOW).as_secs_f64())
}

#[test]
fn headers_of_a_limit() {
    let cases: &[(&[(&str, &str)], Option<f64>)] = &[
        (&[("retry-after", "12")], Some(12.0)),
        (&[("retry-after", " 0.5 ")], Some(0.5)),
        (&[("retry-after-ms", "1500"), ("retry-after", "2")], Some(1.5)),
        (&[("retry-after-ms", "soon"), ("retry-after", "2")], Some(2.0)),
        (&[("retry-after-ms", "0"), ("retry-after", "2")], Some(2.0)),
        (&[("retry-after", "Tue, 14 Nov 2023 22:14:20 GMT")], Some(60.0)),
        (&[("retry-after", "Tuesday, 14-Nov-23 22:14:20 GMT")], Some(60.0)),
        (&[("retry-after", "Tue Nov 14 22:14:20 2023")], Some(60.0)),
        (&[("retry-after", "2023-11-14T22:14:20Z")], Some(60.0)),
        // No form of RFC 9110, and clear all the same: a duration of Go; a value that came twice, joined by a proxy.
        (&[("retry-after", "60s")], Some(60.0)),
        (&[("retry-after", "1m30s")], Some(90.0)),
        (&[("retry-after", "120, 120")], Some(120.0)),
        (&[("retry-after", "5s,5")], Some(5.0)),
        (&[("retry-after", "120, 60")], None),
        (&[("retry-after", "120,")], None),
        // Azure.
        (&[("x-ms-retry-after-ms", "1500"), ("retry-after", "2")], Some(1.5)),
        // Nothing, the past, garbage.
        (&[("retry-after", "0")], None),
        (&[("retry-after", "-5")], None),
        (&[("retry-after", "")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "inf")], None),
        (&[("retry-after", "-inf")], None),
        (&[("retry-after", "1e300")], None),
        (&[("retry-after", "1e400")], None),
        (&[("retry-after", "99999999999999999999")], None),
        (&[("retry-after", "Tue, 14 Nov 2023 22:13:20 GMT")], None),
        (&[("retry-after", "Thu, 99 Foo 2023 25:61:61 GMT")], None),
        (&[("retry-after", "12 parsecs")], None),
        (&[("retry-after", "\u{e9}")], None),
        // Anthropic's limits: only the one that is used up, and of several the last.
        (
            &[
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:50Z"),
            ],
            Some(30.0),
        ),
        (
            &[
                ("anthropic-ratelimit-requests-remaining", "3"),
                ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:50Z"),
            ],
            None,
        ),
        (
            &[
                ("anthropic-ratelimit-requests-remaining", "3"),
                ("anthropic-ratelimit-requests-reset", "2023-11-14T22:15:00Z"),
                ("anthropic-ratelimit-input-tokens-remaining", "0"),
                ("anthropic-ratelimit-input-tokens-reset", "2023-11-14T22:13:40Z"),
                ("anthropic-priority-input-tokens-remaining", "0"),
                ("anthropic-priority-input-tokens-reset", "2023-11-14T22:13:30Z"),
            ],
            Some(20.0),
        ),
        (
            &[
                ("anthropic-fast-output-tokens-remaining", "0"),
                ("anthropic-fast-output-tokens-reset", "2023-11-14T22:13:30Z"),
            ],
            Some(10.0),
        ),
        (
            &[
                ("retry-after", "7"),
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:50Z"),
            ],
            Some(7.0),
        ),
        // Windows of a plan: the last of those that reject.
        (
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-reset", "1700000100"),
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-reset", "1700000100"),
                ("anthropic-ratelimit-unified-7d_sonnet-status", "Rejected"),
                ("anthropic-ratelimit-unified-7d_sonnet-reset", "1700000900"),
                ("anthropic-ratelimit-unified-7d-status", "allowed_warning"),
                ("anthropic-ratelimit-unified-7d-reset", "1700009000"),
            ],
            Some(900.0),
        ),
        (
            &[
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-reset", "2023-11-14T22:14:20Z"),
            ],
            Some(60.0),
        ),
        (
            &[
                ("retry-after", "10"),
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-reset", "1700000100"),
            ],
            Some(100.0),
        ),
        (
            &[
                ("retry-after", "500"),
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-reset", "1700000100"),
            ],
            Some(500.0),
        ),
        (
            &[
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
                ("anthropic-ratelimit-unified-5h-reset", "1700000100"),
            ],
            None,
        ),
        (&[("anthropic-ratelimit-unified-5h-status", "rejected")], None),
        (
            &[("anthropic-ratelimit-unified-5h-status", "rejected"), ("anthropic-ratelimit-unified-5h-reset", "-1")],
            None,
        ),
        // Extra usage rejects for ever where there is none.
        (
            &[
                ("anthropic-ratelimit-unified-overage-status", "rejected"),
                ("anthropic-ratelimit-unified-overage-reset", "1702000000"),
            ],
            None,
        ),
        (
            &[
                ("anthropic-ratelimit-unified-representative-claim", "overage"),
                ("anthropic-ratelimit-unified-overage-status", "rejected"),
                ("anthropic-ratelimit-unified-overage-reset", "1700000500"),
            ],
            Some(500.0),
        ),
        // OpenAI's durations, and numbers of others.
        (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")], Some(360.0)),
        (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "8ms")], Some(0.008)),
        (&[("x-ratelimit-remaining-tokens", "9"), ("x-ratelimit-reset-tokens", "6m0s")], None),
        (&[("x-ratelimit-reset-requests", "2s"), ("x-ratelimit-reset-tokens", "6m0s")], Some(2.0)),
        (
            &[
                ("x-ratelimit-reset-requests", "2s"),
                ("x-ratelimit-reset-tokens", "1m"),
                ("x-ratelimit-remaining-tokens", "0"),
            ],
            Some(60.0),
        ),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000060000")], Some(60.0)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000060")], Some(60.0)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "45")], Some(45.0)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1e15")], None),
        // Groq (console.groq.com/docs/rate-limits).
        (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "2m59.56s")], Some(179.56)),
        // Cerebras (inference-docs.cerebras.ai/support/rate-limits).
        (
            &[
                ("x-ratelimit-remaining-requests-day", "0"),
                ("x-ratelimit-reset-requests-day", "33011.5"),
                ("x-ratelimit-remaining-tokens-minute", "99"),
                ("x-ratelimit-reset-tokens-minute", "11.382867097854614"),
            ],
            Some(33_011.5),
        ),
        // Seconds that say so, and no prefix.
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "64.5")], Some(64.5)),
        (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset-after", "64.5")], None),
        (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "53")], Some(53.0)),
        (&[("ratelimit-remaining", "3"), ("ratelimit-reset", "53")], None),
        // Mistral, until 2025.
        (&[("ratelimitbysize-remaining", "0"), ("ratelimitbysize-reset", "52")], Some(52.0)),
        // A date for people.
        (&[("x-ratelimit-reset", "Tue Nov 14 2023 23:14:20 GMT+0100 (Central European Standard Time)")], Some(60.0)),
        (&[("x-ratelimit-reset", "2023-11-14 22:14:20 UTC")], Some(60.0)),
        // The drafts for a standard: Cloudflare (developers.cloudflare.com/fundamentals/api/reference/limits), Hugging Face
        // (huggingface.co/docs/hub/rate-limits).
        (&[("ratelimit", "\"default\";r=0;t=30")], Some(30.0)),
        (&[("ratelimit", "\"default\";r=50;t=30")], None),
        (&[("ratelimit", "\"burst\";r=3;t=10, \"day\";r=0;t=3600")], Some(3_600.0)),
        (&[("ratelimit", "\"api\";t=55")], Some(55.0)),
        (&[("ratelimit", "limit=100, remaining=0, reset=50")], Some(50.0)),
        (&[("ratelimit", "limit=100, remaining=9, reset=50")], None),
        (&[("ratelimit", "\"x\";r=0;t=NaN")], None),
        (&[("ratelimit", "\"x\";r=0;t=-1, ;;==,t=")], None),
        // A ChatGPT plan.
        (
            &[
                ("x-codex-primary-used-percent", "100"),
                ("x-codex-primary-reset-after-seconds", "18000"),
                ("x-codex-secondary-used-percent", "94"),
                ("x-codex-secondary-reset-after-seconds", "486400"),
            ],
            Some(18_000.0),
        ),
        (&[("x-codex-secondary-used-percent", "100.0"), ("x-codex-secondary-reset-at", "1700009000")], Some(9_000.0)),
        (&[("x-codex-primary-used-percent", "42"), ("x-codex-primary-reset-after-seconds", "18000")], None),
    ];
    for (headers, expected) in cases {
        assert_eq!(wait(&answer(429, headers, LIMITED)), *expected, "{headers:?}");
    }
}

#[test]
fn bodies_and_sentences() {
    for (body, expected) in [
        (
            r#"{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"56s"}]}}"#,
            Some(56.0),
        ),
        (r#"{"error":{"code":429,"details":[{"retryDelay":"0.539477544s"}]}}"#, Some(0.540)),
        (r#"{"error":{"code":429,"details":[{"retryDelay":{"seconds":"3","nanos":500000000}}]}}"#, Some(3.5)),
        (r#"{"error":{"code":429,"message":"Please retry in 44.09s."}}"#, Some(44.09)),
        (r#"{"error":{"message":"Please try again in 6m0s. Visit us."}}"#, Some(360.0)),
        (r#"{"error":{"message":"Please try again in 6ms."}}"#, Some(0.006)),
        (r#"{"error":{"message":"Please try again in about 5 minutes"}}"#, Some(300.0)),
        (r#"{"error":{"message":"Please wait 30 seconds"}}"#, Some(30.0)),
        (r#"{"error":{"message":"at capacity. Retry after 40 seconds."}}"#, Some(40.0)),
        (r#"{"error":{"message":"x","availability":{"code":"y","retry_after":40}}}"#, Some(40.0)),
        (r#"{"error":{"message":"x","resets_in_seconds":602639,"resets_at":1700009000}}"#, Some(602_639.0)),
        (r#"{"error":{"message":"x","resets_at":1700009000}}"#, Some(9_000.0)),
        (r#"{"error":{"message":"x","retry_after_ms":250}}"#, Some(0.25)),
        (r#"{"error":{"message":"x","retryAfterMs":250}}"#, Some(0.25)),
        (r#"{"error":{"message":"x","resetAt":"2023-11-14T22:14:20+00:00"}}"#, Some(60.0)),
        (r#"{"error":{"message":"x","reset_time":"2023-11-14 22:14:20"}}"#, Some(60.0)),
        (r#"{"error":{"message":"x","retry_delay":{"seconds":9}}}"#, Some(9.0)),
        (
            r#"{"error":{"message":"x","metadata":{"headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1700000060000"}}}}"#,
            Some(60.0),
        ),
        (
            r#"{"error":{"message":"x","metadata":{"headers":{"X-RateLimit-Remaining":"4","X-RateLimit-Reset":"1700000060000"}}}}"#,
            None,
        ),
        (r#"{"error":{"message":"You will regain access on 2023-12-01 at 00:00 UTC."}}"#, Some(1_388_800.0)),
        // The exact form beats the sentence; a form that says nothing leaves it to the next.
        (r#"{"error":{"message":"Please retry in 44s","details":[{"retryDelay":"9s"}]}}"#, Some(9.0)),
        (r#"{"error":{"message":"Please retry in 44s","details":[{"retryDelay":"0s"}]}}"#, Some(44.0)),
        (r#"{"error":{"message":"Your quota will reset after 0s."}}"#, None),
        (r#"{"error":{"message":"try again in -5s"}}"#, None),
        (r#"{"error":{"message":"try again in 99999999999999999999999s"}}"#, None),
        (r#"{"error":{"message":"try again in NaNs"}}"#, None),
        (r#"{"error":{"message":"regain access on 2019-01-01 at 00:00 UTC"}}"#, None),
        (r#"{"error":{"message":"regain access on 9999-99-99 at 99:99 UTC"}}"#, None),
        (r#"{"error":{"message":"x","resets_in_seconds":-1,"resets_at":1e300,"retry_after":null}}"#, None),
        (r#"{"error":{"message":"x","retry_after":{"seconds":"x"}}}"#, None),
    ] {
        assert_eq!(wait(&answer(429, &[], body)), expected, "{body}");
    }
}

#[test]
fn who_is_to_blame_decides_what_counts() {
    let reset = [
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:50Z"),
    ];
    let asked = [("retry-after", "9")];
    let rejected =
        [("anthropic-ratelimit-unified-5h-status", "rejected"), ("anthropic-ratelimit-unified-5h-reset", "1700000100")];
    let told = r#"{"error":{"message":"try again in 9s"}}"#;
    for (status, by_reset, by_header, by_window, by_sentence) in [
        (429, Some(30.0), Some(9.0), Some(100.0), Some(9.0)),
        (400, None, None, None, None),
        (401, None, Some(9.0), None, None),
        (402, None, Some(9.0), None, Some(9.0)),
        (503, None, Some(9.0), None, Some(9.0)),
        (529, None, Some(9.0), None, Some(9.0)),
    ] {
        assert_eq!(wait(&answer(status, &reset, "")), by_reset, "{status}");
        assert_eq!(wait(&answer(status, &asked, "")), by_header, "{status}");
        assert_eq!(wait(&answer(status, &rejected, "")), by_window, "{status}");
        assert_eq!(wait(&answer(status, &[], told)), by_sentence, "{status}");
    }
    let long = answer(400, &asked, r#"{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}"#);
    assert_eq!((long.reason(), wait(&long)), (FailureReason::ContextOverflow, None));
}

#[test]
fn should_retry_is_obeyed_but_names_no_reason() {
    for (status, value, expected) in [
        (429, "false", false),
        (429, "true", true),
        (429, "FALSE", false),
        (429, " false ", false),
        (429, "perhaps", true),
        (400, "true", true),
        (400, "perhaps", false),
        (500, "false", false),
    ] {
        let failure = answer(status, &[("x-should-retry", value), ("retry-after", "1")], "");
        assert_eq!(failure.can_retry(), expected, "{status} {value}");
        assert_eq!(failure.should_retry(), value.to_ascii_lowercase().trim().parse().ok(), "{value}");
        assert_eq!(failure.reason(), answer(status, &[("retry-after", "1")], "").reason());
    }
    for (status, expected) in
        [(409, true), (408, true), (529, true), (401, false), (402, false), (404, false), (418, false)]
    {
        assert_eq!(answer(status, &[], "").can_retry(), expected, "{status}");
    }
}

#[test]
fn a_cap_cuts_and_is_never_exceeded() {
    let classifier = FailureClassifier::new(&ProviderId::anthropic()).with_deadline_cap(Duration::from_secs(60));
    let text = |text| classifier.text(text, NOW).unwrap().deadline().map(|at| at - NOW);
    assert_eq!(text("rate limit, try again in 2h"), Some(Duration::from_secs(60)));
    assert_eq!(text("rate limit, try again in 59s"), Some(Duration::from_secs(59)));
    assert_eq!(text("You will regain access on 2023-12-01 at 00:00 UTC"), Some(Duration::from_secs(60)));
}
