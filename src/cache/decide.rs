//! Gives the four markers to the wishes that are worth most and legal beside the caller's own.

use super::callers::{Automatic, Markers, Order, TOP, automatic, callers, check_automatic, falls_on};
use super::compare::Scanned;
use super::layout::{Block, Kind, Layout, Mark};
use super::marker::{
    CacheMarker, CacheTtl, MarkerNote, MarkerOrigin, MarkerPurpose, MarkerReason, MarkerSection, Pointer,
};
use super::options::{Lifetimes, MarkerOptions};
use super::plan::MarkerPlan;
use super::splice::{Edit, Edits, ObjectEnd, member};
use super::wishes::{Wish, wishes};
use crate::error::Result;

pub(super) fn decide(body: &[u8], layout: &Layout, options: &MarkerOptions<'_>) -> Result<(MarkerPlan, Edits)> {
    let placed = callers(layout)?;
    let automatic = automatic(layout);
    check_automatic(layout, automatic, &placed)?;
    let mut choice =
        Choice { body, layout, callers: placed.len(), placed, automatic, notes: Notes::default(), edits: Edits::new() };
    if let Some(lifetimes) = options.lifetimes {
        let wishes = wishes(Scanned { body, layout }, options)?;
        for (section, index, reason) in wishes.left_out {
            let block = index.and_then(|index| section.of(layout).blocks.get(index));
            choice.notes.add(section, block, reason);
        }
        for wish in wishes.all {
            choice.grant(wish, lifetimes);
        }
    }
    choice.placed.sort_by_key(|(order, _)| *order);
    let markers = choice.placed.into_iter().map(|(_, marker)| marker);
    Ok((MarkerPlan::new(markers, choice.notes.finish()), choice.edits))
}

/// What has been decided so far.
struct Choice<'a> {
    body: &'a [u8],
    layout: &'a Layout,
    placed: Markers,
    /// How many of those placed, the first ones, are the caller's.
    callers: usize,
    /// Where the top-level marker falls, the caller's or ours.
    automatic: Option<Automatic>,
    notes: Notes,
    edits: Edits,
}

impl Choice<'_> {
    fn grant(&mut self, wish: Wish, lifetimes: Lifetimes) {
        let wanted = if wish.section == MarkerSection::Messages { lifetimes.tail() } else { Some(lifetimes.prefix()) };
        let Some(ttl) = wanted else { return self.note(wish, None, MarkerReason::PrefixOnly) };
        if wish.purpose == MarkerPurpose::Automatic {
            return self.grant_automatic(ttl);
        }
        let Some((order, block)) = self.target(wish, ttl) else { return };
        if self.is_full() {
            if !wish.purpose.is_spare() {
                self.notes.add(wish.section, Some(&block), MarkerReason::NoMarkerLeft);
            }
            return;
        }
        self.edits.push(Edit::marker(self.body, &block, ttl));
        let (pointer, origin) = (Pointer::to(block.path), MarkerOrigin::Planned);
        self.placed.push((order, CacheMarker { pointer, ttl, origin, purpose: wish.purpose }));
    }

    fn is_full(&self) -> bool {
        self.placed.is_full()
    }

    /// The block that gets the marker, found from the wished one backwards. `None` if there is none, or if it is ours
    /// already.
    fn target(&mut self, wish: Wish, ttl: CacheTtl) -> Option<(Order, Block)> {
        let section = wish.section;
        let found = section.of(self.layout);
        let before = self.notes.all.len();
        let last = wish.index.map_or(0, |index| index + 1);
        let blocks = found.blocks.get(wish.floor..last).unwrap_or_default();
        for (index, block) in blocks.iter().enumerate().rev() {
            if section == MarkerSection::Messages && !block.user && !wish.answers {
                continue;
            }
            let order = (section.rank(), wish.floor + index, true);
            if self.is_ours(order) {
                return None;
            }
            if let Some(reason) = self.forbids(order, ttl) {
                self.note(wish, Some(*block), reason);
                return None;
            }
            match unmarkable(section, block) {
                Some(reason) => self.note(wish, Some(*block), reason),
                None => return Some((order, *block)),
            }
        }
        if self.notes.all.len() == before {
            self.note(wish, None, MarkerReason::NothingToMark);
        }
        None
    }

    fn note(&mut self, wish: Wish, block: Option<Block>, reason: MarkerReason) {
        if wish.told {
            self.notes.add(wish.section, block.as_ref(), reason);
        }
    }

    fn is_ours(&self, order: Order) -> bool {
        self.placed.iter().skip(self.callers).any(|(at, _)| *at == order)
    }

    /// Why no marker of this lifetime may stand at this block, nor a marker of its purpose before it.
    fn forbids(&self, order: Order, ttl: CacheTtl) -> Option<MarkerReason> {
        let (rank, index, _) = order;
        if self.placed.iter().any(|((other_rank, other, _), _)| (*other_rank, *other) == (rank, index)) {
            return Some(MarkerReason::AlreadyMarked);
        }
        if self.automatic.is_some_and(|automatic| automatic.at == (rank, index)) {
            return Some(MarkerReason::AutomaticMarker);
        }
        self.breaks_order(order, ttl)
    }

    fn breaks_order(&self, order: Order, ttl: CacheTtl) -> Option<MarkerReason> {
        if self.placed.iter().any(|(at, marker)| *at > order && marker.ttl > ttl) {
            return Some(MarkerReason::LaterOneHour);
        }
        let earlier = self.placed.iter().any(|(at, marker)| *at < order && marker.ttl < ttl);
        earlier.then_some(MarkerReason::EarlierFiveMinutes)
    }

    /// A top-level marker of ours. It falls on the last block that can carry one.
    fn grant_automatic(&mut self, ttl: CacheTtl) {
        let section = MarkerSection::Messages;
        if !matches!(self.layout.top, Mark::Absent) {
            let reason = match self.layout.top {
                Mark::Null => MarkerReason::NullMarker,
                _ => MarkerReason::AlreadyMarked,
            };
            return self.notes.add(section, None, reason);
        }
        let Some(falls) = falls_on(self.layout) else {
            return self.notes.add(section, None, MarkerReason::NothingToMark);
        };
        if self.placed.iter().any(|((rank, index, _), _)| (*rank, *index) == falls.at) {
            return self.notes.add(section, None, MarkerReason::AlreadyMarked);
        }
        if let Some(reason) = self.breaks_order(TOP, ttl) {
            return self.notes.add(section, None, reason);
        }
        if self.is_full() {
            return self.notes.add(section, None, MarkerReason::NoMarkerLeft);
        }
        self.automatic = Some(falls);
        self.edits.push(Edit::Root(ObjectEnd::before(self.body, self.layout.end), member(ttl).into()));
        let (pointer, origin, purpose) = (Pointer::whole(), MarkerOrigin::Planned, MarkerPurpose::Automatic);
        self.placed.push((TOP, CacheMarker { pointer, ttl, origin, purpose }));
    }
}

/// Why this block is passed over.
fn unmarkable(section: MarkerSection, block: &Block) -> Option<MarkerReason> {
    match block.kind {
        _ if block.mark == Mark::Null => Some(MarkerReason::NullMarker),
        Kind::DeferredTool => Some(MarkerReason::DeferredTool),
        Kind::BlankText | Kind::EmptyText => Some(MarkerReason::EmptyText),
        Kind::Thinking => Some(MarkerReason::Thinking),
        Kind::Unknown => Some(MarkerReason::UnknownType),
        Kind::ToolUse | Kind::ToolResult | Kind::Carrier if section == MarkerSection::System => {
            Some(MarkerReason::UnknownType)
        }
        Kind::Tool | Kind::Text | Kind::ToolUse | Kind::ToolResult | Kind::Carrier => None,
    }
}

#[derive(Default)]
struct Notes {
    all: Vec<MarkerNote>,
}

impl Notes {
    fn add(&mut self, section: MarkerSection, block: Option<&Block>, reason: MarkerReason) {
        match self.all.last_mut() {
            Some(last) if last.section == section && last.reason == reason && reason.is_about_a_run() => {
                last.blocks += 1;
            }
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
