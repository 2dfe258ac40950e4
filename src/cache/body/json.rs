//! A reader of JSON bytes that checks every rule and keeps nothing.
//!
//! It accepts exactly what `serde_json` accepts as a `Value`, so a body that passes here is valid JSON everywhere
//! downstream. The containers a caller is interested in are walked with closures; everything else goes through
//! [`JsonReader::skip`], whose stack of open containers is one integer.

use super::name::{JsonString, KnownKey};
use super::text::{self, ShortName};

/// The number of containers that may be open at once; `serde_json` refuses the 128th.
pub(super) const MAX_DEPTH: u32 = 127;

/// The number of digits that cannot exceed a double's range without an exponent.
const SAFE_DIGITS: usize = 300;

/// The fault in the bytes and its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonFault {
    Syntax(usize),
    TooDeep(usize),
}

/// The sign that reading stopped. [`JsonReader::fault`] has the reason; as a field here it would make every step return
/// through memory.
#[derive(Debug)]
pub(super) struct Stopped;

pub(super) type ReadResult<T> = Result<T, Stopped>;

/// A position in the bytes, which the reading methods advance.
#[derive(Clone, Debug)]
pub(super) struct JsonReader<'a> {
    bytes: &'a [u8],
    pos: usize,
    depth: u32,
    /// The start of the member whose value is read next, with the comma before it.
    member: usize,
    fault: JsonFault,
}

impl<'a> JsonReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0, depth: 0, member: 0, fault: JsonFault::Syntax(0) }
    }

    /// Returns the reason why reading stopped.
    pub(super) fn fault(&self) -> JsonFault {
        self.fault
    }

    pub(super) fn position(&self) -> usize {
        self.pos
    }

    /// Returns the offset from which a member has to be cut so that the object reads as if it had never been there,
    /// except for a comma after the first member. Call it inside the closure of [`object`](Self::object), before the
    /// value is read.
    pub(super) fn member_start(&self) -> usize {
        self.member
    }

    /// Returns all bytes, those before the position included.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the bytes from the position on.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    /// Skips bytes that are known to be legal here and that close all containers they open, except the last `open`
    /// ones, which have a value each.
    pub(super) fn pass(&mut self, length: usize, open: u32) {
        self.pos += length;
        self.depth += open;
    }

    /// Returns the key of the current member.
    pub(super) fn member_name(&self) -> Option<JsonString<'a>> {
        let mut key = Self { pos: self.member, ..self.clone() };
        while matches!(key.peek(), Some(b' ' | b'\n' | b'\r' | b'\t' | b',')) {
            key.pos += 1;
        }
        key.string().ok()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    pub(super) fn white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.pos += 1;
        }
    }

    /// Checks that only white space is left.
    pub(super) fn end(&mut self) -> ReadResult<()> {
        self.white_space();
        if self.pos == self.bytes.len() { Ok(()) } else { self.refuse() }
    }

    #[cold]
    fn stop<T>(&mut self, fault: JsonFault) -> ReadResult<T> {
        self.fault = fault;
        Err(Stopped)
    }

    #[cold]
    fn refuse<T>(&mut self) -> ReadResult<T> {
        self.stop(JsonFault::Syntax(self.pos))
    }

    #[inline]
    fn enter(&mut self) -> ReadResult<()> {
        if self.depth == MAX_DEPTH {
            return self.stop(JsonFault::TooDeep(self.pos));
        }
        self.depth += 1;
        self.pos += 1;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
        self.pos += 1;
    }

    /// Reads the object at the position. `member` is called at each value and must read it whole.
    #[inline]
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, KnownKey) -> ReadResult<()>) -> ReadResult<()> {
        if self.peek() != Some(b'{') {
            return self.refuse();
        }
        self.enter()?;
        let mut start = self.pos;
        self.white_space();
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            let key = self.key()?;
            self.white_space();
            self.member = start;
            member(self, key)?;
            start = self.pos;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
            self.white_space();
        }
    }

    /// Reads the rest of an object after one of its values, as [`object`](Self::object) does.
    pub(super) fn rest_of_object(
        &mut self,
        mut member: impl FnMut(&mut Self, KnownKey) -> ReadResult<()>,
    ) -> ReadResult<()> {
        loop {
            let start = self.pos;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
            self.white_space();
            let key = self.key()?;
            self.white_space();
            self.member = start;
            member(self, key)?;
        }
    }

    /// Reads what follows a value of a container: `true` for a comma, `false` for the end of the container.
    #[inline]
    pub(super) fn goes_on(&mut self, end: u8) -> ReadResult<bool> {
        self.white_space();
        match self.peek() {
            Some(b',') => {
                self.pos += 1;
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.leave();
                Ok(false)
            }
            _ => self.refuse(),
        }
    }

    /// Reads the array at the position. `element` is called at each element with its index and must read it whole.
    #[inline]
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self, u32) -> ReadResult<()>) -> ReadResult<()> {
        self.array_by(|reader, index| element(reader, index).map(|()| index.saturating_add(1)))
    }

    /// Reads an array with a closure that may read several elements at once and returns the index of the next one.
    #[inline]
    pub(super) fn array_by(&mut self, mut elements: impl FnMut(&mut Self, u32) -> ReadResult<u32>) -> ReadResult<()> {
        if self.peek() != Some(b'[') {
            return self.refuse();
        }
        self.enter()?;
        self.white_space();
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(());
        }
        let mut index = 0;
        loop {
            self.white_space();
            index = elements(self, index)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads the value at the position if it is a string; another value is skipped.
    #[inline]
    pub(super) fn text_or_skip(&mut self) -> ReadResult<Option<JsonString<'a>>> {
        if self.peek() == Some(b'"') { self.string().map(Some) } else { self.skip().map(|()| None) }
    }

    /// Reads the value at the position and returns whether it is `true`.
    pub(super) fn is_true(&mut self) -> ReadResult<bool> {
        let truth = self.peek() == Some(b't');
        self.skip()?;
        Ok(truth)
    }

    /// Reads one value of any kind, however deep, without recursion.
    pub(super) fn skip(&mut self) -> ReadResult<()> {
        let outer = self.depth;
        // The innermost open container is the lowest bit: 1 for an object. `enter` keeps it within the integer.
        let mut objects = 0_u128;
        loop {
            self.white_space();
            match self.peek() {
                Some(b'"') => self.pass_string()?,
                Some(b'{') => {
                    self.enter()?;
                    self.white_space();
                    if self.peek() == Some(b'}') {
                        self.leave();
                    } else {
                        objects = (objects << 1) | 1;
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.enter()?;
                    self.white_space();
                    if self.peek() == Some(b']') {
                        self.leave();
                    } else {
                        objects <<= 1;
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return self.refuse(),
            }
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                self.white_space();
                match (self.peek(), objects & 1 == 1) {
                    (Some(b','), in_object) => {
                        self.pos += 1;
                        if in_object {
                            self.white_space();
                            self.key()?;
                        }
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.leave();
                        objects >>= 1;
                    }
                    _ => return self.refuse(),
                }
            }
        }
    }

    /// Reads a key and the colon.
    #[expect(clippy::inline_always, reason = "a tenth of the time of a scan")]
    #[inline(always)]
    fn key(&mut self) -> ReadResult<KnownKey> {
        if let Some(name) = self.short_name()
            && name.next == b':'
        {
            self.pos += name.length + 1;
            return Ok(KnownKey::from_short_name(name.word));
        }
        self.any_key()
    }

    #[inline]
    fn short_name(&self) -> Option<ShortName> {
        text::short_name(self.bytes.get(self.pos..)?)
    }

    #[inline(never)]
    fn any_key(&mut self) -> ReadResult<KnownKey> {
        let key = self.string()?;
        self.white_space();
        if self.peek() != Some(b':') {
            return self.refuse();
        }
        self.pos += 1;
        Ok(key.named(KnownKey::from_name))
    }

    /// Reads the string at the position.
    #[inline]
    pub(super) fn string(&mut self) -> ReadResult<JsonString<'a>> {
        let start = self.pos;
        self.pass_string()?;
        Ok(JsonString::new(self.bytes.get(start..self.pos).unwrap_or_default()))
    }

    #[inline]
    fn pass_string(&mut self) -> ReadResult<()> {
        if let Some(name) = self.short_name() {
            self.pos += name.length;
            return Ok(());
        }
        if self.peek() != Some(b'"') {
            return self.refuse();
        }
        match text::end_of_string(self.bytes, self.pos + 1) {
            Ok(end) => {
                self.pos = end + 1;
                Ok(())
            }
            Err(at) => self.stop(JsonFault::Syntax(at)),
        }
    }

    fn literal(&mut self, word: &[u8]) -> ReadResult<()> {
        let end = self.pos + word.len();
        if self.bytes.get(self.pos..end) != Some(word) {
            return self.refuse();
        }
        self.pos = end;
        Ok(())
    }

    fn digits(&mut self) -> ReadResult<()> {
        let start = self.pos;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        if self.pos == start { self.refuse() } else { Ok(()) }
    }

    fn number(&mut self) -> ReadResult<()> {
        let start = self.pos;
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if has_exponent {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.digits()?;
        }
        // A number beyond a double's range is an error in most readers; only such a text can be one.
        if has_exponent || self.pos - start > SAFE_DIGITS {
            let digits = self.bytes.get(start..self.pos).unwrap_or_default();
            if serde_json::from_slice::<f64>(digits).is_err() {
                return self.stop(JsonFault::Syntax(start));
            }
        }
        Ok(())
    }
}
