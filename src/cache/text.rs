//! The inside of JSON strings: nearly all bytes of a conversation, so the loops that decide how fast a request is built.

use super::escapes::{BLOCK, skip_escaped_blocks};

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many words are looked at before whole blocks are.
const SHORT_WORDS: usize = 4;

/// A string of less than eight plain ASCII characters: they as a word, the first one lowest, and the position of the
/// closing quote. Most keys and types are that short.
#[inline]
pub(super) fn short_name(bytes: &[u8], start: usize) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?);
    let length = first_byte(special(word));
    let rest = word.checked_shr(8 * u32::try_from(length).ok()?)?;
    let name = word ^ (rest << (8 * length));
    (rest & 0xff == u64::from(b'"') && name & HIGH == 0).then_some((name, start + length))
}

/// Finds the closing quote of the string whose first byte inside the quotes is at `start`, and whether there is an escape.
/// On an illegal byte or escape its position is the error.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> Result<(usize, bool), usize> {
    let mut pos = start;
    let mut escaped = false;
    // Where it is worth while to look at whole blocks of escapes again.
    let mut blocks_from = 0;
    loop {
        pos = plain_run(bytes, pos);
        match bytes.get(pos) {
            Some(b'"') => break,
            Some(b'\\') => {
                escaped = true;
                pos = escape(bytes, pos)?;
                if pos >= blocks_from {
                    pos = skip_escaped_blocks(bytes, pos);
                    blocks_from = pos + BLOCK;
                }
            }
            _ => return Err(pos),
        }
    }
    // `serde_json` checks the encoding of strings too; outside of them only ASCII is grammatical.
    let inside = bytes.get(start..pos).unwrap_or_default();
    if !inside.is_ascii() && simdutf8::basic::from_utf8(inside).is_err() {
        return Err(start);
    }
    Ok((pos, escaped))
}

/// The position of the next quote, backslash or control character, or the end.
#[inline]
fn plain_run(bytes: &[u8], from: usize) -> usize {
    let mut rest = bytes.get(from..).unwrap_or_default();
    // The runs between escapes are short.
    for _ in 0..SHORT_WORDS {
        let Some((word, tail)) = rest.split_first_chunk() else { break };
        let word = u64::from_le_bytes(*word);
        let hit = special(word);
        if hit != 0 {
            return bytes.len() - rest.len() + first_byte(hit);
        }
        rest = tail;
    }
    end_of_long_run(bytes, rest)
}

fn end_of_long_run(bytes: &[u8], whole: &[u8]) -> usize {
    let mut rest = skip_blocks(whole);
    while let Some((word, tail)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        let hit = special(word);
        if hit != 0 {
            return bytes.len() - rest.len() + first_byte(hit);
        }
        rest = tail;
    }
    let tail = rest.iter().position(|byte| *byte < 0x20 || matches!(*byte, b'"' | b'\\'));
    bytes.len() - rest.len() + tail.unwrap_or(rest.len())
}

/// What is left after all blocks at the front that have no special byte.
#[inline]
fn skip_blocks(mut rest: &[u8]) -> &[u8] {
    while let Some((block, tail)) = rest.split_first_chunk::<BLOCK>() {
        let special = block.iter().fold(0_u8, |special, &byte| {
            special | u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\')
        });
        if special != 0 {
            break;
        }
        rest = tail;
    }
    rest
}

/// Has the high bit of each special byte set. Bytes above the first one may be flagged wrongly, never the first.
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

/// Reads the escape at `pos` and gives the position after it.
#[inline]
fn escape(bytes: &[u8], pos: usize) -> Result<usize, usize> {
    match bytes.get(pos + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(pos + 2),
        Some(b'u') => unicode_escape(bytes, pos),
        _ => Err(pos),
    }
}

/// Half a surrogate pair is not a character: the API's reader and `serde_json` refuse it.
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

fn code_unit(bytes: &[u8], pos: usize) -> Option<u16> {
    let digits = bytes.get(pos..pos + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit: u16, digit| {
        let value = (*digit as char).to_digit(16)?;
        Some((unit << 4) | u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_exactly_at_special_bytes_wherever_they_stand() {
        for length in 0..100 {
            for stop in [b'"', b'\\', 0, 0x1f] {
                let mut bytes = vec![b'x'; length];
                bytes.push(stop);
                bytes.extend_from_slice(b"tail\"");
                assert_eq!(plain_run(&bytes, 0, &mut 0), length, "{length} {stop}");
            }
            for plain in [0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff] {
                let bytes = vec![plain; length];
                            assert_eq!(plain_run(&bytes, 0), length, "{length} {plain}");
                assert_eq!(seen & HIGH != 0, plain >= 0x80 && length > 0);
            }
        }
    }

    #[test]
    fn escapes() {
        for (inside, ok) in [
            (r#"a\"b""#, true),
            (r#"\u0041""#, true),
            (r#"\ud83d\ude00""#, true),
            (r#"\ud83d""#, false),
            (r#"\ude00""#, false),
            (r#"\ud83d\u0041""#, false),
            (r#"\u00g0""#, false),
            (r"\u00", false),
            (r#"\x""#, false),
            (r"\", false),
            ("no end", false),
        ] {
            assert_eq!(end_of_string(inside.as_bytes(), 0).is_ok(), ok, "{inside}");
        }
    }
}
