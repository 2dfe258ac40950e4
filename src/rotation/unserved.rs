//! A model that was left out.

use std::fmt;

use crate::error::Error;
use crate::id::ModelRef;

/// A model of a call that was left out because no request for it can be built, with the error. It does not affect any
/// profile.
///
/// `Display` shows both.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnservedModel {
    /// The model as requested.
    pub model: ModelRef,
    /// The reason that no request can be built: an error of kind [`NoEndpoint`](crate::ErrorKind::NoEndpoint) or
    /// [`UnsupportedApi`](crate::ErrorKind::UnsupportedApi), or about a base URL that cannot be used.
    pub error: Error,
}

impl UnservedModel {
    /// Returns the error again, for the end of the call.
    pub(super) fn again(&self) -> Error {
        let error = Error::new(self.error.kind(), self.error.message()).with_help(self.error.help().to_owned());
        match self.error.location() {
            Some(location) => error.with_location(location.clone()),
            None => error,
        }
    }
}

impl fmt::Display for UnservedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was left out: {}", self.model, self.error)
    }
}
