//! The caller's own markers: which there are, and whether the API would accept them.

use super::few::Few;
use super::layout::{Kind, Layout, Mark};
use super::marker::{CacheMarker, MarkerOrigin, MarkerPurpose, Pointer};
use crate::error::{Error, ErrorKind, Result};

/// How many markers the API takes, the automatic one included (prompt caching page, 2026-09).
pub(super) const MAX_MARKERS: usize = 4;

/// Where a marker stands in the order in which the API reads them: section, block, and inside the block or on it.
pub(super) type Order = (usize, usize, bool);

/// The top-level marker falls on the last block, so it counts as the last of all.
pub(super) const TOP: Order = (usize::MAX, 0, false);

pub(super) type Placed = (Order, CacheMarker);

/// The markers of a body, no more than the API takes.
pub(super) type Markers = Few<Placed, MAX_MARKERS>;

/// The caller's markers in the order in which the API reads them.
pub(super) fn callers(layout: &Layout) -> Result<Markers> {
    let mut placed = Markers::new();
    let mut count = 0;
    let mut add = |order, pointer: Pointer, kind, mark| match mark {
        Mark::Absent | Mark::Null => Ok(()),
        Mark::Set(_) if kind == Kind::Thinking => {
            Err(misplaced("a thinking block cannot carry a cache marker", &pointer))
        }
        Mark::Set(_) if kind == Kind::EmptyText => {
            Err(misplaced("an empty text block cannot carry a cache marker", &pointer))
        }
        Mark::Set(ttl) => {
            let (origin, purpose) = (MarkerOrigin::Caller, MarkerPurpose::Caller);
            count += 1;
            // Those beyond the limit are only counted.
            placed.push((order, CacheMarker { pointer, ttl, origin, purpose }));
            Ok(())
        }
        Mark::Invalid => Err(misplaced("a cache marker has a type or ttl that the API does not know", &pointer)),
    };
    for (rank, section) in layout.sections().into_iter().enumerate() {
        let mut nested = section.nested.iter().peekable();
        for (index, block) in section.blocks.iter().enumerate() {
            while let Some(inner) = nested.next_if(|inner| section.parent(inner) == index) {
                let pointer = Pointer::Long(inner.path.clone());
                add((rank, index, false), pointer.clone(), inner.kind, inner.mark)?;
                if !inner.last {
                    return Err(misplaced(
                        "of nested parts only the last block of a list can carry a cache marker",
                        &pointer,
                    ));
                }
            }
            if matches!(block.mark, Mark::Set(_) | Mark::Invalid) {
                add((rank, index, true), Pointer::to(block.path), block.kind, block.mark)?;
            }
        }
    }
    add(TOP, Pointer::whole(), Kind::Carrier, layout.top)?;
    check_count_and_order(&placed, count)?;
    Ok(placed)
}

fn check_count_and_order(placed: &Markers, count: usize) -> Result<()> {
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
pub(super) struct Automatic {
    /// Section and block.
    pub(super) at: (usize, usize),
    /// Whether the API will see it the same way: no later block might carry a marker after all.
    certain: bool,
}

/// Where the caller's top-level marker falls, if there is one.
pub(super) fn automatic(layout: &Layout) -> Option<Automatic> {
    if matches!(layout.top, Mark::Set(_)) { falls_on(layout) } else { None }
}

/// Where a top-level marker falls.
pub(super) fn falls_on(layout: &Layout) -> Option<Automatic> {
    let mut certain = true;
    for (rank, section) in layout.sections().into_iter().enumerate().rev() {
        for (index, block) in section.blocks.iter().enumerate().rev() {
            match block.kind {
                _ if matches!(block.mark, Mark::Set(_)) => return Some(Automatic { at: (rank, index), certain }),
                kind if kind.carries() => return Some(Automatic { at: (rank, index), certain }),
                Kind::DeferredTool | Kind::BlankText | Kind::Unknown => certain = false,
                _ => {}
            }
        }
    }
    None
}

pub(super) fn check_automatic(layout: &Layout, automatic: Option<Automatic>, placed: &Markers) -> Result<()> {
    let (Mark::Set(top), Some(Automatic { at, certain: true })) = (layout.top, automatic) else { return Ok(()) };
    match placed.iter().find(|((rank, index, _), marker)| (*rank, *index) == at && marker.ttl != top) {
        Some((_, marker)) => {
            Err(misplaced("the top-level cache marker falls on a block that has one with another ttl", &marker.pointer))
        }
        None => Ok(()),
    }
}

fn misplaced(message: &str, at: &Pointer) -> Error {
    let error = Error::new(ErrorKind::InvalidCacheMarker, message);
    match at.as_str() {
        "" => error,
        path => error.with_key_path(path),
    }
}
