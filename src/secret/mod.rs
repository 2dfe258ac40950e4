//! Texts that must not be shown.

mod assigned;
mod bytes;
mod clean;
mod text;

pub(crate) use bytes::SecretBytes;
pub(crate) use clean::{Cleaning, LEFT_OUT_INSIDE, clean, is_blank_char, is_clean, joined, unquoted};
pub(crate) use text::SecretText;

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroize as _;

/// A key, token or other text that must not appear in logs, errors or debug output.
///
/// There is no `Display` and no `Serialize`, `Debug` prints a fixed word, and comparing texts of equal length takes
/// constant time. [`expose`](Self::expose) is the only access to the text, so one search finds every use. The memory is
/// wiped when the last owner is dropped, as is the value of a header created from it; copies by parsers and the HTTP
/// client are not.
///
/// # Examples
///
/// ```
/// use provider_auth::Secret;
///
/// let key = Secret::new("sk-ant-api03-example");
/// assert_eq!(format!("{key:?}"), "Secret([redacted])");
/// assert_eq!(key.expose(), "sk-ant-api03-example");
/// ```
#[derive(Clone, Default)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Creates a secret with exactly this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() == text.capacity() {
            return Self(Arc::new(SecretString::from(text.into_boxed_str())));
        }
        // Shrinking the text could move it and leave a copy behind.
        let exact = Box::from(&*text);
        text.zeroize();
        Self(Arc::new(SecretString::from(exact)))
    }

    /// Creates a secret from a text as people paste it, or as it is in variables and files, keeping only the secret
    /// itself.
    ///
    /// Removed are: line breaks and invisible characters anywhere; surrounding white space, a pair of quotation marks
    /// and a comma after them; the name it was assigned to (`NAME=`, `export NAME=`, `NAME: `, `--api-key=`) and
    /// `Bearer ` before it; lines with comments and other settings (`# mine`, `DEBUG=1`); and a JSON object around it
    /// with only one secret.
    ///
    /// Terminals break long tokens into lines, editors add a final newline, and `docker --env-file` passes quotation
    /// marks on; all of these lead to a 401 that is hard to explain. Spaces inside are kept, and so are the lines of a
    /// text with more than one secret: they make the secret unusable, which is reported instead of guessed at.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::Secret;
    ///
    /// assert_eq!(Secret::cleaned("export ANTHROPIC_API_KEY='sk-ant-example'\n").expose(), "sk-ant-example");
    /// assert_eq!(Secret::cleaned("c2VjcmV0a2V5==").expose(), "c2VjcmV0a2V5==");
    /// ```
    #[must_use]
    pub fn cleaned(text: &str) -> Self {
        clean(text).0
    }

    /// Returns the text.
    ///
    /// # Security
    ///
    /// The text is ordinary memory: do not log it, format it into an error, or store it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns `true` if the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Returns `true` if the text can be sent in a header: it is visible ASCII without spaces, and none of the words
    /// that OpenClaw writes instead of a secret.
    ///
    /// No provider issues keys with other characters, so a key that contains one was damaged.
    #[must_use]
    pub fn is_header_safe(&self) -> bool {
        !self.is_empty() && self.expose().bytes().all(|byte| byte.is_ascii_graphic()) && !self.is_placeholder()
    }

    /// Returns `true` if the text is one of the words that OpenClaw writes instead of a secret.
    pub(crate) fn is_placeholder(&self) -> bool {
        self.expose() == REDACTED || self.expose().starts_with(REFRESH_FENCE)
    }
}

/// The word that OpenClaw shows instead of a secret, and accepts as "unchanged".
pub(crate) const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// The prefix of the markers that OpenClaw writes instead of tokens while it refreshes them.
pub(crate) const REFRESH_FENCE: &str = "openclaw-oauth-refresh-fence:";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_safety() {
        assert!(Secret::new("sk-ant-api03-x").is_header_safe());
        for placeholder in ["__OPENCLAW_REDACTED__", "openclaw-oauth-refresh-fence:v1:00:access:11"] {
            assert!(!Secret::new(placeholder).is_header_safe());
        }
        for bad in ["", "sk 1", "sk\t1", "sk\u{e9}", "sk\u{0}"] {
            assert!(!Secret::new(bad).is_header_safe());
        }
    }

    #[test]
    fn equality_and_debug() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("ab"));
        assert!(!format!("{:?} {:#?}", Secret::new("hunter2"), Secret::new("hunter2")).contains("hunter2"));
    }
}
