//! The turn of an update that others keep from being committed.
//!
//! An update of everything meets a conflict with every outcome that is written meanwhile, which on many machines may be
//! always; and so does one of a profile's statistics with those of faster machines. One that has met some conflicts puts a
//! value under a name that the commits of the others are conditional on, so that they wait for it.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use super::snapshot::Snapshot;
use super::stamp::{jitter, pause};
use crate::error::Result;
use crate::id::ProfileId;
use crate::secret::Secret;

/// The name of the value that all others wait for.
const TURN: &str = "turn";

/// The names of the values that an update waits for: of a profile's statistics, or of everything. The last one is its own.
pub(super) fn names(profile: Option<&ProfileId>) -> Vec<String> {
    let own = profile.map(|profile| format!("{TURN}/{profile}"));
    [TURN.to_owned()].into_iter().chain(own).collect()
}

/// The longest pause while another has the turn.
const PAUSE: Duration = Duration::from_millis(2);
/// How long one turn is waited for. Whoever has it then has died, or was paused; its commit meets a conflict.
const MOST: Duration = Duration::from_millis(500);
/// How long all turns together are waited for before an update is tried all the same.
const ALL: Duration = Duration::from_secs(5);

/// The turn, given back when it is dropped.
pub(super) struct Turn<'a, E: Engine> {
    core: &'a Core<E>,
    names: Vec<String>,
    /// The state in which it was taken.
    held: Option<Arc<Snapshot>>,
}

impl<'a, E: Engine> Turn<'a, E> {
    pub(super) fn of_nobody(core: &'a Core<E>, profile: Option<&ProfileId>) -> Self {
        Self { core, names: names(profile), held: None }
    }

    /// The name under which it is held, if it is.
    pub(super) fn held(&self) -> Option<&str> {
        self.held.as_ref().and_then(|_| self.names.last()).map(String::as_str)
    }

    /// Takes the turn; gives what is in force then. Somebody else may have been faster.
    pub(super) fn take(&mut self, base: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        if let Some(name) = self.names.last().filter(|name| base.known.version(name).is_none())
            && self.held.is_none()
        {
            self.held = self.core.put(base, name, Some(Secret::new("1")))?;
        }
        self.core.read(base)
    }

    /// Waits while another has the turn; gives what is in force then.
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

    /// Notes that the turn ended with the commit.
    pub(super) fn ended(&mut self) {
        self.held = None;
    }
}

impl<E: Engine> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        if let (Some(held), Some(name)) = (self.held.take(), self.names.last()) {
            // Where that fails the others wait for a moment.
            let _ = self.core.put(&held, name, None);
        }
    }
}
