//! Configured access to a provider's endpoint.

use std::sync::{Arc, LazyLock};

use http::HeaderName;

use super::implausible::Implausible;
use super::received::Doubt;
use super::reference_failure::ReferenceFailure;
use super::scheme::AuthScheme;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The configured access to a provider's endpoint: the scheme, headers with credentials, and whether these may be sent
/// over plain HTTP in a private network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) scheme: Option<AuthScheme>,
    /// Headers with a credential, each name once. They are sent as they are.
    pub(crate) headers: Vec<OwnHeader>,
    /// `true` if the API is the Messages API, which reads keys in `x-api-key`.
    pub(crate) speaks_messages: bool,
    /// Whether plain HTTP to a private network was explicitly allowed or forbidden.
    pub(crate) private_network: Option<bool>,
}

impl Access {
    /// Returns the access for a provider without configuration.
    pub(crate) fn unset() -> Arc<Self> {
        static UNSET: LazyLock<Arc<Access>> = LazyLock::new(Arc::default);
        Arc::clone(&UNSET)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct OwnHeader {
    pub(crate) name: HeaderName,
    pub(crate) value: Result<Secret, ReferenceFailure>,
    /// The reason if it cannot be a secret, so that it is not sent.
    pub(crate) refused: Option<Implausible>,
    pub(crate) key_path: String,
}

impl OwnHeader {
    /// Returns the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnresolvedReference`] if it is a reference that was not resolved, [`ErrorKind::InvalidSecret`] if
    /// it cannot be a secret.
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

/// Returns the reason if the value of a configured header cannot be a secret at any host; ignores a word before it,
/// such as `Bearer`.
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

/// Returns the error for a header whose value is a reference that was not resolved.
pub(crate) fn unresolved(failure: ReferenceFailure, key_path: &str) -> Error {
    let message = format!("the reference of a configured header was not resolved: {failure}");
    Error::new(ErrorKind::UnresolvedReference, message).with_key_path(key_path).with_help(failure.help())
}
