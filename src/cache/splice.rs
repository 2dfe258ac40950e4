//! Puts planned markers into the bytes of a body, in one pass and one allocation.

use super::layout::{Slot, Span};
use super::marker::CacheTtl;

/// A marker to insert.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    pub(super) slot: Slot,
    pub(super) ttl: CacheTtl,
}

const BARE: &str = r#""cache_control":{"type":"ephemeral"}"#;
const ONE_HOUR: &str = r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#;

/// The bytes a marker puts in front of a string it turns into a block.
const WRAP: &str = r#"[{"type":"text","text":"#;

impl Edit {
    /// The insertions in the order of their places: offset in the body, what to insert there.
    fn insertions(self) -> [(usize, [&'static str; 3]); 2] {
        // The bare form never overrides a lifetime the provider may give by default.
        let marker = if self.ttl == CacheTtl::OneHour { ONE_HOUR } else { BARE };
        match self.slot {
            Slot::Member(end) => {
                let comma = if end.empty { "" } else { "," };
                [(end.at, [comma, marker, ""]), (end.at, [""; 3])]
            }
            Slot::Wrap(Span { start, end }) => [(start, [WRAP, "", ""]), (end, [",", marker, "}]"])],
        }
    }

    fn start(self) -> usize {
        match self.slot {
            Slot::Member(end) => end.at,
            Slot::Wrap(span) => span.start,
        }
    }
}

/// The body with the edits made. Every byte of `body` is in the result, in its order.
pub(super) fn splice(body: &[u8], edits: &mut [Edit]) -> Vec<u8> {
    // Keys may stand in any order, so the order of the prompt need not be the order of the bytes.
    edits.sort_unstable_by_key(|edit| edit.start());
    let insertions = || edits.iter().flat_map(|edit| edit.insertions());
    let added: usize = insertions().flat_map(|(_, texts)| texts).map(str::len).sum();
    let mut out = Vec::with_capacity(body.len() + added);
    let mut copied = 0;
    for (at, texts) in insertions() {
        out.extend_from_slice(body.get(copied..at).unwrap_or_default());
        copied = at;
        for text in texts {
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.extend_from_slice(body.get(copied..).unwrap_or_default());
    out
}
