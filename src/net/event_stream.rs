//! Reads streams of server-sent events.
//!
//! Lines and fields follow the HTML standard. Two more kinds of event are reported than in the standard, because an
//! error may be in any of them: events with a name but no data, and the last event of a stream that was cut off.

use std::fmt;

use memchr::memchr2;
#[cfg(feature = "client")]
use memchr::memmem::find;

/// The largest event in bytes that is parsed as an error.
pub(crate) const MAX_EVENT: usize = 256 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event: its name, empty if it has none, and its data, whose lines are joined by line feeds.
#[derive(Clone, Copy)]
pub(crate) struct Event<'e> {
    pub(crate) name: &'e [u8],
    pub(crate) data: &'e [u8],
}

impl Event<'_> {
    /// Returns `true` if a word occurs in the name or the data. Far cheaper than parsing the data of every event.
    #[cfg(feature = "client")]
    pub(crate) fn mentions(&self, word: &str) -> bool {
        find(self.data, word.as_bytes()).is_some() || find(self.name, word.as_bytes()).is_some()
    }
}

impl fmt::Debug for Event<'_> {
    /// Shows lengths only, because the bytes are the provider's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("name", &self.name.len()).field("data", &self.data.len()).finish()
    }
}

/// A reader for a stream that arrives in pieces. It holds at most one event.
pub(crate) struct EventReader {
    /// The largest size of an event in bytes.
    limit: usize,
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    name: Vec<u8>,
    /// The data lines, each followed by a line feed.
    data: Vec<u8>,
    /// The size of the current event so far, in bytes.
    size: usize,
    /// `true` if any part of the current line has arrived.
    in_line: bool,
    /// `true` if the last byte was a CR, so that an LF after it belongs to it.
    after_cr: bool,
    /// `true` after the first line of the stream.
    begun: bool,
}

impl fmt::Debug for EventReader {
    /// Shows lengths only, because the bytes are the provider's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("line", &self.line.len()).field("size", &self.size).finish_non_exhaustive()
    }
}

impl EventReader {
    /// Creates a reader for events of up to this many bytes. Longer ones are skipped.
    pub(crate) fn with_limit(limit: usize) -> Self {
        let (line, name, data) = (Vec::new(), Vec::new(), Vec::new());
        Self { limit, line, name, data, size: 0, in_line: false, after_cr: false, begun: false }
    }

    /// Reads the next piece and calls `each` with every event that it completes.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Event<'_>)) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.after_cr) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some((line, rest)) = memchr2(b'\n', b'\r', bytes).and_then(|end| bytes.split_at_checked(end)) {
            self.end_line(line, &mut each);
            bytes = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                rest => rest.get(1..).unwrap_or_default(),
            };
        }
        if !bytes.is_empty() && self.takes(bytes) {
            self.line.extend_from_slice(bytes);
        }
    }

    /// Ends the stream. An unfinished last line counts, and so does a last event without a blank line after it.
    pub(crate) fn finish(mut self, mut each: impl FnMut(Event<'_>)) {
        if self.in_line {
            self.end_line(&[], &mut each);
        }
        self.end_line(&[], &mut each);
    }

    /// Counts a part of the current line. Returns `true` if the event is still short enough to be kept.
    fn takes(&mut self, part: &[u8]) -> bool {
        self.in_line |= !part.is_empty();
        self.size = self.size.saturating_add(part.len());
        self.size <= self.limit
    }

    fn end_line(&mut self, part: &[u8], each: &mut impl FnMut(Event<'_>)) {
        let short = self.takes(part);
        let held = std::mem::take(&mut self.line);
        if !std::mem::take(&mut self.in_line) {
            self.end_event(short, each);
        } else if short && held.is_empty() {
            self.field(part);
        } else if short {
            self.field(&[&held, part].concat());
        }
        self.begun = true;
    }

    fn field(&mut self, line: &[u8]) {
        let line = if self.begun { line } else { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) };
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (field, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let value = value.strip_prefix(b" ").unwrap_or(value);
        // A comment is a field without a name.
        match field {
            b"event" => self.name = value.trim_ascii().to_vec(),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            _ => {}
        }
    }

    fn end_event(&mut self, short: bool, each: &mut impl FnMut(Event<'_>)) {
        if short && !(self.data.is_empty() && self.name.is_empty()) {
            each(Event { name: &self.name, data: self.data.strip_suffix(b"\n").unwrap_or_default() });
        }
        self.name.clear();
        self.data.clear();
        self.size = 0;
    }
}

/// Calls `each` with every event of a complete stream, without a size limit: some servers leave out the blank lines, so
/// that the whole stream is one event.
pub(crate) fn events(stream: &[u8], mut each: impl FnMut(Event<'_>)) {
    let mut reader = EventReader::with_limit(usize::MAX);
    reader.push(stream, &mut each);
    reader.finish(each);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], step: usize) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (mut reader, mut found) = (EventReader::with_limit(MAX_EVENT), Vec::new());
        let mut each = |event: Event<'_>| found.push((text(event.name), text(event.data)));
        for chunk in stream.chunks(step) {
            reader.push(chunk, &mut each);
        }
        reader.finish(each);
        found
    }

    #[test]
    fn events_are_the_same_however_they_are_cut_and_whatever_ends_a_line() {
        let stream = "\u{feff}event: first\ndata: {\"a\":\ndata:1}\n\n: a comment\n\n\nid: 7\nevent:second\n\ndata\ndata:  two \n\nretry: 5\n\nevent: last\ndata: cut";
        let expected = [("first", "{\"a\":\n1}"), ("second", ""), ("", "\n two "), ("last", "cut")];
        for end in ["\n", "\r\n", "\r"] {
            let stream = stream.replace('\n', end);
            for step in [1, 2, 3, 7, 1_000] {
                let found = read(stream.as_bytes(), step);
                let found: Vec<_> = found.iter().map(|(name, data)| (name.as_str(), data.as_str())).collect();
                assert_eq!(found, expected, "{end:?} {step}");
            }
        }
        assert_eq!(read(b"", 1), []);
    }

    #[test]
    fn an_event_that_is_too_long_is_passed_over_and_holds_no_memory() {
        let long = "x".repeat(MAX_EVENT);
        let many = "data: 0123456789\n".repeat(MAX_EVENT / 10);
        for stream in [format!("event: long\ndata: {long}\n\ndata: next\n\n"), format!("{many}\ndata: next\n\n")] {
            for step in [777, 64 << 10, stream.len()] {
                let mut reader = EventReader::with_limit(MAX_EVENT);
                for chunk in stream.as_bytes().chunks(step) {
                    reader.push(chunk, |event| assert_eq!(event.data, b"next"));
                    assert!(reader.line.len() + reader.data.len() <= MAX_EVENT);
                }
                assert_eq!(read(stream.as_bytes(), step), [(String::new(), "next".to_owned())]);
            }
            let mut sizes = Vec::new();
            events(stream.as_bytes(), |event| sizes.push(event.data.len()));
            assert!(matches!(*sizes, [whole, 4] if whole >= MAX_EVENT), "{sizes:?}");
        }
    }

    #[test]
    fn debug_output_has_no_byte_of_the_stream() {
        let mut reader = EventReader::with_limit(MAX_EVENT);
        reader.push(b"event: word\ndata: word\n\nevent: word\ndata: word\ndata: word", |event| {
            assert_eq!(format!("{event:?}"), "Event { name: 4, data: 4 }");
        });
        assert_eq!(format!("{reader:?}"), "EventReader { line: 10, size: 31, .. }");
    }
}
