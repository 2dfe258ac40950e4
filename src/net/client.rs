//! A client that takes a credential nowhere but to the URL it is meant for.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::{Error, ErrorKind, Result};

/// What tokio panics with where the system has no thread for it.
const NO_THREAD: &str = "OS can't spawn worker thread";

/// Builds a client that follows no redirects. A `direct` one has no proxy either, which would read what goes over plain
/// HTTP.
pub(crate) fn guarded_client(builder: reqwest::ClientBuilder, direct: bool) -> Result<reqwest::Client> {
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|_| Error::new(ErrorKind::Client, "the HTTP client could not be built"))
}

/// Whether requests to this URL go without a proxy: all over plain HTTP, which are for this machine or a private network.
pub(crate) fn is_direct(uri: &http::Uri) -> bool {
    uri.scheme() == Some(&http::uri::Scheme::HTTP)
}

/// Sends a request and waits for the head of its answer. The error is `None` where the host's name could not be looked up
/// because the system has no thread for it: the HTTP client panics then.
pub(crate) async fn execute(
    client: &reqwest::Client,
    request: reqwest::Request,
) -> std::result::Result<reqwest::Response, Option<reqwest::Error>> {
    let mut sending = pin!(client.execute(request));
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| sending.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map_err(Some),
            Err(panic) if is_without_thread(&*panic) => Poll::Ready(Err(None)),
            Err(panic) => resume_unwind(panic),
        }
    })
    .await
}

fn is_without_thread(panic: &(dyn Any + Send)) -> bool {
    panic.downcast_ref::<String>().is_some_and(|message| message.starts_with(NO_THREAD))
}
