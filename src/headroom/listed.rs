//! The header `ratelimit` of the IETF drafts: `"default";r=50;t=30`, or in older ones `limit=100, remaining=50,
//! reset=30`. Hugging Face and Cloudflare send it.
//!
//! Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers>, 2026-09.

use std::time::Duration;

use http::HeaderMap;

use super::limit::{Limit, LimitKind};
use super::value::{after, count, plain};
use crate::clock::Timestamp;

const NAME: &str = "ratelimit";
const POLICY: &str = "ratelimit-policy";

/// The largest number of items that are read, and the longest name in bytes: a server may send any number and any name.
const MOST_ITEMS: usize = 8;
pub(super) const LONGEST_NAME: usize = 64;

/// Adds the limits of the list with their policies. Of several limits with the same name the first one counts.
pub(super) fn read(headers: &HeaderMap, now: Timestamp, limits: &mut Vec<Limit>) {
    let policies: Vec<&str> = headers.get_all(POLICY).iter().filter_map(|value| value.to_str().ok()).collect();
    let policies: Vec<&str> =
        policies.iter().flat_map(|list| list.split(',')).map(str::trim).take(MOST_ITEMS).collect();
    let mut items = 0;
    for list in headers.get_all(NAME).iter().filter_map(|value| value.to_str().ok()) {
        // Commas separate the items of the newer form, and the members of the single item of the older form.
        let separator = if list.contains(';') { ',' } else { '\0' };
        for item in list.split(separator).map(str::trim) {
            items += 1;
            if items > MOST_ITEMS {
                return;
            }
            let name = name(item);
            let policy = policies.iter().find(|policy| self::name(policy) == name).copied().unwrap_or_default();
            let Some(remaining) = member(item, &["r", "remaining"]).and_then(count) else { continue };
            let limit = member(item, &["limit"]).or_else(|| member(policy, &["q"])).and_then(count);
            if limit == Some(0.0) {
                continue;
            }
            let seconds = member(item, &["t", "reset"]).and_then(plain);
            let period = member(policy, &["w"]).and_then(plain).filter(|seconds| (1.0..=3e6).contains(seconds));
            let shown = if name.is_empty() { LimitKind::Requests.as_str() } else { name };
            let is_told = limits.iter().any(|known| known.family == NAME && known.name == shown);
            if is_told || shown.len() > LONGEST_NAME {
                continue;
            }
            limits.push(Limit {
                limit,
                remaining: Some(remaining),
                reset: seconds.and_then(|seconds| after(seconds, now)).filter(|at| *at > now),
                period: period.map(Duration::from_secs_f64),
                family: NAME,
                ..Limit::window(LimitKind::Requests, shown.to_owned())
            });
        }
    }
}

/// Returns the quoted name before the members, or an empty string.
fn name(item: &str) -> &str {
    item.split(';').next().filter(|name| !name.contains('=')).unwrap_or_default().trim_matches(['"', ' '])
}

fn member<'i>(item: &'i str, names: &[&str]) -> Option<&'i str> {
    let mut members = item.split([';', ',']).filter_map(|member| member.trim().split_once('='));
    members.find(|(name, _)| names.contains(name)).map(|(_, value)| value)
}
