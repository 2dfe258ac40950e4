//! Observation of a stream of server-sent events: its end, its errors, its usage.

mod ending;
#[cfg(test)]
mod tests;

use self::ending::Ending;

use memchr::memchr;
use serde::de::IgnoredAny;

use super::form::{Form, form_of_json};
use crate::cache::CacheUsage;
use crate::clock::Timestamp;
use crate::failure::{Failure, FailureClassifier};
use crate::net::{Event, EventReader, MAX_EVENT};
use crate::reason::FailureReason;

/// The verdict on a stream.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The answer is complete.
    Complete,
    /// The stream ended in an error.
    Failed(Failure),
}

/// A detector of the end, of errors and of usage among the events of a stream.
#[derive(Debug)]
pub(super) struct Watch {
    events: EventReader,
    judge: Judge,
    /// The start of a body without events, which is not a stream at all.
    start: Vec<u8>,
}

#[derive(Debug)]
struct Judge {
    classifier: FailureClassifier,
    ending: Ending,
    usage: CacheUsage,
    /// `true` if there was any event.
    any: bool,
    over: bool,
}

/// Every event that is an error contains one of these words.
const ERRORS: [&str; 6] = ["error", "failed", "base_resp", "$fault", "\"code\"", "Exception"];

impl Watch {
    /// Creates a watch for a stream whose events have at most this many bytes.
    pub(super) fn new(classifier: FailureClassifier, limit: usize) -> Self {
        let (ending, usage) = (Ending::default(), CacheUsage::default());
        let judge = Judge { classifier, ending, usage, any: false, over: false };
        Self { events: EventReader::with_limit(limit), judge, start: Vec::new() }
    }

    /// Processes the next bytes and passes the events in them to `each`, up to an error. Returns the first verdict.
    pub(super) fn push(&mut self, bytes: &[u8], now: Timestamp, mut each: impl FnMut(Event<'_>)) -> Option<Verdict> {
        let (judge, mut verdict) = (&mut self.judge, None);
        self.events.push(bytes, |event| judge.show(event, now, &mut verdict, &mut each));
        if judge.any {
            self.start = Vec::new();
        } else if self.start.len() <= MAX_EVENT {
            self.start.extend_from_slice(bytes);
        }
        verdict
    }

    /// Processes the end of the body, `clean` or not. Returns the verdict; `None` if the answer was cut off.
    pub(super) fn finish(&mut self, clean: bool, now: Timestamp, mut each: impl FnMut(Event<'_>)) -> Option<Verdict> {
        let (judge, mut verdict, mut cut) = (&mut self.judge, None, !clean);
        let events = std::mem::replace(&mut self.events, EventReader::with_limit(0));
        events.finish(|event| {
            cut |= is_cut(event.data);
            judge.show(event, now, &mut verdict, &mut each);
        });
        if let Some(Verdict::Failed(failure)) = &verdict
            && cut
            && failure.reason() == FailureReason::Unknown
        {
            // A partial error event only shows that the stream broke off.
            return None;
        }
        if !judge.any && !judge.over {
            return self.without_events(clean, now);
        }
        let ends = clean && !judge.over && judge.ending.may_be_here();
        verdict.or(ends.then_some(Verdict::Complete))
    }

    /// Returns the verdict on a body that is declared a stream but has no event: an error in JSON, or an answer that is
    /// not streamed.
    fn without_events(&self, clean: bool, now: Timestamp) -> Option<Verdict> {
        if self.start.len() > MAX_EVENT {
            return None;
        }
        let error = self.judge.classifier.event("", &self.start, now);
        let whole = || clean && form_of_json(&self.start, false, true) == Form::Whole;
        error.map(Verdict::Failed).or_else(|| whole().then_some(Verdict::Complete))
    }

    /// Returns `true` if a whole stream reaches its proper end.
    pub(super) fn sees_the_end(mut self, stream: &[u8], now: Timestamp) -> bool {
        let verdict = self.push(stream, now, |_| {}).or_else(|| self.finish(true, now, |_| {}));
        matches!(verdict, Some(Verdict::Complete))
    }

    /// Returns the counters seen so far.
    pub(super) fn usage(&self) -> CacheUsage {
        self.judge.usage
    }
}

impl Judge {
    fn show(
        &mut self,
        event: Event<'_>,
        now: Timestamp,
        verdict: &mut Option<Verdict>,
        each: &mut impl FnMut(Event<'_>),
    ) {
        if matches!(verdict, Some(Verdict::Failed(_))) {
            return;
        }
        self.any = true;
        let found = self.see_lines(event, now);
        if !matches!(found, Some(Verdict::Failed(_))) {
            each(event);
        }
        *verdict = verdict.take().or(found);
    }

    /// Processes an event of a server that omits the blank lines, so that each line of the data is an event.
    fn see_lines(&mut self, event: Event<'_>, now: Timestamp) -> Option<Verdict> {
        let one = memchr(b'\n', event.data).is_none() || event.name == b"error";
        if one || serde_json::from_slice::<IgnoredAny>(event.data).is_ok() {
            return self.see(event, now);
        }
        let mut lines = event.data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.find_map(|data| self.see(Event { name: b"", data }, now))
    }

    fn see(&mut self, event: Event<'_>, now: Timestamp) -> Option<Verdict> {
        if event.mentions("usage") {
            // Unreadable counters are ignored.
            let _ = self.usage.observe_event(event.data);
        }
        if self.over {
            return None;
        }
        // Nearly all events are pieces of text, which are not worth parsing.
        let error = ERRORS.iter().any(|word| event.mentions(word));
        let verdict = match error.then(|| self.classifier.stream_event(event, now)).flatten() {
            Some(failure) => Some(Verdict::Failed(failure)),
            None => self.ending.is(event.data.trim_ascii()).then_some(Verdict::Complete),
        };
        self.over = verdict.is_some();
        verdict
    }
}

/// Returns `true` if the data of an event is the start of JSON.
fn is_cut(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    data.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(data).is_err_and(|error| error.is_eof())
}
