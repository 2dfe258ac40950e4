//! The notes that the holder of a lease leaves on a refresh token: before it is sent, and once its outcome is known.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use super::lease::Guard;
use super::note::Note;
use super::snapshot::{CREDENTIALS, Snapshot, refresh_name};
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::secret::Secret;
use crate::store::lease::{LeaseGuard, RefreshEnd};

/// How often a note is written again because another machine changed another credential meanwhile.
const ATTEMPTS: u32 = 16;
/// How long a note that no longer counts is replaced in the background while the server is away.
const SETTLING: Duration = Duration::from_secs(60 * 60);
/// How many such notes are remembered for one profile.
const MOST: usize = 8;

/// A note by a holder in this process that no longer counts, and may still be stored.
#[derive(Clone, Debug)]
pub(super) struct Unsettled {
    profile: ProfileId,
    /// The token of the holder's lease.
    lease: String,
    /// What belongs in its place.
    instead: Option<Note>,
    /// Until when the thread that extends leases tries to replace it; `None` once it was replaced.
    until: Option<Timestamp>,
}

impl Unsettled {
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

impl<E: Engine + 'static> Guard<E> {
    fn lost(&self) -> Error {
        let message = format!("the lease on profile \"{}\" expired while its holder was paused", self.profile);
        Error::new(ErrorKind::Locked, message)
    }

    /// Returns the note of an earlier holder, as far as it counts.
    fn earlier(&self) -> Option<Note> {
        let note = self.base.notes.get(&refresh_name(&self.profile)).and_then(Note::read)?;
        self.core.replaced(&self.profile, note)
    }

    /// Returns `true` if this is the refresh token that is stored.
    fn is_stored(&self, refresh: &Secret) -> bool {
        let profile = self.base.document.get(self.profile.as_str());
        match profile.and_then(|profile| profile.credential()) {
            Some(Credential::OAuth { refresh: Some(stored), .. }) => stored == refresh,
            _ => false,
        }
    }

    /// Writes a note if neither the note nor the credentials have changed; returns `false` if they have.
    fn write(&mut self, note: &Note) -> Result<bool> {
        let name = refresh_name(&self.profile);
        let after = self.core.put_if(&self.base, &[&name, CREDENTIALS], &name, Some(note.to_text()))?;
        Ok(after.map(|after| self.base = after).is_some())
    }

    /// Leaves a token to an earlier holder that has not recorded the outcome and may only be cut off: the first holder
    /// that finds its note begins the wait, and the first one after the wait sends the token.
    fn wait_for(&mut self, earlier: &Note) -> Result<()> {
        let (name, wait) = (earlier.wait_name(), self.core.settings.orphan_wait);
        if wait.is_zero() {
            return Ok(());
        }
        let life = if earlier.is_found() { Duration::from_millis(1) } else { wait };
        let is_over = self.core.asked(self.core.engine.acquire(&name, &self.token, life))?;
        if is_over && earlier.is_found() {
            return Ok(());
        }
        if is_over {
            self.write(&earlier.clone().found())?;
        }
        let message = format!(
            "the refresh token of profile \"{}\" was sent by a machine that has not stored the outcome",
            self.profile
        );
        let help = "Try again in a few minutes, or sign in again.";
        Err(Error::new(ErrorKind::Locked, message).with_help(help))
    }

    /// Records that this holder's note no longer counts, and replaces it. If the server is away, that is done later.
    fn settle(&mut self, base: Option<Arc<Snapshot>>, instead: Option<Note>) {
        self.is_noted = false;
        let until = Some(self.core.settings.clock.now() + SETTLING);
        let (profile, lease) = (self.profile.clone(), self.token.clone());
        let one = Unsettled { profile, lease, instead, until };
        self.core.renewals.unsettled(|all| {
            all.push(one.clone());
            let number = all.iter().filter(|other| other.profile == one.profile).count();
            if let Some(first) = all.iter().position(|other| other.profile == one.profile).filter(|_| number > MOST) {
                all.remove(first);
            }
        });
        if !self.core.settle(base, &one) {
            self.core.renew_beside();
        }
    }

    /// Records that nobody comes back with the outcome, so that nobody waits for it.
    pub(super) fn give_up(&mut self) {
        let note = self.base.notes.get(&refresh_name(&self.profile)).and_then(Note::read);
        if let Some(note) = note.filter(|note| self.is_noted && note.is_by(&self.token)) {
            // If that fails, the next holder waits.
            let _ = self.write(&note.found());
        }
    }
}

impl<E: Engine + 'static> LeaseGuard for Guard<E> {
    fn spending(&mut self, refresh: &Secret) -> Result<()> {
        let name = refresh_name(&self.profile);
        if !self.is_stored(refresh) {
            self.base = self.core.read(&self.base)?;
        }
        for _ in 0..ATTEMPTS {
            if !self.is_stored(refresh) {
                return Err(self.lost());
            }
            let earlier = self.earlier();
            let note = Note::next(earlier.clone(), refresh, &self.token)?;
            if let Some(earlier) = earlier.as_ref().filter(|_| note.is_orphan()) {
                self.wait_for(earlier)?;
            }
            let renewed = self.core.engine.renew(&self.name, &self.token, self.core.settings.lease_life);
            if !self.core.asked(renewed)? {
                return Err(self.lost());
            }
            match self.write(&note) {
                Ok(true) => {
                    self.is_noted = true;
                    if note.is_orphan() {
                        self.core.count_orphan(&self.profile);
                    }
                    return Ok(());
                }
                Ok(false) => {
                    // If the note is another one, so is the holder of the lease.
                    let newer = self.core.read(&self.base)?;
                    if newer.known.version(&name) != self.base.known.version(&name) {
                        return Err(self.lost());
                    }
                    self.base = newer;
                }
                Err(error) => {
                    if error.kind() != ErrorKind::Locked {
                        // The note may have been written, and the token is not sent.
                        self.settle(None, earlier);
                    }
                    return Err(error);
                }
            }
        }
        let message = format!("other updates of the credentials were faster, {ATTEMPTS} times in a row");
        Err(Error::new(ErrorKind::Locked, message))
    }

    fn ended(&mut self, refresh: &Secret, end: RefreshEnd) {
        if self.is_noted {
            let instead = (end == RefreshEnd::Denied).then(|| Note::denied(refresh));
            self.settle(Some(Arc::clone(&self.base)), instead);
        }
    }
}

impl<E: Engine> Core<E> {
    /// Returns a note, or what belongs in its place if it was left in this process and no longer counts.
    fn replaced(&self, profile: &ProfileId, note: Note) -> Option<Note> {
        let known = self.renewals.unsettled(|all| {
            let is_it = |one: &&Unsettled| one.profile == *profile && note.is_by(&one.lease);
            all.iter().find(is_it).map(|one| one.instead.clone())
        });
        known.unwrap_or(Some(note))
    }

    /// Replaces a note that no longer counts, unless another holder has replaced it; returns `false` if that is unknown.
    pub(super) fn settle(&self, base: Option<Arc<Snapshot>>, one: &Unsettled) -> bool {
        let name = refresh_name(&one.profile);
        let instead = || one.instead.as_ref().map(Note::to_text);
        let is_written = |base: &Arc<Snapshot>| self.put(base, &name, instead()).map(|after| after.is_some());
        let mut is_settled = base.is_some_and(|base| is_written(&base).unwrap_or(false));
        if !is_settled {
            let Ok(now) = self.read(&self.newest()) else { return false };
            let note = now.notes.get(&name).and_then(Note::read);
            is_settled = !note.is_some_and(|note| note.is_by(&one.lease)) || is_written(&now).unwrap_or(false);
        }
        if is_settled {
            self.renewals.unsettled(|all| {
                all.iter_mut().filter(|other| other.lease == one.lease).for_each(|other| other.until = None);
            });
        }
        is_settled
    }

    fn count_orphan(&self, profile: &ProfileId) {
        self.lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        #[cfg(feature = "tracing")]
        tracing::warn!(%profile, "a refresh token was sent by a holder that died before it wrote the new one");
        #[cfg(not(feature = "tracing"))]
        let _ = profile;
    }
}
