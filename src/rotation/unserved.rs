//! A model that was left out.

use std::fmt;

use crate::error::Error;
use crate::id::ModelRef;

/// A model of a call that was left out because no request for it can be made, and why. Nothing is said of any profile.
///
/// `Display` says both.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnservedModel {
    /// The model.
    pub model: ModelRef,
    /// Why no request can be made: of kind [`NoEndpoint`](crate::ErrorKind::NoEndpoint) or
    /// [`UnsupportedApi`](crate::ErrorKind::UnsupportedApi), or that of a base URL that
    /// cannot be used.
    pub error: Error,
}

impl UnservedModel {
    /// Says the same once more, for the end of the call.
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
