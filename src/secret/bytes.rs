//! Bytes with secrets in them, while they are being read.

use std::io::{self, Read};
use std::ops::Deref;

use zeroize::Zeroizing;

/// Bytes that are being read and may hold secrets: wiped when they are dropped, and where they stood when they need more room.
#[derive(Default)]
pub(crate) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Reads up to `most` bytes more, and returns how many there were: fewer only at the end.
    pub(crate) fn read_from(&mut self, reader: &mut impl Read, most: usize) -> io::Result<usize> {
        let length = self.0.len();
        if self.0.capacity().saturating_sub(length) < most {
            let mut larger = Zeroizing::new(Vec::new());
            larger.try_reserve_exact(length.saturating_mul(2).saturating_add(most))?;
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        // There is room for all of it, so that `read_to_end` moves nothing.
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
