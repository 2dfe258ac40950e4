//! The scripted server.

use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use http::Request;

use super::answer::Answer;
use super::cache::Cache;
use super::connection::serve;
use crate::error::{Error, ErrorKind, Result};

/// A real HTTP server on a free port of loopback that sends scripted answers and keeps the requests.
///
/// It speaks HTTP/1.1 without TLS, with one request per connection, on its own threads. Clones share one server, which
/// stops when the last of them is dropped.
///
/// # Examples
///
/// Without a client of this crate:
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use provider_auth::testing::{Answer, Server};
///
/// let server = Server::start([Answer::json(200, r#"{"ok":true}"#)])?;
/// let mut connection = std::net::TcpStream::connect(server.address())?;
/// connection.write_all(b"POST /v1/models?limit=1 HTTP/1.1\r\nhost: here\r\nx-api-key: sk-a\r\ncontent-length: 2\r\n\r\n{}")?;
/// let mut answer = String::new();
/// connection.read_to_string(&mut answer)?;
/// assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"ok":true}"#));
///
/// let requests = server.requests();
/// assert_eq!((requests[0].method().as_str(), requests[0].uri().path()), ("POST", "/v1/models"));
/// assert_eq!((&requests[0].headers()["x-api-key"], requests[0].body().as_slice()), (&"sk-a".parse()?, &b"{}"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Server(Arc<Running>);

/// A running server, until it is dropped.
struct Running {
    address: SocketAddr,
    url: String,
    requests: Arc<Mutex<Vec<Request<Vec<u8>>>>>,
    is_over: Arc<AtomicBool>,
}

/// The function that decides on the answer to a request.
pub(super) type Script = dyn Fn(&Request<Vec<u8>>) -> Answer + Send + Sync;

impl Server {
    /// Starts a server that sends these answers in order. A request after the last of them gets status 501, which no
    /// client retries.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if no port can be opened or no thread started.
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Result<Self> {
        let answers = Mutex::new(answers.into_iter().collect::<Vec<_>>().into_iter());
        Self::answering(move |_| {
            let next = answers.lock().unwrap_or_else(PoisonError::into_inner).next();
            next.unwrap_or_else(|| {
                Answer::error(501, "api_error", "the script of the test server has no answer left")
                    .header("x-should-retry", "false")
            })
        })
    }

    /// Starts a server whose answer to each request is decided by a function, for concurrent calls and for servers of
    /// other APIs. A panic of the function closes the connection.
    ///
    /// # Errors
    ///
    /// Same as [`start`](Self::start).
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::testing::{Answer, Server};
    ///
    /// let server = Server::answering(|request| match request.headers()["x-api-key"].to_str() {
    ///     Ok("sk-ant-spare") => Answer::message("Hello"),
    ///     _ => Answer::error(401, "authentication_error", "This API key has been revoked."),
    /// })?;
    /// # drop(server);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn answering(answer: impl Fn(&Request<Vec<u8>>) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let failed = |what| Error::new(ErrorKind::Io, format!("the test server cannot start: there is no {what}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|_| failed("free port"))?;
        let address = listener.local_addr().map_err(|_| failed("free port"))?;
        let (requests, is_over) = (Arc::<Mutex<_>>::default(), Arc::new(AtomicBool::new(false)));
        let running = Running {
            address,
            url: format!("http://{address}"),
            requests: Arc::clone(&requests),
            is_over: Arc::clone(&is_over),
        };
        let (script, cache): (Arc<Script>, _) = (Arc::new(answer), Arc::<Cache>::default());
        let accepting = move || {
            for connection in listener.incoming() {
                if is_over.load(Ordering::Acquire) {
                    break;
                }
                let Ok(connection) = connection else { continue };
                let (requests, script, cache) = (Arc::clone(&requests), Arc::clone(&script), Arc::clone(&cache));
                // A client that closes the connection early is no error, and without a thread the connection closes.
                let serving = move || drop(serve(connection, &requests, &*script, &cache));
                let _ = thread::Builder::new().name("test-server".to_owned()).spawn(serving);
            }
        };
        thread::Builder::new().name("test-server".to_owned()).spawn(accepting).map_err(|_| failed("thread"))?;
        Ok(Self(Arc::new(running)))
    }

    /// Returns the base URL, `http://127.0.0.1:<port>`, for [`Endpoint::new`](crate::Endpoint::new) or a provider's
    /// `baseUrl`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Returns the address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Returns every request so far, in the order of their completion: method, path and query, headers, body.
    ///
    /// A header whose name contains `auth`, `key`, `token`, `cookie` or `secret` is marked as sensitive, so that
    /// `Debug` does not show its value. `Debug` does show the URL and the body, including a key in the query.
    #[must_use]
    pub fn requests(&self) -> Vec<Request<Vec<u8>>> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // This connection wakes the accepting thread, which then ends.
        drop(TcpStream::connect(self.address));
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = self.0.requests.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Server").field("url", &self.0.url).field("requests", &requests).finish()
    }
}
