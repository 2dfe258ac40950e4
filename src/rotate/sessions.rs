//! The last request of each session, in bounded memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::id::{ModelRef, ProfileId};

/// The number of gaps to keep: more of them do not improve the estimate.
const GAPS: usize = 64;

/// An upper bound of the memory for an entry beside its body and its names, in bytes.
const OVERHEAD: usize = 2_048;

/// A session with one cache: another account, model or server has a separate cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) session: Arc<str>,
    pub(super) profile: ProfileId,
    pub(super) model: ModelRef,
    pub(super) url: String,
}

/// A request that is about to be made, with the memory of the previous one.
#[derive(Debug)]
pub(super) struct Begun {
    place: Place,
    number: u64,
    at: Timestamp,
    pub(super) previous: Option<Bytes>,
    /// The times between the starts of the requests so far, including this one.
    pub(super) gaps: Vec<Duration>,
}

/// The remembered sessions; the least recently used ones are forgotten first.
#[derive(Debug)]
pub(super) struct Sessions {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<Arc<Place>, Kept>,
    by_use: BTreeMap<u64, Arc<Place>>,
    bytes: usize,
    last: u64,
}

#[derive(Debug)]
struct Kept {
    body: Bytes,
    bytes: usize,
    /// The number of the request, and its time.
    number: u64,
    at: Timestamp,
    gaps: VecDeque<Duration>,
    used: u64,
}

impl Sessions {
    /// Creates a memory of this many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Begins a request.
    pub(super) fn begin(&self, place: Place, now: Timestamp) -> Begun {
        let mut state = self.state();
        let number = state.next();
        let kept = state.touch(&place, number);
        let previous = kept.map(|kept| kept.body.clone());
        let gaps = kept.map(|kept| kept.gaps.iter().copied().chain([now.saturating_since(kept.at)]).collect());
        let gaps = gaps.unwrap_or_default();
        Begun { place, number, at: now, previous, gaps }
    }

    /// Keeps a request that the server has accepted; `held` is the memory of its body, in bytes. Of two concurrent
    /// requests it keeps the one that began later.
    pub(super) fn remember(&self, begun: Begun, body: Bytes, held: usize) {
        let Begun { place, number, at, gaps, .. } = begun;
        let mut state = self.state();
        if state.kept.get(&place).is_some_and(|kept| kept.number > number) {
            return;
        }
        state.forget(&place);
        let names = place.session.len() + place.profile.as_str().len() + place.model.model().len() + place.url.len();
        let bytes = held.saturating_add(names).saturating_add(OVERHEAD);
        // The previous body is no longer the last one, so it is dropped even if this one does not fit.
        if bytes > self.most {
            return;
        }
        while state.bytes > self.most - bytes {
            let Some((_, oldest)) = state.by_use.pop_first() else { break };
            state.forget(&oldest);
        }
        let (place, used) = (Arc::new(place), state.next());
        let surplus = gaps.len().saturating_sub(GAPS);
        let gaps = gaps.into_iter().skip(surplus).collect();
        state.by_use.insert(used, Arc::clone(&place));
        state.bytes += bytes;
        state.kept.insert(place, Kept { body, bytes, number, at, gaps, used });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn touch(&mut self, place: &Place, used: u64) -> Option<&Kept> {
        let kept = self.kept.get_mut(place)?;
        if let Some(place) = self.by_use.remove(&kept.used) {
            self.by_use.insert(used, place);
        }
        kept.used = used;
        Some(kept)
    }

    fn forget(&mut self, place: &Place) {
        if let Some(kept) = self.kept.remove(place) {
            self.by_use.remove(&kept.used);
            self.bytes -= kept.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: usize = 1 << 20;

    fn place(session: &str) -> Place {
        Place {
            session: session.into(),
            profile: ProfileId::new("anthropic:a").unwrap(),
            model: "anthropic/claude-opus-4-5".parse().unwrap(),
            url: "https://api.anthropic.com/v1/messages".to_owned(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn send(sessions: &Sessions, session: &str, seconds: i64, body: &[u8]) {
        let begun = sessions.begin(place(session), at(seconds));
        sessions.remember(begun, Bytes::copy_from_slice(body), body.len());
    }

    fn previous(sessions: &Sessions, session: &str) -> Option<Bytes> {
        sessions.begin(place(session), at(0)).previous
    }

    #[test]
    fn a_thousand_sessions_of_a_megabyte_take_no_more_than_they_may() {
        let most = 16 * MEGABYTE;
        let taken = allocation_counter::measure(|| {
            let sessions = Sessions::new(most);
            for turn in 0..2 {
                for number in 0..1_000 {
                    let session = format!("session-{number}");
                    let begun = sessions.begin(place(&session), at(turn));
                    let body = vec![b'x'; MEGABYTE];
                    let held = body.capacity();
                    sessions.remember(begun, body.into(), held);
                    assert!(sessions.state().bytes <= most);
                }
            }
            let state = sessions.state();
            assert_eq!((state.kept.len(), state.by_use.len()), (15, 15));
        });
        // The body that is about to be remembered is allowed as well.
        let allowed = u64::try_from(most + 2 * MEGABYTE).unwrap();
        assert!(taken.bytes_max <= allowed, "{} bytes", taken.bytes_max);
    }

    #[test]
    fn many_small_sessions_are_counted_with_all_they_take() {
        let most = MEGABYTE;
        let taken = allocation_counter::measure(|| {
            let sessions = Sessions::new(most);
            for number in 0..20_000 {
                send(&sessions, &format!("session-{number}"), number, b"{}");
            }
            for _ in 0..100 {
                send(&sessions, "busy", 7, b"{}");
            }
        });
        assert!(taken.bytes_max <= u64::try_from(most).unwrap(), "{} bytes", taken.bytes_max);
    }

    #[test]
    fn what_is_forgotten_is_unknown_and_never_what_another_or_an_older_request_sent() {
        let sessions = Sessions::new(2 * (MEGABYTE + OVERHEAD + 200));
        let body = |letter: u8| vec![letter; MEGABYTE];
        send(&sessions, "one", 0, &body(b'1'));
        send(&sessions, "two", 0, &body(b'2'));
        // "one" is used again, so "two" goes.
        assert_eq!(previous(&sessions, "one").unwrap()[0], b'1');
        send(&sessions, "three", 0, &body(b'3'));
        assert_eq!(previous(&sessions, "two"), None);
        assert_eq!(previous(&sessions, "one").unwrap()[0], b'1');
        // This body is too large to keep, and the previous one is no longer the last.
        send(&sessions, "one", 0, &vec![b'4'; 3 * MEGABYTE]);
        assert_eq!(previous(&sessions, "one"), None);
        assert_eq!(previous(&sessions, "three").unwrap()[0], b'3');
        // Another account, model or server has a separate cache.
        let other = [
            Place { profile: ProfileId::new("anthropic:b").unwrap(), ..place("three") },
            Place { model: "anthropic/claude-haiku-4-5".parse().unwrap(), ..place("three") },
            Place { url: "https://example.com/v1/messages".to_owned(), ..place("three") },
        ];
        assert!(other.into_iter().all(|place| sessions.begin(place, at(0)).previous.is_none()));
        let off = Sessions::new(0);
        send(&off, "one", 0, b"{}");
        assert_eq!(previous(&off, "one"), None);
    }

    #[test]
    fn of_requests_at_the_same_time_the_one_begun_last_is_the_last() {
        let sessions = Sessions::new(MEGABYTE);
        let (first, second) = (sessions.begin(place("one"), at(0)), sessions.begin(place("one"), at(5)));
        assert!(first.previous.is_none() && second.previous.is_none());
        sessions.remember(second, Bytes::from_static(b"second"), 6);
        sessions.remember(first, Bytes::from_static(b"first"), 5);
        let third = sessions.begin(place("one"), at(35));
        assert_eq!((third.previous.as_deref(), &*third.gaps), (Some(&b"second"[..]), &[Duration::from_secs(30)][..]));
    }
}
