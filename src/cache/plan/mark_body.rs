//! The steps of the planner: read the body, decide, insert the markers.

use super::decide::decide;
use super::marker_plan::BreakpointPlan;
use super::options::BreakpointOptions;
use super::splice::{BodyEdit, ObjectEnd, splice};
use crate::cache::body::{BodyLayout, scan, scan_to_compare};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;

impl BreakpointPlan {
    /// Plans the markers for a body without changing it.
    ///
    /// # Errors
    ///
    /// Those of [`mark_body`].
    pub fn for_body(body: &[u8], options: &BreakpointOptions<'_>) -> Result<Self> {
        decide(body, &read(body, options)?, options).map(|(plan, _)| plan)
    }
}

/// Reads the body. If a previous body will be compared with it, also records what that comparison needs.
fn read(body: &[u8], options: &BreakpointOptions<'_>) -> Result<BodyLayout> {
    if options.compares() { scan_to_compare(body) } else { scan(body) }
}

/// Adds the cache breakpoints (`cache_control` markers) that the options ask for to a request body.
///
/// Keeps every byte of the body in its order and inserts each marker as the last member of its block. A `system` prompt
/// or a message's `content` that is a string becomes a list of one text block if it gets a marker. The caller's markers
/// stay as they are. Marking a marked body again changes nothing.
///
/// # Errors
///
/// - [`ErrorKind::InvalidBody`] if the body, or the previous one, is not a JSON object; [`ErrorKind::TooDeep`] if it nests
///   128 levels or deeper.
/// - [`ErrorKind::TooManyCacheMarkers`] if the caller set more than four markers, nested and top-level ones included.
/// - [`ErrorKind::CacheMarkerOrder`] if a one-hour marker of the caller follows a five-minute one in the order tools,
///   system, messages, top level.
/// - [`ErrorKind::InvalidCacheMarker`] if a marker of the caller is where the API refuses it: on thinking or empty
///   text, on a nested block that is not the last, on a citation, inside a toolset, with an unknown type or `ttl`, or
///   on the block that the top-level marker applies to, with another lifetime. With
///   [`refuses_misplaced`](BreakpointOptions::refuses_misplaced) also where only the Anthropic API is known to refuse
///   it.
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

/// Fields that a host expects in the body instead of in headers.
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
    /// `true` if beta flags were to be added but the caller's body has its own list, which stays as it is.
    pub(crate) kept_betas: bool,
}

/// Adds markers and the fields of the host in one pass. A field that the body already has stays as it is.
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
        // Everything added at the end of the body is one edit, because only its first member may go without a comma.
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
