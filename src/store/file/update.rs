//! The right to write, and what is done with it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::commit::Commit;
use super::lock::{self, KernelLock, WaitDeadline};
use super::{FileStore, StateFile, gates, guard, replace, target};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{AuthProfiles, DirtyState};

/// How often an update begins anew because a program that does not know the lock changed the file meanwhile.
const ATTEMPTS: usize = 16;

/// How often leftovers of killed writers are looked for, beside the first update.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

impl FileStore {
    /// Runs an update until no other program has changed the files meanwhile.
    pub(super) fn update_exclusively(
        &self,
        change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>,
    ) -> Result<Arc<AuthProfiles>> {
        self.exclusively(|target| {
            for _ in 0..ATTEMPTS {
                if let Some(after) = self.attempt(target, change)? {
                    return Ok(after);
                }
            }
            let message = "another program, which does not know the lock, changes the file all the time";
            Err(Error::new(ErrorKind::Locked, message).with_path(target))
        })
    }

    /// The file that is replaced, and its directory, which is made if it is not there. Nothing is made where nothing may be
    /// written.
    pub(super) fn target(&self) -> Result<PathBuf> {
        let system = &*self.system;
        self.check_alone(self.path())?;
        let target = if let Ok(target) = target::resolve(system, self.path()) {
            target
        } else {
            // Its directory is missing, or was until another writer made it a moment ago: so it is looked up once more.
            self.check_alone(&target::foreseen(system, self.path()))?;
            target::make_directory(system, self.path())?;
            target::resolve(system, self.path())?
        };
        guard::check_name(&target)?;
        // Under the same name it was looked at before.
        if target != self.path() {
            self.check_alone(&target)?;
        }
        Ok(target)
    }

    /// Keeps other processes out, if the builder did not switch that off.
    pub(super) fn lock(&self, path: &Path, deadline: WaitDeadline) -> Result<Option<KernelLock>> {
        if !self.settings.file_locks {
            return Ok(None);
        }
        let directory = replace::split(path).0;
        // Where it cannot be looked up now, for want of a file handle or of `/proc`, the next lock asks again.
        let network = match self.network.get() {
            Some(known) => known.clone(),
            None => self.system.network(directory).map_or(None, |found| self.network.get_or_init(|| found).clone()),
        };
        match network {
            Some(kind) => Err(lock::network(path, &kind)),
            None => lock::acquire(&*self.system, path, deadline).map(Some),
        }
    }

    /// Runs something with the right to write, which nobody else has meanwhile, on what is in the files now.
    pub(super) fn exclusively<T>(&self, run: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let system = &*self.system;
        let deadline = WaitDeadline::new(system, self.settings.lock_wait);
        let target = self.target()?;
        let gate = gates::gate(&target);
        let entered = gate.enter_within(deadline.left(system)).map_err(|error| error.with_path(&target))?;
        let Some(_pass) = entered else {
            return Err(lock::too_long(&target, deadline.waited(system), 1));
        };
        let _lock = self.lock(&lock::beside(&target), deadline)?;
        // A login that several agents could take over goes to one of them.
        let _logins = self.lock_logins(deadline)?;
        self.sweep(&target);
        run(&target)
    }

    /// Runs an update on what is in the files now; `None` if another program changed them meanwhile.
    fn attempt(
        &self,
        target: &Path,
        change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>,
    ) -> Result<Option<Arc<AuthProfiles>>> {
        let before = self.snapshot()?;
        let mut draft = AuthProfiles::clone(&before.document);
        change(&mut draft)?;
        let importing = before.import.as_ref().filter(|import| import.is_pending());
        if draft.dirty_state() == DirtyState::None && importing.is_none() {
            return Ok(Some(Arc::clone(&before.document)));
        }
        self.check_alone(target)?;
        let split = before.state.stat.is_some() || self.settings.state_file == StateFile::Separate;
        let Some(after) = (Commit { store: self, target, before: &before }).write(draft, split)? else {
            return Ok(None);
        };
        if let Some(import) = importing {
            import.remove_taken(&*self.system);
        }
        let after = Arc::new(after);
        self.keep(&after);
        Ok(Some(Arc::clone(&after.document)))
    }

    fn lock_logins(&self, deadline: WaitDeadline) -> Result<Option<KernelLock>> {
        let Some(logins) = self.place.legacy.as_ref().and_then(|legacy| legacy.logins.as_ref()) else {
            return Ok(None);
        };
        let there = |path: &Path| self.system.stat(path).is_ok();
        if there(self.path()) || !there(logins) {
            return Ok(None);
        }
        self.lock(&lock::beside(logins), deadline)
    }

    /// Clears leftovers of killed writers away, once in a while. The caller has the right to write.
    fn sweep(&self, target: &Path) {
        let now = self.system.monotonic();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|last| now.saturating_sub(last) > SWEEP_EVERY) {
            *swept = Some(now);
            drop(swept);
            replace::sweep(&*self.system, target);
            if let Ok(state) = target::resolve(&*self.system, self.state_path()) {
                replace::sweep(&*self.system, &state);
            }
        }
    }
}
