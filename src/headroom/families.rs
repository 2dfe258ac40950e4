//! The header families of providers, one row each.
//!
//! The headers of a provider without its own row are read by the rows for all.

use std::time::Duration;

use super::limit::{LimitKind, Refill};

/// The order of the parts of a header name, after the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `requests-remaining`
    LimitFirst,
    /// `remaining-requests`; without a word for a limit whose word is empty.
    PartFirst,
}

/// One limit of a family: its word, what it counts, and its period.
pub(super) type Word = (&'static str, LimitKind, Option<Duration>);

/// A family of headers that report what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// The providers that send it; empty for all.
    pub(super) providers: &'static [&'static str],
    pub(super) prefix: &'static str,
    pub(super) layout: Layout,
    pub(super) words: &'static [Word],
    pub(super) refill: Refill,
    /// The multiple that the remaining tokens are rounded to.
    pub(super) step: f64,
    /// `true` if tokens read from a prompt cache count.
    pub(super) counts_cached: bool,
    /// The source of the names and their meaning.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers, and for the test of the table"))]
    pub(super) source: &'static str,
}

const SECOND: Option<Duration> = Some(Duration::from_secs(1));
const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));
const DAY: Option<Duration> = Some(Duration::from_secs(86_400));
const MONTH: Option<Duration> = Some(Duration::from_secs(30 * 86_400));

use Layout::{LimitFirst, PartFirst};
use LimitKind::{InputTokens, OutputTokens, Requests, Tokens};
use Refill::{Continuous, Unknown, Window};

const X: &str = "x-ratelimit-";

/// The most rows of a provider.
pub(super) const MOST_FAMILIES: usize = 8;

#[rustfmt::skip]
pub(super) const FAMILIES: &[Family] = &[
    // For all providers, because no other one uses this prefix.
    row(&[], "anthropic-ratelimit-", LimitFirst, &[("requests", Requests, MINUTE), ("tokens", Tokens, MINUTE), ("input-tokens", InputTokens, MINUTE), ("output-tokens", OutputTokens, MINUTE)], Continuous, 1_000.0,
        "https://docs.anthropic.com/en/api/rate-limits, 2026-09: a token bucket per minute that fills continuously; reset is when it is full; tokens are rounded to thousands; those read from the cache do not count").without_cached(),
    // Requests are per minute or per day, by model and tier: the missing part divided by the time to the reset shows
    // which.
    row(&["openai"], X, PartFirst, &[("requests", Requests, None), ("tokens", Tokens, MINUTE)], Continuous, 0.0,
        "https://platform.openai.com/docs/guides/rate-limits, 2026-09: reset is until the initial state, as a duration of Go; https://community.openai.com/t/1268905, 2025-05: 12ms for one of 5000 per minute"),
    row(&["azure", "azure-openai", "azure-foundry", "microsoft-foundry", "github-models"], X, PartFirst, &[("requests", Requests, MINUTE), ("tokens", Tokens, MINUTE)], Window, 0.0,
        "https://learn.microsoft.com/en-us/answers/questions/5625878, 2025-11: reset in whole seconds, -1 where the limit is not known"),
    row(&["groq"], X, PartFirst, &[("requests", Requests, DAY), ("tokens", Tokens, MINUTE)], Continuous, 0.0,
        "https://console.groq.com/docs/rate-limits, 2026-09: requests always per day, tokens per minute; the sample's resets are what is missing over the limit's rate; cached tokens do not count").without_cached(),
    row(&["cerebras"], X, PartFirst, &[("requests-minute", Requests, MINUTE), ("requests-hour", Requests, HOUR), ("requests-day", Requests, DAY), ("tokens-minute", Tokens, MINUTE), ("tokens-hour", Tokens, HOUR), ("tokens-day", Tokens, DAY)], Unknown, 0.0,
        "https://inference-docs.cerebras.ai/support/rate-limits, 2026-09: seconds until the limit resets"),
    row(&["mistral"], X, PartFirst, &[("req-minute", Requests, MINUTE), ("requests", Requests, None), ("tokens-minute", Tokens, MINUTE), ("tokens-month", Tokens, MONTH), ("tokens", Tokens, None)], Unknown, 0.0,
        "observed 2026-06 and 2026-09: by minute and month, no reset; a key without an allowance has limits of zero"),
    row(&["mistral"], "x-ratelimitbysize-", PartFirst, &[("minute", Tokens, MINUTE), ("month", Tokens, MONTH)], Unknown, 0.0, "observed 2025: the same by its older name"),
    row(&["mistral"], "ratelimitbysize-", PartFirst, &[("", Tokens, MINUTE)], Window, 0.0, "observed 2025: the reset in seconds"),
    row(&["openrouter"], X, PartFirst, &[("", Requests, None)], Window, 0.0,
        "https://openrouter.ai/docs/api-reference/limits, 2026-10: on errors of its own limits; the reset in milliseconds since 1970"),
    row(&["together"], X, PartFirst, &[("", Requests, SECOND)], Window, 0.0, "https://docs.together.ai/docs/rate-limits, 2026-09: per second, the reset in seconds"),
    row(&["together"], "x-tokenlimit-", PartFirst, &[("", Tokens, SECOND)], Window, 0.0, "https://docs.together.ai/docs/rate-limits, 2026-09"),
    row(&["fireworks"], X, PartFirst, &[("requests", Requests, MINUTE), ("tokens-prompt", InputTokens, MINUTE), ("tokens-generated", OutputTokens, MINUTE)], Unknown, 0.0,
        "https://docs.fireworks.ai/serverless/rate-limits, 2026-09: per minute, adapted all the time, no reset"),
    row(&["sambanova"], X, PartFirst, &[("requests", Requests, MINUTE), ("requests-day", Requests, DAY)], Window, 0.0,
        "https://docs.sambanova.ai/docs/en/models/rate-limits, 2026-09: the reset in seconds since 1970"),
    row(&["digitalocean"], X, PartFirst, &[("requests", Requests, MINUTE), ("tokens-per-minute", Tokens, MINUTE), ("tokens-per-day", Tokens, DAY)], Continuous, 0.0,
        "https://docs.digitalocean.com/products/inference/reference/quota-specific-response-headers, 2026-06: fills continuously; the reset in seconds since 1970"),
    row(&["cohere"], "x-trial-endpoint-call-", PartFirst, &[("", Requests, MINUTE)], Unknown, 0.0, "observed 2026-06 with keys for trials, on answers other than 429; no reset"),
    // xAI, and every server that writes the same names. They do not report how their limits fill.
    row(&[], X, PartFirst, &[("requests", Requests, None), ("tokens", Tokens, None), ("", Requests, None), ("requests-minute", Requests, MINUTE), ("requests-day", Requests, DAY), ("tokens-minute", Tokens, MINUTE), ("tokens-day", Tokens, DAY)], Unknown, 0.0,
        "the names that OpenAI made usual; https://docs.x.ai/developers/rate-limits, 2026-09"),
    row(&[], "ratelimit-", PartFirst, &[("", Requests, None)], Window, 0.0,
        "https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/06, 2022: the reset in seconds"),
];

const fn row(
    providers: &'static [&'static str],
    prefix: &'static str,
    layout: Layout,
    words: &'static [Word],
    refill: Refill,
    step: f64,
    source: &'static str,
) -> Family {
    Family { providers, prefix, layout, words, refill, step, counts_cached: true, source }
}

impl Family {
    const fn without_cached(self) -> Self {
        Self { counts_cached: false, ..self }
    }

    /// Returns the rows for a provider: its own, and those for all whose prefix none of its own uses.
    pub(super) fn of(provider: &str) -> impl Iterator<Item = &'static Self> {
        let own = FAMILIES.iter().filter(move |family| family.providers.contains(&provider));
        let of_all = FAMILIES.iter().filter(|family| family.providers.is_empty());
        let taken = own.clone();
        own.chain(of_all.filter(move |family| taken.clone().all(|own| own.prefix != family.prefix)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_row_is_looked_up() {
        for family in FAMILIES {
            assert!(super::super::read::is_of_limits(family.prefix), "{family:?} is never looked up");
            assert!(family.providers.iter().all(|name| name.to_lowercase() == **name), "{family:?}");
        }
    }

    /// The fixtures that `tests/select/headroom.rs` reads: provider, names of headers, source.
    fn fixtures() -> Vec<(String, Vec<String>, String)> {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let fixture = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            let headers = row["headers"].as_object().unwrap().keys().cloned().collect();
            (text(&row, "provider"), headers, text(&row, "source"))
        };
        include_str!("../../tests/fixtures/headroom_headers.jsonl").lines().map(fixture).collect()
    }

    /// Returns `true` if a text names a year.
    fn is_dated(source: &str) -> bool {
        let mut digits = source.split(|c: char| !c.is_ascii_digit());
        digits.any(|number| number.len() == 4 && number.starts_with("20"))
    }

    #[test]
    fn every_row_has_a_fixture_of_each_of_its_providers_with_source_and_date() {
        let fixtures = fixtures();
        let named: Vec<&str> = FAMILIES.iter().flat_map(|family| family.providers).copied().collect();
        for family in FAMILIES {
            assert!(is_dated(family.source), "{family:?}");
            let is_used = |is_it: &dyn Fn(&str) -> bool| {
                fixtures.iter().any(|(provider, headers, _)| {
                    is_it(provider) && headers.iter().any(|name| name.starts_with(family.prefix))
                })
            };
            for provider in family.providers {
                assert!(is_used(&|name| name == *provider), "{provider} has no fixture with {}", family.prefix);
            }
            let is_for_all = family.providers.is_empty();
            assert!(!is_for_all || is_used(&|name| !named.contains(&name)), "no fixture with {}", family.prefix);
        }
        let listed = |(_, headers, _): &(String, Vec<String>, String)| headers.iter().any(|name| name == "ratelimit");
        assert!(fixtures.iter().filter(|fixture| listed(fixture)).count() > 1);
        for (provider, _, source) in fixtures {
            assert!(is_dated(&source) || source.starts_with("made up"), "{provider}: {source}");
        }
    }

    #[test]
    fn a_prefix_is_read_once() {
        let named = FAMILIES.iter().flat_map(|family| family.providers).copied();
        for provider in named.chain(["nobody"]) {
            let prefixes: Vec<_> = Family::of(provider).map(|family| family.prefix).collect();
            let distinct: std::collections::BTreeSet<_> = prefixes.iter().collect();
            assert_eq!(distinct.len(), prefixes.len(), "{provider}: {prefixes:?}");
            assert!(prefixes.len() <= MOST_FAMILIES, "{provider}: {prefixes:?}");
        }
    }
}
