//! The counters of one usage object, in the spelling of every API.

use serde_json::Value;

/// The counters of one reply as its API counts them.
#[derive(Default)]
pub(super) struct Counters {
    /// Tokens neither read nor written, for an API that counts cached tokens apart.
    pub(super) uncached: Option<u64>,
    /// All tokens of the prompt, for an API that counts cached tokens among them.
    pub(super) prompt: Option<u64>,
    pub(super) read: Option<u64>,
    pub(super) written: Option<u64>,
    pub(super) written_five_minutes: Option<u64>,
    pub(super) written_one_hour: Option<u64>,
    /// All tokens of the prompts of other models.
    pub(super) other_models: Option<u64>,
    /// `true` for the sum of several runs.
    pub(super) is_sum: bool,
}

impl Counters {
    /// Reads a usage object. If the model ran several times for one reply, as for a compaction, returns the sum of the
    /// runs. The object's own counters are those of the last run, so they count only if no run has them. Runs of another
    /// model, such as an advisor, are counted apart.
    pub(super) fn new(usage: &Value) -> Self {
        let runs = usage.get("iterations").and_then(Value::as_array).filter(|runs| !runs.is_empty());
        let Some(runs) = runs else { return Self::of_one(usage) };
        let own = Self::of_one(usage);
        let model = executor(runs);
        let (ours, others): (Vec<&Value>, Vec<&Value>) = runs.iter().partition(|run| is_of(run, model));
        let sum = ours.into_iter().map(Self::of_one).fold(Self::default(), |sum, run| Self {
            uncached: sum_of(sum.uncached, run.uncached),
            prompt: sum_of(sum.prompt, run.prompt),
            read: sum_of(sum.read, run.read),
            written: sum_of(sum.written, run.written),
            written_five_minutes: sum_of(sum.written_five_minutes, run.written_five_minutes),
            written_one_hour: sum_of(sum.written_one_hour, run.written_one_hour),
            ..sum
        });
        // The two ways of counting the prompt exclude each other.
        let has_input = sum.uncached.or(sum.prompt).is_some();
        Self {
            uncached: sum.uncached.or(own.uncached.filter(|_| !has_input)),
            prompt: sum.prompt.or(own.prompt.filter(|_| !has_input)),
            read: sum.read.or(own.read),
            written: sum.written.or(own.written),
            written_five_minutes: sum.written_five_minutes.or(own.written_five_minutes),
            written_one_hour: sum.written_one_hour.or(own.written_one_hour),
            other_models: others.into_iter().map(|run| Self::of_one(run).total()).fold(None, sum_of),
            is_sum: true,
        }
    }

    /// Returns all tokens of the prompt, if any are counted.
    fn total(&self) -> Option<u64> {
        let split = sum_of(self.written_five_minutes, self.written_one_hour);
        let written = self.written.max(split);
        self.prompt.or_else(|| sum_of(sum_of(self.uncached, self.read), written))
    }

    fn of_one(usage: &Value) -> Self {
        let number = |pointers: &[&str]| pointers.iter().find_map(|pointer| count(usage.pointer(pointer)?));
        // Converse lists the written tokens by lifetime.
        let detail = |ttl: &str| {
            let details = usage.get("cacheDetails")?.as_array()?.iter();
            let of_ttl = details.filter(|detail| detail.get("ttl").and_then(Value::as_str) == Some(ttl));
            of_ttl.map(|detail| detail.get("inputTokens").and_then(count)).reduce(sum_of)?
        };
        let input = number(&["/input_tokens", "/inputTokens", "/inputTokenCount"]);
        // Only an API that counts cached tokens among the input tokens breaks these down.
        let details = usage.pointer("/input_tokens_details").is_some_and(Value::is_object);
        let prompt = number(&["/prompt_tokens", "/promptTokenCount"]).or(input.filter(|_| details));
        Self {
            uncached: input.filter(|_| prompt.is_none()),
            prompt,
            read: number(&[
                "/cache_read_input_tokens",
                "/cacheReadInputTokens",
                "/cacheReadInputTokenCount",
                "/prompt_tokens_details/cached_tokens",
                "/input_tokens_details/cached_tokens",
                "/prompt_cache_hit_tokens",
                "/cached_tokens",
                "/cachedContentTokenCount",
            ]),
            written: number(&[
                "/cache_creation_input_tokens",
                "/cacheWriteInputTokens",
                "/cacheWriteInputTokenCount",
                "/prompt_tokens_details/cache_write_tokens",
                "/input_tokens_details/cache_write_tokens",
            ]),
            written_five_minutes: number(&["/cache_creation/ephemeral_5m_input_tokens"]).or_else(|| detail("5m")),
            written_one_hour: number(&["/cache_creation/ephemeral_1h_input_tokens"]).or_else(|| detail("1h")),
            other_models: None,
            is_sum: false,
        }
    }
}

/// The type of an advisor's run (advisor tool, beta of 2026-03-01). Its model may be that of the reply, but it is asked
/// beside it.
const ADVISOR: &str = "advisor_message";

/// Returns the model whose run gave the reply: the last one that is not an advisor's. Where the server fell back to
/// another model, that one answered.
fn executor(runs: &[Value]) -> Option<&str> {
    let own = runs.iter().rev().find(|run| text(run, "type") != Some(ADVISOR));
    own.and_then(|run| text(run, "model"))
}

/// Returns `true` for a run of the model, or of none that is known.
fn is_of(run: &Value, model: Option<&str>) -> bool {
    let others = |(run, model)| run != model;
    text(run, "type") != Some(ADVISOR) && !text(run, "model").zip(model).is_some_and(others)
}

fn text<'r>(run: &'r Value, key: &str) -> Option<&'r str> {
    run.get(key).and_then(Value::as_str)
}

/// Reads a count of tokens, which some servers write with a fraction.
fn count(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let rounded = || value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64);
    value.as_u64().or_else(rounded)
}

/// Returns the sum of two counters: `None` only if both are missing.
pub(super) fn sum_of(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        _ => a.or(b),
    }
}
