//! Numbers that a seed decides, and how long an attack takes.

#![allow(dead_code, reason = "the tests of the backends use a part of it")]

use std::time::Duration;

/// Numbers that a seed decides: xorshift.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below a bound.
    #[allow(clippy::cast_possible_truncation, reason = "the bound is a length")]
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// How long to attack where nobody says otherwise, or as long as `PROVIDER_AUTH_ATTACK_SECONDS` says.
pub(crate) fn time(gate: Duration) -> Duration {
    number("PROVIDER_AUTH_ATTACK_SECONDS").map_or(gate, Duration::from_secs)
}

pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}
