//! Encryption of values before they reach the server.

use std::fmt;

use crate::error::Result;
use crate::secret::Secret;

/// Encrypts values before they reach the server, and decrypts them.
///
/// The crate has no cipher; implement this trait, for example, with envelope encryption by a key service. Names of
/// values, which contain the ids of profiles, versions, and names of leases are not encrypted.
///
/// # Examples
///
/// ```
/// use provider_auth::{Error, ErrorKind, Result, Secret};
/// use provider_auth::store::shared::Sealing;
///
/// /// Stands for a cipher, and is none.
/// #[derive(Debug)]
/// struct Reversed;
///
/// impl Sealing for Reversed {
///     fn seal(&self, _name: &str, text: &Secret) -> Result<Vec<u8>> {
///         Ok(text.expose().bytes().rev().collect())
///     }
///
///     fn open(&self, _name: &str, sealed: &[u8]) -> Result<Secret> {
///         let text = String::from_utf8(sealed.iter().rev().copied().collect());
///         text.map(Secret::new).map_err(|_| Error::new(ErrorKind::Corrupt, "a value cannot be unsealed"))
///     }
/// }
///
/// let sealed = Reversed.seal("credentials", &Secret::new("{}"))?;
/// assert_eq!(Reversed.open("credentials", &sealed)?, Secret::new("{}"));
/// # Ok::<(), Error>(())
/// ```
pub trait Sealing: fmt::Debug + Send + Sync {
    /// Encrypts a value. Bind its name as associated data, so that values cannot be swapped, and the agent's name too
    /// if one key seals the values of several agents.
    ///
    /// # Errors
    ///
    /// Any kind; nothing is written then. The text of an error must contain no secret.
    fn seal(&self, name: &str, text: &Secret) -> Result<Vec<u8>>;

    /// Decrypts a value.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the value was changed or sealed with something else, and any other
    /// kind; nothing is overwritten then.
    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret>;
}

#[derive(Clone, Debug, Default)]
pub(super) struct Seal(pub(super) Option<std::sync::Arc<dyn Sealing>>);

impl Seal {
    pub(super) fn seal(&self, name: &str, text: &Secret) -> Result<super::Value> {
        let bytes = match &self.0 {
            Some(sealing) => sealing.seal(name, text)?,
            None => text.expose().as_bytes().to_vec(),
        };
        Ok(super::Value::new(bytes))
    }

    pub(super) fn open(&self, name: &str, value: &super::Value) -> Result<Secret> {
        match &self.0 {
            Some(sealing) => sealing.open(name, value.as_bytes()),
            None => crate::syntax::utf8(value.as_bytes()).map(Secret::new),
        }
    }
}
