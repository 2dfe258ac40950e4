//! The markers that a body already has: their blocks, the API's rules for them, and where they write entries.

use super::marker::{Breakpoint, BreakpointOrigin, BreakpointPurpose, BreakpointSection};
use super::note::Notes;
use super::places::{Given, INSIDE, ON_MESSAGE, Place};
use crate::cache::body::{BlockKind, BodyLayout, CacheControl};
use crate::error::{Error, ErrorKind, Result};

/// The number of markers that the API takes, the automatic one included (prompt caching page, 2026-09).
pub(super) const MAX_MARKERS: usize = 4;

/// Section and block, both counted in the order in which the API reads them.
pub(super) type Spot = (usize, usize);

/// The position of a marker in the order in which the API reads them: section, block, and `false` inside the block or
/// `true` on it.
pub(super) type Order = (usize, usize, bool);

/// The top-level marker applies to the last block, so it counts as the last of all.
pub(super) const TOP: Order = (usize::MAX, 0, false);

pub(super) type PlacedMarker = (Order, Breakpoint);

/// Returns the caller's markers in the order in which the API reads them, with notes on doubtful ones. With `strict`, a
/// marker that only the Anthropic API is known to refuse is an error.
pub(super) fn existing_markers(layout: &BodyLayout, strict: bool) -> Result<(Vec<PlacedMarker>, Notes)> {
    let mut given = GivenMarkers { strict, placed: Vec::with_capacity(MAX_MARKERS), count: 0, notes: Notes::default() };
    let sections = [BreakpointSection::Tools, BreakpointSection::System, BreakpointSection::Messages];
    for part in sections {
        let section = part.of(layout);
        let mut nested = section.nested.iter().peekable();
        for (index, block) in section.blocks.iter().enumerate() {
            // Markers inside a block come before its own, in the order in which the API reads them.
            while let Some(inner) = nested.next_if(|inner| section.parent(inner) == index) {
                let (order, place) = ((part.rank(), index, false), Place::of_kind(inner.kind));
                given.add(order, part, place.given, inner.cache_control, &|| inner.path.clone())?;
                if !inner.last {
                    given.check(part, INSIDE, &|| inner.path.clone())?;
                }
            }
            let place = Place::of(block, part == BreakpointSection::System);
            given.add((part.rank(), index, true), part, place.given, block.cache_control, &|| block.path.pointer())?;
        }
    }
    for message in layout.marked_messages() {
        given.check(BreakpointSection::Messages, ON_MESSAGE, &|| format!("/messages/{message}"))?;
    }
    given.add(TOP, BreakpointSection::Messages, Given::Taken, layout.top, &String::new)?;
    check_count_and_order(&given.placed, given.count)?;
    Ok((given.placed, given.notes))
}

/// The caller's markers that were found so far.
struct GivenMarkers {
    strict: bool,
    placed: Vec<PlacedMarker>,
    count: usize,
    notes: Notes,
}

impl GivenMarkers {
    fn add(
        &mut self,
        order: Order,
        section: BreakpointSection,
        given: Given,
        control: CacheControl,
        path: &dyn Fn() -> String,
    ) -> Result<()> {
        let ttl = match control {
            CacheControl::Absent | CacheControl::Null => return Ok(()),
            CacheControl::Set(ttl) => ttl,
            CacheControl::Invalid => {
                return Err(misplaced("a cache marker has a type or ttl that the API does not know", &path()));
            }
        };
        self.check(section, given, path)?;
        let (origin, purpose) = (BreakpointOrigin::Caller, BreakpointPurpose::Caller);
        self.count += 1;
        // Markers beyond the limit are only counted, because a hostile body may have any number.
        if self.count <= MAX_MARKERS {
            self.placed.push((order, Breakpoint { path: path(), ttl, origin, purpose }));
        }
        Ok(())
    }

    /// Refuses a marker, or adds a note about it.
    fn check(&mut self, section: BreakpointSection, given: Given, path: &dyn Fn() -> String) -> Result<()> {
        match given {
            Given::Taken => {}
            Given::Refused(why) => return Err(misplaced(why, &path())),
            Given::RefusedByAnthropic(why, _) if self.strict => return Err(misplaced(why, &path())),
            Given::RefusedByAnthropic(_, reason) | Given::Doubtful(reason) => self.notes.doubt(section, path(), reason),
        }
        Ok(())
    }
}

fn check_count_and_order(placed: &[PlacedMarker], count: usize) -> Result<()> {
    if count > MAX_MARKERS {
        let message = format!("the request body has {count} cache markers; the API takes four");
        return Err(Error::new(ErrorKind::TooManyCacheMarkers, message));
    }
    for (earlier, later) in placed.iter().zip(placed.iter().skip(1)) {
        if earlier.1.ttl < later.1.ttl {
            let message = "a one-hour cache marker follows a five-minute one";
            return Err(Error::new(ErrorKind::CacheMarkerOrder, message).with_key_path(later.1.path()));
        }
    }
    Ok(())
}

/// The block that a top-level marker applies to.
#[derive(Clone, Copy)]
pub(super) struct AutomaticTarget {
    pub(super) at: Spot,
    /// `true` if the API is sure to choose the same block: no later block might carry a marker after all.
    certain: bool,
}

/// Returns the block that the caller's top-level marker applies to, if there is one.
pub(super) fn automatic_target(layout: &BodyLayout) -> Option<AutomaticTarget> {
    if layout.top.is_set() { falls_on(layout) } else { None }
}

/// Returns the block that a top-level marker applies to: the last one that can carry a marker.
pub(super) fn falls_on(layout: &BodyLayout) -> Option<AutomaticTarget> {
    let mut certain = true;
    for (rank, section) in layout.sections().into_iter().enumerate().rev() {
        for (index, block) in section.blocks.iter().enumerate().rev() {
            match block.kind {
                // Not every host refuses markers here, so the marker may apply to this block rather than to an earlier
                // one.
                _ if block.by_code && !block.cache_control.is_set() => certain = false,
                kind if kind.carries() || block.cache_control.is_set() => {
                    return Some(AutomaticTarget { at: (rank, index), certain });
                }
                BlockKind::DeferredTool | BlockKind::DeferredToolset | BlockKind::BlankText | BlockKind::Unknown => {
                    certain = false;
                }
                _ => {}
            }
        }
    }
    None
}

pub(super) fn check_automatic(
    layout: &BodyLayout,
    target: Option<AutomaticTarget>,
    placed: &[PlacedMarker],
) -> Result<()> {
    let (CacheControl::Set(top), Some(AutomaticTarget { at, certain: true })) = (layout.top, target) else {
        return Ok(());
    };
    match placed.iter().find(|((rank, index, _), marker)| (*rank, *index) == at && marker.ttl != top) {
        Some((_, marker)) => {
            Err(misplaced("the top-level cache marker applies to a block that has one with another ttl", &marker.path))
        }
        None => Ok(()),
    }
}

fn misplaced(message: &str, path: &str) -> Error {
    let error = Error::new(ErrorKind::InvalidCacheMarker, message);
    if path.is_empty() { error } else { error.with_key_path(path) }
}

/// Returns the blocks at which a body wrote cache entries, in prompt order, as if the API accepted all of them.
pub(super) fn written(layout: &BodyLayout) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (rank, section) in layout.sections().into_iter().enumerate() {
        let own = section.blocks.iter().enumerate().filter(|(_, block)| block.cache_control.is_set());
        let inner = section.nested.iter().filter(|nested| nested.cache_control.is_set());
        let indices = own.map(|(index, _)| index).chain(inner.map(|nested| section.parent(nested)));
        spots.extend(indices.map(|index| (rank, index)));
    }
    spots.extend(automatic_target(layout).map(|target| target.at));
    spots.sort_unstable();
    spots.dedup();
    spots
}
