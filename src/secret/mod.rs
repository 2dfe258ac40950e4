//! Text that must not be shown.

mod assigned;
mod bytes;
mod clean;
mod text;

pub(crate) use bytes::SecretBytes;
pub(crate) use clean::{Cleaning, LEFT_OUT_INSIDE, clean, is_blank_char, joined, unquoted};
pub(crate) use text::SecretText;

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroize as _;

/// A key, token or other text that must not appear in logs, errors or debug output.
///
/// There is no `Display` and no `Serialize`; `Debug` prints a fixed word, and comparison takes the same time wherever
/// two texts of one length differ. [`expose`](Self::expose) is the only way to the text, so one search finds every use.
/// The memory is wiped when the last owner drops it, and so is the value of a header that was made of it; copies made by
/// parsers and by the HTTP client are not.
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
    /// A secret with exactly this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() == text.capacity() {
            return Self(Arc::new(SecretString::from(text.into_boxed_str())));
        }
        // To give back the room that is left over may move the text, and leave a copy behind.
        let exact = Box::from(&*text);
        text.zeroize();
        Self(Arc::new(SecretString::from(exact)))
    }

    /// A secret as people paste it, and as it comes out of variables and files: alone.
    ///
    /// What is left out: line breaks and invisible characters wherever they stand; white space, a pair of quotation marks
    /// and the comma behind them around the text; in front of it the name it was assigned to (`NAME=`, `export NAME=`,
    /// `NAME: `, `--api-key=`), and `Bearer `; lines of remarks and of other settings (`# mine`, `DEBUG=1`) beside the one
    /// with the secret; and a JSON object around it that has one secret.
    ///
    /// Terminals break long tokens into lines, editors add a final newline, and `docker --env-file` passes quotation marks
    /// on; all lead to a 401 that is hard to explain. Spaces inside stay, and so do the lines of a text with more than one
    /// secret: they make the secret unusable, which is reported instead of guessed at.
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

    /// The text.
    ///
    /// # Security
    ///
    /// The returned text is ordinary memory: do not log it, do not format it into an error, do not store it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Whether the text can stand in a header: visible ASCII only, no spaces, and none of the words that OpenClaw writes in
    /// the place of a secret.
    ///
    /// No provider issues keys with other characters, so one that has them was damaged on the way.
    #[must_use]
    pub fn is_header_safe(&self) -> bool {
        !self.is_empty() && self.expose().bytes().all(|byte| byte.is_ascii_graphic()) && !self.is_placeholder()
    }

    /// Whether the text stands in the place of a secret and is none.
    pub(crate) fn is_placeholder(&self) -> bool {
        self.expose() == REDACTED || self.expose().starts_with(REFRESH_FENCE)
    }
}

/// What OpenClaw shows in the place of a secret, and takes back for "unchanged".
pub(crate) const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// How the texts begin that stand in the place of a login's tokens while OpenClaw renews them.
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
