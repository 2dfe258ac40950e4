//! A scripted server on loopback, and values that only this crate can create, for tests of programs that use the crate.
//!
//! [`Server`] is a real HTTP server with scripted answers, so that a test exercises the program's own client, rotator
//! and connections without a key or a network. An [`Answer`] is a message, an error, a stream in pieces, a pause, or a
//! connection that is cut off.
//!
//! For code that takes values from this crate, [`selection`], [`unavailable`], [`send_failure`] and `reply` (feature
//! `client`) create them. The crate's own selector or loop produces each, so that its parts are consistent.
//!
//! # Examples
//!
//! A key that is rate limited, and another one that is answered:
//!
//! ```
//! # #[cfg(feature = "client")]
//! # mod shown {
//! use provider_auth::testing::{Answer, Server};
//! use provider_auth::{AuthProfiles, Call, Endpoint, MemoryStore, ProviderId, Rotator};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # pub async fn main() -> Result<(), provider_auth::Error> {
//! let server = Server::start([
//!     Answer::error(429, "rate_limit_error", "slow down").header("retry-after", "60"),
//!     Answer::message("Hello"),
//! ])?;
//! let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
//!     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
//!     "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}}}"#)?);
//! let rotator = Rotator::builder(store).endpoint(ProviderId::anthropic(), Endpoint::new(server.url())?).build()?;
//!
//! let call = Call::new("anthropic/claude-opus-4-5".parse()?)
//!     .body(br#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#);
//! let reply = rotator.send(&call).await?;
//! assert_eq!((reply.profile().as_str(), reply.attempts().len()), ("anthropic:b", 2));
//!
//! let keys: Vec<_> = server.requests().iter().map(|request| request.headers()["x-api-key"].clone()).collect();
//! assert_eq!(keys, ["sk-ant-a", "sk-ant-b"]);
//! # Ok(())
//! # }
//! # }
//! # #[cfg(feature = "client")]
//! # fn main() { shown::main().unwrap() }
//! # #[cfg(not(feature = "client"))]
//! # fn main() {}
//! ```

mod answer;
mod cache;
mod connection;
mod message;
mod server;
mod values;

pub use answer::Answer;
pub use server::Server;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use values::reply;
pub use values::{selection, send_failure, unavailable};
