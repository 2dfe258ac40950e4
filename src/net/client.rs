//! An HTTP client that sends a credential only to the URL it is meant for.

use crate::error::{Error, ErrorKind, Result};

/// Builds a client that follows no redirects. A `direct` client has no proxy either, which would read plain HTTP.
pub(crate) fn guarded_client(builder: reqwest::ClientBuilder, direct: bool) -> Result<reqwest::Client> {
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|_| Error::new(ErrorKind::Client, "the HTTP client could not be built"))
}

/// Returns `true` if requests to this URL go without a proxy: all over plain HTTP, which are for this machine or a
/// private network.
pub(crate) fn is_direct(uri: &http::Uri) -> bool {
    uri.scheme() == Some(&http::uri::Scheme::HTTP)
}
