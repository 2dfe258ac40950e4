//! The steps of the planner: read the body, decide, insert the markers.

use std::sync::Arc;

use super::decide::decide;
use super::earlier::Earlier;
use super::marker_plan::BreakpointPlan;
use super::options::BreakpointOptions;
use super::splice::{BodyEdit, ObjectEnd, splice};
use crate::cache::body::{BodyLayout, CacheControl, scan, scan_next, scan_to_compare};
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
        let known = options.known(body);
        decide(body, (&read(body, known, options)?, known), options).map(|(plan, _)| plan)
    }
}

/// Reads the body; if the layout of an earlier one is known, only where the two differ. If it will be compared, also
/// records what that needs.
fn read(body: &[u8], known: Option<usize>, options: &BreakpointOptions<'_>) -> Result<BodyLayout> {
    let known = known.and_then(|index| options.previous.bodies().get(index));
    match known.and_then(Earlier::scanned) {
        Some(known) => scan_next(body, known),
        None if options.compares() => scan_to_compare(body),
        None => scan(body),
    }
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

/// The layout of a marked body, for the plan of the next one.
pub(crate) type KeptLayout = Arc<BodyLayout>;

/// A body with its markers and the fields of its host.
#[derive(Debug)]
pub(crate) struct MarkedBody {
    pub(crate) body: Vec<u8>,
    pub(crate) plan: BreakpointPlan,
    /// `true` if beta flags were to be added but the caller's body has its own list, which stays as it is.
    pub(crate) kept_betas: bool,
    pub(crate) layout: Option<KeptLayout>,
}

/// Adds markers and the fields of the host in one pass. A field that the body already has stays as it is.
pub(crate) fn mark_body_for_host(
    body: Vec<u8>,
    options: &BreakpointOptions<'_>,
    fields: &HostFields,
) -> Result<MarkedBody> {
    let known = options.known(&body);
    let mut layout = read(&body, known, options)?;
    let (plan, mut edits) = decide(&body, (&layout, known), options)?;
    if let Some(ttl) = plan.automatic() {
        layout.top = CacheControl::Set(ttl);
    }
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
    let kept_betas = fields.betas.is_some() && layout.has_betas;
    (layout.has_version, layout.has_betas) =
        (layout.has_version || fields.version.is_some(), layout.has_betas || fields.betas.is_some());
    let inserted = options.keeps().then(|| edits.iter().map(BodyEdit::inserted).collect::<Vec<_>>());
    let body = if edits.is_empty() { body } else { splice(body, edits) };
    Ok(MarkedBody {
        body,
        plan,
        kept_betas,
        layout: inserted.map(|inserted| Arc::new(layout.with_inserted(&inserted))),
    })
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::PreviousBody;
    use crate::cache::body::bodies::{REPEATED, parts, shown, spelled};
    use crate::retention::CacheRetention;

    #[test]
    fn a_body_is_read_with_the_one_of_its_own_conversation() {
        let options = || BreakpointOptions::new(CacheRetention::Short);
        let body = |first: &str, turns: usize| {
            let turn = r#",{"role":"assistant","content":"a"},{"role":"user","content":"u"}"#;
            let first = format!(r#"{{"role":"user","content":"{first}"}}"#);
            format!(r#"{{"system":"s","messages":[{first}{}]}}"#, turn.repeat(turns)).into_bytes()
        };
        let sent = |first: &str, turns| {
            mark_body_for_host(body(first, turns), &options().earlier(Vec::new()), &HostFields::default()).unwrap()
        };
        let [main, agent, title] = [sent("do \\\"it\\\"", 9), sent("look for it", 10), sent("a title for", 0)];
        let all = [&main, &agent, &title];
        let earlier = || all.map(|sent| Earlier { body: &sent.body, layout: sent.layout.as_deref(), lifetimes: None });
        let known = |first: &str, turns| options().earlier(earlier().to_vec()).known(&body(first, turns));
        for (first, turns, index) in [
            ("do \\\"it\\\"", 10, Some(0)),
            ("look for it", 9, Some(1)),
            ("a title for", 1, Some(2)),
            ("something else", 10, None),
        ] {
            assert_eq!(known(first, turns), index, "{first}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::default())]

        #[test]
        fn a_session_with_kept_layouts_is_planned_as_one_with_bodies_alone(
            turns in prop::collection::vec((parts(), prop::collection::vec(0_u8..4, 8), 1_usize..4), 1..5),
            form in any::<u8>(),
            (automatic, long, has_version, has_betas) in any::<(bool, bool, bool, bool)>(),
        ) {
            let retention = if long { CacheRetention::Long } else { CacheRetention::Short };
            let options = || BreakpointOptions::new(retention).automatic(automatic);
            let fields = HostFields {
                version: has_version.then(|| "\"1\"".to_owned()),
                betas: has_betas.then(|| "[]".to_owned()),
            };
            let (mut parts, mut sent): (Vec<String>, Vec<MarkedBody>) = (Vec::new(), Vec::new());
            for (fresh, mixed, most) in turns {
                // Most parts of a body are those of the one before.
                parts = (0..fresh.len().max(parts.len()))
                    .filter_map(|at| if mixed[at % 8] == 0 { fresh.get(at) } else { parts.get(at).or(fresh.get(at)) })
                    .cloned()
                    .collect();
                if parts.len() < 2 {
                    continue;
                }
                let body = spelled(&parts, form).into_bytes();
                let earlier = |keeps: bool| {
                    sent.iter().rev().take(most).map(move |sent| Earlier {
                        body: &sent.body,
                        layout: sent.layout.as_deref().filter(|_| keeps),
                        lifetimes: None,
                    })
                };
                let options_of = |keeps: bool| options().earlier(earlier(keeps).collect());
                let marked = |keeps| mark_body_for_host(body.clone(), &options_of(keeps), &fields);
                let text = String::from_utf8_lossy(&body).into_owned();
                let (kept, alone) = match (marked(true), marked(false)) {
                    (Ok(kept), Ok(alone)) => (kept, alone),
                    (kept, alone) => {
                        prop_assert_eq!(kept.err().map(|error| error.to_string()), alone.err().map(|error| error.to_string()));
                        continue;
                    }
                };
                // Without its layout, a body with two lists of messages may be taken for another conversation by the first one.
                let repeats = form & REPEATED != 0;
                prop_assert!(repeats || (&kept.body, &kept.plan) == (&alone.body, &alone.plan), "{}", text);
                let layout = kept.layout.as_deref().cloned().map(shown);
                prop_assert_eq!(layout, scan_to_compare(&kept.body).ok().map(shown), "{}", text);
                if let Some(MarkedBody { body: last, .. }) = sent.last().filter(|_| !repeats) {
                    let read = PreviousBody::read(last.clone()).unwrap();
                    let marked = |options: &BreakpointOptions<'_>| mark_body(body.clone(), options).unwrap();
                    let (with, without) = (marked(&options().previous_body(&read)), marked(&options().previous(last)));
                    prop_assert_eq!(with, without, "{}", text);
                }
                sent.push(kept);
            }
        }
    }
}
