//! The turn of an update that others keep from being committed.
//!
//! An update of everything meets a conflict with every outcome that is written meanwhile, which on many machines may be
//! always. One that has met some puts a value under a name that all other commits are conditional on, so that they wait for
//! it.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use super::snapshot::Snapshot;
use super::stamp::{jitter, pause};
use crate::error::Result;
use crate::secret::Secret;

/// The name of the value.
pub(super) const TURN: &str = "turn";

/// The longest pause while another has the turn.
const PAUSE: Duration = Duration::from_millis(4);
/// How long one turn is waited for. Whoever has it then has died, or was paused; its commit meets a conflict.
const MOST: Duration = Duration::from_millis(500);

/// The turn, given back when it is dropped.
pub(super) struct Turn<'a, E: Engine> {
    core: &'a Core<E>,
    /// The state in which it was taken.
    held: Option<Arc<Snapshot>>,
}

impl<'a, E: Engine> Turn<'a, E> {
    pub(super) fn of_nobody(core: &'a Core<E>) -> Self {
        Self { core, held: None }
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Takes the turn; gives what is in force then. Somebody else may have been faster.
    pub(super) fn take(&mut self, base: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        if !self.is_held() && base.known.version(TURN).is_none() {
            self.held = self.core.put(base, TURN, Some(Secret::new("1")))?;
        }
        self.core.read(base)
    }

    /// Waits while another has the turn; gives what is in force then.
    pub(super) fn wait(&self, mut base: Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let version = |snapshot: &Snapshot| snapshot.known.version(TURN).map(str::to_owned);
        let own = self.held.as_deref().and_then(version);
        let (mut others, mut left) = (None, MOST);
        loop {
            let Some(turn) = version(&base).filter(|turn| Some(turn) != own.as_ref()) else { return Ok(base) };
            if others.as_ref() != Some(&turn) {
                (others, left) = (Some(turn), MOST);
            }
            if left.is_zero() {
                self.core.put(&base, TURN, None)?;
            }
            let time = jitter(PAUSE).min(left);
            pause(time);
            left = left.saturating_sub(time);
            base = self.core.read(&base)?;
        }
    }

    /// Notes that the turn ended with the commit.
    pub(super) fn ended(&mut self) {
        self.held = None;
    }
}

impl<E: Engine> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            // Where that fails the others wait for a moment.
            let _ = self.core.put(&held, TURN, None);
        }
    }
}
