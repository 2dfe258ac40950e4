//! Damages good inputs at random and passes them to a check, which panics if something does not hold.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

pub(crate) use crate::random::{Random, number, time};

/// How long each entry is attacked where nobody says otherwise, and with how many inputs at least.
const GATE: Duration = Duration::from_secs(1);
const AT_LEAST: u32 = 21;
/// No input may take so long, on a machine with other work to do and without optimisation.
const HANGS: Duration = Duration::from_secs(10);

/// Attacks one entry: `samples` are good inputs, `words` what its readers look for.
///
/// `PROVIDER_AUTH_ATTACK_SECONDS` is the time for this entry, `PROVIDER_AUTH_ATTACK_SEED` the one seed to try again.
pub(crate) fn attack(entry: &str, samples: &[&str], words: &[&str], check: impl Fn(&[u8], &mut Random)) {
    let (time, only) = (time(GATE), number("PROVIDER_AUTH_ATTACK_SEED"));
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < time || count < AT_LEAST {
        let mut hasher = DefaultHasher::new();
        (entry, count).hash(&mut hasher);
        let seed = only.unwrap_or(hasher.finish());
        let mut random = Random::new(seed);
        let input = damaged(samples, words, &mut random);
        let (begun, shown) = (Instant::now(), String::from_utf8_lossy(&input));
        if let Err(fault) = catch_unwind(AssertUnwindSafe(|| check(&input, &mut random))) {
            eprintln!("{entry}: PROVIDER_AUTH_ATTACK_SEED={seed} fails with {shown:?}");
            resume_unwind(fault);
        }
        assert!(begun.elapsed() < HANGS, "{entry}: PROVIDER_AUTH_ATTACK_SEED={seed} hangs with {shown:?}");
        count += 1;
        if only.is_some() {
            return;
        }
    }
    println!("{entry}: {count} inputs in {:?}", start.elapsed());
}

fn damaged(samples: &[&str], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut input = random.of(samples).as_bytes().to_vec();
    for _ in 0..random.below(9) {
        let at = random.below(input.len() + 1);
        let end = (at + 1 + random.below(24)).min(input.len());
        let byte = u8::try_from(random.below(256)).unwrap();
        match random.below(7) {
            0 => input.get_mut(at).into_iter().for_each(|old| *old = byte),
            1 => input.insert(at, byte),
            2 => drop(input.drain(at..end)),
            3 => drop(input.splice(at..at, input[at..end].to_vec())),
            4 => drop(input.splice(at..at, random.of(words).bytes())),
            5 => {
                let other = random.of(samples).as_bytes();
                let from = random.below(other.len() + 1);
                input.splice(at..end, other[from..].iter().copied().take(40));
            }
            _ => input.truncate(at.max(input.len() / 2)),
        }
    }
    input
}

/// Whether a text is another one with something added.
pub(crate) fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}

#[test]
fn a_failing_input_is_found_again_by_its_seed() {
    let found = |seed| damaged(&["some text", "other"], &["word"], &mut Random::new(seed));
    assert_eq!(found(7), found(7));
    assert!((1..99).any(|seed| found(seed) != found(7)));
    let failing =
        catch_unwind(|| attack("nothing", &["good"], &["x"], |input, _| assert!(input == b"good", "damaged")));
    assert!(failing.is_err(), "damage was not noticed");
    assert!(is_subsequence(b"ace", b"abcde") && !is_subsequence(b"aa", b"ab"));
}
