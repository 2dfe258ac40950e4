//! Deadlines in headers.

use http::HeaderMap;

use super::moment::{Hint, epoch};

/// The undocumented windows of subscriptions, as reported from April to September 2026.
const UNIFIED: &str = "anthropic-ratelimit-unified";

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Returns `x-should-retry`, which takes precedence over everything else in Anthropic's SDKs.
pub(crate) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match value(headers, "x-should-retry")? {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Returns `true` if a header is about a limit. A refusal of a subscription has none.
pub(crate) fn has_limits(headers: &HeaderMap) -> bool {
    let prefixes =
        ["retry-after", "anthropic-ratelimit-", "anthropic-priority-", "anthropic-fast-", "x-ratelimit-", "ratelimit"];
    headers.keys().any(|name| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix)))
}

/// Returns explicit waits: milliseconds (`OpenAI` and Azure), then `retry-after` as seconds or as a date.
pub(super) fn asked(headers: &HeaderMap) -> impl Iterator<Item = Hint> {
    let millis = ["retry-after-ms", "x-ms-retry-after-ms"].into_iter();
    let millis = millis.filter_map(|name| value(headers, name)?.parse::<f64>().ok());
    let asked = value(headers, "retry-after").and_then(Hint::seconds_or_date);
    millis.map(|millis| Hint::After(millis / 1_000.0)).chain(asked)
}

/// Returns the ends of the plan's windows that reject requests. Extra usage always rejects if an account has none, so
/// its window counts only if the server declares it the binding one.
pub(super) fn rejected(headers: &HeaderMap) -> impl Iterator<Item = Hint> {
    let overage = value(headers, "anthropic-ratelimit-unified-representative-claim") == Some("overage");
    headers.iter().filter_map(move |(name, status)| {
        let window = name.as_str().strip_prefix(UNIFIED)?.strip_suffix("-status")?;
        let rejects = status.to_str().is_ok_and(|status| status.trim().eq_ignore_ascii_case("rejected"));
        if !rejects || (window == "-overage" && !overage) {
            return None;
        }
        value(headers, &format!("{UNIFIED}{window}-reset")).and_then(Hint::moment)
    })
}

/// The moment at which a limit resets.
#[derive(Debug)]
pub(super) struct Reset {
    /// `true` if the limit is used up; `None` if that is not stated.
    pub(super) empty: Option<bool>,
    pub(super) hint: Hint,
}

/// Returns `anthropic-ratelimit-requests-reset` and its siblings, `x-ratelimit-reset-tokens`, `x-ratelimit-reset`, and
/// those of the drafts for a standard.
pub(super) fn resets(headers: &HeaderMap) -> impl Iterator<Item = Reset> {
    let single = headers.iter().filter_map(move |(name, reset)| {
        let remaining = remaining_of(name.as_str())?;
        let left = value(headers, &remaining).and_then(|left| left.parse::<f64>().ok());
        let hint = Hint::reset(reset.to_str().ok()?)?;
        Some(Reset { empty: left.map(|left| left <= 0.0), hint })
    });
    let lists = headers.get_all("ratelimit").iter().filter_map(|list| list.to_str().ok()).flat_map(listed);
    single.chain(lists).chain(codex(headers))
}

/// Returns the items of a `ratelimit` header: `"default";r=0;t=30` (draft-ietf-httpapi-ratelimit-headers-08 and later;
/// Cloudflare, Hugging Face), or all of it as `limit=100, remaining=0, reset=30` (earlier drafts).
fn listed(list: &str) -> impl Iterator<Item = Reset> {
    let item = |item: &str| {
        let number = |names: [&str; 2]| {
            let mut parts = item.split([';', ',']).filter_map(|part| part.trim().split_once('='));
            parts.find(|(name, _)| names.contains(name)).and_then(|(_, number)| number.parse::<f64>().ok())
        };
        let (left, seconds) = (number(["r", "remaining"]), number(["t", "reset"])?);
        Some(Reset { empty: left.map(|left| left <= 0.0), hint: Hint::After(seconds) })
    };
    // Commas separate the items of the later form, and the members of the one item of the earlier.
    let separator = if list.contains(';') { ',' } else { '\0' };
    list.split(separator).filter_map(item)
}

/// Returns the windows of a `ChatGPT` plan, as the Codex command line reads them (codex-rs, September 2026).
fn codex(headers: &HeaderMap) -> impl Iterator<Item = Reset> {
    ["primary", "secondary"].into_iter().filter_map(|window| {
        let member = |name| value(headers, &format!("x-codex-{window}-{name}"))?.parse::<f64>().ok();
        let at = member("reset-at").and_then(epoch);
        let hint = at.or_else(|| member("reset-after-seconds").map(Hint::After))?;
        Some(Reset { empty: Some(member("used-percent")? >= 100.0), hint })
    })
}

/// Returns the name of the header with the remaining amount of the limit in a reset header.
fn remaining_of(name: &str) -> Option<String> {
    // Most have `x-`; `-after` marks seconds, as in Discord's; Mistral once had one by size.
    for family in ["x-ratelimit", "ratelimit", "ratelimitbysize"] {
        if let Some(kind) = name.strip_prefix(family).and_then(|rest| rest.strip_prefix("-reset")) {
            return Some(format!("{family}-remaining{}", if kind == "-after" { "" } else { kind }));
        }
    }
    let limit = name.strip_prefix("anthropic-").and_then(|rest| rest.strip_suffix("-reset"))?;
    let known = ["ratelimit-", "priority-", "fast-"].iter().any(|family| limit.starts_with(family));
    (known && !name.starts_with(UNIFIED)).then(|| format!("anthropic-{limit}-remaining"))
}
