//! The conversion into the request type of `reqwest`.

use super::prepared::PreparedRequest;
use crate::error::{Error, ErrorKind};

impl TryFrom<PreparedRequest> for ::reqwest::Request {
    type Error = Error;

    /// Converts the request. Needs neither a client nor a runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`] if `reqwest` reads the URL differently from this crate.
    fn try_from(prepared: PreparedRequest) -> Result<Self, Error> {
        let request = http::Request::from(prepared);
        // The cause is dropped: its text repeats the URL, whose query may be confidential.
        Self::try_from(request)
            .map_err(|_| Error::new(ErrorKind::InvalidUrl, "the HTTP client does not accept the URL"))
    }
}
