//! Whether parts of made-up secrets are in the memory of this process.
//!
//! The secrets come from a generator, and what is looked for is kept masked, so that looking leaves no copy.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use zeroize::Zeroizing;

/// Longer than the buffers with which writers begin.
pub(crate) const LENGTH: usize = 300;
const MASK: u8 = 0x80;
/// What is looked for: parts that what is freed first does not write its own bookkeeping over.
pub(crate) const PARTS: [usize; 3] = [60, 140, 220];
const PART: usize = 16;
/// How much is looked through at a time.
const PIECE: usize = 1 << 20;

/// The characters of a made-up secret.
fn characters(number: u64) -> impl Iterator<Item = u8> {
    let mut state = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    (0..LENGTH).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + u8::try_from((state >> 40) % 26).unwrap()
    })
}

/// A made-up secret.
pub(crate) fn text(number: u64) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    characters(number).for_each(|byte| text.push(char::from(byte)));
    text
}

/// How often parts of these secrets are in the writable memory of this process.
pub(crate) fn copies(numbers: std::ops::Range<u64>) -> usize {
    let masked: Vec<Vec<u8>> = numbers
        .flat_map(|number| {
            let all: Vec<u8> = characters(number).map(|byte| byte ^ MASK).collect();
            PARTS.map(|at| all[at..at + PART].to_vec())
        })
        .collect();
    let mut piece = vec![0; PIECE];
    let own = piece.as_ptr().addr()..piece.as_ptr().addr() + PIECE;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (mut from, to) = (usize::from_str_radix(from, 16).unwrap(), usize::from_str_radix(to, 16).unwrap());
        while from < to {
            if own.contains(&from) {
                from = own.end;
                continue;
            }
            let end = to.min(from + PIECE);
            let end = if (from..end).contains(&own.start) { own.start } else { end };
            let Ok(length) = memory.read_at(&mut piece[..end - from], from as u64) else { break };
            if length == 0 {
                break;
            }
            // All that is looked for is small letters, so most places need one look.
            for at in (0..length.saturating_sub(2 * PART)).step_by(PART) {
                if piece[at + PART - 1].is_ascii_lowercase() {
                    for window in piece[at..at + 2 * PART - 1].windows(PART) {
                        let is_part = |part: &Vec<u8>| window.iter().zip(part).all(|(one, two)| *one == *two ^ MASK);
                        found += masked.iter().filter(|part| is_part(part)).count();
                    }
                }
            }
            // Pieces overlap, so that no part is cut in two; one may be found twice.
            from += if end < to && end != own.start && length > 4 * PART { length - 4 * PART } else { length };
        }
    }
    found
}
