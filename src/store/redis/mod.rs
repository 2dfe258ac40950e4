//! A store on a Redis or Valkey server.

mod connections;
mod engine;
mod failure;
mod link;
mod script;

pub use engine::RedisEngine;

use super::shared::{Settings, SharedStore};
use crate::error::Result;

/// A profile store on Redis 6.2 or newer, or Valkey, that many machines share: one server, Sentinel or a cluster.
///
/// See [`SharedStore`] for its promises, and [`many_machines`](crate::docs::many_machines) for those that depend on the
/// server's setup.
///
/// # Examples
///
/// ```no_run
/// use provider_auth::AuthProfileStore;
/// use provider_auth::store::RedisStore;
///
/// let store = RedisStore::open("redis://localhost")?;
/// for (id, profile) in store.load()?.iter() {
///     println!("{id}: {:?}", profile.kind());
/// }
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub type RedisStore = SharedStore<RedisEngine>;

impl SharedStore<RedisEngine> {
    /// Creates a store on the server of a URL, with default settings. Does not connect yet.
    ///
    /// # Errors
    ///
    /// Those of [`RedisEngine::new`].
    pub fn open(url: &str) -> Result<Self> {
        Ok(Self::new(RedisEngine::new(url)?, Settings::default()))
    }
}
