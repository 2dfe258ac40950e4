//! Profiles on a Redis or Valkey server.

mod connections;
mod engine;
mod failure;
mod link;
mod script;

pub use engine::RedisEngine;

use super::shared::{Settings, SharedStore};
use crate::error::Result;

/// Credential profiles on Redis 6.2 or newer, or Valkey: one server, Sentinel or a cluster, shared by many machines.
///
/// [`SharedStore`] says what it promises, and the page [`many_machines`](crate::docs::many_machines) what of it depends on how
/// the server is set up.
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
    /// A store on the server of a URL, with the settings by default. It is not connected to yet.
    ///
    /// # Errors
    ///
    /// Those of [`RedisEngine::new`].
    pub fn open(url: &str) -> Result<Self> {
        Ok(Self::new(RedisEngine::new(url)?, Settings::default()))
    }
}
