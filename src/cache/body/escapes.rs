//! Skips text full of escapes, such as source code in a tool's result, which has an escape about every ten bytes.
//!
//! Going from one escape to the next costs a mispredicted branch at nearly each of them. Here the rules are comparisons
//! of each byte with the four before it, which the compiler vectorises.

/// The number of bytes that are checked together.
pub(super) const BLOCK: usize = 64;

/// The number of backslashes before a byte decides whether it is escaped. Runs of four or more are rare enough for the
/// slow path, so the fast path looks back over this many bytes only.
const LOOK_BACK: usize = 4;
const WINDOW: usize = BLOCK + LOOK_BACK;

/// Returns the position after all whole blocks from `from` on that have no closing quote and no illegal escape. `from`
/// is in a string; neither it nor the result is inside an escape.
pub(super) fn skip_escaped_blocks(bytes: &[u8], from: usize) -> usize {
    let mut pos = from;
    let window = |pos: usize| bytes.get(pos.checked_sub(LOOK_BACK)?..)?.first_chunk();
    while window(pos).is_some_and(is_legal) {
        pos += BLOCK;
    }
    if pos == from {
        return from;
    }
    // An odd number of backslashes before the end of the last block starts an escape there: step back before it.
    let before = bytes.get(..pos).unwrap_or_default();
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    pos - backslashes % 2
}

/// Returns `true` if the block, which is the window without its look-back, has no closing quote and only the common
/// escapes of one letter. A block that fails may still be legal; the slow path decides.
#[inline]
fn is_legal(window: &[u8; WINDOW]) -> bool {
    let shifted = |by: usize| window.get(LOOK_BACK - by..).and_then(<[u8]>::first_chunk::<BLOCK>);
    let (Some(block), Some(one), Some(two), Some(three), Some(four)) =
        (shifted(0), shifted(1), shifted(2), shifted(3), shifted(4))
    else {
        return false;
    };
    let all_bits_if = |condition: bool| 0_u8.wrapping_sub(u8::from(condition));
    let mut broken = 0;
    for ((((&byte, one), two), three), four) in block.iter().zip(one).zip(two).zip(three).zip(four) {
        let is_backslash = |byte: &u8| all_bits_if(*byte == b'\\');
        let (one, two, three, four) = (is_backslash(one), is_backslash(two), is_backslash(three), is_backslash(four));
        // Escaped after one or three backslashes, not after two. Runs of four fail below.
        let escaped = one & !(two & !three);
        let quote = all_bits_if(byte == b'"');
        let letter = quote
            | is_backslash(&byte)
            | all_bits_if(byte == b'n')
            | all_bits_if(byte == b't')
            | all_bits_if(byte == b'r')
            | all_bits_if(byte == b'/');
        broken |= (quote & !escaped) | (escaped & !letter) | (one & two & three & four);
    }
    broken == 0
}
