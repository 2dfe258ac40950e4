//! The tokens of both grammars: white space, comments, strings, names, literals.

use std::borrow::Cow;

use json5::char::{is_json5_identifier, is_json5_identifier_start, is_json5_whitespace};

use crate::syntax::escape::{OPEN_STRING, escape, unicode};
use crate::syntax::fault::{Fault, Scan};
use crate::syntax::number::number;

const NOT_A_VALUE: &str = "a value is expected";
const NOT_A_NAME: &str = "a key is expected";
const OPEN_COMMENT: &str = "the text ends inside a comment";

/// A position in a text, from which tokens are read.
pub(super) struct Lexer<'t, const JSON5: bool> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t, const JSON5: bool> Lexer<'t, JSON5> {
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Consumes this byte if it comes next. Returns `true` if it did.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn char(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    /// Skips white space, and in JSON5 comments.
    #[inline]
    pub(super) fn space(&mut self) -> Scan<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(b'\x0b' | b'\x0c' | b'/' | 0x80..) if JSON5 => {
                    if !self.rare_space()? {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// Skips white space that only JSON5 has. Returns `false` if there is none.
    fn rare_space(&mut self) -> Scan<bool> {
        match self.char() {
            Some('/') => self.comment()?,
            Some(c) if is_json5_whitespace(c) => self.at += c.len_utf8(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn comment(&mut self) -> Scan<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        match rest.get(1) {
            Some(b'/') => {
                // A line break is LF, CR, U+2028 or U+2029; the last two are E2 80 A8 and E2 80 A9.
                let end = rest.iter().enumerate().position(|(i, byte)| match byte {
                    b'\n' | b'\r' => true,
                    0xe2 => matches!(rest.get(i + 1..i + 3), Some([0x80, 0xa8 | 0xa9])),
                    _ => false,
                });
                self.at += end.unwrap_or(rest.len());
                Ok(())
            }
            Some(b'*') => {
                let body = self.text.get(self.at + 2..).unwrap_or_default();
                let Some(end) = body.find("*/") else { return Err(Fault::syntax(self.text.len(), OPEN_COMMENT)) };
                self.at += end + 4;
                Ok(())
            }
            Some(_) => Err(Fault::syntax(self.at, "a comment begins with two characters")),
            None => Err(Fault::syntax(self.text.len(), OPEN_COMMENT)),
        }
    }

    /// Reads a value that is neither an array nor an object.
    #[inline]
    pub(super) fn scalar(&mut self) -> Scan<()> {
        match self.peek() {
            Some(quote @ b'"') => self.string(quote).map(drop),
            Some(quote @ b'\'') if JSON5 => self.string(quote).map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'+' | b'.' | b'I' | b'N') if JSON5 => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(Fault::syntax(self.at, NOT_A_VALUE)),
        }
    }

    fn number(&mut self) -> Scan<()> {
        self.at = number::<JSON5>(self.text, self.at)?;
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Scan<()> {
        if !self.text.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(Fault::syntax(self.at, NOT_A_VALUE));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a string. Returns `true` if it has escape sequences.
    #[inline]
    fn string(&mut self, quote: u8) -> Scan<bool> {
        let mut escaped = false;
        self.at += 1;
        loop {
            self.skip_ordinary(quote);
            match self.peek() {
                Some(byte) if byte == quote => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    (self.at, _) = escape::<JSON5>(self.text, self.at)?;
                }
                Some(b'\n' | b'\r') => {
                    return Err(Fault::syntax(self.at, "the line ends inside a string"));
                }
                Some(0..0x20) if !JSON5 => {
                    return Err(Fault::syntax(self.at, "a control character inside a string"));
                }
                Some(_) => self.at += 1,
                None => return Err(Fault::syntax(self.at, OPEN_STRING)),
            }
        }
    }

    /// Skips to the next quote, backslash or control character.
    ///
    /// Checks eight bytes at a time, because strings are most of every document. A borrow in the subtraction only
    /// reaches bytes after one that was found, so the first one found is always right.
    #[inline]
    fn skip_ordinary(&mut self, quote: u8) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let quotes = ONES * u64::from(quote);
        let backslashes = ONES * u64::from(b'\\');
        let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (words, tail) = rest.as_chunks::<8>();
        for word in words {
            let word = u64::from_le_bytes(*word);
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let found = zero_byte(word ^ quotes) | zero_byte(word ^ backslashes) | control;
            if found != 0 {
                self.at += (found.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        let ordinary = |byte: &&u8| **byte != quote && **byte != b'\\' && **byte >= 0x20;
        self.at += tail.iter().take_while(ordinary).count();
    }

    /// Reads and decodes a key, so that two spellings of one key compare equal.
    #[inline]
    pub(super) fn key(&mut self) -> Scan<Cow<'t, str>> {
        let start = self.at;
        match self.peek() {
            Some(quote) if quote == b'"' || (JSON5 && quote == b'\'') => {
                let escaped = self.string(quote)?;
                let raw = self.text.get(start + 1..self.at - 1).unwrap_or_default();
                if escaped { self.decode(start + 1, self.at - 1) } else { Ok(Cow::Borrowed(raw)) }
            }
            _ if JSON5 => self.name(),
            _ => Err(Fault::syntax(start, NOT_A_NAME)),
        }
    }

    fn decode(&self, mut at: usize, end: usize) -> Scan<Cow<'t, str>> {
        let mut decoded = String::with_capacity(end - at);
        while let Some(c) = self.text.get(at..end).and_then(|rest| rest.chars().next()) {
            if c != '\\' {
                decoded.push(c);
                at += c.len_utf8();
                continue;
            }
            let (next, c) = escape::<JSON5>(self.text, at)?;
            match c {
                Some(c) => decoded.push(c),
                // Half of a surrogate pair: no parser accepts a key with it.
                None if !JSON5 => return Err(Fault::syntax(at, "not an escape sequence")),
                None => {}
            }
            at = next;
        }
        Ok(Cow::Owned(decoded))
    }

    /// Reads a key without quotes.
    fn name(&mut self) -> Scan<Cow<'t, str>> {
        let start = self.at;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
        while self.peek().is_some_and(plain) {
            self.at += 1;
        }
        let first = self.text.as_bytes().get(start).copied();
        if first.is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(Fault::syntax(start, NOT_A_NAME));
        }
        if !matches!(self.peek(), Some(b'\\' | 0x80..)) {
            return match self.text.get(start..self.at) {
                Some(name) if !name.is_empty() => Ok(Cow::Borrowed(name)),
                _ => Err(Fault::syntax(start, NOT_A_NAME)),
            };
        }
        let mut name = self.text.get(start..self.at).unwrap_or_default().to_owned();
        while let Some(c) = self.char() {
            let begin = self.at;
            let allowed = if begin == start { is_json5_identifier_start } else { is_json5_identifier };
            if c == '\\' {
                if self.text.as_bytes().get(begin + 1) != Some(&b'u') {
                    return Err(Fault::syntax(begin, NOT_A_NAME));
                }
                let (next, c) = unicode::<JSON5>(self.text, begin)?;
                let c = c.filter(|c| allowed(*c)).ok_or_else(|| Fault::syntax(begin, NOT_A_NAME))?;
                name.push(c);
                self.at = next;
            } else if allowed(c) {
                name.push(c);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        if name.is_empty() { Err(Fault::syntax(start, NOT_A_NAME)) } else { Ok(Cow::Owned(name)) }
    }
}
