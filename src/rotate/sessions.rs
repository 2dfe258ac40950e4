//! The last request of each conversation of each session, in bounded memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::conversations::{Conversations, Kept};
use crate::cache::{Continued, KeptLayout};
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

/// A request that is about to be made, with the memory of its session.
#[derive(Debug)]
pub(super) struct Begun {
    place: Place,
    number: u64,
    at: Timestamp,
    /// The last requests of the session's conversations, the last one first.
    pub(super) earlier: Vec<EarlierRequest>,
    /// The memory of all sessions, in bytes.
    most: usize,
}

/// The last request of a conversation.
#[derive(Clone, Debug)]
pub(super) struct EarlierRequest {
    pub(super) body: Bytes,
    pub(super) layout: Option<KeptLayout>,
    /// `None` for a body that is not from the memory.
    conversation: Option<u64>,
    /// Its time, and the times between the starts of the requests before it.
    at: Timestamp,
    gaps: Arc<[Duration]>,
}

/// A request that is planned, with its place in the memory.
#[derive(Debug)]
pub(super) struct Planned {
    place: Place,
    number: u64,
    conversation: u64,
    at: Timestamp,
    gaps: Arc<[Duration]>,
    layout: Option<KeptLayout>,
}

/// The remembered sessions; the conversations with the oldest last request are forgotten first.
#[derive(Debug)]
pub(super) struct Sessions {
    most: usize,
    state: Mutex<Conversations>,
}

impl Sessions {
    /// Creates a memory of this many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Begins a request; `None` if there is no memory. A previous body that the caller passes replaces the memory.
    pub(super) fn begin(&self, place: Place, now: Timestamp, previous: Option<&Bytes>) -> Option<Begun> {
        if self.most == 0 {
            return None;
        }
        let (number, mut earlier) = {
            let mut state = self.state();
            let (number, kept) = state.begin(&place);
            (number, kept.iter().rev().filter_map(EarlierRequest::of).collect::<Vec<_>>())
        };
        if let Some(previous) = previous {
            earlier.retain(|earlier| earlier.body == previous);
            if earlier.is_empty() {
                let body = previous.clone();
                earlier.push(EarlierRequest { body, layout: None, conversation: None, at: now, gaps: Arc::default() });
            }
        }
        Some(Begun { place, number, at: now, earlier, most: self.most })
    }

    /// Keeps the body of a request that the server has accepted; `held` is its memory, in bytes. Of two concurrent
    /// requests of a conversation it keeps the one that began later.
    pub(super) fn remember(&self, planned: Planned, body: Bytes, held: usize) {
        let Planned { place, number, conversation, at, gaps, layout } = planned;
        let names = place.session.len() + place.profile.as_str().len() + place.model.model().len() + place.url.len();
        let empty = names.saturating_add(OVERHEAD);
        if empty > self.most {
            return;
        }
        // A body that is too large leaves its place empty, because the previous one is no longer the last.
        let (body, layout, bytes) = match empty.saturating_add(held) {
            bytes if bytes <= self.most => (Some(body), layout.map(|layout| (layout.held(), layout)), bytes),
            _ => (None, None, empty),
        };
        self.state().keep(place, Kept { number, conversation, body, layout, bytes, at, gaps }, self.most);
    }

    fn state(&self) -> MutexGuard<'_, Conversations> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EarlierRequest {
    fn of(kept: &Kept) -> Option<Self> {
        let (body, conversation) = (kept.body.clone()?, Some(kept.conversation));
        let layout = kept.layout.as_ref().map(|(_, layout)| Arc::clone(layout));
        Some(Self { body, layout, conversation, at: kept.at, gaps: Arc::clone(&kept.gaps) })
    }
}

impl Begun {
    /// Returns the times between the starts of a conversation's requests, if this is the next one. Empty if none is
    /// known.
    pub(super) fn gaps_after(&self, earlier: &EarlierRequest) -> Vec<Duration> {
        let last = earlier.conversation.map(|_| self.at.saturating_since(earlier.at));
        earlier.gaps.iter().copied().chain(last).collect()
    }

    /// Lets go of the earlier bodies once the request is planned. `layout` is that of its own body.
    pub(super) fn planned(self, continued: Option<Continued>, layout: Option<KeptLayout>) -> Planned {
        let from = continued.and_then(|continued| self.earlier.get(continued.index));
        let gaps = from.map(|from| self.gaps_after(from)).unwrap_or_default();
        let gaps = gaps.get(gaps.len().saturating_sub(GAPS)..).unwrap_or_default().into();
        let replaced = continued.and_then(|continued| self.earlier.get(continued.replaced?)?.conversation);
        let Self { place, number, at, most, .. } = self;
        // It would not be kept, so it need not wait for the answer.
        let layout = layout.filter(|layout| layout.held() <= most);
        Planned { place, number, conversation: replaced.unwrap_or(number), at, gaps, layout }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conversations::CONVERSATIONS;
    use super::*;
    use crate::cache::{BreakpointOptions, HostFields, mark_body_for_host};
    use crate::retention::CacheRetention;

    const MEGABYTE: usize = 1 << 20;

    fn place(session: &str) -> Place {
        Place {
            session: session.into(),
            profile: ProfileId::new("anthropic:a").unwrap(),
            model: "anthropic/claude-opus-4-5".parse().unwrap(),
            url: "https://api.anthropic.com/v1/messages".to_owned(),
        }
    }

    impl Sessions {
        fn begun(&self, place: Place, now: Timestamp, previous: Option<&Bytes>) -> Begun {
            self.begin(place, now, previous).unwrap()
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// A request that goes on from the session's last one.
    fn begin(sessions: &Sessions, session: &str, seconds: i64) -> Planned {
        let begun = sessions.begun(place(session), at(seconds), None);
        let next = (!begun.earlier.is_empty()).then_some(Continued { index: 0, replaced: Some(0) });
        begun.planned(next, None)
    }

    /// The first request of a conversation.
    fn begin_new(sessions: &Sessions, session: &str) -> Planned {
        sessions.begun(place(session), at(0), None).planned(None, None)
    }

    fn end(sessions: &Sessions, planned: Planned, body: &[u8]) {
        sessions.remember(planned, Bytes::copy_from_slice(body), body.len());
    }

    fn send(sessions: &Sessions, session: &str, seconds: i64, body: &[u8]) {
        end(sessions, begin(sessions, session, seconds), body);
    }

    fn bodies(sessions: &Sessions, session: &str) -> Vec<Bytes> {
        sessions
            .begin(place(session), at(0), None)
            .into_iter()
            .flat_map(|begun| begun.earlier)
            .map(|earlier| earlier.body)
            .collect()
    }

    fn previous(sessions: &Sessions, session: &str) -> Option<Bytes> {
        bodies(sessions, session).first().cloned()
    }

    #[test]
    fn a_thousand_sessions_of_a_megabyte_take_no_more_than_they_may() {
        let most = 16 * MEGABYTE;
        let taken = allocation_counter::measure(|| {
            let sessions = Sessions::new(most);
            for turn in 0..2 {
                for number in 0..1_000 {
                    let session = format!("session-{number}");
                    let planned = begin(&sessions, &session, turn);
                    let body = vec![b'x'; MEGABYTE];
                    let held = body.capacity();
                    sessions.remember(planned, body.into(), held);
                    assert!(sessions.state().sizes().2 <= most);
                }
            }
            let (conversations, in_sessions, _) = sessions.state().sizes();
            assert_eq!((conversations, in_sessions), (15, 15));
        });
        // The body that is about to be remembered is allowed as well.
        let allowed = u64::try_from(most + 2 * MEGABYTE).unwrap();
        assert!(taken.bytes_max <= allowed, "{} bytes", taken.bytes_max);
    }

    #[test]
    fn the_places_of_blocks_count_too() {
        // More memory than the body itself: many short messages, and calls by code execution.
        let call =
            |id: u32| format!(r#"{{"type":"tool_use","id":"{id}","caller":{{"type":"code_execution_20250825"}}}}"#);
        let message =
            |id: u32| format!(r#"{{"role":"user","content":"u"}},{{"role":"assistant","content":[{}]}}"#, call(id));
        let messages: Vec<_> = (0..500).map(message).collect();
        let body = format!(r#"{{"messages":[{}]}}"#, messages.join(",")).into_bytes();
        let options = BreakpointOptions::new(CacheRetention::Short).earlier(Vec::new());
        let marked = || mark_body_for_host(body.clone(), &options, &HostFields::default()).unwrap();
        let most = 4 * MEGABYTE;
        let taken = allocation_counter::measure(|| {
            let sessions = Sessions::new(most);
            for number in 0..100 {
                let marked = marked();
                let place = place(&format!("session-{number}"));
                let planned = sessions.begun(place, at(0), None).planned(None, marked.layout);
                let held = marked.body.capacity();
                sessions.remember(planned, marked.body.into(), held);
            }
        });
        // What is being planned is allowed as well.
        let planning = allocation_counter::measure(|| drop(marked()));
        let allowed = u64::try_from(most).unwrap() + planning.bytes_max;
        assert!(taken.bytes_max <= allowed, "{} bytes of {allowed}", taken.bytes_max);

        // Layouts are dropped before any body is, the oldest ones first.
        let (held, layout) = (marked().body.capacity(), marked().layout.unwrap().held());
        let is_kept = |layouts: usize, bodies: usize| {
            let sessions = Sessions::new(bodies * (held + OVERHEAD + 200) + layouts * layout);
            for name in ["one", "two", "three"] {
                let marked = marked();
                let planned = Planned { layout: marked.layout, ..begin_new(&sessions, name) };
                sessions.remember(planned, marked.body.into(), held);
            }
            let earlier = |name| sessions.begun(place(name), at(0), None).earlier.pop();
            ["one", "two", "three"].map(|name| earlier(name).map(|earlier| earlier.layout.is_some()))
        };
        assert_eq!(is_kept(3, 3), [Some(true); 3]);
        assert_eq!(is_kept(1, 3), [Some(false), Some(false), Some(true)]);
        assert_eq!(is_kept(0, 3), [Some(false); 3]);
        assert_eq!(is_kept(0, 2), [None, Some(false), Some(false)]);
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
        send(&sessions, "one", 0, &body(b'1'));
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
        assert!(other.into_iter().all(|place| sessions.begun(place, at(0), None).earlier.is_empty()));
        let off = Sessions::new(0);
        assert!(off.begin(place("one"), at(0), None).is_none());
    }

    #[test]
    fn of_requests_at_the_same_time_the_one_begun_last_is_the_last() {
        let sessions = Sessions::new(MEGABYTE);
        send(&sessions, "one", 0, b"zero");
        let (first, second) = (begin(&sessions, "one", 3), begin(&sessions, "one", 5));
        end(&sessions, second, b"second");
        end(&sessions, first, b"first");
        let third = sessions.begun(place("one"), at(35), None);
        assert_eq!((third.earlier.len(), &*third.earlier[0].body), (1, &b"second"[..]));
        assert_eq!(third.gaps_after(&third.earlier[0]), [5, 30].map(Duration::from_secs));
        // First requests at the same time are conversations of their own, whichever ends first.
        let (first, second) = (begin_new(&sessions, "two"), begin_new(&sessions, "two"));
        end(&sessions, second, b"second");
        end(&sessions, first, b"first");
        assert_eq!(bodies(&sessions, "two"), [&b"second"[..], b"first"]);
    }

    #[test]
    fn what_was_forgotten_is_not_replaced_by_what_began_before_it() {
        // Room for two.
        let sessions = Sessions::new(2 * (MEGABYTE + OVERHEAD + 200));
        let body = |letter: u8| vec![letter; MEGABYTE];
        send(&sessions, "one", 0, &body(b'0'));
        let (early, late) = (begin(&sessions, "one", 0), begin(&sessions, "one", 0));
        end(&sessions, late, &body(b'2'));
        for other in ["two", "three"] {
            send(&sessions, other, 0, &body(b'x'));
        }
        assert_eq!(previous(&sessions, "one"), None);
        end(&sessions, early, &body(b'1'));
        assert_eq!(previous(&sessions, "one"), None);
        send(&sessions, "one", 0, &body(b'3'));
        assert_eq!(previous(&sessions, "one").unwrap()[0], b'3');

        // The same for a body that is too large to keep, and for the number of conversations.
        let early = begin(&sessions, "one", 0);
        send(&sessions, "one", 0, &vec![b'4'; 3 * MEGABYTE]);
        end(&sessions, early, b"early");
        assert_eq!(previous(&sessions, "one"), None);
        let sessions = Sessions::new(MEGABYTE);
        let early = begin_new(&sessions, "one");
        for number in 0..10 {
            let planned = begin_new(&sessions, "one");
            end(&sessions, planned, &[number]);
        }
        end(&sessions, early, b"early");
        let kept: Vec<u8> = bodies(&sessions, "one").iter().map(|body| body[0]).collect();
        assert_eq!(kept, [9, 8, 7, 6, 5, 4, 3, 2]);
        let (conversations, in_sessions, _) = sessions.state().sizes();
        assert_eq!((conversations, in_sessions), (CONVERSATIONS, 1));
    }

    #[test]
    fn a_conversation_goes_on_beside_others_and_its_times_are_its_own() {
        let sessions = Sessions::new(MEGABYTE);
        let (main, title) = (begin_new(&sessions, "one"), begin_new(&sessions, "one"));
        end(&sessions, main, b"main");
        end(&sessions, title, b"title");
        let next = sessions.begun(place("one"), at(60), None);
        let planned = next.planned(Some(Continued { index: 1, replaced: Some(1) }), None);
        end(&sessions, planned, b"main, longer");
        assert_eq!(bodies(&sessions, "one"), [&b"main, longer"[..], b"title"]);
        let now = sessions.begun(place("one"), at(100), None);
        let gaps: Vec<_> = now.earlier.iter().map(|earlier| now.gaps_after(earlier)).collect();
        assert_eq!(gaps, [vec![Duration::from_secs(60), Duration::from_secs(40)], vec![Duration::from_secs(100)]]);
        // A body that goes on from one which stays is a conversation of its own, with the same times before.
        end(&sessions, now.planned(Some(Continued { index: 0, replaced: None }), None), b"summary");
        let now = sessions.begun(place("one"), at(100), None);
        assert_eq!((now.earlier.len(), now.gaps_after(&now.earlier[0]).len()), (3, 3));
    }

    #[test]
    fn a_body_of_the_caller_replaces_the_memory() {
        let sessions = Sessions::new(MEGABYTE);
        end(&sessions, begin_new(&sessions, "one"), b"main");
        end(&sessions, begin_new(&sessions, "one"), b"title");
        let begin = |body| sessions.begun(place("one"), at(60), Some(&Bytes::from_static(body)));
        let (known, unknown) = (begin(b"main"), begin(b"another"));
        assert_eq!((known.earlier.len(), known.gaps_after(&known.earlier[0]).len()), (1, 1));
        assert_eq!((unknown.earlier.len(), unknown.gaps_after(&unknown.earlier[0]).len()), (1, 0));
        end(&sessions, known.planned(Some(Continued { index: 0, replaced: Some(0) }), None), b"main, longer");
        assert_eq!(bodies(&sessions, "one"), [&b"main, longer"[..], b"title"]);
    }
}
