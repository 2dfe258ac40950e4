//! Session affinity: one account per session.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Returns how well a profile suits a session, by rendezvous hashing: the ready profile with the highest weight serves
/// it.
///
/// The hash is SipHash-2-4 with a zero key over the session's key, a zero byte and the profile's name. It is part of
/// the contract: it returns the same number on every platform and in every release, so that a session finds its warm
/// prompt cache again after an upgrade. Removing a profile moves only that profile's sessions.
pub(super) fn weight(session: &str, profile: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(session.as_bytes());
    hasher.write(&[0]);
    hasher.write(profile.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(weight("session", "anthropic:default"), 2_360_753_112_759_578_543);
    }
}
