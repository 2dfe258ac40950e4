//! Deadlines in sentences, in the words of providers and of the tools around them.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop where it fails, and a table is as long as it is"
)]

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use provider_auth::{FailureClassifier, ProviderId, Timestamp};
use serde_json::json;

/// Tuesday, 2023-11-14T22:13:20Z.
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The deadline in a message under 429, as a date.
fn until(message: &str) -> Option<String> {
    told(&json!({"error": {"message": message}}), NOW)
}

fn told(body: &serde_json::Value, now: Timestamp) -> Option<String> {
    let classifier = FailureClassifier::new(&ProviderId::new("zai").unwrap());
    let body = body.to_string();
    let failure = classifier.response(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body.as_bytes(), now);
    failure.unwrap().deadline().map(|at| at.to_string())
}

fn wait(message: &str) -> Option<u64> {
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    classifier.text(&format!("HTTP 429: {message}"), NOW).unwrap().deadline().map(|at| (at - NOW).as_secs())
}

#[test]
fn a_time_of_day_in_a_zone_is_its_next_occurrence() {
    for (message, expected) in [
        // Claude Code, from the reports to it.
        ("You've hit your limit · resets 5pm (UTC)", Some("2023-11-15T17:00:00.000Z")),
        ("You\u{2019}ve hit your session limit · resets 11:20pm (Europe/Budapest)", Some("2023-11-14T22:20:00.000Z")),
        ("Weekly limit reached ∙ resets 10am (Asia/Seoul) · /upgrade", Some("2023-11-15T01:00:00.000Z")),
        ("Your limit will reset at 3pm (America/New_York).", Some("2023-11-15T20:00:00.000Z")),
        ("Claude usage limit reached. Your limit will reset at 1pm (Etc/GMT+5)", Some("2023-11-15T18:00:00.000Z")),
        ("limit reached ∙ resets Nov 17, 5pm (Europe/Berlin)", Some("2023-11-17T16:00:00.000Z")),
        ("Current week: Resets Mar 3 at 10am (America/New_York)", Some("2024-03-03T15:00:00.000Z")),
        ("resets Monday 9am UTC", Some("2023-11-20T09:00:00.000Z")),
        // Gateways.
        ("Free quota used (30 requests / 5h). Resets at 10:00 UTC. Top up.", Some("2023-11-15T10:00:00.000Z")),
        ("Quota resets at 3:00 PM PST", Some("2023-11-14T23:00:00.000Z")),
        ("try again at 14:30 GMT+2", Some("2023-11-15T12:30:00.000Z")),
        ("daily limit, reset at 00:00 UTC", Some("2023-11-15T00:00:00.000Z")),
        ("Requests per day reset at midnight Pacific time", Some("2023-11-15T08:00:00.000Z")),
        ("next reset: 2023-11-15 00:00 UTC", Some("2023-11-15T00:00:00.000Z")),
        ("Try again tomorrow at 9am UTC", Some("2023-11-15T09:00:00.000Z")),
        // No zone, or none that is known: nobody can say when that is.
        ("You've hit your limit · resets 10pm", None),
        ("Weekly limit reached ∙ resets Oct 14", None),
        ("Try again at Aug 20, 2026, 7:38 AM.", None),
        ("Your weekly rate limit will reset on April 27 at 8:00 AM.", None),
        ("Your usage limits will reset when your monthly cycle ends on 10/3/2025.", None),
        ("resets 5pm (Mars/Olympus)", None),
        ("resets 5:30pm IST", None),
        ("wait for limits to reset (every 5h and every week.)", None),
    ] {
        assert_eq!(until(message).as_deref(), expected, "{message}");
    }
}

#[test]
fn a_date_is_read_with_its_zone() {
    for (message, expected) in [
        ("Your limit will reset on 2023-11-15 05:13:20 +0800", Some("2023-11-14T21:13:20.000Z")),
        ("Your limit will reset on 2023-11-15 09:13:20 +0800", Some("2023-11-15T01:13:20.000Z")),
        ("available again at 2024-01-01T00:00:00Z", Some("2024-01-01T00:00:00.000Z")),
        ("available again at 2024-01-01T00:00:00+02:00", Some("2023-12-31T22:00:00.000Z")),
        ("blocked until 2024-01-01 00:00 (America/Los_Angeles)", Some("2024-01-01T08:00:00.000Z")),
        ("suspended until 2024-01-01", Some("2024-01-01T00:00:00.000Z")),
        ("resets_at: \"2024-01-01T00:00:00Z\"", Some("2024-01-01T00:00:00.000Z")),
        ("Reset at: 2024-01-01 12:30:00, please wait", Some("2024-01-01T12:30:00.000Z")),
        ("resets Dec 29th, 2023 10:15 PM UTC", Some("2023-12-29T22:15:00.000Z")),
        ("resets at 2024-01-01 00:00:00 (Mars/Olympus)", None),
        ("resets at 2024-01-01 at 25:00", None),
        ("resets at 2019-01-01", None),
        // Seconds and milliseconds since the epoch.
        ("Claude AI usage limit reached|1700009000", Some("2023-11-15T00:43:20.000Z")),
        ("Claude AI usage limit reached|1700009000000", Some("2023-11-15T00:43:20.000Z")),
        ("usage limit reached | 1700009000. Upgrade", Some("2023-11-15T00:43:20.000Z")),
        ("resets at 1700009000", Some("2023-11-15T00:43:20.000Z")),
        ("usage limit reached|1600009000", None),
        ("usage limit reached|17000090001", None),
        ("usage limit reached|1700009000x", None),
        ("trace|1700009000", None),
    ] {
        // The first is over by now.
        let expected = expected.filter(|_| !message.contains("05:13:20"));
        assert_eq!(until(message).as_deref(), expected, "{message}");
    }
}

#[test]
fn a_wait_is_read_with_all_its_parts() {
    for (message, expected) in [
        ("Your quota will reset after 18h31m10s.", Some(66_670)),
        ("or try again in 5 days 22 hours 11 minutes.", Some(511_860)),
        ("Please wait 587 hours 33 minutes before trying again.", Some(2_115_180)),
        ("try again in 12 hours 5 minutes", Some(43_500)),
        ("Try again in 2h 30m", Some(9_000)),
        ("resets in 1 day, 3 hours", Some(97_200)),
        ("Resets in: ~45 minutes", Some(2_700)),
        ("Please try again in an hour.", Some(3_600)),
        ("try again in a minute", Some(60)),
        ("Please retry after 2733 seconds. (user_global_rate_limited:pro)", Some(2_733)),
        ("available again in about 5 Minutes", Some(300)),
        ("retry-after: 30", Some(30)),
        ("rate limited retry-after-ms=997000", Some(997)),
        ("{headers: retry_after=30}", Some(30)),
        ("\u{8bf7}\u{5728}30\u{79d2}\u{540e}\u{91cd}\u{8bd5}", Some(30)),
        ("try again in a few seconds", None),
        ("try again later", None),
        ("retry after: soon", None),
        ("retry after 30", None),
        ("the limit was reset 5 minutes ago", None),
        ("reset your password", None),
        ("presets 5m", None),
        ("unchanged until 5 minutes", None),
        ("in -5s", None),
    ] {
        assert_eq!(wait(message), expected, "{message}");
    }
}

#[test]
fn a_time_without_a_zone_is_read_by_the_vendors_clock_where_that_is_known() {
    let at =
        |text: &str| Timestamp::from_millis(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis());
    // Recorded (can1357/oh-my-pi#11014): its `retry-after-ms` of 997 s gives the same moment.
    let message = "[1308][Usage limit reached for 5 hour. Your limit will reset at 2026-09-12 00:35:41][2026]";
    let body = json!({"type": "error", "error": {"type": "rate_limit_error", "code": "1308", "message": message}});
    assert_eq!(told(&body, at("2026-09-11T16:19:02Z")).as_deref(), Some("2026-09-11T16:35:41.000Z"));
    // What is over by that clock may be meant in UTC, as the provider's documentation leaves it.
    let body = json!({"error": {"code": "1308", "message": "Your limit will reset at 2025-11-13 05:13:20"}});
    assert_eq!(told(&body, at("2025-11-13T02:13:20Z")).as_deref(), Some("2025-11-13T05:13:20.000Z"));
    let body = json!({"error": {"message": "\u{9650}\u{989d}\u{5c06}\u{5728} 2026-09-12 00:35:41 \u{91cd}\u{7f6e}"}});
    assert_eq!(told(&body, at("2026-09-11T16:19:02Z")).as_deref(), Some("2026-09-11T16:35:41.000Z"));

    let body = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "The daily quota resets at midnight."}});
    assert_eq!(told(&body, NOW).as_deref(), Some("2023-11-15T08:00:00.000Z"));
    assert_eq!(until("The daily quota resets at midnight."), None);
}

#[test]
fn reported_answers_have_the_deadlines_they_name() {
    let at =
        |text: &str| Timestamp::from_millis(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis());
    let gateway = FailureClassifier::new(&ProviderId::new("opengateway").unwrap());
    // Gitlawb/openclaude#1554
    let body = json!({"error": {"message": "Free quota used (30 requests / 5h). Resets at 10:00 UTC. Top up for more.",
        "type": "insufficient_quota", "code": "free_quota_exceeded"}});
    let now = at("2026-06-06T09:00:00Z");
    let failure = gateway.response(StatusCode::PAYMENT_REQUIRED, &HeaderMap::new(), body.to_string().as_bytes(), now);
    assert_eq!(failure.unwrap().deadline(), Some(at("2026-06-06T10:00:00Z")));
    for (text, now, expected) in [
        // anthropics/claude-code#11429
        ("Claude AI usage limit reached|1762952400", "2025-11-11T22:26:40Z", "2025-11-12T13:00:00Z"),
        // code-yeongyu/oh-my-openagent PR 3398
        (
            "Claude Code returned an error result: You've hit your limit · resets 5pm (UTC)",
            "2026-04-13T12:00:00Z",
            "2026-04-13T17:00:00Z",
        ),
        // anthropics/claude-code#12789
        (
            "Weekly limit reached · resets 10am (Asia/Seoul) · /upgrade to Max or turn on /extra-usage",
            "2026-04-13T12:00:00Z",
            "2026-04-14T01:00:00Z",
        ),
    ] {
        assert_eq!(gateway.text(text, at(now)).unwrap().deadline(), Some(at(expected)), "{text}");
    }
}

#[test]
fn hostile_sentences_give_no_panic_and_nothing_beyond_the_cap() {
    let classifier = FailureClassifier::new(&ProviderId::anthropic()).with_deadline_cap(Duration::from_secs(60));
    let parts = [
        "resets ",
        "try again in ",
        "until ",
        "|",
        "limit reached|",
        "5",
        "pm",
        "99",
        ":",
        "(",
        ")",
        "utc",
        "+",
        "-",
        "/",
        "2026-",
        "oct ",
        "31",
        "asia/",
        "_",
        "\u{fc}",
        "\u{5c06}\u{5728}",
        " ",
        ".",
        "s",
        "h",
        "an ",
        "99999999999999999999",
        "mon ",
        "T",
        "Z",
        "retry-after:",
    ];
    // Every pair of three, by a sequence that repeats late.
    let mut state = 1_u32;
    for _ in 0..1_500 {
        let mut text = String::from("rate limit ");
        for _ in 0..6 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(parts[(state >> 16) as usize % parts.len()]);
        }
        for now in [NOW, Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX), Timestamp::from_millis(i64::MIN)]
        {
            if let Some(at) = classifier.text(&text, now).unwrap().deadline() {
                assert!(at > now && at - now <= Duration::from_secs(60), "{text}");
            }
        }
    }
    for part in parts {
        let long = part.repeat(100_000 / part.len());
        let response = classifier.response(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), long.as_bytes(), NOW);
        for failure in response.into_iter().chain(classifier.text(&long, NOW)) {
            assert!(failure.deadline().is_none_or(|at| at - NOW <= Duration::from_secs(60)), "{part}");
        }
    }
    // Only the ends of a long text are read.
    let middle = format!("{}try again in 5s{}", "x ".repeat(5_000), "x ".repeat(5_000));
    assert_eq!(classifier.text(&middle, NOW).unwrap().deadline(), None);
}
