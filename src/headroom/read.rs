//! Reads the rate-limit headers of a response.

use http::HeaderMap;

use super::families::{Family, Layout, MOST_FAMILIES, Word};
use super::limit::{Limit, Refill};
use super::listed;
use super::plan::Windows;
use super::value::{count, moment};
use crate::clock::Timestamp;
use crate::id::ProviderId;

/// The limits that a response reports, with what is left of each.
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
    /// `true` if the response asks to come back later: the request was refused, and took nothing.
    is_refused: bool,
}

/// The parts of one limit that were found so far.
#[derive(Clone, Copy, Default)]
struct Parts {
    limit: Option<f64>,
    remaining: Option<f64>,
    reset: Option<Timestamp>,
}

impl Headroom {
    /// Reads the headers of a provider's response, of a success or a failure. Nothing is guessed: unreadable values are
    /// ignored, and a limit with neither a total nor a remaining amount is left out.
    pub fn read(provider: &ProviderId, headers: &HeaderMap, now: Timestamp) -> Self {
        let mut reading = None;
        for (name, value) in headers {
            let name = name.as_str();
            if is_of_limits(name)
                && let Ok(text) = value.to_str()
            {
                reading.get_or_insert_with(|| Reading::of(provider)).take(name, text, now);
            }
        }
        let mut limits = reading.map(|reading| reading.limits(now)).unwrap_or_default();
        listed::read(headers, now, &mut limits);
        let is_refused = !limits.is_empty() && headers.contains_key(http::header::RETRY_AFTER);
        Self { limits, is_refused }
    }

    /// Creates the headroom of a response with these limits.
    #[cfg(test)]
    pub(super) fn of(limits: Vec<Limit>) -> Self {
        Self { limits, is_refused: false }
    }

    /// Returns the reported limits.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Returns `true` if the request was refused, so that it took nothing.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Returns `true` if no limit was reported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }
}

/// Returns `true` if a header may be about a limit. A quick check, because most are not.
pub(super) fn is_of_limits(name: &str) -> bool {
    const BEGINNINGS: [&str; 6] =
        ["anthropic-ratelimit-", "x-ratelimit", "ratelimit", "x-codex-", "x-tokenlimit-", "x-trial-endpoint-call-"];
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// The values collected from the headers so far.
struct Reading<'h> {
    families: [Option<&'static Family>; MOST_FAMILIES],
    /// By the index of the family and of its word.
    parts: Vec<(usize, usize, Parts)>,
    windows: Windows<'h>,
    has_windows: bool,
}

impl<'h> Reading<'h> {
    fn of(provider: &ProviderId) -> Self {
        let mut families = [None; MOST_FAMILIES];
        for (slot, family) in families.iter_mut().zip(Family::of(provider.as_str())) {
            *slot = Some(family);
        }
        Self { families, parts: Vec::with_capacity(4), windows: Windows::default(), has_windows: false }
    }

    fn take(&mut self, name: &str, text: &'h str, now: Timestamp) {
        if self.windows.take(name, text) {
            self.has_windows = true;
            return;
        }
        for (at, family) in self.families.iter().enumerate() {
            if let Some(family) = family
                && let Some(rest) = name.strip_prefix(family.prefix)
                && let Some((word, part)) = place_of(family, rest)
            {
                let known = self.parts.iter().position(|known| (known.0, known.1) == (at, word));
                let known = known.unwrap_or_else(|| {
                    self.parts.push((at, word, Parts::default()));
                    self.parts.len() - 1
                });
                if let Some((.., parts)) = self.parts.get_mut(known) {
                    parts.take(part, text, now);
                }
            }
        }
    }

    fn limits(mut self, now: Timestamp) -> Vec<Limit> {
        self.parts.sort_unstable_by_key(|&(family, word, _)| (family, word));
        let mut limits = Vec::with_capacity(self.parts.len());
        limits.extend(self.parts.iter().filter_map(|(at, word, parts)| {
            let family = self.families.get(*at).copied().flatten()?;
            parts.limit(family, family.words.get(*word)?)
        }));
        if self.has_windows {
            self.windows.read(now, &mut limits);
        }
        limits
    }
}

/// Returns the index of the limit in its family and the part that a header name is about.
fn place_of<'n>(family: &Family, rest: &'n str) -> Option<(usize, &'n str)> {
    let (part, word) = match family.layout {
        Layout::LimitFirst => rest.rsplit_once('-').map(|(word, part)| (part, word))?,
        Layout::PartFirst => rest.split_once('-').unwrap_or((rest, "")),
    };
    Some((family.words.iter().position(|(known, ..)| *known == word)?, part))
}

impl Parts {
    /// Reads one header. If a proxy repeats a header, the first one counts.
    fn take(&mut self, part: &str, text: &str, now: Timestamp) {
        match part {
            "limit" => self.limit = self.limit.or_else(|| count(text)),
            "remaining" => self.remaining = self.remaining.or_else(|| count(text)),
            "reset" => self.reset = self.reset.or_else(|| moment(text, now)),
            _ => {}
        }
    }

    /// Returns the limit if enough of it is known. A total of zero is a key without an allowance, which never fills.
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
    /// Creates a window without values.
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
