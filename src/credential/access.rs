//! How the endpoint of a provider is entered, as the configuration says it.

use std::sync::{Arc, LazyLock};

use http::HeaderName;

use super::implausible::Implausible;
use super::received::Doubt;
use super::reference_failure::ReferenceFailure;
use super::scheme::AuthScheme;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What is configured of the way to a provider's endpoint: the scheme, credentials of the endpoint's own, and whether
/// they may travel over plain HTTP in a private network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) scheme: Option<AuthScheme>,
    /// Headers that carry a credential, each name once. They are sent as they are.
    pub(crate) headers: Vec<OwnHeader>,
    /// Whether the API is the Messages API, which reads keys in `x-api-key`.
    pub(crate) speaks_messages: bool,
    /// Whether plain HTTP to a private network was allowed, or forbidden.
    pub(crate) private_network: Option<bool>,
}

impl Access {
    /// Returns what is configured where nothing is.
    pub(crate) fn unset() -> Arc<Self> {
        static UNSET: LazyLock<Arc<Access>> = LazyLock::new(Arc::default);
        Arc::clone(&UNSET)
    }
}

/// A configured header with a credential in it.
#[derive(Clone, Debug)]
pub(crate) struct OwnHeader {
    pub(crate) name: HeaderName,
    pub(crate) value: Result<Secret, ReferenceFailure>,
    /// Why it can be no secret, so that it is not sent.
    pub(crate) refused: Option<Implausible>,
    /// Where it stands in the configuration.
    pub(crate) key_path: String,
}

impl OwnHeader {
    /// The value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnresolvedReference`] if it is a reference that leads to no secret, [`ErrorKind::InvalidSecret`] if it
    /// can be none.
    pub(crate) fn value(&self) -> Result<&Secret> {
        let value = self.value.as_ref().map_err(|failure| unresolved(*failure, &self.key_path))?;
        match self.refused {
            None => Ok(value),
            Some(reason) => {
                let error = Error::new(ErrorKind::InvalidSecret, format!("a configured header has {reason}"));
                Err(error.with_key_path(&self.key_path).with_help(reason.help()))
            }
        }
    }
}

/// Why what a configured header has can be no secret, whoever takes it; a word in front of it, such as `Bearer`, aside.
pub(crate) fn doubt_of_header(name: &str, value: &Secret) -> Option<Implausible> {
    if name.eq_ignore_ascii_case("cookie") {
        return None;
    }
    let is_scheme = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let text = value.expose();
    let parts = text.split_once(' ').filter(|(word, _)| is_scheme(word));
    let secret = parts.map_or(text, |(_, rest)| rest.trim_start());
    Doubt::of("", &Secret::new(secret))?.at(true)
}

/// The error for a header whose value is a reference that leads to no secret.
pub(crate) fn unresolved(failure: ReferenceFailure, key_path: &str) -> Error {
    let message = format!("the reference of a configured header was not resolved: {failure}");
    Error::new(ErrorKind::UnresolvedReference, message).with_key_path(key_path).with_help(failure.help())
}
