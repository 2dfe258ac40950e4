//! Reads escape sequences in strings and names.

use crate::syntax::fault::{Fault, Scan};

const NOT_AN_ESCAPE: &str = "not an escape sequence";
pub(super) const OPEN_STRING: &str = "the text ends inside a string";

/// Reads the escape sequence whose backslash is at `at`. Returns the offset after it and its character.
///
/// The character is `None` for a line continuation and, in strict JSON, for half of a surrogate pair. Strict JSON
/// accepts the half, because a field that is not read may have it; JSON5 refuses it, as its parser does.
pub(super) fn escape<const JSON5: bool>(text: &str, at: usize) -> Scan<(usize, Option<char>)> {
    let after = at + 1;
    let Some(c) = text.get(after..).and_then(|rest| rest.chars().next()) else {
        return Err(Fault::syntax(text.len(), OPEN_STRING));
    };
    let next = after + c.len_utf8();
    let plain = |c| Ok((next, Some(c)));
    match c {
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'u' => unicode::<JSON5>(text, at),
        '"' | '\\' | '/' => plain(c),
        _ if !JSON5 => Err(Fault::syntax(at, NOT_AN_ESCAPE)),
        'v' => plain('\u{b}'),
        'x' => {
            let value = digits(text, next, 2).ok_or_else(|| Fault::syntax(at, NOT_AN_ESCAPE))?;
            Ok((next + 2, char::from_u32(value)))
        }
        '0' if !text.as_bytes().get(next).is_some_and(u8::is_ascii_digit) => plain('\0'),
        '0'..='9' => Err(Fault::syntax(at, NOT_AN_ESCAPE)),
        '\r' if text.as_bytes().get(next) == Some(&b'\n') => Ok((next + 1, None)),
        '\r' | '\n' | '\u{2028}' | '\u{2029}' => Ok((next, None)),
        _ => plain(c),
    }
}

/// Reads `\uXXXX`, or both halves of a surrogate pair; `at` is the backslash.
pub(super) fn unicode<const JSON5: bool>(text: &str, at: usize) -> Scan<(usize, Option<char>)> {
    let refused = || Fault::syntax(at, NOT_AN_ESCAPE);
    let first = digits(text, at + 2, 4).ok_or_else(refused)?;
    let next = at + 6;
    if let Some(c) = char::from_u32(first) {
        return Ok((next, Some(c)));
    }
    if (0xd800..0xdc00).contains(&first) && text.get(next..next + 2) == Some("\\u") {
        let second = digits(text, next + 2, 4).ok_or_else(|| Fault::syntax(next, NOT_AN_ESCAPE))?;
        if (0xdc00..0xe000).contains(&second) {
            let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            return Ok((next + 6, c));
        }
    }
    if JSON5 { Err(refused()) } else { Ok((next, None)) }
}

fn digits(text: &str, at: usize, count: usize) -> Option<u32> {
    let digits = text.get(at..at + count)?;
    // `from_str_radix` would also take a sign.
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}
