//! The way of a body through the planner: read, decide, insert.

use super::decide::decide;
use super::marker_plan::BreakpointPlan;
use super::options::BreakpointOptions;
use super::splice::{BodyEdit, ObjectEnd, splice};
use crate::cache::body::{BodyLayout, scan, scan_to_compare};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;

impl BreakpointPlan {
    /// Plans the markers of a body, which is read but not changed.
    ///
    /// # Errors
    ///
    /// Those of [`mark_body`].
    pub fn for_body(body: &[u8], options: &BreakpointOptions<'_>) -> Result<Self> {
        decide(body, &read(body, options)?, options).map(|(plan, _)| plan)
    }
}

/// Reads the body, so that the previous one need not be read where it is the same.
fn read(body: &[u8], options: &BreakpointOptions<'_>) -> Result<BodyLayout> {
    if options.compares() { scan_to_compare(body) } else { scan(body) }
}

/// Adds the markers that the options ask for to a request body, and nothing else.
///
/// Every byte of the body is kept, in its order; a marker is inserted as the last member of its block. A `system` prompt
/// or a message's `content` that is a string becomes a list of one text block where it has to carry a marker. Markers of
/// the caller stay as they are. The result of a second call is the result of the first.
///
/// # Errors
///
/// - [`ErrorKind::InvalidBody`] if the body, or the previous one, is not a JSON object; [`ErrorKind::TooDeep`] if it nests
///   128 levels or deeper.
/// - [`ErrorKind::TooManyCacheMarkers`] if the caller set more than four markers, nested and top-level ones included.
/// - [`ErrorKind::CacheMarkerOrder`] if a one-hour marker of the caller stands after a five-minute one in the order tools,
///   system, messages, top level.
/// - [`ErrorKind::InvalidCacheMarker`] if a marker of the caller stands where the API refuses it: on thinking or empty
///   text, on a nested block that is not the last, on a citation, inside a toolset, with an unknown type or `ttl`, or on
///   the block where the top-level marker falls too but with another lifetime; with
///   [`refuses_misplaced`](BreakpointOptions::refuses_misplaced) also where only the Anthropic API is known to refuse it.
///
/// The rules are the API's (prompt caching page, 2026-09).
///
/// # Examples
///
/// ```
/// use provider_auth::CacheRetention;
/// use provider_auth::cache::{BreakpointOptions, mark_body};
///
/// let body = br#"{"messages":[{"role":"user","content":"Hello"}]}"#.to_vec();
/// let (marked, _) = mark_body(body, &BreakpointOptions::new(CacheRetention::Short))?;
/// assert_eq!(
///     String::from_utf8_lossy(&marked),
///     r#"{"messages":[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral"}}]}]}"#,
/// );
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn mark_body(body: Vec<u8>, options: &BreakpointOptions<'_>) -> Result<(Vec<u8>, BreakpointPlan)> {
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
    pub(crate) plan: BreakpointPlan,
    /// Whether beta flags were to be added, but the caller's body has a list of its own, which stays as it is.
    pub(crate) kept_betas: bool,
}

/// Markers and the fields of the host in one pass. A field that the body has already stays as it is.
pub(crate) fn mark_body_for_host(
    body: Vec<u8>,
    options: &BreakpointOptions<'_>,
    fields: &HostFields,
) -> Result<MarkedBody> {
    let layout = read(&body, options)?;
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
        let root = edits.iter_mut().find_map(|edit| if let BodyEdit::Root(_, text) = edit { Some(text) } else { None });
        if let Some(text) = root {
            *text = format!("{text},{}", members.join(",")).into();
        } else {
            edits.push(BodyEdit::Root(ObjectEnd::before(&body, layout.end), members.join(",").into()));
        }
    }
    let body = if edits.is_empty() { body } else { splice(body, edits) };
    Ok(MarkedBody { body, plan, kept_betas: fields.betas.is_some() && layout.has_betas })
}
