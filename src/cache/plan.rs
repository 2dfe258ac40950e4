//! Decides where markers go. Reads what the scanner found, never the body.

use super::callers::{
    Automatic, MAX_MARKERS, Order, Placed, automatic, callers, check_automatic, check_count_and_order,
};
use super::layout::{Block, Kind, Layout, Mark};
use super::marker::{CacheMarker, CacheTtl, MarkerNote, MarkerOrigin, MarkerReason, MarkerSection};
use super::scan::scan;
use super::splice::{Edit, splice};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::retention::CacheRetention;

/// The markers of a request body and the reasons behind them.
///
/// For a retention of `short` or `long` the plan wants three markers: on the last tool, on the last text of the system
/// prompt, and on the last block of the user's last turn. They are the ends of the three prefixes that stay the same
/// from one request of a conversation to the next. Where a place cannot take a marker, the plan walks back to the nearest
/// one that can; where none of its own would be legal beside those of the caller, it leaves it out. If the caller's
/// markers leave room for fewer, the one on the user's turn is kept first, as its prefix is the longest, then the one on
/// the system prompt, whose prefix includes the tools.
///
/// # Examples
///
/// ```
/// use provider_auth::{CacheRetention, CacheTtl, MarkerPlan};
///
/// let body = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;
/// let plan = MarkerPlan::for_body(body, CacheRetention::Long)?;
///
/// let paths: Vec<_> = plan.markers().iter().map(|marker| marker.path.as_str()).collect();
/// assert_eq!(paths, ["/system/0", "/messages/0/content/0"]);
/// assert_eq!(plan.markers()[0].ttl, CacheTtl::OneHour);
/// assert_eq!(plan.notes()[0].to_string(), "no marker added in tools: there is nothing that could carry a marker");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkerPlan {
    markers: Vec<CacheMarker>,
    notes: Vec<MarkerNote>,
}

impl MarkerPlan {
    /// The plan for a body, which is read but not changed.
    ///
    /// # Errors
    ///
    /// Those of [`mark_body`].
    pub fn for_body(body: &[u8], retention: CacheRetention) -> Result<Self> {
        decide(&scan(body)?, retention).map(|(plan, _)| plan)
    }

    /// All markers of the finished body, the caller's included, in the order in which the API reads them.
    #[must_use]
    pub fn markers(&self) -> &[CacheMarker] {
        &self.markers
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
///   text, on a nested block that is not the last, with an unknown type or `ttl`, or on the block where the top-level
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
    let (plan, mut edits) = decide(&scan(&body)?, retention)?;
    let body = if edits.is_empty() { body } else { splice(&body, &mut edits) };
    Ok((body, plan))
}

fn decide(layout: &Layout, retention: CacheRetention) -> Result<(MarkerPlan, Vec<Edit>)> {
    let mut placed = callers(layout)?;
    check_count_and_order(&placed)?;
    let automatic = automatic(layout);
    check_automatic(layout, automatic, &placed)?;
    let mut notes = Notes::default();
    let mut edits = Vec::new();
    if let Some(ttl) = CacheTtl::wanted(retention) {
        let sections = [MarkerSection::Tools, MarkerSection::System, MarkerSection::Messages];
        let mut wanted: Vec<_> = sections
            .into_iter()
            .zip(layout.sections())
            .enumerate()
            .filter_map(|(rank, (section, found))| {
                let taken = Taken { rank, automatic, placed: &placed };
                target(section, &found.blocks, ttl, &taken, &mut notes)
                    .map(|(index, block)| (section, (rank, index, true), block))
            })
            .collect();
        // What is dropped first is worth least: each section's prefix contains those before it.
        let surplus = wanted.len().saturating_sub(MAX_MARKERS.saturating_sub(placed.len()));
        for (section, _, block) in wanted.drain(..surplus) {
            notes.add(section, Some(block), MarkerReason::NoMarkerLeft);
        }
        for (_, order, block) in wanted {
            edits.push(Edit { slot: block.slot, ttl });
            placed.push((order, CacheMarker { path: block.path.to_string(), ttl, origin: MarkerOrigin::Planned }));
        }
    }
    placed.sort_by_key(|(order, _)| *order);
    let markers = placed.into_iter().map(|(_, marker)| marker).collect();
    Ok((MarkerPlan { markers, notes: notes.finish() }, edits))
}

/// What limits the choice in one section.
struct Taken<'a> {
    rank: usize,
    automatic: Option<Automatic>,
    placed: &'a [Placed],
}

/// The block of a section that gets a marker, found from its end.
fn target<'b>(
    section: MarkerSection,
    blocks: &'b [Block],
    ttl: CacheTtl,
    taken: &Taken<'_>,
    notes: &mut Notes,
) -> Option<(usize, &'b Block)> {
    let before = notes.all.len();
    for (index, block) in blocks.iter().enumerate().rev() {
        if section == MarkerSection::Messages && !block.user {
            continue;
        }
        let order = (taken.rank, index, true);
        if let Some(reason) = taken.forbids(order, ttl) {
            notes.add(section, Some(block), reason);
            return None;
        }
        match unmarkable(section, block) {
            Some(reason) => notes.add(section, Some(block), reason),
            None => return Some((index, block)),
        }
    }
    if notes.all.len() == before {
        notes.add(section, None, MarkerReason::NothingToMark);
    }
    None
}

/// Why this block is passed over.
fn unmarkable(section: MarkerSection, block: &Block) -> Option<MarkerReason> {
    match block.kind {
        _ if block.mark == Mark::Null => Some(MarkerReason::NullMarker),
        Kind::DeferredTool => Some(MarkerReason::DeferredTool),
        Kind::BlankText | Kind::EmptyText => Some(MarkerReason::EmptyText),
        Kind::Thinking => Some(MarkerReason::Thinking),
        Kind::Unknown => Some(MarkerReason::UnknownType),
        Kind::Carrier if section == MarkerSection::System => Some(MarkerReason::UnknownType),
        Kind::Tool | Kind::Text | Kind::Carrier => None,
    }
}

impl Taken<'_> {
    /// Why the section gets no marker at all once this block is reached.
    fn forbids(&self, order: Order, ttl: CacheTtl) -> Option<MarkerReason> {
        let (rank, index, _) = order;
        if self.placed.iter().any(|((other_rank, other, _), _)| (*other_rank, *other) == (rank, index)) {
            return Some(MarkerReason::AlreadyMarked);
        }
        if self.automatic.is_some_and(|automatic| automatic.at == (rank, index)) {
            return Some(MarkerReason::AutomaticMarker);
        }
        let other = |later: bool| self.placed.iter().any(|(at, marker)| (*at > order) == later && marker.ttl != ttl);
        match ttl {
            CacheTtl::FiveMinutes if other(true) => Some(MarkerReason::LaterOneHour),
            CacheTtl::OneHour if other(false) => Some(MarkerReason::EarlierFiveMinutes),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Notes {
    all: Vec<MarkerNote>,
}

impl Notes {
    fn add(&mut self, section: MarkerSection, block: Option<&Block>, reason: MarkerReason) {
        match self.all.last_mut() {
            Some(last) if last.section == section && last.reason == reason => last.blocks += 1,
            _ => {
                let path = block.map(|block| block.path.to_string());
                self.all.push(MarkerNote { section, path, blocks: 1, reason });
            }
        }
    }

    fn finish(mut self) -> Vec<MarkerNote> {
        self.all.sort_by_key(|note| note.section);
        self.all
    }
}
