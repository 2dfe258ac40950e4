//! What is kept of each session: the last requests of its conversations, in the order of their beginnings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::sessions::Place;
use crate::cache::KeptLayout;
use crate::clock::Timestamp;

/// The number of conversations to keep of one session: an agent and the sub-agents that it has at a time. Each request
/// is compared with all of them, but with one of another conversation only up to the first difference.
pub(super) const CONVERSATIONS: usize = 8;

/// The conversations of all sessions, and the memory that they take.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    kept: HashMap<Arc<Place>, Session>,
    by_number: BTreeMap<u64, Arc<Place>>,
    /// The requests that are kept with the layout of their body.
    with_layout: BTreeSet<u64>,
    bytes: usize,
    last: u64,
    /// The highest number of the requests that were forgotten because there was no room.
    forgotten: u64,
}

#[derive(Debug, Default)]
struct Session {
    conversations: Vec<Kept>,
    /// The highest number of the requests that were forgotten because there were too many conversations.
    forgotten: u64,
}

/// The last request of a conversation, and the memory that it takes.
#[derive(Debug)]
pub(super) struct Kept {
    /// The number of the request, in the order of their beginnings.
    pub(super) number: u64,
    /// The number of the conversation's first request.
    pub(super) conversation: u64,
    /// `None` if it is too large to keep.
    pub(super) body: Option<Bytes>,
    /// The layout of the body, and the memory that it takes beside the rest.
    pub(super) layout: Option<(usize, KeptLayout)>,
    pub(super) bytes: usize,
    pub(super) at: Timestamp,
    pub(super) gaps: Arc<[Duration]>,
}

impl Conversations {
    /// Returns the number of the next request, and the last requests of a session's conversations, the oldest first.
    pub(super) fn begin(&mut self, place: &Place) -> (u64, &[Kept]) {
        self.last += 1;
        (self.last, self.kept.get(place).map(|session| &*session.conversations).unwrap_or_default())
    }

    /// Returns the number of conversations and of sessions, and the memory that they take, in bytes.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.by_number.len(), self.kept.len(), self.bytes)
    }

    /// Keeps the last request of a conversation in place of the one before it.
    pub(super) fn keep(&mut self, place: Place, mut kept: Kept, most: usize) {
        let session = self.kept.get(&place);
        // If a later request was forgotten, this one must not become the last again.
        let forgotten = session.map_or(0, |session| session.forgotten).max(self.forgotten);
        let same = session.and_then(|session| session.find(kept.conversation));
        if kept.number < forgotten || same.is_some_and(|same| same > kept.number) {
            return;
        }
        let full = session.filter(|_| same.is_none()).and_then(Session::full);
        if full.is_some_and(|oldest| oldest > kept.number) {
            return;
        }
        for number in same.into_iter().chain(full) {
            self.forget(number);
        }
        // A body saves tokens, and its layout only time.
        while self.bytes + kept.all_bytes() > most && (self.forget_layout() || kept.layout.take().is_some()) {}
        while self.bytes > most - kept.bytes {
            let Some((oldest, _)) = self.by_number.first_key_value() else { break };
            let oldest = *oldest;
            if oldest > kept.number {
                return;
            }
            self.forgotten = self.forgotten.max(oldest);
            self.forget(oldest);
        }
        let place = Arc::new(place);
        self.by_number.insert(kept.number, Arc::clone(&place));
        self.bytes += kept.all_bytes();
        if kept.layout.is_some() {
            self.with_layout.insert(kept.number);
        }
        let session = self.kept.entry(place).or_default();
        session.forgotten = forgotten.max(full.unwrap_or_default());
        let at = session.conversations.partition_point(|other| other.number < kept.number);
        session.conversations.insert(at, kept);
    }

    /// Forgets the layout that was not used for longest; `false` if there is none.
    fn forget_layout(&mut self) -> bool {
        let Some(number) = self.with_layout.pop_first() else { return false };
        let session = self.by_number.get(&number).and_then(|place| self.kept.get_mut(place));
        let kept = session.and_then(|session| session.conversations.iter_mut().find(|kept| kept.number == number));
        self.bytes -= kept.and_then(|kept| kept.layout.take()).map_or(0, |(bytes, _)| bytes);
        true
    }

    fn forget(&mut self, number: u64) {
        self.with_layout.remove(&number);
        let Some(place) = self.by_number.remove(&number) else { return };
        let Some(session) = self.kept.get_mut(&place) else { return };
        for kept in session.conversations.extract_if(.., |kept| kept.number == number) {
            self.bytes -= kept.all_bytes();
        }
        if session.conversations.is_empty() {
            self.kept.remove(&place);
        }
    }
}

impl Kept {
    fn all_bytes(&self) -> usize {
        self.bytes + self.layout.as_ref().map_or(0, |(bytes, _)| *bytes)
    }
}

impl Session {
    /// Returns the number of the conversation's last request.
    fn find(&self, conversation: u64) -> Option<u64> {
        self.conversations.iter().find(|kept| kept.conversation == conversation).map(|kept| kept.number)
    }

    /// Returns the number of the request to forget before another conversation is kept, if there is no room for one.
    fn full(&self) -> Option<u64> {
        self.conversations.first().filter(|_| self.conversations.len() >= CONVERSATIONS).map(|kept| kept.number)
    }
}
