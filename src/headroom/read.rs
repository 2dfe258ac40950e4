//! Reading the headers of an answer.

use http::{HeaderMap, HeaderValue};

use super::families::{Family, Layout, MOST_WORDS, Word};
use super::limit::{Limit, Refill};
use super::value::{count, moment};
use super::{listed, plan};
use crate::clock::Timestamp;
use crate::id::ProviderId;

/// What an answer says is left of each limit.
///
/// # Examples
///
/// ```
/// use http::HeaderMap;
/// use provider_auth::headroom::{Headroom, LimitKind};
/// use provider_auth::{ProviderId, Timestamp};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-ratelimit-limit-tokens", "150000".parse()?);
/// headers.insert("x-ratelimit-remaining-tokens", "30000".parse()?);
/// headers.insert("x-ratelimit-reset-tokens", "48s".parse()?);
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let headroom = Headroom::read(&ProviderId::new("openai")?, &headers, now);
/// let [tokens] = headroom.limits() else { panic!("one limit is told") };
/// assert_eq!((tokens.kind, tokens.share()), (LimitKind::Tokens, Some(0.2)));
/// assert_eq!(tokens.reset.map(|at| (at - now).as_secs()), Some(48));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Headroom {
    limits: Vec<Limit>,
}

/// What is known of one limit while the headers are gone through.
#[derive(Clone, Copy, Default)]
struct Parts {
    limit: Option<f64>,
    remaining: Option<f64>,
    reset: Option<Timestamp>,
}

impl Headroom {
    /// Reads the headers of an answer of a provider, of a success or a failure. Nothing that cannot be read is guessed: a
    /// limit of which neither the rest nor the whole is told is left out.
    pub fn read(provider: &ProviderId, headers: &HeaderMap, now: Timestamp) -> Self {
        let mut limits = Vec::new();
        let mut families = [const { None }; 8];
        for (place, family) in families.iter_mut().zip(Family::of(provider.as_str())) {
            *place = Some((family, [Parts::default(); MOST_WORDS]));
        }
        let (mut has_plan, mut has_list) = (false, false);
        for (name, value) in headers {
            let name = name.as_str();
            if !is_of_limits(name) {
                continue;
            }
            has_plan |= plan::is_of_plan(name);
            has_list |= name == listed::NAME;
            for (family, parts) in families.iter_mut().flatten() {
                let Some(rest) = name.strip_prefix(family.prefix) else { continue };
                if let Some((place, part)) = place_of(family, rest)
                    && let Some(parts) = parts.get_mut(place)
                {
                    parts.take(part, value, now);
                }
            }
        }
        for (family, parts) in families.iter().flatten() {
            limits.extend(family.words.iter().zip(parts).filter_map(|(word, parts)| parts.limit(family, word)));
        }
        if has_plan {
            plan::read(headers, now, &mut limits);
        }
        if has_list {
            listed::read(headers, now, &mut limits);
        }
        Self { limits }
    }

    /// Returns the limits that were told.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Returns `true` if nothing was told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }
}

/// Tells quickly whether a header may speak of a limit: most do not.
fn is_of_limits(name: &str) -> bool {
    name.contains("limit") || name.starts_with(plan::CODEX) || name.ends_with("-remaining")
}

/// Which limit of a family a name is about, and which part of it.
fn place_of<'n>(family: &Family, rest: &'n str) -> Option<(usize, &'n str)> {
    let (part, word) = match family.layout {
        Layout::LimitFirst => rest.rsplit_once('-').map(|(word, part)| (part, word))?,
        Layout::PartFirst => rest.split_once('-').unwrap_or((rest, "")),
    };
    Some((family.words.iter().position(|(known, ..)| *known == word)?, part))
}

impl Parts {
    /// Takes one header. The first one counts where a proxy repeats it.
    fn take(&mut self, part: &str, value: &HeaderValue, now: Timestamp) {
        let Ok(text) = value.to_str() else { return };
        match part {
            "limit" => self.limit = self.limit.or_else(|| count(text)),
            "remaining" => self.remaining = self.remaining.or_else(|| count(text)),
            "reset" => self.reset = self.reset.or_else(|| moment(text, now)),
            _ => {}
        }
    }

    /// The limit, if enough of it is told. One of nothing at all is a key without an allowance, which no time will fill.
    fn limit(self, family: &Family, (name, kind, period): &Word) -> Option<Limit> {
        if self.limit == Some(0.0) || (self.limit.is_none() && self.remaining.is_none()) {
            return None;
        }
        let name = if name.is_empty() { kind.as_str() } else { name };
        let step = if *kind == super::LimitKind::Requests { 0.0 } else { family.step };
        Some(Limit {
            kind: *kind,
            name: name.into(),
            limit: self.limit,
            remaining: self.remaining,
            reset: self.reset,
            period: *period,
            refill: family.refill,
            models: None,
            family: family.prefix,
            step,
            counts_cached: family.counts_cached,
        })
    }
}

impl Limit {
    /// A window of which a share is left.
    pub(super) fn window(kind: super::LimitKind, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self {
            kind,
            name: name.into(),
            limit: None,
            remaining: None,
            reset: None,
            period: None,
            refill: Refill::Window,
            models: None,
            family: "",
            step: 0.0,
            counts_cached: true,
        }
    }
}
