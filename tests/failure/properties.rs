//! Properties for any input from a server: no panic, no deadline beyond the cap, none of its words shown, bounded work.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;
use provider_auth::select::{CooldownPolicy, Receipt, SelectorRules};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Error, Failure, FailureClassifier, FailureReason, MemoryStore, ProfileId,
    ProfileSelector, ProviderId, RecordOutcome, Timestamp,
};
use serde_json::{Value, json};

const NAMES: [&str; 16] = [
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-unified-status",
    "anthropic-ratelimit-unified-reset",
    "anthropic-ratelimit-unified-5h-status",
    "anthropic-ratelimit-unified-5h-reset",
    "anthropic-ratelimit-unified-representative-claim",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-reset",
    "x-amzn-errortype",
    "request-id",
    "content-type",
];

const MEMBERS: [&str; 24] = [
    "error",
    "type",
    "code",
    "status",
    "message",
    "details",
    "reason",
    "metadata",
    "headers",
    "availability",
    "retry_after",
    "retryDelay",
    "retry_after_ms",
    "resets_at",
    "resets_in_seconds",
    "request_id",
    "choices",
    "response",
    "errors",
    "raw",
    "detail",
    "X-RateLimit-Reset",
    "seconds",
    "nanos",
];

/// Texts near what the classifier reads, so that random data reaches behind the first look.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        (0_u64..200_000_000_000).prop_map(|number| number.to_string()),
        (any::<f64>(), "(ms|s|m|h|d|seconds| minutes|)")
            .prop_map(|(number, unit)| format!("try again in {number}{unit}")),
        "[0-9]{1,30}(\\.[0-9]{1,30})?(ms|s|m|h|d)([0-9]{1,20}s)?",
        "(try again in|resets|regain access on|retry after) [-0-9]{1,12}[ T/-][0-9]{1,4}[ -][0-9]{1,3}( at [0-9]{1,3}:[0-9]{1,3})?",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})",
        "(rejected|allowed|0|-1|true|false|overage|NaN|inf|-inf|1e308)",
        "(HTTP |status: |got a |error code )?[0-9]{1,5}( payment|:)? ?[a-z]{0,9}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let member = (proptest::sample::select(MEMBERS.to_vec()), inner.clone());
        let object = prop::collection::vec(member, 0..6).prop_map(|members| {
            Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        });
        let nested = object.clone().prop_map(|object| Value::String(object.to_string()));
        prop_oneof![prop::collection::vec(inner, 0..3).prop_map(Value::Array), object, nested]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        text().prop_map(String::into_bytes),
        value().prop_map(|value| value.to_string().into_bytes()),
        (value(), any::<prop::sample::Index>()).prop_map(|(value, at)| {
            let bytes = value.to_string().into_bytes();
            let end = at.index(bytes.len() + 1);
            bytes.into_iter().take(end).collect()
        }),
        value().prop_map(|value| format!("event: error\ndata: {value}\n\n").into_bytes()),
    ]
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let bytes = prop_oneof![any::<Vec<u8>>(), text().prop_map(String::into_bytes)];
    let header = (proptest::sample::select(NAMES.to_vec()), bytes);
    prop::collection::vec(header, 0..8).prop_map(|headers| {
        let pair = |(name, value): (&'static str, Vec<u8>)| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(&value).ok()?))
        };
        headers.into_iter().filter_map(pair).collect()
    })
}

fn provider() -> impl Strategy<Value = ProviderId> {
    let names = vec!["anthropic", "openai", "openrouter", "google", "bedrock", "azure-foundry", "qwen", "other"];
    proptest::sample::select(names).prop_map(|name| ProviderId::new(name).unwrap())
}

fn moments() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), Just(i64::MAX), Just(i64::MIN), 1_500_000_000_000..2_000_000_000_000_i64, any::<i64>()]
}

/// Everything that a failure shows without being asked for the provider's words.
fn shown(failure: &Failure) -> String {
    let error: Error = failure.clone().into();
    let mut all =
        format!("{failure} {failure:?} {failure:#?} {} {} {error} {error:?}", failure.sentence(), failure.help());
    let mut source = error.source();
    while let Some(cause) = source {
        write!(all, "{cause} {cause:?}").unwrap();
        source = cause.source();
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_a_panic_nor_a_deadline_beyond_the_cap(
        provider in provider(), status in 100_u16..1_000, headers in headers(), body in body(), now in moments(),
        cap in prop_oneof![Just(0_u64), 0..100_000_000_u64, any::<u64>()],
    ) {
        let (now, cap) = (Timestamp::from_millis(now), Duration::from_secs(cap));
        let classifier = FailureClassifier::new(&provider).with_deadline_cap(cap);
        let text = String::from_utf8_lossy(&body);
        let failures = [
            classifier.response(StatusCode::from_u16(status).unwrap(), &headers, &body, now),
            classifier.event("", &body, now),
            classifier.text(&text, now),
        ];
        for failure in failures.into_iter().flatten() {
            if let Some(deadline) = failure.deadline() {
                prop_assert!(deadline > now);
                prop_assert!(deadline - now <= cap, "{} beyond {cap:?}", deadline - now > cap);
            }
        }
        prop_assert!(classifier.response(StatusCode::INTERNAL_SERVER_ERROR, &headers, &body, now).is_some());
    }

    /// What is recorded ends within the policy's cap, whatever the server named.
    #[test]
    fn no_rest_is_longer_than_the_policy_allows(
        provider in provider(), status in 300_u16..600, headers in headers(), body in body(),
    ) {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let classifier = FailureClassifier::new(&provider);
        let failure = classifier.response(StatusCode::from_u16(status).unwrap(), &headers, &body, now).unwrap();
        let document = json!({"version": 1, "profiles": {"p:a": {"type": "api_key", "provider": provider.as_str(), "key": "k"}}});
        let store = MemoryStore::new(AuthProfiles::from_json(&document.to_string()).unwrap());
        let receipt = Receipt::new(ProfileId::new("p:a").unwrap(), provider, Some("m"), now);
        store.record_failure(&ProfileSelector::default(), &receipt, &failure, now).unwrap();
        let rules: SelectorRules = SelectorRules::default();
        let policy: &CooldownPolicy = &rules.cooldown;
        let profiles = store.load().unwrap();
        if let Some(usage) = profiles.usage("p:a") {
            for until in [usage.cooldown_until(), usage.disabled_until()].into_iter().flatten() {
                prop_assert!(until - now <= policy.cap());
            }
        }
    }

    /// A marker planted anywhere in the answer is never shown.
    #[test]
    fn no_word_of_the_answer_is_shown(
        provider in provider(), status in 300_u16..600, secret in "[a-z]{4}-[A-Z0-9]{16}", body in value(), at in 0_usize..24,
    ) {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let message = format!("Incorrect API key provided: {secret}. Your credit balance is too low");
        let mut planted = json!({"error": {"type": secret, "code": secret, "message": message, "detail": message,
            "details": [{"reason": secret}]}, "request_id": secret, "message": message});
        planted.as_object_mut().unwrap().insert(MEMBERS.get(at).unwrap().to_string(), json!([message, body]));
        let mut headers = HeaderMap::new();
        for name in NAMES {
            headers.insert(name, HeaderValue::from_str(&secret).unwrap());
        }
        let classifier = FailureClassifier::new(&provider);
        let text = planted.to_string();
        let failures = [
            classifier.response(StatusCode::from_u16(status).unwrap(), &headers, text.as_bytes(), now),
            classifier.event("error", text.as_bytes(), now),
            classifier.text(&format!("request failed: {text}"), now),
            classifier.text(&message, now),
        ];
        for failure in failures.into_iter().flatten() {
            prop_assert!(!shown(&failure).contains(&secret), "{}", shown(&failure));
        }
    }
}

#[test]
fn the_unredacted_message_is_reached_on_purpose_only() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-1"}}"#;
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    let failure = classifier
        .response(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body.as_bytes(), Timestamp::default())
        .unwrap();
    assert_eq!(failure.unredacted_message().unwrap().expose(), "Incorrect API key provided: sk-1");
    assert!(!shown(&failure).contains("sk-1"));
}

#[test]
fn huge_and_nested_bodies_are_bounded_work() {
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    let classify = |body: &[u8]| {
        classifier.response(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body, Timestamp::default()).unwrap()
    };
    for body in [
        vec![b'['; 4 << 20],
        b"{\"error\":".repeat(1 << 19),
        vec![0xff; 8 << 20],
        b"model model model ".repeat(1 << 18),
        b"try again in 1 ".repeat(1 << 18),
        b"data: {\"a\":1}\n\n".repeat(1 << 18),
        format!("{{\"error\":{{\"message\":\"{}\"}}}}", "rate ".repeat(50_000)).into_bytes(),
    ] {
        let failure = classify(&body);
        assert!(failure.unredacted_message().is_none_or(|message| message.expose().len() <= 16 << 10));
        let alone = classifier.text(&String::from_utf8_lossy(&body), Timestamp::default()).unwrap();
        assert!(alone.unredacted_message().is_none_or(|message| message.expose().len() <= 16 << 10));
    }
    // What stands at the end of a large body still counts.
    let mut late = "stack trace\n".repeat(100_000);
    late.push_str("the engine is overloaded");
    assert_eq!(classify(late.as_bytes()).reason(), FailureReason::Overloaded);
}

/// Answers as they were seen or documented, an object a line.
fn answers() -> Vec<Value> {
    include_str!("../fixtures/failure_answers.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The reason of an answer with this body, and with these headers beside its own.
fn reason(answer: &Value, body: &str, more: &[(&'static str, &str)]) -> Option<FailureReason> {
    let classifier = match answer["provider"].as_str() {
        Some(provider) => FailureClassifier::new(&ProviderId::new(provider).unwrap()),
        None => FailureClassifier::for_any_provider(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    for (name, value) in more {
        headers.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let now = Timestamp::from_millis(1_700_000_000_000);
    let failure = match answer["kind"].as_str().unwrap() {
        "text" => classifier.text(body, now),
        "event" => classifier.event("", body.as_bytes(), now),
        _ => {
            let status = StatusCode::from_u16(u16::try_from(answer["status"].as_u64().unwrap()).unwrap()).unwrap();
            classifier.response(status, &headers, body.as_bytes(), now)
        }
    };
    failure.map(|failure| failure.reason())
}

/// The same object with its members the other way round.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().rev().map(|(name, value)| format!("{}:{}", json!(name), reversed(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(reversed).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[test]
fn a_request_id_and_the_order_of_members_change_nothing() {
    let mut tried = 0;
    for answer in answers() {
        let Value::Object(members) = &answer["body"] else { continue };
        let plain = answer["body"].to_string();
        let expected = reason(&answer, &plain, &[]);
        assert_eq!(reason(&answer, &reversed(&answer["body"]), &[]), expected, "{answer}");
        assert_eq!(
            reason(&answer, &plain, &[("request-id", "req_011"), ("x-request-id", "7f3a")]),
            expected,
            "{answer}"
        );
        let mut more = members.clone();
        more.insert("request_id".to_owned(), json!("req_011CXyz"));
        assert_eq!(reason(&answer, &Value::Object(more).to_string(), &[]), expected, "{answer}");
        tried += 1;
    }
    assert!(tried > 400, "{tried}");
}

/// Sentences that hold no phrase of any rule.
const SENTENCES: [&str; 5] = [
    "Thank you for your understanding.",
    "Our team was told about it.",
    "See the documentation for more.",
    "This text was added by a gateway in the middle.",
    "Have a nice day!",
];

#[test]
fn a_sentence_without_a_phrase_changes_nothing() {
    let mut tried = 0;
    for (answer, sentence) in answers().into_iter().zip(SENTENCES.iter().cycle()) {
        let mut body = answer["body"].clone();
        let expected = reason(&answer, &body.as_str().map_or_else(|| body.to_string(), ToOwned::to_owned), &[]);
        let place = ["/error/message", "/message", "/detail"]
            .into_iter()
            .find(|place| body.pointer(place).is_some_and(Value::is_string));
        let (Some(place), Value::Object(_)) = (place, &answer["body"]) else { continue };
        let told = body.pointer(place).and_then(Value::as_str).unwrap().to_owned();
        // A message that is itself JSON, or a code alone, is not prose to which a sentence could be added.
        if told.contains(['{', '<']) || !told.trim().contains(' ') || told.len() > 400 {
            continue;
        }
        *body.pointer_mut(place).unwrap() = format!("{told} {sentence}").into();
        assert_eq!(reason(&answer, &body.to_string(), &[]), expected, "{answer} {sentence}");
        tried += 1;
    }
    assert!(tried > 300, "{tried}");
}

/// Words of which no rule has any.
fn prose() -> impl Strategy<Value = String> {
    let words = vec![
        "the",
        "garden",
        "of",
        "seven",
        "402",
        "404",
        "429",
        "503",
        "stones",
        "was",
        "painted",
        "green",
        "by",
        "a",
        "quiet",
        "neighbour",
        "and",
        "then",
        "it",
        "rained",
        "for",
        "three",
        "days",
        "we",
        "walked",
        "home",
        "with",
        "12",
        "apples",
    ];
    prop::collection::vec(proptest::sample::select(words), 3..30).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prose_is_unknown_and_rests_nobody_longer_than_the_first_step(text in proptest::sample::select(vec!["Yesterday ", "Our ", "Then ", "Some "]).prop_flat_map(|start| prose().prop_map(move |prose| format!("{start}{prose}.")))) {
        let failure = FailureClassifier::for_any_provider().text(&text, Timestamp::from_millis(1_700_000_000_000)).unwrap();
        prop_assert_eq!(failure.reason(), FailureReason::Unknown, "{}", text);
        prop_assert_eq!(failure.deadline(), None);
    }

    /// Nothing that is written without spaces, commas or quotes is taken for what the provider says.
    #[test]
    fn an_identifier_of_any_kind_changes_nothing(words in "[a-z]{3,9}(_[a-z]{3,9}){1,3}", trigger in proptest::sample::select(vec![
        "credit_balance_is_too_low", "insufficient_quota", "rate_limit_exceeded", "invalid_api_key", "overloaded_error",
        "context_length_exceeded", "model_not_found", "account_suspended", "billing_hard_limit_reached", "connection_refused",
    ])) {
        let message = |words: &str| format!("tools.0.{words}.name: `{words}` is not a name that can be used, see '{words}' and \"{words}\".");
        let answer = |words: &str| {
            let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message(words)}}).to_string();
            reason(&json!({"kind": "response", "provider": "anthropic", "status": 400}), &body, &[])
        };
        for words in [words.clone(), trigger.to_owned(), format!("{words}_{trigger}"), format!("get_{trigger}")] {
            prop_assert_eq!(answer(&words), Some(FailureReason::Format), "{}", words);
            let text = reason(&json!({"kind": "text"}), &message(&words), &[]);
            prop_assert!(matches!(text, Some(FailureReason::Unknown | FailureReason::Format)), "{} {:?}", words, text);
        }
    }
}
