//! The plan as the caller sees it.

use super::marker::Breakpoint;
use super::note::BreakpointNote;

/// The markers of a request body and the reasons behind them.
///
/// For a retention of `short` or `long` the plan wants, in this order: a marker on the last block of the user's last turn,
/// where the next request will read; one where the previous request wrote, if more than 19 positions lie between; one on
/// the last block of the system prompt, one on the block before that, and one on the last tool, which serve where
/// something behind them changes. The API takes four, so what comes last is left out first. What is left over covers edits
/// of the last turns: a previous write that the last marker reaches anyway and, where nothing is known of the previous
/// request, the block before a text that closes the turn and the end of the turn three turns back. A previous body that
/// shows what is lost with each request changes this order: see [`docs::prompt_caching`](crate::docs::prompt_caching).
///
/// Where a place cannot take a marker, the plan walks back to the nearest one that can; where none of its own would be
/// legal beside those of the caller, it leaves it out. [`BreakpointOptions`](crate::cache::BreakpointOptions) says what else can be known and asked for.
///
/// # Examples
///
/// ```
/// use provider_auth::CacheRetention;
/// use provider_auth::cache::{CacheTtl, BreakpointOptions, BreakpointPlan};
///
/// let body = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;
/// let plan = BreakpointPlan::for_body(body, &BreakpointOptions::new(CacheRetention::Long))?;
///
/// let paths: Vec<_> = plan.breakpoints().iter().map(|marker| marker.path()).collect();
/// assert_eq!(paths, ["/system/0", "/messages/0/content/0"]);
/// assert_eq!(plan.breakpoints()[0].ttl, CacheTtl::OneHour);
/// assert_eq!(plan.breakpoints()[1].purpose.to_string(), "the next request reads up to here");
/// assert_eq!(plan.notes()[0].to_string(), "no marker added in tools: there is nothing that could carry a marker");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BreakpointPlan {
    pub(super) markers: Vec<Breakpoint>,
    pub(super) notes: Vec<BreakpointNote>,
}

impl BreakpointPlan {
    /// Returns all markers of the finished body, the caller's included, in the order in which the API reads them.
    #[must_use]
    pub fn breakpoints(&self) -> &[Breakpoint] {
        &self.markers
    }

    /// Returns each place where a marker was wanted and not added, which is none if no markers were asked for; and each
    /// place where a marker of the caller may be refused ([`BreakpointOptions::refuses_misplaced`](crate::cache::BreakpointOptions::refuses_misplaced)).
    #[must_use]
    pub fn notes(&self) -> &[BreakpointNote] {
        &self.notes
    }
}
