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
    let (Some(head), Some(last)) = (bytes.first_chunk::<BLOCK>(), bytes.last_chunk::<WINDOW>()) else {
        return str::from_utf8(bytes).is_ok();
    };
    // Nothing stands before the first block; ASCII there breaks no rule and asks for nothing.
    let mut window = [0; WINDOW];
    if let Some(block) = window.last_chunk_mut::<BLOCK>() {
        *block = *head;
    }
    if !block_is_utf8(&window) {
        return false;
    }
    let mut checked = BLOCK;
    while let Some(window) = bytes.get(checked - LOOK_BACK..).and_then(<[u8]>::first_chunk) {
        if !block_is_utf8(window) {
            return false;
        }
        checked += BLOCK;
    }
    // What is left is shorter than a block; looking at some bytes twice does no harm.
    block_is_utf8(last) && open_character(bytes) == 0
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
    // Characters of four bytes are rare, and three of the rules are about them.
    let highest = block.iter().fold(0, |highest: u8, byte| highest.max(*byte));
    if highest < 0xf0 && three.iter().take(LOOK_BACK).all(|byte| *byte < 0xf0) {
        obeys::<false>(block, one, two, three)
    } else {
        obeys::<true>(block, one, two, three)
    }
}

/// The rules, each as a byte whose highest bit says that it is broken. `one`, `two` and `three` are the block as it
/// stands that many bytes earlier. Without `FOUR` there is no byte of 0xf0 or more in any of them.
#[inline]
fn obeys<const FOUR: bool>(block: &[u8; BLOCK], one: &[u8; BLOCK], two: &[u8; BLOCK], three: &[u8; BLOCK]) -> bool {
    let all_bits_if = |condition: bool| 0_u8.wrapping_sub(u8::from(condition));
    let before = one.iter().zip(two).zip(three);
    let broken = block.iter().zip(before).fold(0, |broken: u8, (&byte, ((&one, &two), &three))| {
        // A leading byte says how many continuations follow it; nothing else may be followed by one.
        let due = one.saturating_sub(0xc0 - 0x80)
            | two.saturating_sub(0xe0 - 0x80)
            | if FOUR { three.saturating_sub(0xf0 - 0x80) } else { 0 };
        let is_continuation = byte & !(byte << 1);
        // Leading bytes that only overlong forms have, and second bytes that make a form overlong or half a pair.
        let bit_5 = byte << 2;
        let misused =
            all_bits_if(byte & 0xfe == 0xc0) | (all_bits_if(one == 0xe0) & !bit_5) | (all_bits_if(one == 0xed) & bit_5);
        // The same for four bytes, where code points beyond U+10FFFF are possible too.
        let misused_four = if FOUR {
            let bit_5_or_4 = bit_5 | (byte << 3);
            (all_bits_if(one == 0xf0) & !bit_5_or_4)
                | (all_bits_if(one == 0xf4) & bit_5_or_4)
                | byte.saturating_sub(0xf5 - 0x80)
        } else {
            0
        };
        broken | (due ^ is_continuation) | misused | misused_four
    });
    broken & 0x80 == 0
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
