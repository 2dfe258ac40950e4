//! Conversion into the request type of `reqwest`.

use super::prepared::PreparedRequest;
use crate::error::{Error, ErrorKind};

/// A client that takes a credential nowhere but to the URL it is meant for: it follows no redirects, and `direct` is
/// without any proxy, which would read what goes over plain HTTP.
pub(crate) fn guarded_client(builder: ::reqwest::ClientBuilder, direct: bool) -> Result<::reqwest::Client, Error> {
    let builder = builder.redirect(::reqwest::redirect::Policy::none());
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|_| Error::new(ErrorKind::Client, "the HTTP client could not be built"))
}

/// Whether requests to this URL go without a proxy.
pub(crate) fn is_direct(uri: &http::Uri) -> bool {
    uri.scheme() == Some(&http::uri::Scheme::HTTP) && uri.host().is_some_and(super::url::is_loopback)
}

impl TryFrom<PreparedRequest> for ::reqwest::Request {
    type Error = Error;

    /// Converts without a client and without a runtime.
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
