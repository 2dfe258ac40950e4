//! The plan as the caller reads it.

use super::earlier::Continued;
use super::marker::{Breakpoint, BreakpointOrigin, BreakpointPurpose};
use super::note::{BreakpointNote, BreakpointReason};
use crate::retention::CacheTtl;

/// The cache breakpoints (`cache_control` markers) of a request body, with the purpose of each.
///
/// For a retention of `short` or `long`, the plan places markers in this order:
///
/// 1. on the last block of the user's last turn, where the next request will read;
/// 2. on the block where the previous request wrote, if it is more than 19 positions before that;
/// 3. on the last block of the system prompt, on the block before it, and on the last tool, which serve when something
///    after them changes.
///
/// The API takes four markers, so the last ones of the list are left out first. Spare markers cover edits of the last
/// turns: a previous write that the first marker reaches anyway and, if nothing is known of the previous request, the block
/// before a closing text of the turn and the end of the turn three turns back. A previous body that shows what changes with
/// each request changes this order: see [`docs::prompt_caching`](crate::docs::prompt_caching).
///
/// If a block cannot take a marker, the plan goes back to the nearest one that can. It leaves a marker out if the API
/// would refuse it beside the caller's markers. [`BreakpointOptions`](crate::cache::BreakpointOptions) has the
/// settings.
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
/// assert_eq!(plan.notes()[0].to_string(), "no marker added in tools: no block there can carry a marker");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BreakpointPlan {
    pub(super) markers: Vec<Breakpoint>,
    pub(super) notes: Vec<BreakpointNote>,
    /// The earlier request that the planned one goes on from.
    pub(super) continued: Option<Continued>,
}

impl BreakpointPlan {
    /// Returns all markers of the finished body, the caller's included, in the order in which the API reads them.
    #[must_use]
    pub fn breakpoints(&self) -> &[Breakpoint] {
        &self.markers
    }

    /// Returns a note for each planned marker that was left out and for each marker of the caller that the API may
    /// refuse ([`BreakpointOptions::refuses_misplaced`](crate::cache::BreakpointOptions::refuses_misplaced)).
    #[must_use]
    pub fn notes(&self) -> &[BreakpointNote] {
        &self.notes
    }

    /// Returns the lifetime of the top-level marker that was added, if one was.
    pub(super) fn automatic(&self) -> Option<CacheTtl> {
        let is_added = |marker: &&Breakpoint| {
            marker.purpose == BreakpointPurpose::Automatic && marker.origin == BreakpointOrigin::Planned
        };
        self.markers.iter().find(is_added).map(|marker| marker.ttl)
    }

    /// Returns `true` if nothing is cached because the blocks that could carry a marker have `"cache_control": null`.
    pub(crate) fn is_prevented_by_null(&self) -> bool {
        self.markers.is_empty() && self.notes.iter().any(|note| note.reason == BreakpointReason::NullMarker)
    }

    /// Returns the earlier request of the session that the planned one goes on from, of those that were offered.
    #[cfg(feature = "client")]
    pub(crate) fn continued(&self) -> Option<Continued> {
        self.continued
    }
}
