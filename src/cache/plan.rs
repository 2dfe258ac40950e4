//! The plan as the caller sees it, and the one function that carries it out.

use std::fmt;

use super::callers::MAX_MARKERS;
use super::decide::decide;
use super::marker::{CacheMarker, MarkerNote};
use super::options::MarkerOptions;
use super::scan::scan;
use super::splice::{Edit, ObjectEnd, splice};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::retention::CacheRetention;

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
/// legal beside those of the caller, it leaves it out. [`MarkerOptions`] says what else can be known and asked for.
///
/// # Examples
///
/// ```
/// use provider_auth::{CacheRetention, CacheTtl, MarkerPlan};
///
/// let body = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;
/// let plan = MarkerPlan::for_body(body, CacheRetention::Long)?;
///
/// let paths: Vec<_> = plan.markers().iter().map(|marker| marker.path()).collect();
/// assert_eq!(paths, ["/system/0", "/messages/0/content/0"]);
/// assert_eq!(plan.markers()[0].ttl, CacheTtl::OneHour);
/// assert_eq!(plan.markers()[1].purpose.to_string(), "the next request reads up to here");
/// assert_eq!(plan.notes()[0].to_string(), "no marker added in tools: there is nothing that could carry a marker");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct MarkerPlan {
    /// The first `count` of them are there.
    markers: [CacheMarker; MAX_MARKERS],
    count: usize,
    notes: Vec<MarkerNote>,
}

impl Default for MarkerPlan {
    fn default() -> Self {
        Self { markers: [const { CacheMarker::FILLER }; MAX_MARKERS], count: 0, notes: Vec::new() }
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "the count shows in the markers")]
impl fmt::Debug for MarkerPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarkerPlan").field("markers", &self.markers()).field("notes", &self.notes).finish()
    }
}

impl MarkerPlan {
    pub(super) fn new(markers: impl IntoIterator<Item = CacheMarker>, notes: Vec<MarkerNote>) -> Self {
        let mut plan = Self { notes, ..Self::default() };
        for (place, marker) in plan.markers.iter_mut().zip(markers) {
            *place = marker;
            plan.count += 1;
        }
        plan
    }

    /// The plan for a body, which is read but not changed.
    ///
    /// # Errors
    ///
    /// Those of [`mark_body`].
    pub fn for_body(body: &[u8], retention: CacheRetention) -> Result<Self> {
        Self::with_options(body, &MarkerOptions::new(retention))
    }

    /// The plan for a body with everything that is known and asked for.
    ///
    /// # Errors
    ///
    /// Those of [`mark_body_with`].
    pub fn with_options(body: &[u8], options: &MarkerOptions<'_>) -> Result<Self> {
        decide(body, &scan(body)?, options).map(|(plan, _)| plan)
    }

    /// All markers of the finished body, the caller's included, in the order in which the API reads them.
    #[must_use]
    pub fn markers(&self) -> &[CacheMarker] {
        self.markers.get(..self.count).unwrap_or_default()
    }

    /// Each place where a marker was wanted and not added. Empty if no markers were asked for.
    #[must_use]
    pub fn notes(&self) -> &[MarkerNote] {
        &self.notes
    }
}

/// Adds the markers that a retention asks for to a request body, and nothing else.
///
/// Every byte of the body is kept, in its order; a marker is inserted as the last member of its block. A `system` prompt
/// or a message's `content` that is a string becomes a list of one text block where it has to carry a marker. Markers of
/// the caller stay as they are. The result of a second call is the result of the first.
///
/// # Errors
///
/// - [`ErrorKind::InvalidBody`] if the body is not a JSON object, [`ErrorKind::TooDeep`] if it nests 128 levels or deeper.
/// - [`ErrorKind::TooManyCacheMarkers`] if the caller set more than four markers, nested and top-level ones included.
/// - [`ErrorKind::CacheMarkerOrder`] if a one-hour marker of the caller stands after a five-minute one in the order tools,
///   system, messages, top level.
/// - [`ErrorKind::InvalidCacheMarker`] if a marker of the caller stands where the API refuses it: on thinking or empty
///   text, on a nested block that is not the last, on a citation, inside a toolset, with an unknown type or `ttl`, or on the block where the top-level
///   marker falls too but with another lifetime.
///
/// The rules are the API's (prompt caching page, 2026-09).
///
/// # Examples
///
/// ```
/// use provider_auth::{CacheRetention, mark_body};
///
/// let body = br#"{"messages":[{"role":"user","content":"Hello"}]}"#.to_vec();
/// let (marked, _) = mark_body(body, CacheRetention::Short)?;
/// assert_eq!(
///     String::from_utf8_lossy(&marked),
///     r#"{"messages":[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral"}}]}]}"#,
/// );
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn mark_body(body: Vec<u8>, retention: CacheRetention) -> Result<(Vec<u8>, MarkerPlan)> {
    mark_body_with(body, &MarkerOptions::new(retention))
}

/// Like [`mark_body`], with everything that is known and asked for. The example is at [`MarkerOptions`].
///
/// # Errors
///
/// Those of [`mark_body`], and [`ErrorKind::InvalidBody`] or [`ErrorKind::TooDeep`] if the previous body is not one.
pub fn mark_body_with(body: Vec<u8>, options: &MarkerOptions<'_>) -> Result<(Vec<u8>, MarkerPlan)> {
    mark_body_for_host(body, options, &HostFields::default()).map(|marked| (marked.body, marked.plan))
}

/// Fields that a host wants in the body where others want headers.
#[derive(Debug, Default)]
pub(crate) struct HostFields {
    /// The value of `anthropic_version`, as JSON.
    pub(crate) version: Option<String>,
    /// The value of `anthropic_beta`, as JSON.
    pub(crate) betas: Option<String>,
}

/// A body with its markers and the fields of its host.
#[derive(Debug)]
pub(crate) struct MarkedBody {
    pub(crate) body: Vec<u8>,
    pub(crate) plan: MarkerPlan,
    /// Whether beta flags were to be added, but the caller's body has a list of its own, which stays as it is.
    pub(crate) kept_betas: bool,
}

/// Markers and the fields of the host in one pass. A field that the body has already stays as it is.
pub(crate) fn mark_body_for_host(
    body: Vec<u8>,
    options: &MarkerOptions<'_>,
    fields: &HostFields,
) -> Result<MarkedBody> {
    let layout = scan(&body)?;
    let (plan, mut edits) = decide(&body, &layout, options)?;
    let mut members: Vec<String> = Vec::new();
    if let Some(version) = fields.version.as_ref().filter(|_| !layout.has_version) {
        members.push(format!("\"anthropic_version\":{version}"));
    }
    if let Some(betas) = fields.betas.as_ref().filter(|_| !layout.has_betas) {
        members.push(format!("\"anthropic_beta\":{betas}"));
    }
    if !members.is_empty() {
        // All that goes to the end of the body is one edit: only the first of several may do without a comma.
        let root = edits.iter_mut().find_map(|edit| if let Edit::Root(_, text) = edit { Some(text) } else { None });
        if let Some(text) = root {
            *text = format!("{text},{}", members.join(",")).into();
        } else {
            edits.push(Edit::Root(ObjectEnd::before(&body, layout.end), members.join(",").into()));
        }
    }
    let body = if edits.is_empty() { body } else { splice(body, edits) };
    Ok(MarkedBody { body, plan, kept_betas: fields.betas.is_some() && layout.has_betas })
}
