//! Bytes with secrets, while they are read.

use std::io::{self, Read};
use std::ops::Deref;

use zeroize::Zeroizing;

/// Bytes being read that may contain secrets, wiped on drop and wherever they are moved from.
#[derive(Default)]
pub(crate) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Reads up to `most` more bytes, and returns how many were read; fewer only at the end.
    pub(crate) fn read_from(&mut self, reader: &mut impl Read, most: usize) -> io::Result<usize> {
        let length = self.0.len();
        if self.0.capacity().saturating_sub(length) < most {
            let mut larger = Zeroizing::new(Vec::new());
            larger.try_reserve_exact(length.saturating_mul(2).saturating_add(most))?;
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        // There is enough capacity, so `read_to_end` does not move the bytes.
        reader.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut self.0)
    }

    /// Reads to the end in pieces of this size, and stops once there are more bytes than `most`.
    pub(crate) fn read_to_end(reader: &mut impl Read, piece: usize, most: usize) -> io::Result<Self> {
        let mut bytes = Self::default();
        while bytes.len() <= most && bytes.read_from(reader, piece)? > 0 {}
        Ok(bytes)
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
