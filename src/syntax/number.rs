//! Checks numbers.

use crate::error::ErrorKind;
use crate::syntax::fault::{Fault, Scan};

const NOT_A_NUMBER: &str = "not a number of this format";
const NOT_FINITE: &str = "a number must be finite";
const OUT_OF_RANGE: &str = "the number is beyond the range that can be read";

/// The number of digits that cannot overflow a double without an exponent.
const SAFE_DIGITS: usize = 300;

/// Checks the number that begins at `start` and returns the offset after it.
///
/// The JSON5 parser silently turns numbers that are not finite or too large into null or an approximation, so JSON5
/// numbers are refused here if their value would be lost. Strict JSON keeps its numbers as text.
pub(super) fn number<const JSON5: bool>(text: &str, start: usize) -> Scan<usize> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let digits = |mut at: usize| {
        while byte(at).is_some_and(|b| b.is_ascii_digit()) {
            at += 1;
        }
        at
    };
    let refused = || Fault::syntax(start, NOT_A_NUMBER);
    let negative = byte(start) == Some(b'-');
    let first = start + usize::from(negative || (JSON5 && byte(start) == Some(b'+')));

    if JSON5 {
        let rest = text.get(first..).unwrap_or_default();
        if rest.starts_with("Infinity") || rest.starts_with("NaN") {
            return Err(Fault::new(ErrorKind::InvalidNumber, start, NOT_FINITE));
        }
        if rest.starts_with("0x") || rest.starts_with("0X") {
            return hex(text, start, first + 2, negative);
        }
    }

    let mut at = digits(first);
    let whole = at - first;
    if whole > 1 && byte(first) == Some(b'0') {
        return Err(Fault::syntax(start, "a number must not begin with a zero"));
    }
    if byte(at) == Some(b'.') {
        let end = digits(at + 1);
        let fraction = end - at - 1;
        if (fraction == 0 || whole == 0) && !(JSON5 && whole + fraction > 0) {
            return Err(refused());
        }
        at = end;
    } else if whole == 0 {
        return Err(refused());
    }
    let exponent = matches!(byte(at), Some(b'e' | b'E'));
    if exponent {
        let sign = usize::from(matches!(byte(at + 1), Some(b'+' | b'-')));
        let end = digits(at + 1 + sign);
        if end == at + 1 + sign {
            return Err(refused());
        }
        at = end;
    }
    if JSON5 && (exponent || whole >= SAFE_DIGITS) {
        let finite = text.get(start..at).and_then(|n| n.parse::<f64>().ok()).is_some_and(f64::is_finite);
        if !finite {
            return Err(Fault::new(ErrorKind::InvalidNumber, start, OUT_OF_RANGE));
        }
    }
    Ok(at)
}

fn hex(text: &str, start: usize, first: usize, negative: bool) -> Scan<usize> {
    let rest = text.get(first..).unwrap_or_default();
    let length = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    if length == 0 {
        return Err(Fault::syntax(start, NOT_A_NUMBER));
    }
    let value = rest.get(..length).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let limit = if negative { 1 << 63 } else { u64::MAX };
    match value {
        Some(value) if value <= limit => Ok(first + length),
        _ => Err(Fault::new(ErrorKind::InvalidNumber, start, OUT_OF_RANGE)),
    }
}
