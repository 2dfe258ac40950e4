//! Structured codes: `error.type`, `error.code`, `error.status`, `details[].reason`, `error_type`, `availability.code`,
//! `limit_source`, `x-amzn-errortype`, and the class names of the SDKs.

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, ModelNotFound, Network, NotFound, Overloaded, RateLimit,
    ServerError, SessionExpired, Timeout, Unknown,
};

use super::{Rule, When, code};
use crate::failure::transport::TransportError as Transport;
use crate::providers::Dialect;
use crate::reason::FailureReason;

/// Codes that are decisive: neither wording nor status changes them.
#[rustfmt::skip]
pub(super) static DECISIVE: &[Rule] = &[
    // Alibaba Model Studio, error code page: the throttle speaks as OpenAI's empty purse does; a spent free allowance has
    // the throttle's code.
    code("throttling.allocationquota", Billing).dialect(Dialect::Qwen).and_text("free allocated quota"),
    code("insufficient_quota|throttling.allocationquota|limitrequests", RateLimit).dialect(Dialect::Qwen).when(When::In(&[429])),
    // Together, error codes page: 402 is money, 429 is 60 queries a minute.
    code("credit_limit", RateLimit).when(When::In(&[429])),
    code("credit_limit", RateLimit).and_text("rate limit|queries per minute"),
    // Google: the daily and minute limits say RESOURCE_EXHAUSTED and "billing"; so does prepaid credit that is gone.
    code("resource_exhausted", Billing).and_text("credits are depleted|credit is depleted|spending cap|spend cap"),
    // GitHub Copilot: the month's premium requests.
    code("quota_exceeded", Billing).when(When::In(&[402])),
    // Z.ai, with other words, as reported to OpenClaw.
    code("1113", Auth).and_text("invalid api endpoint or credentials"),
    // Google, 2026-02: a cap of the user's own.
    code("billing_disabled|account_billing_disabled", Billing),

    // Anthropic: spend limits. details.error_code on the Messages API; billing_error with 402.
    code("enforced_spend_limit_reached|billing_error", Billing),
    // OpenAI, error codes page: type insufficient_quota and its codes; Copilot and new-api.
    code("insufficient_quota|credit_balance_exhausted|organization_spend_limit_exceeded|project_spend_limit_exceeded|organization_usage_limit_exceeded", Billing),
    code("billing_hard_limit_reached|billing_not_active|insufficient_user_quota|pre_consume_token_quota_failed|free_quota_exceeded|overage_limit_reached", Billing),
    // OpenRouter, errors page: metadata.limit_source and error_type.
    code("openrouter_credits|openrouter_key_limit|openrouter_guardrail_budget|openrouter_workspace_budget|insufficient_credits|payment_required|token_limit_exceeded", Billing),
    code("openrouter_free_tier_daily|openrouter_in_flight_budget|upstream_provider_shared_pool", RateLimit),
    // LiteLLM proxy; Together; Vercel's gateway; Moonshot; MiniMax.
    code("budget_exceeded|budgetexceedederror|credit_limit|insufficient_funds|customer_verification_required|exceeded_current_quota_error|insufficient_balance_error", Billing),
    // Kiro, Z.ai, Alibaba, Amazon, DeepSeek.
    code("monthly_request_count|1113|arrearage|insufficient_balance|insufficientbalance|unsupportedoperation.pkgexhausted|invalid_payment_instrument", Billing),
    code("allocationquota.freetieronly|accountoverdueerror|failedoperation.resourcepackexhausted|commoditynotpurchased|postpaidbilloverdue|prepaidbilloverdue", Billing),

    // Google: google.rpc.ErrorInfo reasons. A spent time-slice of the free plan is a limit.
    code("consumer_suspended|api_key_service_blocked|service_disabled|consumer_invalid|api_key_leaked", AuthPermanent),
    code("quota_exhausted", RateLimit),
    code("access_token_expired", SessionExpired),
    // OAuth token endpoints, RFC 6749 section 5.2.
    code("invalid_grant|unauthorized_client", AuthPermanent),
    // OpenAI and its compatibles; Groq; LiteLLM; Copilot.
    code("account_deactivated|subscriptiondisabled|account_suspended|account_disabled|user_suspended|organization_disabled|organization_suspended|organization_restricted|deactivated_workspace", AuthPermanent),
    code("api_key_revoked|api_key_deleted|api_key_disabled|api_key_deactivated|key_revoked|key_disabled|token_revoked|expired_key|extension_blocked", AuthPermanent),
    code("session_expired|session_not_found|conversation_expired|conversation_not_found|token_invalidated", SessionExpired),

    // OpenRouter: availability.code; before the 429 that carries it.
    code("capacity_exhausted|temporarily_unavailable|provider_overloaded", Overloaded),
    code("model_not_found|no_endpoints|model_deprecated|model_unavailable_upstream|region_restricted|privacy_restricted|constraint_filtered|free_variant_ended", ModelNotFound),
    code("wrong_endpoint", Format),
    // Foundry: the other API's path (404).
    code("api_not_supported", Format),
    code("deploymentnotfound|modelnotopen|model_is_deactivated|model_deactivated|model_decommissioned|model_not_available|model_not_supported|invalid_model|unknown_model|model_unavailable|modelnotfound|model.accessdenied|accessdenied.unpurchased", ModelNotFound),
    // LiteLLM; Together; Vercel's gateway.
    code("key_model_access_denied|team_model_access_denied|user_model_access_denied|org_model_access_denied|project_model_access_denied", ModelNotFound),
    code("dedicated_endpoint_not_running|free_tier_model_not_available", ModelNotFound),

    // OpenAI 503 and 429: the load grew too fast.
    code("slow_down", RateLimit),

    // Anthropic 529 and events; OpenAI 503 and events; Google; Moonshot; Bedrock; Cerebras; Groq; Copilot.
    code("overloaded_error|overloaded|server_is_overloaded|service_unavailable_error|engine_overloaded|engine_overloaded_error", Overloaded),
    code("model_capacity_exhausted|serviceunavailableexception|modelnotreadyexception|queue_exceeded|capacity_exceeded|model_overloaded|modelunavailable", Overloaded),

    code("context_length_exceeded|context_window_exceeded|model_context_window_exceeded|prompt_too_long|contextwindowexceedederror|exceed_context_size_error|model_max_prompt_tokens_exceeded|string_above_max_length", ContextOverflow),

    // The ChatGPT plan's back end; one-api's pool.
    code("usage_limit_reached|model_cooldown", RateLimit),

    // Anthropic 504; Google 504; Bedrock 408; Alibaba.
    code("timeout_error|deadline_exceeded|deadlineexceeded|modeltimeoutexception|request_timeout|requesttimeout|internalerror.timeout", Timeout),
    // Bedrock 424: the model failed.
    code("modelerrorexception|modelstreamerrorexception|internalserverexception|provider_unavailable", ServerError),
    // A verdict on the content, not on the key, whatever its status.
    code("content_policy_violation|contentpolicyviolationerror|content_filter|moderation|moderation_blocked|guardrail_blocked|guardrail|prompt_injection|refusal|responsibleaipolicyviolation|datainspectionfailed|data_inspection_failed|customroleblocked|faqruleblocked", Format),
    code("precondition_failed", Format).dialect(Dialect::OpenRouter),
    // OpenRouter, errors page: error_type.
    code("unsupported_parameter|previous_response_not_found|image_not_found|invalid_image|image_too_large|image_too_small|unsupported_image_format|image_download_failed|string_too_long|max_tokens_exceeded", Format),
];

/// Numbers, which have a different meaning for every vendor.
#[rustfmt::skip]
pub(super) static NUMBERS: &[Rule] = &[
    // Z.ai and BigModel, table of API errors, as of 2026-11. 1305 was a traffic limit once, and is the model's load now.
    code("1309|1318|1319|1320|1321", Billing).dialect(Dialect::Zhipu),
    code("1302|1303|1304|1308|1310|1313|1316|1317", RateLimit).dialect(Dialect::Zhipu),
    code("1305|1312", Overloaded).dialect(Dialect::Zhipu),
    code("1110|1112|1121", AuthPermanent).dialect(Dialect::Zhipu),
    code("1000|1001|1002|1003|1004|1111|1220", Auth).dialect(Dialect::Zhipu),
    code("1211|1311", ModelNotFound).dialect(Dialect::Zhipu),
    code("1261", ContextOverflow).dialect(Dialect::Zhipu),
    code("1221|1222", NotFound).dialect(Dialect::Zhipu),
    code("1210|1212|1213|1214|1215|1231|1300|1301", Format).dialect(Dialect::Zhipu),
    code("1100|1120|1200|1230|1234", ServerError).dialect(Dialect::Zhipu),
    // MiniMax, error codes page: base_resp.status_code, mostly under 200. As of 2026-11.
    code("1008|1028|1030", Billing).dialect(Dialect::MiniMax),
    code("1002|1039|1041|2045|2056", RateLimit).dialect(Dialect::MiniMax),
    code("1004", SessionExpired).dialect(Dialect::MiniMax).and_text("cookie*log in"),
    code("1004|2042|2049", Auth).dialect(Dialect::MiniMax),
    code("2013", ModelNotFound).dialect(Dialect::MiniMax).and_text("unknown model"),
    code("2061", ModelNotFound).dialect(Dialect::MiniMax),
    code("1001", Timeout).dialect(Dialect::MiniMax),
    code("1026|1027|1042|1043|1044|2013|2037|2039|2048|20132", Format).dialect(Dialect::MiniMax),
    code("1000|1013|1024|1033", ServerError).dialect(Dialect::MiniMax),
    // Cloudflare, Workers AI errors page of 2026-07 and the gateway's pages.
    code("2021|2041", Billing).dialect(Dialect::Cloudflare),
    code("2003|3036|4006", RateLimit).dialect(Dialect::Cloudflare),
    code("3040", Overloaded).dialect(Dialect::Cloudflare),
    code("3023", AuthPermanent).dialect(Dialect::Cloudflare),
    code("10000|2009|2040|5016", Auth).dialect(Dialect::Cloudflare),
    code("3041|3042|5007|5018", ModelNotFound).dialect(Dialect::Cloudflare),
    code("3007|3008", Timeout).dialect(Dialect::Cloudflare),
    code("2016|2017|3003|3006|3039|5004|5005|5019", Format).dialect(Dialect::Cloudflare),
];

/// Codes of a family: they override the status, and the message may be more specific.
#[rustfmt::skip]
pub(super) static FAMILY: &[Rule] = &[
    code("invalid_api_key|incorrect_api_key|missing_api_key|no_api_key|invalid_x_api_key|incorrect_api_key_error|wrong_api_key|invalidapikey|authfailure.secretidnotfound|authfailure.signaturefailure|token_not_found_in_db", Auth),
    // Google's bad key arrives as 400 INVALID_ARGUMENT.
    code("api_key_invalid|api_key_expired|api_key_missing", Auth),
    // Alibaba's SDK, for a key that is missing.
    code("networkerror", Auth).dialect(Dialect::Qwen),
    code("authentication_error|authenticationerror|authentication|unauthorized|unauthenticated|invalid_token|token_expired|invalid_client|auth_error|invalid_authentication_error", Auth),
    code("permission_error|permission_denied|permissiondeniederror|permission_denied_error|forbidden|access_denied|accessdenied|workspace.accessdenied", Auth),
    // Amazon.
    code("expiredtokenexception|expiredtoken|accessdeniedexception|unrecognizedclientexception|invalidsignatureexception|incompletesignature|missingauthenticationtokenexception|invalidclienttokenid|notauthorized|requestexpired|ftuformnotfilled|mpagreementbeingcreated", Auth),
    // Moonshot, 403: the plan's key used by another client, or its window used up.
    code("access_terminated_error", AuthPermanent),
    // OpenAI 429; Google; Bedrock and other Amazon services; Moonshot; Cerebras; Copilot; the SDKs.
    code("rate_limit_error|ratelimiterror|rate_limit_exceeded|requests_limit_reached|too_many_requests|rate_limit_reached_error|request_quota_exceeded|token_quota_exceeded", RateLimit),
    code("resource_exhausted|rate_limited|ratelimitexceeded|quota_exceeded|integration_rate_limited|agent_mode_limit_exceeded|user_model_rate_limited|user_global_rate_limited|rate_limit|throttled", RateLimit),
    code("throttlingexception|throttling_exception|throttling|throttling.ratequota|limitrequests|toomanyrequestsexception|servicequotaexceededexception", RateLimit),
    // Bedrock 404: end of life, legacy, a form that was not filled in.
    code("resourcenotfoundexception|resource_not_found_error|notfounderror", NotFound),
    code("invalidurl|workspacenotfound", NotFound),
    code("apitimeouterror|timeouterror|timeoutexception|readtimeout", Timeout),
    // Codes of Node, undici, OpenSSL and Chromium.
    code("und_err_connect_timeout|err_connection_timed_out", Network).on_the_way(Transport::ConnectTimedOut),
    code("und_err_headers_timeout|und_err_body_timeout|err_timed_out", Timeout),
    code("eai_again|eai_nodata|eai_noname|err_name_not_resolved", Network).on_the_way(Transport::Dns),
    code("err_connection_refused|err_internet_disconnected|err_address_unreachable|err_network_changed", Network).on_the_way(Transport::Connect),
    code("err_proxy_connection_failed|err_tunnel_connection_failed", Network).on_the_way(Transport::Proxy),
    code("cert_has_expired|depth_zero_self_signed_cert|self_signed_cert_in_chain|unable_to_verify_leaf_signature|unable_to_get_issuer_cert_locally|err_tls_cert_altname_invalid|err_cert_authority_invalid|err_cert_date_invalid|err_ssl_protocol_error|err_ssl_wrong_version_number", Network).on_the_way(Transport::Tls),
    code("err_incomplete_chunked_encoding|err_stream_premature_close|err_http2_stream_error", Network).on_the_way(Transport::Body),
    code("und_err_socket|und_err_aborted|err_network|err_connection_reset|err_connection_closed|err_empty_response|err_socket_closed", Network).on_the_way(Transport::Reset),
    // Class names of HTTP clients: Python, Node, Java.
    code("proxyerror", Network).on_the_way(Transport::Proxy),
    code("sslerror|sslhandshakeexception|sslcertverificationerror|clientconnectorcertificateerror", Network).on_the_way(Transport::Tls),
    code("nameresolutionerror|unknownhostexception|gaierror|clientconnectordnserror", Network).on_the_way(Transport::Dns),
    code("connecttimeout|connecttimeouterror|connecttimeoutexception|httpconnecttimeoutexception", Network).on_the_way(Transport::ConnectTimedOut),
    code("connecterror|newconnectionerror|clientconnectorerror|connectexception|connectionrefusederror|noroutetohostexception", Network).on_the_way(Transport::Connect),
    code("chunkedencodingerror|incompleteread|clientpayloaderror|network_error", Network).on_the_way(Transport::Body),
    code("apiconnectionerror|connectionerror|connectionreseterror|remoteprotocolerror|readerror|protocolerror|serverdisconnectederror|remotedisconnected", Network).on_the_way(Transport::Reset),
];

/// Codes that decide only what the status leaves open.
#[rustfmt::skip]
pub(super) static LAST: &[Rule] = &[
    code("api_error|server_error|internal_server_error|internalservererror|internal_error|internal|internalfailure|internalerror|bad_gateway|unexpected_output|server", ServerError),
    code("unavailable|service_unavailable|serviceunavailableerror|upstream_provider_rate_limit", Overloaded),
    code("aborted|cancelled|timeout|malformed_response", Timeout),
    code("conflict_error", Unknown),
    code("not_found_error|not_found", NotFound),
    code("invalid_request_error|badrequesterror|invalid_request|invalid_argument|invalidparameter|failed_precondition|out_of_range|validationexception|request_too_large|invalid_prompt|unprocessable_entity|unprocessableentityerror|payload_too_large", Format),
];
