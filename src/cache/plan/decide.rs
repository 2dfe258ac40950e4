//! Assigns the four markers to the most valuable candidates that are legal beside the caller's markers.

use super::candidates::{MarkerCandidate, candidates};
use super::earlier::{Previous, find_previous};
use super::existing::{
    AutomaticTarget, MAX_MARKERS, Order, PlacedMarker, TOP, automatic_target, check_automatic, existing_markers,
    falls_on,
};
use super::marker::{Breakpoint, BreakpointOrigin, BreakpointPurpose, BreakpointSection};
use super::marker_plan::BreakpointPlan;
use super::note::{BreakpointReason, Notes};
use super::options::{BreakpointOptions, Lifetimes};
use super::places::Step;
use super::splice::{BodyEdit, ObjectEnd, member};
use crate::cache::body::{Block, BodyLayout, CacheControl, Scanned};
use crate::error::Result;
use crate::retention::CacheTtl;

/// Returns the plan for a body and the edits that carry it out. `known` is the index of the earlier body that it was read
/// with.
pub(super) fn decide(
    body: &[u8],
    (layout, known): (&BodyLayout, Option<usize>),
    options: &BreakpointOptions<'_>,
) -> Result<(BreakpointPlan, Vec<BodyEdit>)> {
    let (placed, notes) = existing_markers(layout, options.refuses_misplaced)?;
    let automatic = automatic_target(layout);
    check_automatic(layout, automatic, &placed)?;
    let (existing, edits) = (placed.len(), Vec::with_capacity(MAX_MARKERS + 1));
    let mut decision = Decision { body, layout, placed, existing, automatic, notes, edits };
    let mut continued = None;
    if let Some(lifetimes) = options.lifetimes {
        let current = Scanned { body, layout };
        let previous = find_previous(current, options.previous.bodies(), known)?;
        continued = previous.as_ref().map(|previous| previous.continued);
        let lifetimes = previous.as_ref().and_then(|previous| previous.earlier.lifetimes).unwrap_or(lifetimes);
        let options = options.clone().lifetimes(Some(lifetimes));
        let candidates = candidates(previous.as_ref().map(Previous::compared), current, &options);
        for (section, index, reason) in candidates.left_out {
            let block = index.and_then(|index| section.of(layout).blocks.get(index));
            decision.notes.add(section, block, reason);
        }
        for candidate in candidates.all {
            decision.place(candidate, lifetimes);
        }
    }
    decision.placed.sort_by_key(|(order, _)| *order);
    let markers = decision.placed.into_iter().map(|(_, marker)| marker).collect();
    Ok((BreakpointPlan { markers, notes: decision.notes.finish(), continued }, decision.edits))
}

/// The decisions so far.
struct Decision<'a> {
    body: &'a [u8],
    layout: &'a BodyLayout,
    placed: Vec<PlacedMarker>,
    /// The number of placed markers that are the caller's; they come first.
    existing: usize,
    /// The block that the top-level marker applies to, the caller's or ours.
    automatic: Option<AutomaticTarget>,
    notes: Notes,
    edits: Vec<BodyEdit>,
}

impl Decision<'_> {
    fn place(&mut self, candidate: MarkerCandidate, lifetimes: Lifetimes) {
        let wanted =
            if candidate.section == BreakpointSection::Messages { lifetimes.tail() } else { Some(lifetimes.prefix()) };
        let Some(ttl) = wanted else { return self.note(candidate, None, BreakpointReason::PrefixOnly) };
        if candidate.purpose == BreakpointPurpose::Automatic {
            return self.place_automatic(ttl);
        }
        // The search runs even if no marker is left, because the note names the block.
        let Some((order, block)) = self.target(candidate, ttl) else { return };
        if self.is_full() {
            if !candidate.purpose.is_spare() {
                self.notes.add(candidate.section, Some(&block), BreakpointReason::NoMarkerLeft);
            }
            return;
        }
        self.edits.push(BodyEdit::marker(self.body, &block, ttl));
        let (path, origin) = (block.path.pointer(), BreakpointOrigin::Planned);
        self.placed.push((order, Breakpoint { path, ttl, origin, purpose: candidate.purpose }));
    }

    fn is_full(&self) -> bool {
        self.placed.len() >= MAX_MARKERS
    }

    /// Finds the block that gets the marker, from the candidate backwards. `None` if there is none or if it has a
    /// planned marker.
    fn target(&mut self, candidate: MarkerCandidate, ttl: CacheTtl) -> Option<(Order, Block)> {
        let section = candidate.section;
        let found = section.of(self.layout);
        let before = self.notes.all.len();
        let last = candidate.index.map_or(0, |index| index + 1);
        let blocks = found.blocks.get(candidate.floor..last).unwrap_or_default();
        let mut answers = candidate.answers;
        for (index, block) in blocks.iter().enumerate().rev() {
            let step = Step::at(block, section, &mut answers);
            if matches!(step, Step::Skip) {
                continue;
            }
            let order = (section.rank(), candidate.floor + index, true);
            if self.is_ours(order) {
                // A more valuable candidate has this block already, and its marker serves both.
                return None;
            }
            if let Some(reason) = self.forbids(order, ttl) {
                self.note(candidate, Some(*block), reason);
                return None;
            }
            if let Step::PassOver(reason) = step {
                self.note(candidate, Some(*block), reason);
            } else {
                return Some((order, *block));
            }
        }
        if self.notes.all.len() == before {
            self.note(candidate, None, BreakpointReason::NothingToMark);
        }
        None
    }

    fn note(&mut self, candidate: MarkerCandidate, block: Option<Block>, reason: BreakpointReason) {
        if candidate.report {
            self.notes.add(candidate.section, block.as_ref(), reason);
        }
    }

    fn is_ours(&self, order: Order) -> bool {
        self.placed.iter().skip(self.existing).any(|(at, _)| *at == order)
    }

    /// Returns the reason why this block must not get a marker of this lifetime and the search must not go further
    /// back.
    fn forbids(&self, order: Order, ttl: CacheTtl) -> Option<BreakpointReason> {
        let (rank, index, _) = order;
        if self.placed.iter().any(|((other_rank, other, _), _)| (*other_rank, *other) == (rank, index)) {
            return Some(BreakpointReason::AlreadyMarked);
        }
        if self.automatic.is_some_and(|automatic| automatic.at == (rank, index)) {
            return Some(BreakpointReason::AutomaticMarker);
        }
        self.breaks_order(order, ttl)
    }

    fn breaks_order(&self, order: Order, ttl: CacheTtl) -> Option<BreakpointReason> {
        if self.placed.iter().any(|(at, marker)| *at > order && marker.ttl > ttl) {
            return Some(BreakpointReason::LaterOneHour);
        }
        let earlier = self.placed.iter().any(|(at, marker)| *at < order && marker.ttl < ttl);
        earlier.then_some(BreakpointReason::EarlierFiveMinutes)
    }

    /// Adds a top-level marker, which applies to the last block that can carry one.
    fn place_automatic(&mut self, ttl: CacheTtl) {
        let section = BreakpointSection::Messages;
        if !matches!(self.layout.top, CacheControl::Absent) {
            let reason = match self.layout.top {
                CacheControl::Null => BreakpointReason::NullMarker,
                _ => BreakpointReason::AlreadyMarked,
            };
            return self.notes.add(section, None, reason);
        }
        let Some(falls) = falls_on(self.layout) else {
            return self.notes.add(section, None, BreakpointReason::NothingToMark);
        };
        if self.placed.iter().any(|((rank, index, _), _)| (*rank, *index) == falls.at) {
            return self.notes.add(section, None, BreakpointReason::AlreadyMarked);
        }
        if let Some(reason) = self.breaks_order(TOP, ttl) {
            return self.notes.add(section, None, reason);
        }
        if self.is_full() {
            return self.notes.add(section, None, BreakpointReason::NoMarkerLeft);
        }
        self.automatic = Some(falls);
        self.edits.push(BodyEdit::Root(ObjectEnd::before(self.body, self.layout.end), member(ttl).into()));
        let (origin, purpose) = (BreakpointOrigin::Planned, BreakpointPurpose::Automatic);
        self.placed.push((TOP, Breakpoint { path: String::new(), ttl, origin, purpose }));
    }
}
