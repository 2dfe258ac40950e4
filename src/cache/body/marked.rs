//! The layout of a body with markers, worked out from the layout that it had without them.

#[cfg(feature = "client")]
use std::sync::Arc;

use super::layout::{BodyLayout, CacheControl, Cut, Span};
use crate::retention::CacheTtl;

/// What was inserted into a body. Offsets are those before the insertion.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Inserted {
    /// A marker of this many bytes, with its comma, as the last member of a block.
    Member { at: usize, length: usize, ttl: CacheTtl },
    /// The rest of a marked text block around a string, in bytes before it and after it.
    Around { string: Span, before: usize, after: usize, ttl: CacheTtl },
    /// Members of this many bytes at the end of the body.
    Root { at: usize, length: usize },
}

impl Inserted {
    /// Returns the offsets and the lengths of the insertions.
    fn places(self) -> [(usize, usize); 2] {
        match self {
            Self::Member { at, length, .. } | Self::Root { at, length } => [(at, length), (at, 0)],
            Self::Around { string, before, after, .. } => [(string.start, before), (string.end, after)],
        }
    }
}

impl BodyLayout {
    /// Returns the layout that reading the body after these insertions would find.
    pub(crate) fn with_inserted(mut self, inserted: &[Inserted]) -> Self {
        let places: Vec<(usize, usize)> = inserted.iter().flat_map(|inserted| inserted.places()).collect();
        // What is inserted at the end of a span is outside of it. The span of a wrapped string is set below.
        let moved = |offset: usize| {
            offset + places.iter().filter(|(at, _)| *at < offset).map(|(_, length)| length).sum::<usize>()
        };
        let span = |span: Span| Span { start: moved(span.start), end: moved(span.end) };
        let table = &mut self.table;
        let block_at = |offset: usize| table.blocks.partition_point(|block| block.span.start <= offset).checked_sub(1);
        let mut marked: Vec<(usize, Inserted)> = Vec::with_capacity(inserted.len());
        for inserted in inserted {
            let at = match inserted {
                Inserted::Member { at, .. } | Inserted::Around { string: Span { start: at, .. }, .. } => *at,
                Inserted::Root { .. } => continue,
            };
            marked.extend(block_at(at).map(|block| (block, *inserted)));
        }
        for block in &mut table.blocks {
            (block.span, block.same) = (span(block.span), false);
        }
        table.nested.iter_mut().for_each(|nested| nested.cut = span(nested.cut));
        table.cuts.iter_mut().for_each(|cut| cut.span = span(cut.span));
        table.messages.iter_mut().flatten().for_each(|message| message.span = span(message.span));
        (table.same_code_calls, table.calls_differ) = (0, false);
        self.context_management = self.context_management.map(span);
        self.end = moved(self.end);
        for (index, inserted) in marked {
            let Some(block) = table.blocks.get_mut(index) else { continue };
            let (cut, ttl) = match inserted {
                Inserted::Member { at, length, ttl } => (Span { start: moved(at), end: moved(at) + length }, ttl),
                Inserted::Around { string, after, ttl, .. } => {
                    // The text after the string ends with `}]`, and the list begins with `[`.
                    let (start, end) = (moved(string.start) + 1, moved(string.end) + after - 1);
                    (block.span, block.is_string) = (Span { start, end }, false);
                    (Span { start: moved(string.end), end: end - 1 }, ttl)
                }
                Inserted::Root { .. } => continue,
            };
            block.cache_control = CacheControl::Set(ttl);
            let place = table.cuts.partition_point(|cut| cut.block < index);
            table.cuts.insert(place, Cut { block: index, span: cut });
        }
        for extent in [&mut self.tools, &mut self.system, &mut self.messages] {
            for bound in [&mut extent.start, &mut extent.end] {
                bound.2 = table.cuts.partition_point(|cut| cut.block < bound.0);
            }
        }
        self.shrunk()
    }

    /// Gives back the memory that was reserved for more blocks than there are.
    pub(crate) fn shrunk(mut self) -> Self {
        let table = &mut self.table;
        table.blocks.shrink_to_fit();
        table.messages.iter_mut().for_each(Vec::shrink_to_fit);
        table.code_calls.shrink_to_fit();
        table.code_call_ids.shrink_to_fit();
        self
    }

    /// Returns the memory that the layout takes, in bytes.
    #[cfg(feature = "client")]
    pub(crate) fn held(&self) -> usize {
        fn list<T>(list: &Vec<T>) -> usize {
            list.capacity() * size_of::<T>()
        }
        let table = &self.table;
        let ids = table.code_calls.iter().map(|(_, id)| id.len() + ALLOCATION);
        let paths = table.nested.iter().map(|nested| nested.path.capacity());
        size_of::<Self>()
            + list(&table.blocks)
            + table.messages.as_ref().map_or(0, list)
            + list(&table.cuts)
            + list(&table.nested)
            + list(&table.marked_messages)
            + list(&table.code_calls)
            + table.code_call_ids.capacity() * 2 * size_of::<(Arc<[u8]>, usize)>()
            + ids.chain(paths).sum::<usize>()
    }
}

/// What a text with counted references takes beside its bytes.
#[cfg(feature = "client")]
const ALLOCATION: usize = 48;
