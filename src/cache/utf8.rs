//! Whether bytes are UTF-8, for text that is mostly not ASCII.
//!
//! The standard library decodes such text character by character; here the rules are put as comparisons of each byte with
//! the three before it, which the compiler does for many bytes at once. It is about twice as fast and decides the same.

use std::str;

/// How many bytes are compared together.
const BLOCK: usize = 64;

/// Whether the bytes are UTF-8.
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || blocks_are_utf8(bytes)
}

fn blocks_are_utf8(bytes: &[u8]) -> bool {
    // The first bytes have fewer than three before them, so the standard library looks at them. It stops within a
    // character if the cut is in one, which is no error: the blocks begin at that character again.
    let head = bytes.get(..BLOCK).unwrap_or(bytes);
    let mut checked = match str::from_utf8(head) {
        Ok(_) => head.len(),
        Err(error) if error.error_len().is_none() && head.len() < bytes.len() => error.valid_up_to(),
        Err(_) => return false,
    };
    while let Some(window) = bytes.get(checked - LOOK_BACK.min(checked)..).and_then(<[u8]>::first_chunk) {
        if !block_is_utf8(window) {
            return false;
        }
        checked += BLOCK;
    }
    // Up to three bytes before the rest may begin a character that it completes.
    let rest = bytes.get(..checked).map_or(0, |done| done.len() - open_character(done));
    bytes.get(rest..).is_some_and(|rest| str::from_utf8(rest).is_ok())
}

const LOOK_BACK: usize = 3;
const WINDOW: usize = BLOCK + LOOK_BACK;

/// Whether no byte of the block breaks a rule. The block is the window without the three bytes before it.
#[inline]
fn block_is_utf8(window: &[u8; WINDOW]) -> bool {
    let shifted = |by: usize| window.get(by..).and_then(<[u8]>::first_chunk::<BLOCK>);
    let (Some(block), Some(one), Some(two), Some(three)) = (shifted(3), shifted(2), shifted(1), shifted(0)) else {
        return false;
    };
    let before = one.iter().zip(two).zip(three);
    let broken = block.iter().zip(before).fold(0_u8, |broken, (byte, ((one, two), three))| {
        // A leading byte says how many continuations follow it; nothing else may be followed by one.
        let due = u8::from(*one >= 0xc0) | u8::from(*two >= 0xe0) | u8::from(*three >= 0xf0);
        let is_continuation = u8::from(*byte & 0xc0 == 0x80);
        // Leading bytes that only overlong forms or code points beyond U+10FFFF would have.
        let never = u8::from(*byte >= 0xf5) | u8::from(*byte & 0xfe == 0xc0);
        // Second bytes that make a form overlong, half a surrogate pair, or too large.
        let low = u8::from(*byte < 0xa0);
        let lowest = u8::from(*byte < 0x90);
        let second = (u8::from(*one == 0xe0) & low)
            | (u8::from(*one == 0xed) & (low ^ 1))
            | (u8::from(*one == 0xf0) & lowest)
            | (u8::from(*one == 0xf4) & (lowest ^ 1));
        broken | (due ^ is_continuation) | never | second
    });
    broken == 0
}

/// How many bytes at the end begin a character that is not complete.
fn open_character(bytes: &[u8]) -> usize {
    let back = |by: usize| bytes.len().checked_sub(by).and_then(|at| bytes.get(at)).copied().unwrap_or_default();
    match (back(3), back(2), back(1)) {
        (0xf0.., _, _) => 3,
        (_, 0xe0.., _) => 2,
        (_, _, 0xc0..) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_short_sequence_at_every_place_is_judged_as_the_standard_library_does() {
        let edges =
            [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee]
                .into_iter()
                .chain([0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]);
        let edges: Vec<u8> = edges.collect();
        for first in &edges {
            for second in &edges {
                for third in [0x41, 0x80, 0xbf, 0xc2] {
                    for fourth in [0x41, 0x80, 0xbf] {
                        for place in [0, 61, 63, 64, 125, 127, 128, 190] {
                            let mut bytes = vec![b'x'; place];
                            bytes.extend([*first, *second, third, fourth]);
                            assert_eq!(
                                is_utf8(&bytes),
                                str::from_utf8(&bytes).is_ok(),
                                "{place} {:x?}",
                                &bytes[place..]
                            );
                            bytes.extend([b'y'; 70]);
                            assert_eq!(
                                is_utf8(&bytes),
                                str::from_utf8(&bytes).is_ok(),
                                "{place} {:x?}",
                                &bytes[place..]
                            );
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_judged_as_the_standard_library_does(
            text in "[a-zé€😀\u{7ff}\u{800}\u{d7ff}\u{ffff}\u{10ffff}]{0,200}",
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = text.into_bytes();
            prop_assert!(is_utf8(&bytes));
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            prop_assert_eq!(is_utf8(&bytes), str::from_utf8(&bytes).is_ok());
            let cut = at.index(bytes.len() + 1);
            prop_assert_eq!(is_utf8(&bytes[..cut]), str::from_utf8(&bytes[..cut]).is_ok());
        }
    }
}
