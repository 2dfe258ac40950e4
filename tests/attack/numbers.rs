//! No panic on large numbers of things: the capacity of other libraries' types is checked, not assumed.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use provider_auth::failure::RetryBackoff;
use provider_auth::{Credential, Endpoint, Error, ErrorKind, ModelRef, RequestBuilder, Secret, Timestamp};

use crate::support::{at, config, id, provider};

/// More headers than a map has room for.
const TOO_MANY: usize = 24_600;

/// As many as just fit.
const FULL: usize = 24_576;

const BODY: &str = r#"{"model":"m","max_tokens":1,"messages":[]}"#;

fn key() -> Credential {
    Credential::api_key(Secret::new("key-for-a-test"))
}

fn name(n: usize) -> String {
    format!("x-{n}")
}

fn full() -> HeaderMap {
    let one = |n| (HeaderName::try_from(name(n)).unwrap(), HeaderValue::from_static("v"));
    (0..FULL).map(one).collect()
}

fn assert_refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::InvalidHeader, "{error}");
    assert!(error.to_string().contains("too many headers") && error.help().contains("leave headers out"), "{error}");
}

#[test]
fn more_headers_than_fit_are_refused() {
    let (endpoint, key) = (Endpoint::anthropic(), key());
    let of_call = (0..TOO_MANY).fold(RequestBuilder::new(&endpoint, &key), |all, n| all.header(name(n), "v"));
    assert_refused(&of_call.body(BODY).build().unwrap_err());

    let of_endpoint = (0..TOO_MANY).fold(Endpoint::anthropic(), |all, n| all.with_header(name(n), "v"));
    assert_refused(&RequestBuilder::new(&of_endpoint, &key).body(BODY).build().unwrap_err());

    let own = (0..TOO_MANY).fold(Endpoint::anthropic(), |all, n| all.with_auth_header(name(n), "v"));
    assert_refused(&RequestBuilder::new(&own, &key).body(BODY).build().unwrap_err());

    let headers = (0..TOO_MANY).map(|n| format!("'{}':'v'", name(n))).collect::<Vec<_>>().join(",");
    let text =
        format!("{{models:{{providers:{{anthropic:{{baseUrl:'https://h.example.com',headers:{{{headers}}}}}}}}}}}");
    let config = config(&text);
    let configured = Endpoint::for_model(&config, &"anthropic/m".parse::<ModelRef>().unwrap()).unwrap();
    assert_refused(&RequestBuilder::new(&configured, &key).body(BODY).build().unwrap_err());
}

#[test]
fn a_request_whose_headers_leave_no_room_is_refused() {
    let url = "https://api.anthropic.com/v1/messages";
    let mut given = Request::post(url).body(BODY).unwrap();
    *given.headers_mut() = full();
    let (endpoint, key) = (Endpoint::anthropic(), key());
    assert_refused(&RequestBuilder::new(&endpoint, &key).authenticate(given).unwrap_err());

    let choice = provider_auth::testing::selection(&id("anthropic:a"), &provider("anthropic"), &key, at(0)).unwrap();
    let mut headers = full();
    assert_refused(&choice.authenticate_headers(&mut headers).unwrap_err());
    assert!(!headers.values().any(|value| value == "key-for-a-test"));

    // In the place of one that is there it fits.
    headers.remove("x-0");
    headers.remove("x-1");
    headers.insert("x-api-key", HeaderValue::from_static("other"));
    choice.authenticate_headers(&mut headers).unwrap();
    assert_eq!(headers["x-api-key"], "key-for-a-test");
}

#[test]
fn urls_that_are_too_long_are_refused() {
    for length in [60_000, 65_500, 65_534, 65_535, 70_000, 1 << 20] {
        let path = format!("https://api.anthropic.com/{}", "p".repeat(length));
        let found = Endpoint::new(&path).map(|endpoint| endpoint.uri().to_string().len());
        assert!(found.as_ref().is_ok_and(|found| *found < 65_535) || found.is_err(), "{length}");
        if let Err(error) = found {
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{length}");
        }
        let named = format!(
            "{{models:{{providers:{{amazon:{{baseUrl:'https://bedrock-runtime.us-east-1.amazonaws.com',models:[{{id:'{}'}}]}}}}}}}}",
            "%".repeat(length)
        );
        let model = ModelRef::new(provider("amazon"), &"%".repeat(length)).unwrap();
        let error = Endpoint::for_model(&config(&named), &model).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Corrupt, "{length}");
    }
}

#[test]
fn pauses_and_moments_end_where_their_types_do() {
    let mut backoff = RetryBackoff::default();
    (backoff.first, backoff.longest) = (Duration::MAX, Duration::MAX);
    for (jitter, random) in [(0.0, 0.0), (f64::NAN, 1.0), (1.0, 0.0), (-1.0, f64::INFINITY)] {
        backoff.jitter = jitter;
        assert_eq!(backoff.delay(u32::MAX, random), Duration::MAX);
    }
    backoff.jitter = 1.0;
    assert_eq!(backoff.delay(u32::MAX, 1.0), Duration::ZERO);
    // The last two are the ends of what chrono can write.
    for millis in [i64::MIN, -1, 0, i64::MAX, 8_210_266_876_799_999, -8_334_601_228_800_000] {
        let moment = Timestamp::from_millis(millis);
        assert!(!moment.to_string().is_empty());
        assert!(moment + Duration::MAX >= moment && moment - Duration::MAX <= moment);
        assert_eq!(moment.saturating_since(moment + Duration::MAX), Duration::ZERO);
    }
}
