//! Reads the inside of JSON strings. They are nearly all bytes of a conversation, so these loops decide how fast a
//! request is built.

use memchr::memchr2;

use super::escapes::{BLOCK, skip_escaped_blocks};

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The number of words that are checked before whole blocks are.
const SHORT_WORDS: usize = 4;

/// A string of fewer than eight plain ASCII characters.
pub(super) struct ShortName {
    /// Its characters, the first one lowest.
    pub(super) word: u64,
    /// Its length in bytes, quotes included.
    pub(super) length: usize,
    /// The byte after the closing quote.
    pub(super) next: u8,
}

/// Reads the string at the start of the bytes if it is that short. Most keys and types are.
#[inline]
pub(super) fn short_name(bytes: &[u8]) -> Option<ShortName> {
    let chunk @ [b'"', a, b, c, d, e, f, g, h, _] = bytes.first_chunk()? else { return None };
    let word = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
    let hit = special(word);
    // All bits up to the flag of the first special byte, which is that byte's highest bit.
    let name = (hit ^ (hit.wrapping_sub(1))) >> 8;
    let length = first_byte(hit);
    let (closing, next) = (chunk.get(length + 1)?, chunk.get(length + 2)?);
    let word = word & name;
    (*closing == b'"' && word & HIGH == 0).then_some(ShortName { word, length: length + 2, next: *next })
}

/// Finds the closing quote of the string whose first byte inside the quotes is at `start`. The error is the position of
/// an illegal byte or escape.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> Result<usize, usize> {
    let mut rest = bytes.get(start..).unwrap_or_default();
    // Identifiers are short, so a few words are tried before the slower start of a block search.
    for _ in 0..SHORT_WORDS {
        let Some((word, tail)) = rest.split_first_chunk() else { break };
        let word = u64::from_le_bytes(*word);
        let hit = special(word);
        if word & HIGH != 0 {
            break;
        }
        if hit != 0 {
            let at = bytes.len() - rest.len() + first_byte(hit);
            if bytes.get(at) == Some(&b'"') {
                return Ok(at);
            }
            break;
        }
        rest = tail;
    }
    end_of_long_string(bytes, start, bytes.len() - rest.len())
}

/// Finds the closing quote of a string that has nothing special before `pos`.
fn end_of_long_string(bytes: &[u8], start: usize, mut pos: usize) -> Result<usize, usize> {
    // The position from which blocks of escapes are tried next. Each failure doubles the distance, so text with few
    // escapes pays little.
    let (mut blocks_from, mut distance) = (0, BLOCK);
    loop {
        pos = end_of_run(bytes, pos);
        match bytes.get(pos) {
            Some(b'"') => break,
            Some(b'\\') => {
                pos = escape(bytes, pos).map_err(|at| control_character(bytes, start, at))?;
                if pos >= blocks_from {
                    let after = skip_escaped_blocks(bytes, pos);
                    distance = if after == pos { 2 * distance } else { BLOCK };
                    pos = after;
                    blocks_from = pos + distance;
                }
            }
            _ => return Err(control_character(bytes, start, pos)),
        }
    }
    let inside = bytes.get(start..pos).unwrap_or_default();
    if has_any(inside, |byte| byte.wrapping_sub(0x20) >= 0x60) {
        if has_any(inside, |byte| byte < 0x20) {
            return Err(control_character(bytes, start, pos));
        }
        // `serde_json` checks the encoding of strings too; outside strings only ASCII is legal anyway.
        simdutf8::compat::from_utf8(inside).map_err(|fault| start + fault.valid_up_to())?;
    }
    Ok(pos)
}

/// Returns the position of the next quote or backslash, or the end. A control character before it may be returned
/// instead.
#[inline]
fn end_of_run(bytes: &[u8], from: usize) -> usize {
    let mut rest = bytes.get(from..).unwrap_or_default();
    if rest.first() == Some(&b'\\') {
        return from;
    }
    // The runs between escapes are short.
    for _ in 0..SHORT_WORDS {
        let Some((word, tail)) = rest.split_first_chunk() else { break };
        let hit = special(u64::from_le_bytes(*word));
        if hit != 0 {
            return bytes.len() - rest.len() + first_byte(hit);
        }
        rest = tail;
    }
    bytes.len() - rest.len() + memchr2(b'"', b'\\', rest).unwrap_or(rest.len())
}

/// Returns `true` if there is such a byte. Checks all bytes without stopping early, so that the compiler vectorises the
/// loop.
#[inline]
fn has_any(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    let any = |bytes: &[u8]| bytes.iter().fold(false, |found, byte| found | is_such(*byte));
    let (blocks, rest) = bytes.as_chunks::<{ 2 * BLOCK }>();
    blocks.iter().fold(false, |found, block| found | any(block)) | any(rest)
}

/// Returns the position of the first control character from `start` on, or `end`.
#[cold]
fn control_character(bytes: &[u8], start: usize, end: usize) -> usize {
    let found = bytes.get(start..end).unwrap_or_default().iter().position(|byte| *byte < 0x20);
    found.map_or(end, |found| start + found)
}

/// Sets the high bit of each special byte. Bytes above the first special one may be flagged wrongly, never the first.
#[inline]
fn special(word: u64) -> u64 {
    let zero_in = |word: u64| word.wrapping_sub(LOW) & !word;
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (control | zero_in(word ^ (LOW * 0x22)) | zero_in(word ^ (LOW * 0x5c))) & HIGH
}

#[inline]
fn first_byte(hit: u64) -> usize {
    (hit.trailing_zeros() / 8) as usize
}

/// Reads the escape at `pos` and returns the position after it.
#[inline]
fn escape(bytes: &[u8], pos: usize) -> Result<usize, usize> {
    match bytes.get(pos + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(pos + 2),
        Some(b'u') => unicode_escape(bytes, pos),
        _ => Err(pos),
    }
}

/// Reads a `\u` escape. Half a surrogate pair is not a character: the API's reader and `serde_json` refuse it.
fn unicode_escape(bytes: &[u8], pos: usize) -> Result<usize, usize> {
    match code_unit(bytes, pos).ok_or(pos)? {
        0xdc00..=0xdfff => Err(pos),
        0xd800..=0xdbff => match code_unit(bytes, pos + 6) {
            Some(0xdc00..=0xdfff) => Ok(pos + 12),
            _ => Err(pos),
        },
        _ => Ok(pos + 6),
    }
}

#[inline]
fn code_unit(bytes: &[u8], pos: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = bytes.get(pos..)?.first_chunk::<6>()? else { return None };
    let values = digits.map(|digit| HEX.get(usize::from(digit)).copied().unwrap_or(NO_HEX));
    let are_digits = values.iter().fold(0, |all, value| all | value) < NO_HEX;
    are_digits.then(|| values.iter().fold(0, |unit: u16, value| (unit << 4) | u16::from(*value)))
}

const NO_HEX: u8 = 0x10;

/// The value of each byte as a hexadecimal digit.
static HEX: [u8; 256] = hex_values();

#[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
const fn hex_values() -> [u8; 256] {
    let mut values = [NO_HEX; 256];
    let mut value = 0;
    while value < NO_HEX {
        let digit = b"0123456789abcdef"[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Deserializer, Value};

    use super::*;

    /// What `serde_json` finds: the closing quote of a legal string, or nothing.
    fn end_by_reference(bytes: &[u8], start: usize) -> Option<usize> {
        let mut values = Deserializer::from_slice(&bytes[start - 1..]).into_iter::<Value>();
        values.next()?.ok()?;
        Some(start - 1 + values.byte_offset() - 1)
    }

    #[track_caller]
    fn check(before: &[u8], inside: &[u8], after: &[u8]) {
        let bytes = [before, b"\"", inside, after].concat();
        let start = before.len() + 1;
        let found = end_of_string(&bytes, start);
        assert_eq!(found.ok(), end_by_reference(&bytes, start), "{}", String::from_utf8_lossy(&bytes));
        if let Err(at) = found {
            assert!((start..=bytes.len()).contains(&at));
        }
        if let Some(name) = short_name(&bytes[start - 1..]) {
            assert_eq!(found, Ok(start + name.length - 2));
            assert_eq!(&name.word.to_le_bytes()[..name.length - 2], &bytes[start..start + name.length - 2]);
            assert_eq!(name.next, bytes[start - 1 + name.length]);
        }
    }

    #[test]
    fn every_byte_at_every_place() {
        for length in (0..20).chain(30..40).chain(60..72).chain(124..140) {
            for special in 0..=u8::MAX {
                let plain = vec![b'x'; length];
                check(b"", &[&plain[..], &[special]].concat(), b"yyyyyyyyyyyyyyyyyyyy\":1");
                check(b"", &[&plain[..], &[b'\\', special]].concat(), b"yyyyyyyyyyyyyyyyyyyy\":1");
            }
        }
    }

    #[test]
    fn escapes() {
        for inside in [
            r#"a\"b""#,
            r#"\u0041""#,
            r#"\uAfaF""#,
            r#"\ud83d\ude00""#,
            r#"\ud83d""#,
            r#"\ude00""#,
            r#"\ud83d\u0041""#,
            r#"\u00g0""#,
            r#"\u:000""#,
            r"\u00",
            r#"\x""#,
            r"\",
            "no end",
        ] {
            check(b"", inside.as_bytes(), b"");
            check(b"", &[inside.as_bytes(), &b"\\n".repeat(100), b"\""].concat(), b"");
            check(b"", &[&b"\\n".repeat(100), inside.as_bytes()].concat(), b"");
        }
    }

    #[test]
    fn the_error_is_at_the_byte() {
        for length in [0, 1, 7, 8, 40, 200] {
            let plain = "é".repeat(length);
            for (wrong, offset) in [(&b"\xff"[..], 0), (b"\xe3\x81", 0), (b"\n", 0), (b"\\x", 0), (b"\\\"\x01", 2)] {
                let bytes = [b"\"", plain.as_bytes(), wrong, b"\" \""].concat();
                assert_eq!(end_of_string(&bytes, 1), Err(1 + plain.len() + offset), "{wrong:?} after {length}");
            }
        }
    }

    #[test]
    fn runs_of_backslashes_at_every_place() {
        for place in 0..140 {
            for run in 0..9 {
                let inside = [&b"\\t"[..], &vec![b'x'; place], &vec![b'\\'; run], &[b'n'; 80], b"\\\"", b"z"].concat();
                check(b"[\"\\\\\",", &inside, b"\"]");
                let inside = [&b"\\t"[..], &vec![b'x'; place], &vec![b'\\'; run], b"\"", &[b'n'; 80]].concat();
                check(b"[\"\\\\\",", &inside, b"\"]");
            }
        }
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            6 => "[a-z ]{0,40}".prop_map(String::into_bytes),
            6 => r#"(\\[nrt"/\\]|[a-z]{0,3}){0,60}"#.prop_map(String::into_bytes),
            2 => r"(\\u[0-9a-fA-F]{4}){1,8}".prop_map(String::into_bytes),
            2 => "[a-zé€😀]{0,40}".prop_map(String::into_bytes),
            1 => r#"[\\"bfnu]{1,8}"#.prop_map(String::into_bytes),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::default())]

        #[test]
        fn strings_end_where_serde_json_says(
            before in proptest::collection::vec(any::<u8>(), 0..6),
            pieces in proptest::collection::vec(piece(), 0..12),
            after in "[a-z\"\\\\]{0,80}",
        ) {
            check(&before, &pieces.concat(), after.as_bytes());
        }
    }
}
