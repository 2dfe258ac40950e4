//! What a caller can say about the markers of a request.

use std::fmt;

use super::marker_plan::BreakpointPlan;
use crate::retention::{CacheRetention, CacheTtl};

/// How long the two parts of a prompt are to be kept: what stays the same over a session, and what grows with it.
///
/// The lifetime of the tail can never be the longer one, because the API refuses a one-hour marker behind a five-minute
/// one (prompt caching page, 2026-09).
///
/// # Examples
///
/// ```
/// use provider_auth::cache::{CacheTtl, Lifetimes};
///
/// let mixed = Lifetimes::mixed();
/// assert_eq!((mixed.prefix(), mixed.tail()), (CacheTtl::OneHour, Some(CacheTtl::FiveMinutes)));
/// assert_eq!(Lifetimes::prefix_only(CacheTtl::FiveMinutes).tail(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lifetimes {
    prefix: CacheTtl,
    tail: Option<CacheTtl>,
}

impl Lifetimes {
    /// Sets one lifetime for all markers.
    #[must_use]
    pub fn same(ttl: CacheTtl) -> Self {
        Self { prefix: ttl, tail: Some(ttl) }
    }

    /// Sets one lifetime for tools and system, and no markers on messages. That is cheapest where messages would hardly
    /// ever be read before they expire, or where the system prompt changes with every request.
    #[must_use]
    pub fn prefix_only(ttl: CacheTtl) -> Self {
        Self { prefix: ttl, tail: None }
    }

    /// Sets one hour for tools and system, five minutes for messages.
    #[must_use]
    pub fn mixed() -> Self {
        Self { prefix: CacheTtl::OneHour, tail: Some(CacheTtl::FiveMinutes) }
    }

    /// Returns the lifetimes a retention stands for, if it asks for markers at all.
    #[must_use]
    pub fn of(retention: CacheRetention) -> Option<Self> {
        match retention {
            CacheRetention::None => None,
            CacheRetention::Short => Some(Self::same(CacheTtl::FiveMinutes)),
            CacheRetention::Long => Some(Self::same(CacheTtl::OneHour)),
        }
    }

    /// Returns the lifetime of tools and system.
    #[must_use]
    pub fn prefix(self) -> CacheTtl {
        self.prefix
    }

    /// Returns the lifetime of messages, if they are to be kept at all.
    #[must_use]
    pub fn tail(self) -> Option<CacheTtl> {
        self.tail
    }
}

/// What is known of the request before this one.
#[derive(Clone, Copy, Default)]
pub(super) enum Previous<'a> {
    #[default]
    Unknown,
    Body(&'a [u8]),
    Plan(&'a BreakpointPlan),
}

/// Shows the length of a body, not what it says.
impl fmt::Debug for Previous<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("Unknown"),
            Self::Body(body) => write!(f, "Body({} bytes)", body.len()),
            Self::Plan(plan) => f.debug_tuple("Plan").field(plan).finish(),
        }
    }
}

/// How the markers of one request are to be placed.
///
/// # Examples
///
/// ```
/// use provider_auth::CacheRetention;
/// use provider_auth::cache::{BreakpointOptions, mark_body};
///
/// let first = br#"{"messages":[{"role":"user","content":"Hello"}]}"#.to_vec();
/// let (sent, _) = mark_body(first, &BreakpointOptions::new(CacheRetention::Short))?;
///
/// // The next turn: what was sent last tells where the provider can be expected to have something.
/// let next = br#"{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"},
///     {"role":"user","content":"How are you?"}]}"#.to_vec();
/// let (_, plan) = mark_body(next, &BreakpointOptions::new(CacheRetention::Short).previous(&sent))?;
/// let paths: Vec<_> = plan.breakpoints().iter().map(|marker| marker.path()).collect();
/// assert_eq!(paths, ["/messages/0/content/0", "/messages/2/content/0"]);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct BreakpointOptions<'a> {
    pub(super) lifetimes: Option<Lifetimes>,
    pub(super) previous: Previous<'a>,
    pub(super) stable_system: Option<usize>,
    pub(super) automatic: bool,
    pub(super) collapses: bool,
    pub(super) refuses_misplaced: bool,
}

impl<'a> BreakpointOptions<'a> {
    /// Asks for the markers of a retention, with nothing known but the body itself.
    pub fn new(retention: CacheRetention) -> Self {
        Self {
            lifetimes: Lifetimes::of(retention),
            previous: Previous::Unknown,
            stable_system: None,
            automatic: false,
            collapses: false,
            refuses_misplaced: false,
        }
    }

    /// Sets other lifetimes than the retention's. `None` asks for no markers.
    pub fn lifetimes(mut self, lifetimes: Option<Lifetimes>) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// Passes the body of the session's previous request exactly as it was sent, with its markers.
    ///
    /// It tells where entries were written, so that a marker can stand there however much was added since, and what
    /// changed, so that nothing is written that will not be read.
    pub fn previous(mut self, body: &'a [u8]) -> Self {
        self.previous = Previous::Body(body);
        self
    }

    /// Passes the plan of the session's previous request, for callers that do not keep the body. It tells where entries
    /// were written, but not what changed since.
    pub fn previous_plan(mut self, plan: &'a BreakpointPlan) -> Self {
        self.previous = Previous::Plan(plan);
        self
    }

    /// Sets how many blocks at the start of `system` stay the same over a session. What comes after them may change with
    /// any request, so no marker is placed on it.
    ///
    /// Messages come behind it, and are lost whenever it changes. They get markers all the same: what does not change is
    /// read again, which saves more than writing in vain costs. Where it changes each time, the
    /// [`previous`](Self::previous) body shows it, and nothing is written in vain from the second request on; without that
    /// body, [`Lifetimes::prefix_only`] says so.
    pub fn stable_system_blocks(mut self, blocks: usize) -> Self {
        self.stable_system = Some(blocks);
        self
    }

    /// Leaves the last marker to the provider: a top-level `cache_control` in place of a marker on the user's last turn
    /// (automatic caching, 2026-02-19). Not every host has it.
    pub fn automatic(mut self, automatic: bool) -> Self {
        self.automatic = automatic;
        self
    }

    /// Whether the body will be compared with the previous one.
    pub(super) fn compares(&self) -> bool {
        self.lifetimes.is_some() && matches!(self.previous, Previous::Body(_))
    }

    /// Whether any marker is asked for.
    #[cfg(feature = "client")]
    pub(crate) fn asks_for_markers(&self) -> bool {
        self.lifetimes.is_some() || self.automatic
    }

    /// Whether the last marker is to be left to the provider.
    pub(crate) fn asks_for_automatic(&self) -> bool {
        self.automatic
    }

    /// Sets whether neighbouring `tool_use` blocks, and neighbouring `tool_result` blocks, count as one position in the
    /// look-back. They do on the Anthropic API only (prompt caching page, 2026-09).
    pub fn collapses_tool_runs(mut self, collapses: bool) -> Self {
        self.collapses = collapses;
        self
    }

    /// Sets whether a marker of the caller's is an error in places where only the Anthropic API is known to refuse it: on a
    /// tool that is loaded on demand, on a message beside its content, on a call that code execution made and on its
    /// result. Elsewhere, and by default, the marker stays, and a [note](BreakpointPlan::notes) tells of it.
    pub fn refuses_misplaced(mut self, refuses: bool) -> Self {
        self.refuses_misplaced = refuses;
        self
    }
}
