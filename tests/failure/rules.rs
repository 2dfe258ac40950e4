//! The documented errors of the providers beyond the recorded samples, row by row, including misleading ones.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop where it fails, and a table is as long as it is"
)]

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, ModelNotFound, Network, NotFound, Overloaded, RateLimit,
    ServerError, SessionExpired, Timeout, Unknown,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_auth::failure::{Blame, SubscriptionRefusal, TransportError};
use provider_auth::{ErrorKind, Failure, FailureClassifier, FailureReason, ProviderId, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn classifier(provider: &str) -> FailureClassifier {
    FailureClassifier::new(&ProviderId::new(provider).unwrap())
}

fn answer(provider: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Option<Failure> {
    let pair =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    let headers: HeaderMap = headers.iter().map(pair).collect();
    classifier(provider).response(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), NOW)
}

#[track_caller]
fn check(rows: &[(&str, u16, &str, FailureReason)]) {
    let mut wrong = Vec::new();
    for (provider, status, body, expected) in rows {
        let reason = answer(provider, *status, &[], body).map(|failure| failure.reason());
        if reason != Some(*expected) {
            wrong.push(format!("{provider} {status} {body}: {reason:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// An Anthropic error object.
fn ant(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).to_string()
}

#[test]
fn anthropic() {
    let rows: Vec<(u16, String, FailureReason)> = vec![
        (400, ant("invalid_request_error", "messages.0.content.4.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block."), Format),
        (400, ant("invalid_request_error", "messages.38.content.4.text: cache_control cannot be set for empty text blocks"), Format),
        (400, ant("invalid_request_error", "max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for claude-opus-4-5-20251101"), Format),
        (400, ant("invalid_request_error", "\"thinking.type.enabled\" is not supported for this model. Use adaptive."), Format),
        (413, r#"{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#.to_owned(), Format),
        (401, ant("authentication_error", "invalid x-api-key"), Auth),
        (401, ant("authentication_error", "OAuth token has expired. Please obtain a new token or refresh your existing token."), Auth),
        (403, ant("permission_error", "OAuth token has been revoked. Please obtain a new token."), AuthPermanent),
        (403, ant("permission_error", "OAuth token does not meet scope requirement user:profile"), AuthPermanent),
        (403, ant("permission_error", "Your API key does not have permission to use the specified resource."), Auth),
        (402, ant("billing_error", "There is an issue with your billing or payment information."), Billing),
        (400, ant("invalid_request_error", "You have reached your specified workspace API usage limits. You will regain access on 2026-04-01 at 00:00 UTC."), Billing),
        (429, ant("rate_limit_error", "Rate limited"), RateLimit),
        (429, String::new(), RateLimit),
        (529, ant("overloaded_error", "Overloaded"), Overloaded),
        (529, String::new(), Overloaded),
        (504, "<!DOCTYPE html><html lang=\"en-US\"><head><title>api.anthropic.com | 504: Gateway time-out</title></head></html>".to_owned(), Timeout),
        (503, "<html>\n<head><title>503 Service Unavailable</title></head></html>".to_owned(), ServerError),
        (400, ant("invalid_request_error", "`cache_control.ttl: 1h` is not supported"), Format),
        (400, ant("api_error", "Our servers are currently overloaded. Please try again later."), Overloaded),
    ];
    let rows: Vec<_> =
        rows.iter().map(|(status, body, reason)| ("anthropic", *status, body.as_str(), *reason)).collect();
    check(&rows);
}

#[test]
fn the_others() {
    check(&[
        (
            "openai",
            429,
            r#"{"error":{"type":"insufficient_quota","code":"organization_spend_limit_exceeded","message":"x"}}"#,
            Billing,
        ),
        (
            "openai",
            429,
            r#"{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active"}}"#,
            Billing,
        ),
        ("openai", 503, r#"{"error":{"code":"slow_down","message":"x"}}"#, RateLimit),
        (
            "openai",
            500,
            r#"{"error":{"type":"server_error","code":"server_error","message":"Our servers are currently overloaded."}}"#,
            Overloaded,
        ),
        (
            "openai",
            400,
            r#"{"error":{"type":"service_unavailable_error","code":"server_is_overloaded","message":"x"}}"#,
            Overloaded,
        ),
        (
            "openai",
            401,
            r#"{"error":{"message":"You didn't provide an API key.","type":"invalid_request_error","code":null}}"#,
            Auth,
        ),
        (
            "openai",
            403,
            r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}"#,
            Auth,
        ),
        ("openai", 401, r#"{"error":{"code":"account_deactivated","message":"x"}}"#, AuthPermanent),
        (
            "openai",
            429,
            r#"{"error":{"message":"Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 12000.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            ContextOverflow,
        ),
        (
            "dashscope",
            429,
            r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#,
            RateLimit,
        ),
        ("qwen", 429, r#"{"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded"}"#, RateLimit),
        ("dashscope", 400, r#"{"code":"Arrearage","message":"Access denied"}"#, Billing),
        ("openrouter", 401, r#"{"error":{"message":"No auth credentials found","code":401}}"#, Auth),
        (
            "openrouter",
            429,
            r#"{"error":{"message":"All providers for x are at capacity. Retry after 40 seconds.","error_type":"rate_limit_exceeded","availability":{"code":"capacity_exhausted"}}}"#,
            Overloaded,
        ),
        (
            "openrouter",
            403,
            r#"{"error":{"message":"Request blocked: prompt injection patterns detected","code":403}}"#,
            Format,
        ),
        ("openrouter", 403, r#"{"error":{"message":"Your input was flagged by moderation","code":403}}"#, Format),
        ("openrouter", 403, r#"{"error":{"message":"Key limit exceeded (total limit)","code":403}}"#, Billing),
        ("other", 403, r#"{"error":{"message":"Key limit exceeded (total limit)","code":403}}"#, Auth),
        (
            "openrouter",
            524,
            r#"{"error":{"code":524,"message":"Request timed out. Please try again later."}}"#,
            Timeout,
        ),
        ("openrouter", 529, r#"{"error":{"code":529,"message":"Provider returned error"}}"#, Overloaded),
        ("openrouter", 400, r#"{"error":{"message":"x","availability":{"code":"wrong_endpoint"}}}"#, Format),
        ("openrouter", 402, r#"{"error":{"message":"x","metadata":{"limit_source":"openrouter_key_limit"}}}"#, Billing),
        (
            "openrouter",
            429,
            r#"{"error":{"message":"x","code":"429","metadata":{"limit_source":"openrouter_free_tier_daily"}}}"#,
            RateLimit,
        ),
        (
            "openrouter",
            200,
            r#"{"choices":[{"finish_reason":"error","error":{"code":502,"message":"Provider disconnected mid-stream"}}]}"#,
            ServerError,
        ),
        (
            "openrouter",
            200,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Provider is temporarily overloaded\",\"error_type\":\"provider_overloaded\"}}\n\n",
            Overloaded,
        ),
        (
            "google",
            400,
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
            Auth,
        ),
        (
            "google",
            403,
            r#"{"error":{"code":403,"message":"Requests to this API method are blocked.","status":"PERMISSION_DENIED","details":[{"reason":"API_KEY_SERVICE_BLOCKED"}]}}"#,
            AuthPermanent,
        ),
        (
            "google",
            403,
            r#"{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#,
            AuthPermanent,
        ),
        (
            "google",
            429,
            r#"{"error":{"message":"{\n \"error\": {\"code\": 429, \"message\": \"You exceeded your current quota, please check your plan and billing details.\", \"status\": \"RESOURCE_EXHAUSTED\"}}","code":429,"status":"Too Many Requests"}}"#,
            RateLimit,
        ),
        (
            "google",
            429,
            r#"{"error":{"code":429,"message":"You have exhausted your capacity on this model. Your quota will reset after 0s.","details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}"#,
            RateLimit,
        ),
        (
            "google",
            429,
            r#"{"error":{"code":429,"message":"No capacity available","details":[{"reason":"MODEL_CAPACITY_EXHAUSTED"}]}}"#,
            Overloaded,
        ),
        ("google", 504, r#"{"error":{"code":504,"message":"x","status":"DEADLINE_EXCEEDED"}}"#, Timeout),
        (
            "google",
            500,
            r#"{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}"#,
            ServerError,
        ),
        ("google", 499, r#"{"error":{"code":499,"message":"x","status":"CANCELLED"}}"#, Timeout),
        (
            "google",
            401,
            r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}"#,
            Auth,
        ),
        (
            "vertex",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Unexpected value(s) `oauth-2025-04-20` for the `anthropic-beta` header."}}"#,
            Format,
        ),
        ("azure-foundry", 404, r#"{"error":{"code":"api_not_supported","message":"x"}}"#, Format),
        (
            "azure-foundry",
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
            ModelNotFound,
        ),
        (
            "google",
            200,
            r#"[{"candidates":[{"status":"429"}]},{"error":{"code":503,"status":"UNAVAILABLE","message":"x"}}]"#,
            Overloaded,
        ),
        ("openai", 429, r#"{"error":{"code":"project_spend_limit_exceeded","message":"x"}}"#, Billing),
        (
            "generic",
            402,
            "Your subscription quota limit is reached. Wait for the automatic quota refresh in the rolling time window, or top up.",
            RateLimit,
        ),
        // A code beats words about money.
        (
            "generic",
            429,
            r#"{"error":{"code":"rate_limit_exceeded","message":"Limit reached. Purchase more credits to raise it."}}"#,
            RateLimit,
        ),
        ("generic", 599, "", ServerError),
        ("generic", 401, r#"{"error":{"code":503,"message":"x"}}"#, Auth),
        ("generic", 399, "", NotFound),
        ("generic", 424, "", ServerError),
        ("generic", 500, "", ServerError),
        ("generic", 520, "", ServerError),
        ("generic", 502, "<html>502 Bad Gateway</html>", ServerError),
        ("generic", 302, "", NotFound),
        ("generic", 418, "", Unknown),
        ("generic", 405, "", Format),
        ("generic", 499, "", Timeout),
    ]);
}

#[test]
fn bedrock_names_its_errors_in_a_header() {
    for (status, kind, message, expected) in [
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            ModelNotFound,
        ),
        (403, "AccessDeniedException", "x", Auth),
        (403, "UnrecognizedClientException", "The security token included in the request is invalid.", Auth),
        (
            404,
            "ResourceNotFoundException",
            "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 30 days.",
            ModelNotFound,
        ),
        (408, "ModelTimeoutException", "x", Timeout),
        (424, "ModelErrorException", "x", ServerError),
        (429, "ModelNotReadyException", "x", Overloaded),
        (500, "InternalServerException", "x", ServerError),
        (503, "ServiceUnavailableException:http://internal.amazon.com/", "x", Overloaded),
        (400, "ValidationException", "x", Format),
        (400, "ThrottlingException", "x", RateLimit),
    ] {
        let body = serde_json::json!({ "message": message }).to_string();
        let failure =
            answer("bedrock", status, &[("x-amzn-errortype", kind), ("x-amzn-requestid", "ab-1")], &body).unwrap();
        assert_eq!(failure.reason(), expected, "{kind}");
        assert_eq!(failure.request_id(), Some("ab-1"));
        assert!(kind.starts_with(failure.code().unwrap()));
    }
    let typed = r#"{"__type":"com.amazon.coral.service#ThrottlingException","message":"x"}"#;
    assert_eq!(answer("bedrock", 400, &[], typed).unwrap().reason(), RateLimit);
}

#[test]
fn words_alone() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        // Wording groups of the reference.
        ("rate_limit_error", RateLimit),
        ("too many concurrent requests", RateLimit),
        ("model_cooldown", RateLimit),
        ("You exceeded your current quota, please check your plan and billing details", RateLimit),
        ("quota exceeded", RateLimit),
        ("request was throttled", RateLimit),
        ("limit on tpm reached", RateLimit),
        ("Daily limit reached", RateLimit),
        ("weekly usage limit exhausted", RateLimit),
        ("Monthly spend limit reached.", Billing),
        ("concurrency limit reached for account", RateLimit),
        ("overloaded_error", Overloaded),
        ("The engine is overloaded", Overloaded),
        ("insufficient_quota", Billing),
        ("Insufficient balance", Billing),
        ("insufficient credits", Billing),
        ("HTTP 402", Billing),
        ("Spend limit exceeded for this project", Billing),
        ("deactivated workspace", AuthPermanent),
        ("Error code: 402 - {'error': {'message': 'x'}}", Billing),
        ("credit balance too low", Billing),
        ("Third-party apps now draw from your extra usage, not your plan limits.", Billing),
        ("{\"code\":1113,\"message\":\"invalid api endpoint or credentials\"}", Auth),
        ("api_key_revoked", AuthPermanent),
        ("api key deactivated", AuthPermanent),
        ("key has been revoked", AuthPermanent),
        ("OAuth authentication is currently not allowed for this organization", AuthPermanent),
        ("Incorrect API key provided: sk-1", Auth),
        ("invalid token", Auth),
        ("please re-authenticate", Auth),
        ("unauthorized", Auth),
        ("forbidden", Auth),
        ("access denied", Auth),
        ("insufficient permissions", Auth),
        ("Missing scopes: model.request", Auth),
        ("token has expired", Auth),
        ("HTTP 401", Auth),
        ("status: 403", Auth),
        ("OAuth token refresh failed for anthropic", Auth),
        ("request timed out", Timeout),
        ("context deadline exceeded", Timeout),
        ("fetch failed", Network),
        ("socket hang up", Network),
        ("ETIMEDOUT", Timeout),
        ("ESOCKETTIMEDOUT", Timeout),
        ("ECONNREFUSED 127.0.0.1:1", Network),
        ("ECONNABORTED", Network),
        ("ENETUNREACH", Network),
        ("The operation was aborted", Timeout),
        ("stream closed before completion", Network),
        ("finish_reason: network_error", Network),
        ("LLM request timed out while the connection was idle", Timeout),
        ("session expired", SessionExpired),
        ("Session not found: abc", SessionExpired),
        ("unknown model: foo", ModelNotFound),
        ("model_not_found", ModelNotFound),
        ("models/gemini-x is not found for API version v1beta", ModelNotFound),
        ("No endpoints found for deepseek/deepseek-r1:free.", ModelNotFound),
        ("context length exceeded", ContextOverflow),
        ("Input is too long for requested model.", ContextOverflow),
        (
            "This model's maximum context length is 4097 tokens. However, your messages resulted in 4193 tokens.",
            ContextOverflow,
        ),
        ("image exceeds 5 MB maximum", Format),
        ("messages.1.content.1.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", Format),
        ("502 Bad Gateway", ServerError),
        ("upstream: internal server error", ServerError),
        (
            "Error: 500 {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Internal server error\"}}",
            ServerError,
        ),
        (
            "Error: 400 {\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low\"}}",
            Billing,
        ),
        // Codes alone.
        ("UNAVAILABLE", Overloaded),
        ("invalid_grant", AuthPermanent),
        ("ModelNotReadyException", Overloaded),
        ("TOO_MANY_REQUESTS", RateLimit),
        ("UND_ERR_CONNECT_TIMEOUT", Network),
        ("statusCode=429", RateLimit),
        // Prose that only looks like one of them.
        ("See ticket #402 for details", Unknown),
        ("The final balance could not be reconciled; credit the author", Unknown),
        ("", Unknown),
        ("\u{0}\u{ffff}", Unknown),
        ("42", Unknown),
    ] {
        let reason = classifier("generic").text(text, NOW).unwrap().reason();
        if reason != expected {
            wrong.push(format!("{text:?}: {reason}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ambiguous_text_causes_no_long_rest() {
    let long_talk = format!(
        "{} The user asked what \"insufficient credits\" means, and whether an account has been suspended. {}",
        "Lorem ipsum. ".repeat(30),
        "Dolor sit. ".repeat(30)
    );
    for status in [200, 400, 401, 403, 404, 429, 500, 503, 529] {
        if let Some(failure) = answer("generic", status, &[], &long_talk) {
            assert!(!matches!(failure.reason(), Billing | AuthPermanent), "{status}: {}", failure.reason());
        }
    }
    assert_ne!(classifier("generic").text(&long_talk, NOW).unwrap().reason(), Billing);
    let at_the_edge = |n: usize| {
        classifier("generic").text(&format!("{}insufficient credits", "x ".repeat(n)), NOW).unwrap().reason()
    };
    assert_eq!(at_the_edge(246), Billing);
    assert_eq!(at_the_edge(247), Unknown);
    // A hard 402 counts at any length.
    assert_eq!(answer("generic", 402, &[], &long_talk).unwrap().reason(), Billing);
}

#[test]
fn a_success_is_no_failure_whatever_it_talks_about() {
    for body in [
        "",
        "ok",
        "{}",
        "[]",
        "<html>rate limit exceeded</html>",
        r#"{"type":"message","content":[{"type":"text","text":"insufficient credits, api key revoked"}],"stop_reason":"end_turn"}"#,
        r#"{"choices":[{"message":{"content":"{\"error\":{\"code\":402}}"},"finish_reason":"stop"}],"warning":"credit balance"}"#,
        "event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: content_block_delta\ndata: {\"delta\":{\"text\":\"event: error\"}}\n\n",
    ] {
        assert!(answer("anthropic", 200, &[("retry-after", "9")], body).is_none(), "{body}");
    }
}

#[test]
fn events_without_a_status() {
    let anthropic = classifier("anthropic");
    let event = |data: &str| anthropic.event("", data.as_bytes(), NOW).map(|failure| failure.reason());
    assert_eq!(
        event(
            r#"{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#
        ),
        Some(Overloaded)
    );
    assert_eq!(
        event(r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#),
        Some(ServerError)
    );
    assert_eq!(
        event(r#"{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited"}}"#),
        Some(RateLimit)
    );
    assert_eq!(event(r#"{"type":"error","error":{"type":"invalid_request_error","message":"x"}}"#), Some(Format));
    assert_eq!(event(r#"{"type":"error","error":{"type":"not_found_error","message":"x"}}"#), Some(NotFound));
    assert_eq!(event("event: error\ndata: {\"error\":{\"code\":529}}\n\n"), Some(Overloaded));
    assert_eq!(event(r#"{"type":"ping"}"#), None);
    assert_eq!(event("[DONE]"), None);
}

#[test]
fn a_bare_429_of_anthropic_is_a_refusal_only_without_limit_headers() {
    let body = ant("rate_limit_error", "Error");
    let refusal = |provider, headers: &[_], body: &str| answer(provider, 429, headers, body).unwrap().refusal();
    assert_eq!(refusal("anthropic", &[], &body), Some(SubscriptionRefusal::BareRateLimit));
    for header in
        ["retry-after", "anthropic-ratelimit-unified-status", "anthropic-ratelimit-requests-limit", "x-ratelimit-limit"]
    {
        assert_eq!(refusal("anthropic", &[(header, "1")], &body), None, "{header}");
    }
    assert_eq!(refusal("anthropic", &[], &ant("rate_limit_error", "Error: rate limited")), None);
    assert_eq!(refusal("openai", &[], &body), None);
    assert_eq!(answer("anthropic", 500, &[], &body).unwrap().refusal(), None);
}

#[test]
fn errors_of_this_crate() {
    for (status, body, kind, transient) in [
        (401, ant("authentication_error", "invalid x-api-key"), ErrorKind::Unauthorized, false),
        (403, ant("permission_error", "OAuth token has been revoked."), ErrorKind::Unauthorized, false),
        (410, "session expired".to_owned(), ErrorKind::Unauthorized, false),
        (402, String::new(), ErrorKind::PaymentRequired, false),
        (429, String::new(), ErrorKind::RateLimited, true),
        (404, ant("not_found_error", "model: x"), ErrorKind::ModelUnavailable, false),
        (400, String::new(), ErrorKind::RequestRefused, false),
        (500, String::new(), ErrorKind::ProviderFailed, true),
        (529, String::new(), ErrorKind::ProviderFailed, true),
        (504, String::new(), ErrorKind::ProviderFailed, true),
    ] {
        let failure = answer("anthropic", status, &[], &body).unwrap();
        let error = failure.clone().into_error();
        assert_eq!((error.kind(), error.is_transient()), (kind, transient), "{status}");
        assert_eq!(error.to_string(), format!("{} (status {status})", failure.sentence()));
        assert_eq!(error.help(), failure.help());
    }
    let refused =
        answer("anthropic", 401, &[], &ant("authentication_error", "invalid x-api-key")).unwrap().into_error();
    assert!(refused.help().contains("Replace the key") && refused.help().contains("API key"));
}

#[test]
fn every_reason_has_a_status_of_its_own_family() {
    for (reason, status) in [
        (Auth, 401),
        (AuthPermanent, 403),
        (SessionExpired, 410),
        (Billing, 402),
        (RateLimit, 429),
        (Timeout, 408),
        (ModelNotFound, 404),
        (Overloaded, 503),
        (ServerError, 500),
        (Unknown, 500),
        (Format, 400),
        (ContextOverflow, 400),
        (Network, 502),
        (NotFound, 404),
    ] {
        assert_eq!(reason.as_status().as_u16(), status, "{reason}");
    }
}

#[test]
fn no_answer_at_all() {
    let mut sentences = std::collections::HashSet::new();
    for (error, reason, blame) in [
        (TransportError::NoTls, Network, Blame::Nobody),
        (TransportError::Dns, Network, Blame::Nobody),
        (TransportError::Connect, Network, Blame::Nobody),
        (TransportError::ConnectTimedOut, Network, Blame::Nobody),
        (TransportError::Tls, Network, Blame::Nobody),
        (TransportError::Proxy, Network, Blame::Nobody),
        (TransportError::Intercepted, Network, Blame::Nobody),
        (TransportError::Reset, Network, Blame::Nobody),
        (TransportError::Body, Network, Blame::Nobody),
        (TransportError::TimedOut, Timeout, Blame::Model),
        (TransportError::Redirect, NotFound, Blame::Nobody),
        (TransportError::Request, Format, Blame::Request),
    ] {
        let failure = Failure::from(error);
        assert_eq!((failure.reason(), failure.blame(), failure.status()), (reason, blame, None));
        assert_eq!(failure.transport(), Some(error));
        assert_eq!((failure.sentence(), &*failure.help()), (error.sentence(), error.help()));
        assert!(sentences.insert(failure.sentence()), "two failures say the same: {}", failure.sentence());
    }
}

#[test]
fn where_the_request_id_comes_from() {
    let body = ant("api_error", "x");
    let id = |headers: &[_], body: &str| {
        answer("anthropic", 500, headers, body).unwrap().request_id().map(ToOwned::to_owned)
    };
    assert_eq!(id(&[], &body).as_deref(), Some("req_1"));
    assert_eq!(id(&[("request-id", "req_2")], &body).as_deref(), Some("req_2"));
    assert_eq!(id(&[("x-request-id", "req_3"), ("request-id", "no id")], &body).as_deref(), Some("req_3"));
    assert_eq!(id(&[], r#"{"error":{"message":"x"},"request_id":"a sentence"}"#), None);
}
