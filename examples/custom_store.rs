//! A custom store, and the proof that it keeps the contract.
//!
//!     cargo run --example custom_store
//!
//! It keeps the document as text, as a keyring or a database column would.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use provider_auth::profile::DirtyState;
use provider_auth::store::conformance;
use provider_auth::{AuthProfileStore, AuthProfiles, Error, ErrorKind, Result, Secret};

/// A credential document as text, and the thread that is changing it.
#[derive(Debug)]
struct TextStore {
    text: Mutex<Secret>,
    updating: Mutex<Option<ThreadId>>,
    free: Condvar,
}

impl TextStore {
    fn new() -> Self {
        Self { text: Mutex::new(AuthProfiles::new().to_json()), updating: Mutex::default(), free: Condvar::new() }
    }

    /// Admits one update at a time. A nested one is an error, because it would wait for itself.
    fn enter(&self) -> Result<Inside<'_>> {
        let me = thread::current().id();
        let mut updating = self.updating.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(other) = *updating {
            if other == me {
                return Err(Error::new(ErrorKind::Reentrant, "this thread is updating the store already"));
            }
            updating = self.free.wait(updating).unwrap_or_else(PoisonError::into_inner);
        }
        *updating = Some(me);
        Ok(Inside(self))
    }
}

/// The right to update, released on drop, also by a panic.
struct Inside<'a>(&'a TextStore);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0.updating.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.free.notify_one();
    }
}

impl AuthProfileStore for TextStore {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        AuthProfiles::from_json(text.expose()).map(Arc::new)
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        let _inside = self.enter()?;
        let before = self.load()?;
        let mut draft = AuthProfiles::clone(&before);
        change(&mut draft)?;
        if draft.dirty_state() == DirtyState::None {
            return Ok(before);
        }
        before.check_writable()?;
        draft.check_writable()?;
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = draft.to_json();
        draft.committed();
        Ok(Arc::new(draft))
    }
}

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> Result<()> {
    conformance::check(TextStore::new)?;
    println!("the store keeps every promise of the contract");
    Ok(())
}
