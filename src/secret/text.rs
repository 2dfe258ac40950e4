//! Text with secrets, while it is written.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::Secret;

/// Text being written that may contain secrets, wiped on drop and wherever it is moved from.
#[derive(Default)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(bytes)))
    }

    pub(crate) fn push_str(&mut self, text: &str) {
        let length = self.0.len().saturating_add(text.len());
        if length > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(length.saturating_mul(2)));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        self.0.push_str(text);
    }

    pub(crate) fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Extend<char> for SecretText {
    fn extend<T: IntoIterator<Item = char>>(&mut self, text: T) {
        text.into_iter().for_each(|c| self.push(c));
    }
}

impl From<SecretText> for Secret {
    fn from(mut text: SecretText) -> Self {
        Self::new(std::mem::take(&mut *text.0))
    }
}
