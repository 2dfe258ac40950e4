//! An HTTP client that sends a credential only to the URL it is meant for.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::{Error, ErrorKind, Result};

/// The text of tokio's panic if the system has no thread left.
const NO_THREAD: &str = "OS can't spawn worker thread";

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

/// Sends a request and waits for the head of its answer. The error is `None` if the system has no thread left to resolve
/// the host's name: the HTTP client panics in that case.
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
