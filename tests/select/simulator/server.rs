//! A server with documented limits: token buckets that fill continuously, windows that refill at their end, and plans;
//! with a prompt cache for each session on each key.

use std::collections::HashMap;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use provider_auth::Timestamp;

use super::world::BEGIN;

/// How a provider writes its headers, and how its limits fill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dialect {
    /// Requests, input and output tokens per minute, filled all the time; tokens read from the cache do not count.
    Anthropic,
    /// Requests and tokens per minute, filled all the time.
    OpenAi,
    /// Requests per day and tokens per minute, filled all the time; tokens read from the cache do not count.
    Groq,
    /// Requests and tokens per minute, filled at the end of the minute.
    Azure,
    /// A window of five hours, of which only the used share is told.
    Plan,
}

/// What a key may use: requests, and tokens of requests and answers, in a minute; with a plan, tokens in five hours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) requests: f64,
    pub(super) input: f64,
    pub(super) output: f64,
}

/// What a request takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) input: f64,
    pub(super) output: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    full: f64,
    level: f64,
    at: i64,
    /// In milliseconds: the time in which all of it comes back.
    period: f64,
    is_window: bool,
}

const MINUTE: f64 = 60_000.0;
const FIVE_HOURS: f64 = 18_000_000.0;

impl Bucket {
    fn new(full: f64, period: f64, is_window: bool) -> Self {
        Self { full, level: full, at: 0, period, is_window }
    }

    fn settle(&mut self, now: i64) {
        let gone = (now - self.at) as f64;
        if !self.is_window {
            self.level = (self.level + self.full * gone / self.period).min(self.full);
            self.at = now;
        } else if gone >= self.period {
            self.level = self.full;
            self.at = now - (now - self.at) % self.period as i64;
        }
    }

    /// How long until so much is left, in milliseconds.
    fn wait(&self, cost: f64, now: i64) -> f64 {
        let missing = cost.min(self.full) - self.level;
        match (missing <= 1e-9, self.is_window) {
            (true, _) => 0.0,
            (false, true) => self.period - (now - self.at) as f64,
            (false, false) => missing * self.period / self.full,
        }
    }

    fn reset(&self, now: i64) -> f64 {
        if self.is_window {
            self.period - (now - self.at) as f64
        } else {
            (self.full - self.level) * self.period / self.full
        }
    }
}

/// One key with its limits and its caches.
#[derive(Clone, Debug)]
pub(super) struct Key {
    dialect: Dialect,
    requests: Bucket,
    input: Bucket,
    output: Bucket,
    caches: HashMap<usize, (f64, i64)>,
}

/// How long a cache entry lives after its last use.
const LIFETIME: i64 = 300_000;

impl Key {
    pub(super) fn new(dialect: Dialect, allowance: Allowance) -> Self {
        let is_window = matches!(dialect, Dialect::Azure | Dialect::Plan);
        let per_day = if dialect == Dialect::Groq { MINUTE * 1_440.0 } else { MINUTE };
        let tokens = if dialect == Dialect::Plan { FIVE_HOURS } else { MINUTE };
        Self {
            dialect,
            requests: Bucket::new(allowance.requests, per_day, is_window),
            input: Bucket::new(allowance.input, tokens, is_window),
            output: Bucket::new(allowance.output, tokens, is_window),
            caches: HashMap::new(),
        }
    }

    /// How many tokens of a session's prompt the cache has.
    pub(super) fn cached(&self, session: usize, now: i64) -> f64 {
        self.caches.get(&session).filter(|(_, until)| *until > now).map_or(0.0, |(tokens, _)| *tokens)
    }

    /// What a prompt counts for: with Anthropic and Groq what is not in the cache.
    pub(super) fn cost(&self, session: usize, prompt: f64, output: f64, now: i64) -> Cost {
        let is_free = matches!(self.dialect, Dialect::Anthropic | Dialect::Groq);
        let cached = if is_free { self.cached(session, now).min(prompt) } else { 0.0 };
        Cost { input: prompt - cached, output }
    }

    /// How long until a request is admitted, in milliseconds.
    pub(super) fn wait(&mut self, cost: Cost, now: i64) -> f64 {
        for bucket in [&mut self.requests, &mut self.input, &mut self.output] {
            bucket.settle(now);
        }
        let (input, output) = self.shares(cost);
        let requests = if self.dialect == Dialect::Plan { 0.0 } else { self.requests.wait(1.0, now) };
        requests.max(self.input.wait(input, now)).max(self.output.wait(output, now))
    }

    fn shares(&self, cost: Cost) -> (f64, f64) {
        match self.dialect {
            Dialect::Anthropic => (cost.input, cost.output),
            // A plan refuses when it is used up, not before.
            Dialect::Plan => (1.0, 0.0),
            _ => (cost.input + cost.output, 0.0),
        }
    }

    /// Answers a request: admitted or not, and the headers.
    pub(super) fn ask(&mut self, session: usize, prompt: f64, output: f64, now: i64) -> (bool, HeaderMap) {
        let cost = self.cost(session, prompt, output, now);
        let wait = self.wait(cost, now);
        if wait > 0.0 {
            return (false, self.headers(now, Some(wait)));
        }
        let (input, output) = match self.dialect {
            Dialect::Plan => (cost.input + cost.output, 0.0),
            _ => self.shares(cost),
        };
        self.requests.level -= 1.0;
        self.input.level -= input.min(self.input.full);
        self.output.level -= output.min(self.output.full);
        self.caches.insert(session, (prompt, now + LIFETIME));
        (true, self.headers(now, None))
    }

    /// Which part is left of what binds most.
    pub(super) fn left(&self) -> f64 {
        let share = |bucket: &Bucket| bucket.level / bucket.full;
        share(&self.requests).min(share(&self.input)).min(share(&self.output))
    }

    /// Somebody else uses the key.
    pub(super) fn drain(&mut self, share: f64, now: i64) {
        self.input.settle(now);
        self.input.level = (self.input.level - share * self.input.full).max(0.0);
    }

    fn headers(&self, now: i64, wait: Option<f64>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name: String, value: String| {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
        };
        if let Some(wait) = wait {
            set("retry-after".into(), format!("{}", (wait / 1_000.0).ceil()));
        }
        let moment = |wait: f64| Timestamp::from_millis(BEGIN + ((now as f64 + wait) / 1_000.0).ceil() as i64 * 1_000);
        match self.dialect {
            Dialect::Anthropic => {
                for (name, bucket, step) in [
                    ("requests", self.requests, 1.0),
                    ("input-tokens", self.input, 1e3),
                    ("output-tokens", self.output, 1e3),
                ] {
                    let left = (bucket.level.max(0.0) / step).round() * step;
                    set(format!("anthropic-ratelimit-{name}-limit"), bucket.full.to_string());
                    set(
                        format!("anthropic-ratelimit-{name}-remaining"),
                        (if step == 1.0 { bucket.level.floor() } else { left }).to_string(),
                    );
                    set(format!("anthropic-ratelimit-{name}-reset"), moment(bucket.reset(now)).to_string());
                }
            }
            Dialect::Plan => {
                let used = 1.0 - self.input.level / self.input.full;
                set(
                    "anthropic-ratelimit-unified-5h-status".into(),
                    if used < 1.0 { "allowed" } else { "rejected" }.into(),
                );
                set("anthropic-ratelimit-unified-5h-utilization".into(), format!("{used:.2}"));
                set(
                    "anthropic-ratelimit-unified-5h-reset".into(),
                    (moment(self.input.reset(now)).as_millis() / 1_000).to_string(),
                );
            }
            _ => {
                for (name, bucket) in [("requests", self.requests), ("tokens", self.input)] {
                    let reset = bucket.reset(now);
                    let reset = match self.dialect {
                        Dialect::Azure => format!("{}", (reset / 1_000.0).ceil()),
                        _ if reset < 1_000.0 => format!("{}ms", reset.ceil()),
                        _ => format!("{}m{:.3}s", (reset / MINUTE).floor(), reset % MINUTE / 1_000.0),
                    };
                    set(format!("x-ratelimit-limit-{name}"), bucket.full.to_string());
                    set(format!("x-ratelimit-remaining-{name}"), bucket.level.floor().max(0.0).to_string());
                    set(format!("x-ratelimit-reset-{name}"), reset);
                }
            }
        }
        headers
    }

    pub(super) fn provider(dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Anthropic | Dialect::Plan => "anthropic",
            Dialect::OpenAi => "openai",
            Dialect::Groq => "groq",
            Dialect::Azure => "azure",
        }
    }
}
