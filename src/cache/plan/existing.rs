//! The markers that a body has already: which there are, whether the API would accept them, and where they write.

use super::marker::{Breakpoint, BreakpointOrigin, BreakpointPurpose};
use crate::cache::body::{BlockKind, BodyLayout, CacheControl};
use crate::error::{Error, ErrorKind, Result};

/// How many markers the API takes, the automatic one included (prompt caching page, 2026-09).
pub(super) const MAX_MARKERS: usize = 4;

/// Section and block, both counted in the order in which the API reads them.
pub(super) type Spot = (usize, usize);

/// Where a marker stands in the order in which the API reads them: section, block, and inside the block or on it.
pub(super) type Order = (usize, usize, bool);

/// The top-level marker falls on the last block, so it counts as the last of all.
pub(super) const TOP: Order = (usize::MAX, 0, false);

pub(super) type PlacedMarker = (Order, Breakpoint);

/// The caller's markers in the order in which the API reads them.
pub(super) fn existing_markers(layout: &BodyLayout) -> Result<Vec<PlacedMarker>> {
    let mut placed = Vec::with_capacity(MAX_MARKERS);
    let mut count = 0;
    let mut add = |order, kind, control, path: &dyn Fn() -> String| match control {
        CacheControl::Absent | CacheControl::Null => Ok(()),
        CacheControl::Set(_) if kind == BlockKind::Thinking => {
            Err(misplaced("a thinking block cannot carry a cache marker", &path()))
        }
        CacheControl::Set(_) if kind == BlockKind::EmptyText => {
            Err(misplaced("an empty text block cannot carry a cache marker", &path()))
        }
        CacheControl::Set(ttl) => {
            let (origin, purpose) = (BreakpointOrigin::Caller, BreakpointPurpose::Caller);
            count += 1;
            // Those beyond the limit are only counted: there may be any number.
            if count <= MAX_MARKERS {
                placed.push((order, Breakpoint { path: path(), ttl, origin, purpose }));
            }
            Ok(())
        }
        CacheControl::Invalid => Err(misplaced("a cache marker has a type or ttl that the API does not know", &path())),
    };
    for (rank, section) in layout.sections().into_iter().enumerate() {
        let mut nested = section.nested.iter().peekable();
        for (index, block) in section.blocks.iter().enumerate() {
            while let Some(inner) = nested.next_if(|inner| section.parent(inner) == index) {
                add((rank, index, false), inner.kind, inner.cache_control, &|| inner.path.clone())?;
                if !inner.last {
                    return Err(misplaced(
                        "of nested parts only the last block of a list can carry a cache marker",
                        &inner.path,
                    ));
                }
            }
            add((rank, index, true), block.kind, block.cache_control, &|| block.path.pointer())?;
        }
    }
    add(TOP, BlockKind::Carrier, layout.top, &String::new)?;
    check_count_and_order(&placed, count)?;
    Ok(placed)
}

fn check_count_and_order(placed: &[PlacedMarker], count: usize) -> Result<()> {
    if count > MAX_MARKERS {
        let message = format!("the request body has {count} cache markers; the API takes four");
        return Err(Error::new(ErrorKind::TooManyCacheMarkers, message));
    }
    for (earlier, later) in placed.iter().zip(placed.iter().skip(1)) {
        if earlier.1.ttl < later.1.ttl {
            let message = "a one-hour cache marker stands after a five-minute one";
            return Err(Error::new(ErrorKind::CacheMarkerOrder, message).with_key_path(later.1.path()));
        }
    }
    Ok(())
}

/// The block on which a top-level marker falls.
#[derive(Clone, Copy)]
pub(super) struct AutomaticTarget {
    pub(super) at: Spot,
    /// Whether the API will see it the same way: no later block might carry a marker after all.
    certain: bool,
}

/// Where the caller's top-level marker falls, if there is one.
pub(super) fn automatic_target(layout: &BodyLayout) -> Option<AutomaticTarget> {
    if layout.top.is_set() { falls_on(layout) } else { None }
}

/// Where a top-level marker falls.
pub(super) fn falls_on(layout: &BodyLayout) -> Option<AutomaticTarget> {
    let mut certain = true;
    for (rank, section) in layout.sections().into_iter().enumerate().rev() {
        for (index, block) in section.blocks.iter().enumerate().rev() {
            match block.kind {
                kind if kind.carries() || block.cache_control.is_set() => {
                    return Some(AutomaticTarget { at: (rank, index), certain });
                }
                BlockKind::DeferredTool | BlockKind::BlankText | BlockKind::Unknown => certain = false,
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
            Err(misplaced("the top-level cache marker falls on a block that has one with another ttl", &marker.path))
        }
        None => Ok(()),
    }
}

fn misplaced(message: &str, path: &str) -> Error {
    let error = Error::new(ErrorKind::InvalidCacheMarker, message);
    if path.is_empty() { error } else { error.with_key_path(path) }
}

/// The blocks at which a body wrote cache entries, in prompt order. Whether the API accepted them is
/// not asked.
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
