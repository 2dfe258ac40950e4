//! The right to write, and the update that uses it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::SqliteStore;
use super::database::{Writer, Writing, examine, real};
use super::rows::Role;
use super::snapshot::{Change, Part};
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{AuthProfiles, DirtyState, separate};
use crate::store::file::disk::Disk;
use crate::store::file::gates::gate;
use crate::store::file::lock::{WaitDeadline, acquire, beside, too_long};
use crate::store::file::system::System as _;

/// A closure that took longer is never run while the databases are locked: OpenClaw gives up after five seconds.
const QUICK: Duration = Duration::from_millis(50);

/// How long the shared database stays locked while waiting for the agent's own.
const HOLD: Duration = Duration::from_millis(20);
/// How long it is then left to others: SQLite waits up to 100 ms between two attempts.
const LEAVE: Duration = Duration::from_millis(120);

/// OpenClaw's old credential files. It refuses to work until it has imported them.
const OLD_FILES: [&str; 2] = ["auth-profiles.json", "auth.json"];

#[derive(Debug, Default)]
pub(super) struct Writers {
    shared: Option<Writer>,
    own: Option<Writer>,
}

#[derive(Debug, Default)]
struct Changes {
    shared: Change,
    own: Change,
}

type Closure<'a> = dyn FnMut(&mut AuthProfiles) -> Result<()> + 'a;

impl SqliteStore {
    pub(super) fn update_exclusively(&self, change: &mut Closure<'_>) -> Result<Arc<AuthProfiles>> {
        let deadline = WaitDeadline::new(&Disk, self.lock_wait);
        // One gate for every store on this state directory, whatever symbolic links lead there.
        let gate = gate(&real(&self.place.shared));
        let entered = gate.enter_within(deadline.left(&Disk)).map_err(|error| error.with_path(&self.place.shared))?;
        let Some(_pass) = entered else {
            return Err(too_long(&self.place.shared, deadline.waited(&Disk), 1));
        };
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempts = 0;
        loop {
            attempts += 1;
            if let Some(document) = self.attempt(change, &mut writers, deadline)? {
                return Ok(document);
            }
            if deadline.left(&Disk).is_zero() {
                return Err(too_long(&self.place.shared, deadline.waited(&Disk), attempts));
            }
        }
    }

    /// Runs an update on the current content; returns `None` if another program changed the databases meanwhile and the
    /// closure is too slow to run under the lock.
    fn attempt(
        &self,
        change: &mut Closure<'_>,
        writers: &mut Writers,
        deadline: WaitDeadline,
    ) -> Result<Option<Arc<AuthProfiles>>> {
        let mut before = self.view_with(deadline.left(&Disk), Some(writers))?;
        let began = Disk.monotonic();
        let Some(mut changes) = self.run(change, &before)? else { return Ok(Some(Arc::clone(&before.document))) };
        let is_quick = Disk.monotonic().saturating_sub(began) < QUICK;
        // With SQLite's own lock, the longer one has waited the less often one tries. So users of this crate take turns
        // with a lock file; if that cannot be acquired, SQLite's lock still excludes them.
        let _turn = acquire(&Disk, &beside(&real(&self.place.shared)), deadline).ok();
        let locked = writers.begin(&before, deadline)?;
        if !locked.holds(&before) {
            if !is_quick {
                return Ok(None);
            }
            let Some(view) = locked.view(&before)? else { return Ok(None) };
            before = Arc::new(view);
            match self.run(change, &before)? {
                Some(again) => changes = again,
                None => return Ok(Some(Arc::clone(&before.document))),
            }
        }
        let after = Arc::new(locked.write(&before, changes)?);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.written(&after);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&after));
        drop(readers);
        Ok(Some(Arc::clone(&after.document)))
    }

    /// Runs the closure and returns the changes to write; `None` if there are none.
    fn run(&self, change: &mut Closure<'_>, before: &View) -> Result<Option<Changes>> {
        let mut draft = AuthProfiles::clone(&before.document);
        change(&mut draft)?;
        if draft.dirty_state() == DirtyState::None {
            return Ok(None);
        }
        before.document.check_writable()?;
        draft.check_writable()?;
        self.check_imported(before)?;
        let rules = before.places.rules.inheritance();
        // A document that replaces this one may lack unknown content.
        let is_edit = draft.dirty_state() == DirtyState::State && draft.has_profiles_of(&before.document);
        if is_edit
            && before.own.is_none()
            && rules.is_owner
            && let Some(shared) = &before.shared
        {
            // All profiles are in one database, so there is nothing to split.
            let changes = Changes { shared: shared.change(&draft), own: Change::default() };
            return Ok(Some(changes).filter(|changes| !changes.shared.is_empty()));
        }
        let own = before.own.as_ref().map(|part| &*part.document);
        let nothing = AuthProfiles::new();
        let shared = before.shared.as_ref().map_or(&nothing, |part| &part.document);
        let (own_after, shared_after) = separate(&draft, &before.document, own, shared, rules)?;
        let changes = Changes {
            shared: match &before.shared {
                Some(part) => part.change(&shared_after),
                None if shared_after.dirty_state() == DirtyState::None => Change::default(),
                None => return Err(no_database(&before.places.shared.0)),
            },
            own: before.own.as_ref().zip(own_after).map(|(part, after)| part.change(&after)).unwrap_or_default(),
        };
        Ok(Some(changes).filter(|changes| !changes.shared.is_empty() || !changes.own.is_empty()))
    }

    /// Refuses to write beside an old file that OpenClaw has not imported, as OpenClaw would refuse to work.
    fn check_imported(&self, before: &View) -> Result<()> {
        let Some(path) = self.unimported(before) else { return Ok(()) };
        let message = "an old credential file has to be imported before OpenClaw accepts any change";
        Err(Error::new(ErrorKind::MigrationPending, message).with_path(&path))
    }

    /// Returns the old file that OpenClaw has to import first: of an agent without profiles in its own database, and of
    /// the agent `main` if there are no shared profiles.
    pub(super) fn unimported(&self, view: &View) -> Option<PathBuf> {
        let is_empty = |part: &Option<Part>| part.as_ref().is_none_or(|part| part.document.is_empty());
        let is_main = self.place.agent == self.place.main || real(&self.place.agent) == real(&self.place.main);
        let own = if view.places.own.is_some() { &view.own } else { &view.shared };
        let asks = [(&self.place.agent, is_main, is_empty(own)), (&self.place.main, true, is_empty(&view.shared))];
        let there = |path: &PathBuf| examine(path).is_ok_and(|found| found.is_some());
        asks.into_iter().filter(|(_, _, asks)| *asks).find_map(|(database, is_main, _)| {
            let files = OLD_FILES.iter().map(|name| database.with_file_name(name));
            let logins = is_main.then(|| self.place.state.join("credentials").join("oauth.json"));
            files.chain(logins).find(there)
        })
    }
}

pub(super) fn no_database(path: &Path) -> Error {
    Error::new(ErrorKind::NoDatabase, "OpenClaw has not created the database that this change belongs to")
        .with_path(path)
}

struct Locked<'a> {
    shared: Option<Writing<'a>>,
    own: Option<Writing<'a>>,
}

impl Writers {
    pub(super) fn each(&self) -> [Option<&Writer>; 2] {
        [self.shared.as_ref(), self.own.as_ref()]
    }

    /// Locks the databases, the shared one first, and unlocks that one while the other is not available, because
    /// OpenClaw gives up after five seconds.
    ///
    /// # Errors
    ///
    /// `Locked` after the deadline, and those of [`Writer::begin`].
    fn begin(&mut self, view: &View, deadline: WaitDeadline) -> Result<Locked<'_>> {
        let (path, role) = &view.places.shared;
        open(&mut self.shared, Some(path).filter(|_| view.shared.is_some()), *role)?;
        open(&mut self.own, view.places.own.as_ref().filter(|_| view.own.is_some()), Role::Agent)?;
        loop {
            let shared = begin(self.shared.as_ref(), deadline.left(&Disk))?;
            let wait = if shared.is_some() { HOLD } else { Duration::MAX };
            match begin(self.own.as_ref(), deadline.left(&Disk).min(wait)) {
                Ok(own) => return Ok(Locked { shared, own }),
                Err(error) if error.is_locked() && !deadline.left(&Disk).is_zero() => {}
                Err(error) => return Err(error),
            }
            if let Some(shared) = shared {
                shared.release();
            }
            Disk.sleep(LEAVE.min(deadline.left(&Disk)));
        }
    }
}

/// Opens the database at a path unless it is already open; closes it if there is no path.
fn open(writer: &mut Option<Writer>, path: Option<&PathBuf>, role: Role) -> Result<()> {
    let is_open = match (&writer, path) {
        (Some(open), Some(path)) => open.is_at(path)?,
        _ => false,
    };
    if !is_open {
        *writer = match path {
            Some(path) => Some(Writer::open(path, role)?.ok_or_else(|| no_database(path))?),
            None => None,
        };
    }
    Ok(())
}

fn begin(writer: Option<&Writer>, wait: Duration) -> Result<Option<Writing<'_>>> {
    writer.map(|writer| writer.begin(wait)).transpose()
}

impl Locked<'_> {
    /// Returns `true` if the rows are still those of a view.
    fn holds(&self, view: &View) -> bool {
        let same = |writing: &Option<Writing<'_>>, part: &Option<Part>| match (writing, part) {
            (Some(writing), Some(part)) => *writing.rows() == part.rows,
            (None, None) => true,
            _ => false,
        };
        same(&self.shared, &view.shared) && same(&self.own, &view.own)
    }

    /// Returns the content of the locked databases; `None` if the shared profiles have moved to another one.
    fn view(&self, before: &View) -> Result<Option<View>> {
        let part = |writing: &Option<Writing<'_>>, part: &Option<Part>| match (writing, part) {
            (Some(writing), Some(part)) => part.with_rows(writing.rows().clone(), writing.path()).map(Some),
            _ => Ok(None),
        };
        let (shared, own) = (part(&self.shared, &before.shared)?, part(&self.own, &before.own)?);
        let marker = |part: &Option<Part>| part.as_ref().map(|part| part.rows.marker.clone());
        if marker(&shared) != marker(&before.shared) {
            return Ok(None);
        }
        Ok(Some(View::of(before.places.clone(), own, shared)))
    }

    /// Writes and commits, the shared database first, and returns the resulting content.
    fn write(self, before: &View, changes: Changes) -> Result<View> {
        let now = i64::try_from(Disk.wall() / 1_000_000).unwrap_or(i64::MAX);
        let one = |writing: Option<Writing<'_>>, part: &Option<Part>, change: Change| -> Result<Option<Part>> {
            let (Some(writing), Some(part)) = (writing, part) else { return Ok(None) };
            if change.is_empty() {
                writing.release();
                return Ok(Some(part.clone()));
            }
            let path = writing.path().to_owned();
            writing.put(&change, now)?;
            let after = part.after(change, &path)?;
            writing.commit(after.rows.clone())?;
            Ok(Some(after))
        };
        let both = !changes.shared.is_empty() && !changes.own.is_empty();
        let shared = one(self.shared, &before.shared, changes.shared)?;
        let own = one(self.own, &before.own, changes.own).map_err(|error| {
            if both {
                let message = "the shared database was written, but the agent's own was not";
                return Error::new(error.kind(), message).with_source(error);
            }
            error
        })?;
        Ok(View::of(before.places.clone(), own, shared))
    }
}
