//! What a message says, for answers without a code that tells it. Patterns are explained at `Text::has`.

use FailureReason::{
    Auth, AuthPermanent, Billing, ContextOverflow, Format, ModelNotFound, Overloaded, RateLimit, ServerError,
    SessionExpired, Timeout, Unknown,
};

use super::{If, Rule, When, text};
use crate::failure::refusal::SubscriptionRefusal as Refusal;
use crate::providers::Dialect;
use crate::reason::FailureReason;

/// A status that speaks of the request, so that weak words about credentials say nothing.
const REQUEST: When = When::UnknownOr(&[401, 403, 404, 410, 500, 502]);

/// Billing and credentials hide under 400, 403, 404 and 429, so their words come before the status.
#[rustfmt::skip]
pub(super) const CREDENTIAL: &[Rule] = &[
    // Anthropic to a subscription credential used elsewhere, 2025-08 to 2026-09.
    text("only authorized for use with claude code", AuthPermanent).refuses(Refusal::ClaudeCodeOnly),
    text("oauth authentication is currently not supported", AuthPermanent).refuses(Refusal::NotSupported),
    text("oauth authentication*not allowed for this organization", AuthPermanent).refuses(Refusal::NotAllowed),
    text("oauth token has been revoked", AuthPermanent).refuses(Refusal::Revoked),
    text("oauth token*scope requirement", AuthPermanent).refuses(Refusal::MissingScope),
    text("oauth token has expired", Auth).refuses(Refusal::Expired),
    text("draw from your extra usage|out of extra usage|extra usage is required", Billing).on(&[If::Short]).refuses(Refusal::ExtraUsage),
    text("error", RateLimit).when(When::In(&[429])).dialect(Dialect::Anthropic).on(&[If::Exactly, If::NoLimitHeaders]).and_code("rate_limit_error").refuses(Refusal::BareRateLimit),

    // 402: read the words, because proxies use it for limits that pass by themselves.
    text("quota refresh|rolling time window", RateLimit).when(When::In(&[402])),
    text("insufficient credit|insufficient quota|insufficient balance|insufficient fund|credit balance|top up|add more credits|plans*billing|hard limit|maximum allowed*limit", Billing).when(When::In(&[402])),
    text("upgrade your plan&limit|upgrade plan&limit|current plan&limit|subscription&limit&upgrade", Billing).when(When::In(&[402])),
    text("rate limit|too many requests|throttl", RateLimit).when(When::In(&[402])),
    text("daily*limit|weekly*limit|monthly*limit|organization*limit|workspace*limit|usage limit*try again|usage limit*retry", RateLimit).when(When::In(&[402])),

    // Anthropic's gateway (429), Claude Code error reference, 2026-08.
    text("^spend limit reached (", Billing),
    // Anthropic, 400: prepaid credit gone, own limits.
    text("credit balance|plans*billing|specified api usage limits|specified workspace api usage limits", Billing).on(&[If::Short]),
    text("reached your api usage limits", Billing).on(&[If::Short]),
    text("insufficient credit|insufficient quota|insufficient balance|insufficient fund|insufficient usd|insufficient account balance|not enough credits|not enough balance|balance is insufficient|balance is too low|balance too low|out of credits|run out of credits|no credits left|no remaining credits", Billing).on(&[If::Short]),
    text("payment required|payment method*declined|requires more credits|require more credits|more credits*fewer max tokens|credits are depleted|credits exhausted|prepaid credits|negative balance|billing hard limit|overdue payment|past due|in arrears|please recharge|purchase more credits|purchase credits|insufficientbalance", Billing).on(&[If::Short]),
    text("account is not active*billing|check your billing details on our website|model not on plan", Billing).on(&[If::Short]),
    // OpenRouter, 401 or 403.
    text("key limit exceeded", Billing).dialect(Dialect::OpenRouter),
    // A limit with a period passes by itself; one without needs a human.
    text("daily*limit|weekly*limit|monthly*limit|limit*daily|limit*weekly|limit*monthly|per day*limit", RateLimit).when(When::UnknownOr(&[400, 403, 429])).on(&[If::Short]),
    text("spend limit exceeded|spend limit reached|spending limit reached|spending limit exceeded|exceeded*spending limit|reached*spending limit|exceeded*spend limit|reached*spend limit", Billing).on(&[If::Short]),

    text("reported as leaked|has been leaked|was leaked", AuthPermanent).on(&[If::Short]),
    text("api key revoked|api key deactivated|api key deleted|api key disabled|api key suspended|api key is disabled|api key is revoked|api key is deactivated|api key*has been disabled|api key*has been revoked|api key*has been deactivated|api key*has been deleted|api key was revoked|api key was deleted|api key was disabled", AuthPermanent).on(&[If::Short]),
    text("key has been disabled|key has been revoked|key has been deactivated|key has been deleted|key has been suspended|token has been revoked|token was revoked|token revoked|credentials have been revoked|credential has been revoked", AuthPermanent).on(&[If::Short]),
    text("account has been deactivated|account has been disabled|account has been suspended|account has been terminated|account has been banned|account*deactivated$|account is suspended|account is disabled|account suspended", AuthPermanent).on(&[If::Short]),
    text("organization has been disabled|organization has been suspended|organization is disabled|workspace*deactivated$|deactivated workspace|consumer*has been suspended|project*has been suspended|project*has been deleted", AuthPermanent).on(&[If::Short]),
    text("not allowed for this organization|only authorized for use with|not authorized for this use|invalid grant|refresh token not found|refresh token*already used|refresh token*revoked", AuthPermanent).on(&[If::Short]),
    text("requests to this api*are blocked", AuthPermanent).on(&[If::Short]).when(When::UnknownOr(&[401, 403])),

    text("session not found|session expired|session has expired|session is expired|conversation expired|conversation not found|conversation has expired|session does not exist|session no longer exists|invalid session|no conversation found|session*not found", SessionExpired).when(When::UnknownOr(&[401, 403, 404, 410])),

    // A 403 or 400 about the content, not about the key.
    text("request blocked|prompt injection|content policy|usage policy|guardrail|moderation|flagged", Format).when(When::UnknownOr(&[400, 403, 422])).on(&[If::Short]),

    // Google's bad key is a 400; others say so under 404 or 410.
    text("invalid api key|incorrect api key|invalid x api key|api key not valid|api key is invalid|api key expired|api key is not valid|api key missing|missing api key|no api key|api key is required|api key not found|invalid token|invalid access token|invalid bearer token|invalid credentials|invalid authentication", Auth).on(&[If::Short]),
    text("no credentials found|no auth credentials|no cookie auth|no api key found|invalid subscription key|could not authenticate|could not validate*credential|could not validate*api key|security token included in the request|not authenticated|authentication required|authentication failed|authentication fails|failed to authenticate|login required|not logged in|please log in|re authenticate|reauthenticate|oauth token refresh failed", Auth).on(&[If::Short]),
    text("not allowed to use publisher model|don't have access to the model", Auth),
    text("unauthorized|missing scope|insufficient permission|permission error|invalid api endpoint or credentials", Auth).when(REQUEST).on(&[If::Short]),
];

/// Everything else.
#[rustfmt::skip]
pub(super) const OTHER: &[Rule] = &[
    // Anthropic, 404: not about a model.
    text("requested resource could not be found", Unknown).when(When::UnknownOr(&[404])),
    text("workspace*not found", Format).when(When::In(&[404])).and_code("not_found_error"),

    text("end of its life|marked by provider as legacy|on demand throughput isn't supported", ModelNotFound),
    text("model not found|model*was not found|models/*is not found|model*not found$|unknown model|no such model|invalid model|not a valid model|model*does not exist|model*doesn't exist|could not find*model|model*no longer available|model*no longer supported|model*has been deprecated|model*has been deactivated|model*has been retired|model*has been removed|model*has been discontinued|model*is deprecated|model is deactivated|no endpoints found|no endpoints*match|model not available|unsupported model|model is not supported|model*is not supported when using", ModelNotFound).when(When::UnknownOr(&[400, 403, 404, 410, 422])).on(&[If::Short]),

    text("tokens per min|tokens per day|requests per min|requests per day|rate limit|ratelimit|too many requests|too many concurrent|throttl|model cooldown|exceeded your current quota|quota exceeded|exceeded*quota|quota*exceeded|quota has been|quota limit|resource exhausted|resource has been exhausted|resourceexhausted|usage limit|too many tokens|concurrency limit|exhausted your capacity|quota will reset|model*is not ready|model not ready|modelnotready|free models per|tpm$|rpm$|tpd$|rpd$", RateLimit).when(When::UnknownOr(&[400, 403, 408, 413, 422, 429, 500, 502, 503, 504, 529])),

    text("prompt is too long|input is too long|prompt too long|maximum context|context length|context window|context limit|exceed*context|too many input tokens|input token count*exceed|maximum number of tokens|request exceeds*tokens|reduce the length of the messages|reduce the length of your prompt|input length*exceed|prompt*exceeds*max", ContextOverflow).when(When::UnknownOr(&[400, 413, 422, 500])),

    text("overload|high demand|at capacity|no capacity|over capacity|capacity limit|insufficient capacity|out of capacity|capacity exceeded|not enough capacity|high load|heavy load|service temporarily unavailable|serviceunavailable*overload|server is busy|servers are busy|system is busy|api is busy|service is busy", Overloaded).when(When::UnknownOr(&[400, 408, 422, 429, 499, 500, 502, 503, 504, 520, 529])),

    text("stop reason: error|finish reason: error|stop reason error|finish reason error", ServerError).when(When::Unknown),
    text("unknown error occurred", ServerError).dialect(Dialect::Anthropic).when(When::Unknown),
    text("provider returned error", ServerError).dialect(Dialect::OpenRouter).when(When::Unknown),
    text("stop reason: abort|stop reason: network error|stop reason: malformed response|finish reason: abort|finish reason: network error|finish reason: malformed response|reason: network error", Timeout).when(When::Unknown),
    text("timeout|timed out|time out$|deadline exceeded|deadline expired", Timeout).when(When::UnknownOr(&[500, 502, 503, 520, 522])),
    text("connection error|connection refused|connection reset|connection closed|connection aborted|connection lost|connection timed|connection was|disconnected|network error|network request failed|network connection|fetch failed|failed to fetch|socket hang up|socket closed|stream closed|stream ended|stream was|premature close|broken pipe|no such host|getaddrinfo|dns failure|dns error|dns lookup|name resolution|host unreachable|network unreachable|network is unreachable|without sending any chunks|without sending chunks|error sending request|aborted$|econnrefused|econnreset|econnaborted|enetunreach|ehostunreach|ehostdown|enetreset|enetdown|etimedout|esockettimedout|epipe|enotfound|eai again|und err", Timeout).when(When::Unknown),
    text("internal server error|server error|bad gateway|service unavailable|serviceunavailable|error occurred while processing|something went wrong on our|internal error|upstream error", ServerError).when(When::Unknown),

    // Weak words decide only where no status is at hand.
    text("image*exceed|image*too large|image dimension|string should match pattern|tool use id|tool use.id|tool use*tool result|tool call id|roles must alternate|invalid request format|extra inputs are not permitted|unexpected value(s)|max tokens*maximum allowed|cache control", Format).when(When::Unknown),
    text("authentication|authenticat|unauthenticated|forbidden|access denied|permission denied|credentials|expired|sign in again|log in again", Auth).when(When::Unknown).on(&[If::Short]),
    text("authentication failed|authentication error|token expired|token has expired|access denied", Auth).when(When::In(&[404, 410])).on(&[If::Short]),
];
