//! The turn of an update that keeps conflicting with others.
//!
//! An update of everything conflicts with every outcome written meanwhile, which on many machines may be always; an
//! update of one profile's statistics conflicts with those of faster machines. After some conflicts an update writes a
//! value on whose absence the commits of the others are conditional, so that they wait for it.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use super::snapshot::Snapshot;
use super::stamp::{jitter, pause};
use crate::error::Result;
use crate::id::ProfileId;
use crate::secret::Secret;

/// The name of the value that makes all other updates wait.
const TURN: &str = "turn";

/// Returns the names of the turns that an update waits for; the last one is its own.
pub(super) fn names(profile: Option<&ProfileId>) -> Vec<String> {
    let own = profile.map(|profile| format!("{TURN}/{profile}"));
    [TURN.to_owned()].into_iter().chain(own).collect()
}

/// The longest pause while another update has the turn.
const PAUSE: Duration = Duration::from_millis(2);
/// How long to wait for one turn. After that its holder has died or was paused, and its commit will conflict.
const MOST: Duration = Duration::from_millis(500);
/// How long to wait for all turns together before trying the update anyway.
const ALL: Duration = Duration::from_secs(5);

/// The turn of an update, released on drop.
pub(super) struct Turn<'a, E: Engine> {
    core: &'a Core<E>,
    names: Vec<String>,
    held: Option<Arc<Snapshot>>,
}

impl<'a, E: Engine> Turn<'a, E> {
    pub(super) fn of_nobody(core: &'a Core<E>, profile: Option<&ProfileId>) -> Self {
        Self { core, names: names(profile), held: None }
    }

    pub(super) fn held(&self) -> Option<&str> {
        self.held.as_ref().and_then(|_| self.names.last()).map(String::as_str)
    }

    /// Takes the turn if nobody else was faster, and returns the current state.
    pub(super) fn take(&mut self, base: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        if let Some(name) = self.names.last().filter(|name| base.known.version(name).is_none())
            && self.held.is_none()
        {
            self.held = self.core.put(base, name, Some(Secret::new("1")))?;
        }
        self.core.read(base)
    }

    /// Waits while another update has the turn, and returns the current state.
    pub(super) fn wait(&self, mut base: Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let own = self.held().and_then(|name| self.held.as_ref()?.known.version(name)).map(str::to_owned);
        let of_others = |base: &Snapshot| {
            let turns =
                self.names.iter().filter_map(|name| Some((name.as_str(), base.known.version(name)?.to_owned())));
            turns.into_iter().find(|(_, turn)| Some(turn) != own.as_ref())
        };
        let (mut known, mut left, mut all) = (None, MOST, ALL);
        while let Some((name, turn)) = of_others(&base).filter(|_| !all.is_zero()) {
            if known.as_ref() != Some(&turn) {
                (known, left) = (Some(turn), MOST);
            }
            if left.is_zero() {
                self.core.put(&base, name, None)?;
            }
            let time = jitter(PAUSE).min(left);
            pause(time);
            left = left.saturating_sub(time);
            all = all.saturating_sub(time);
            base = self.core.read(&base)?;
        }
        Ok(base)
    }

    pub(super) fn ended(&mut self) {
        self.held = None;
    }
}

impl<E: Engine> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        if let (Some(held), Some(name)) = (self.held.take(), self.names.last()) {
            // If that fails the others wait until the turn times out.
            let _ = self.core.put(&held, name, None);
        }
    }
}
