//! What an attacker, or a machine at its end, does to the crate.

mod memory;
