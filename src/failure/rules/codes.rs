//! Structured codes: `error.type`, `error.code`, `error.status`, `details[].reason`, `error_type`, `availability.code`,
//! `limit_source`, `x-amzn-errortype`.

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, ModelNotFound, Overloaded, RateLimit, ServerError,
    SessionExpired, Timeout, Unknown,
};

use super::{Rule, When, code};
use crate::providers::Dialect;
use crate::reason::FailureReason;

/// Codes that say it all: no wording and no status changes them.
#[rustfmt::skip]
pub(super) const DECISIVE: &[Rule] = &[
    // Alibaba's throttle speaks as OpenAI's empty purse does.
    code("insufficient_quota|throttling.allocationquota|limitrequests", RateLimit).dialect(Dialect::Qwen).when(When::In(&[429])),
    // Google: the daily and minute limits say RESOURCE_EXHAUSTED and "billing"; so does prepaid credit that is gone.
    code("resource_exhausted", Billing).and_text("credits are depleted|credit is depleted|spending cap|spend cap"),

    // Anthropic: spend limits. details.error_code on the Messages API; billing_error with 402.
    code("enforced_spend_limit_reached|billing_error", Billing),
    // OpenAI: type insufficient_quota and its codes.
    code("insufficient_quota|credit_balance_exhausted|organization_spend_limit_exceeded|project_spend_limit_exceeded|organization_usage_limit_exceeded", Billing),
    code("billing_hard_limit_reached|billing_not_active|insufficient_user_quota", Billing),
    // OpenRouter: metadata.limit_source and error_type.
    code("openrouter_credits|openrouter_key_limit|insufficient_credits|payment_required", Billing),
    code("openrouter_free_tier_daily|openrouter_in_flight_budget|upstream_provider_shared_pool", RateLimit),
    // Kiro, Z.ai, Alibaba, Amazon, DeepSeek.
    code("monthly_request_count|1311|arrearage|insufficient_balance|invalid_payment_instrument", Billing),

    // Google: google.rpc.ErrorInfo reasons.
    code("consumer_suspended|api_key_service_blocked|service_disabled|consumer_invalid|api_key_leaked", AuthPermanent),
    // OAuth token endpoints, RFC 6749 section 5.2.
    code("invalid_grant|unauthorized_client", AuthPermanent),
    // OpenAI and its compatibles.
    code("account_deactivated|account_suspended|account_disabled|user_suspended|organization_disabled|organization_suspended|deactivated_workspace", AuthPermanent),
    code("api_key_revoked|api_key_deleted|api_key_disabled|api_key_deactivated|key_revoked|key_disabled|token_revoked", AuthPermanent),

    code("session_expired|session_not_found|conversation_expired|conversation_not_found", SessionExpired),

    // OpenRouter: availability.code; before the 429 that carries it.
    code("capacity_exhausted|temporarily_unavailable|provider_overloaded", Overloaded),
    code("model_not_found|no_endpoints|model_deprecated|model_unavailable_upstream|region_restricted|privacy_restricted|constraint_filtered|free_variant_ended", ModelNotFound),
    code("wrong_endpoint", Format),
    // Foundry: the other API's path (404).
    code("api_not_supported", Format),
    code("deploymentnotfound|model_is_deactivated|model_deactivated|model_not_available|model_not_supported|invalid_model|unknown_model|model_unavailable", ModelNotFound),

    // Anthropic 529 and events; OpenAI 503 and events; Google; Moonshot; Bedrock.
    code("overloaded_error|overloaded|server_is_overloaded|service_unavailable_error|engine_overloaded|engine_overloaded_error", Overloaded),
    code("model_capacity_exhausted|serviceunavailableexception", Overloaded),

    code("context_length_exceeded|context_window_exceeded|model_context_window_exceeded|prompt_too_long", ContextOverflow),

    // OpenAI 429; the ChatGPT plan's back end; Google; Bedrock and other Amazon services.
    code("rate_limit_exceeded|slow_down|usage_limit_reached|requests_limit_reached|too_many_requests|model_cooldown", RateLimit),
    code("resource_exhausted|rate_limited|ratelimitexceeded|quota_exceeded", RateLimit),
    code("throttlingexception|throttling_exception|throttling|modelnotreadyexception|toomanyrequestsexception|servicequotaexceededexception", RateLimit),

    // Anthropic 504; Google 504; Bedrock 408.
    code("timeout_error|deadline_exceeded|modeltimeoutexception|request_timeout", Timeout),
    // Bedrock 424: the model failed.
    code("modelerrorexception|modelstreamerrorexception|internalserverexception", ServerError),
    // Bedrock 404: end of life, legacy, use-case form not filled in.
    code("resourcenotfoundexception", ModelNotFound),
    // A verdict on the content, not on the key, whatever its status.
    code("content_policy_violation|content_filter|moderation|moderation_blocked|guardrail_blocked|guardrail|prompt_injection", Format),
];

/// Codes of a family: the wording has been asked before, the status has not.
#[rustfmt::skip]
pub(super) const GENERIC: &[Rule] = &[
    code("invalid_api_key|incorrect_api_key|missing_api_key|no_api_key|invalid_x_api_key|1113", Auth),
    // Google's bad key arrives as 400 INVALID_ARGUMENT.
    code("api_key_invalid|api_key_expired|api_key_missing", Auth),
    code("authentication_error|authentication|unauthorized|unauthenticated|invalid_token|token_expired|invalid_client", Auth),
    code("permission_error|permission_denied|forbidden|access_denied", Auth),
    // Amazon.
    code("accessdeniedexception|expiredtokenexception|expiredtoken|unrecognizedclientexception|invalidsignatureexception|incompletesignature|missingauthenticationtokenexception|invalidclienttokenid|notauthorized", Auth),
    code("rate_limit_error", RateLimit),
];

/// Codes that only decide what a status did not.
#[rustfmt::skip]
pub(super) const LAST: &[Rule] = &[
    code("api_error|server_error|internal_server_error|internal_error|internal|internalfailure|bad_gateway", ServerError),
    code("unavailable|service_unavailable", Overloaded),
    code("aborted|cancelled", Timeout),
    code("conflict_error", Unknown),
    code("not_found_error|not_found", ModelNotFound),
    code("invalid_request_error|invalid_request|invalid_argument|failed_precondition|out_of_range|validationexception|request_too_large|invalid_prompt|unprocessable_entity", Format),
];
