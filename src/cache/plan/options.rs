//! The settings for the markers of a request.

use std::fmt;

use super::earlier::Earlier;
use super::marker_plan::BreakpointPlan;
use super::previous_body::PreviousBody;
use crate::cache::body::may_go_on;
use crate::retention::{CacheRetention, CacheTtl};

/// Cache lifetimes for the two parts of a prompt: the prefix (tools and system) and the tail (messages).
///
/// The tail never has the longer lifetime, because the API refuses a one-hour marker after a five-minute one (prompt
/// caching page, 2026-09).
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
    /// Creates lifetimes with the same value for all markers.
    #[must_use]
    pub fn same(ttl: CacheTtl) -> Self {
        Self { prefix: ttl, tail: Some(ttl) }
    }

    /// Creates lifetimes with markers on tools and system only. This is cheapest if messages usually expire before they
    /// are read, or if the system prompt changes with every request.
    #[must_use]
    pub fn prefix_only(ttl: CacheTtl) -> Self {
        Self { prefix: ttl, tail: None }
    }

    /// Creates lifetimes of one hour for tools and system and five minutes for messages.
    #[must_use]
    pub fn mixed() -> Self {
        Self { prefix: CacheTtl::OneHour, tail: Some(CacheTtl::FiveMinutes) }
    }

    /// Returns the lifetimes of a retention: five minutes for `short`, one hour for `long`, `None` for `none`.
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

    /// Returns the lifetime of messages, or `None` if they get no markers.
    #[must_use]
    pub fn tail(self) -> Option<CacheTtl> {
        self.tail
    }
}

/// What the caller told about the previous request.
#[derive(Clone, Default)]
pub(super) enum Told<'a> {
    #[default]
    Nothing,
    Body([Earlier<'a>; 1]),
    Plan(&'a BreakpointPlan),
    /// The bodies of several earlier requests, one of which may be the previous one; the last one first.
    #[cfg(feature = "client")]
    Bodies(Vec<Earlier<'a>>),
}

impl<'a> Told<'a> {
    /// Returns the bodies, one of which may be that of the previous request.
    pub(super) fn bodies(&self) -> &[Earlier<'a>] {
        match self {
            Self::Nothing | Self::Plan(_) => &[],
            Self::Body(body) => body,
            #[cfg(feature = "client")]
            Self::Bodies(bodies) => bodies,
        }
    }
}

/// Shows the length of a body, not its text.
impl fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Plan(plan) = self {
            return f.debug_tuple("Plan").field(plan).finish();
        }
        let lengths: Vec<_> = self.bodies().iter().map(|earlier| earlier.body.len()).collect();
        write!(f, "Bodies({lengths:?} bytes)")
    }
}

/// Options for the cache breakpoints (`cache_control` markers) of one request.
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
/// // The next turn: the body that was sent last shows which entries the provider has.
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
    pub(super) previous: Told<'a>,
    pub(super) stable_system: Option<usize>,
    pub(super) automatic: bool,
    pub(super) collapses: bool,
    pub(super) refuses_misplaced: bool,
}

impl<'a> BreakpointOptions<'a> {
    /// Creates options for a retention, without a previous request and with every other option off.
    pub fn new(retention: CacheRetention) -> Self {
        Self {
            lifetimes: Lifetimes::of(retention),
            previous: Told::Nothing,
            stable_system: None,
            automatic: false,
            collapses: false,
            refuses_misplaced: false,
        }
    }

    /// Sets lifetimes that replace those of the retention. `None` asks for no markers.
    pub fn lifetimes(mut self, lifetimes: Option<Lifetimes>) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// Sets the body of the session's previous request, exactly as it was sent, with its markers. By default there is
    /// none.
    ///
    /// The body shows where entries were written, so that this request can read them however many blocks were added
    /// since. It also shows what changed, so that the plan writes no entry that will not be read. A body of another
    /// conversation shows nothing: if it starts with other messages, the plan is the same as without it.
    ///
    /// The new body is read, and the previous one where the two differ. [`previous_body`](Self::previous_body) takes less
    /// time.
    pub fn previous(mut self, body: &'a [u8]) -> Self {
        self.previous = Told::Body([Earlier { body, layout: None, lifetimes: None }]);
        self
    }

    /// Sets the body of the session's previous request, which was read before. Has the same effect as
    /// [`previous`](Self::previous), unless a body has two lists of `messages`. If the new body goes on from the previous
    /// one, planning takes less time than without a previous body, because what both have is compared and not read again.
    /// By default there is none.
    pub fn previous_body(mut self, body: &'a PreviousBody) -> Self {
        self.previous = Told::Body([body.earlier()]);
        self
    }

    /// Sets the bodies of earlier requests, the last one first, of which the plan finds the previous one. A plan with
    /// them also returns the layout of the marked body.
    #[cfg(feature = "client")]
    pub(crate) fn earlier(mut self, earlier: Vec<Earlier<'a>>) -> Self {
        self.previous = Told::Bodies(earlier);
        self
    }

    /// Forgets the lifetimes that depend on the previous request.
    #[cfg(feature = "client")]
    pub(crate) fn same_lifetimes(mut self) -> Self {
        if let Told::Bodies(bodies) = &mut self.previous {
            for earlier in bodies {
                earlier.lifetimes = None;
            }
        }
        self
    }

    /// Sets the plan of the session's previous request, for callers that do not keep the body. The plan shows where
    /// entries were written, but not what changed since. By default there is none.
    pub fn previous_plan(mut self, plan: &'a BreakpointPlan) -> Self {
        self.previous = Told::Plan(plan);
        self
    }

    /// Sets the number of blocks at the start of `system` that stay the same over a session. The blocks after them may
    /// change with any request, so they get no marker. By default all blocks count as stable.
    ///
    /// A change of `system` loses the messages after it. They get markers all the same, because reading them when
    /// nothing changed saves more than writing them in vain costs. If the prompt changes each time, the
    /// [`previous`](Self::previous) body shows it, and messages are no longer written from the second request on;
    /// without that body, use [`Lifetimes::prefix_only`].
    pub fn stable_system_blocks(mut self, blocks: usize) -> Self {
        self.stable_system = Some(blocks);
        self
    }

    /// Sets whether a top-level `cache_control` replaces the marker on the user's last turn, so that the provider
    /// places it (automatic caching, 2026-02-19). Default: `false`. Not every host supports it.
    pub fn automatic(mut self, automatic: bool) -> Self {
        self.automatic = automatic;
        self
    }

    /// Returns `true` if the layout of the body is needed after the plan, or for a comparison.
    pub(super) fn compares(&self) -> bool {
        self.keeps() || (self.lifetimes.is_some() && !self.previous.bodies().is_empty())
    }

    /// Returns `true` if a plan with these options finds the session's previous request, and returns the layout of the
    /// marked body for the next one.
    pub(crate) fn keeps(&self) -> bool {
        match self.previous {
            Told::Nothing | Told::Body(_) | Told::Plan(_) => false,
            #[cfg(feature = "client")]
            Told::Bodies(_) => self.lifetimes.is_some(),
        }
    }

    /// Returns the index of the earlier body with which this one is read: of those with a kept layout that may belong to the
    /// same conversation, the one that is nearest in length, because a conversation grows slowly.
    pub(super) fn known(&self, body: &[u8]) -> Option<usize> {
        self.lifetimes?;
        let is_likely = |earlier: &Earlier<'_>| earlier.scanned().is_some_and(|previous| may_go_on(previous, body));
        let likely = self.previous.bodies().iter().enumerate().filter(|(_, earlier)| is_likely(earlier));
        likely.min_by_key(|(_, earlier)| earlier.body.len().abs_diff(body.len())).map(|(index, _)| index)
    }

    /// Returns `true` if the provider places the last marker.
    pub(crate) fn asks_for_automatic(&self) -> bool {
        self.automatic
    }

    /// Sets whether neighbouring `tool_use` blocks, and neighbouring `tool_result` blocks, count as one position in the
    /// look-back. They do on the Anthropic API only (prompt caching page, 2026-09). Default: `false`.
    pub fn collapses_tool_runs(mut self, collapses: bool) -> Self {
        self.collapses = collapses;
        self
    }

    /// Sets whether a marker of the caller is an error where only the Anthropic API is known to refuse it: on a tool
    /// that is loaded on demand, on a message beside its content, on a call that code execution made and on its result.
    /// Default: `false`, which keeps the marker and adds a [note](BreakpointPlan::notes).
    pub fn refuses_misplaced(mut self, refuses: bool) -> Self {
        self.refuses_misplaced = refuses;
        self
    }
}
