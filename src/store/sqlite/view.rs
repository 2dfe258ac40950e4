//! The document that an agent sees: its own rows over the shared ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Place;
use super::database::{Database, Writer, real};
use super::rows::Role;
use super::snapshot::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{AuthProfiles, Inheritance};

#[derive(Debug)]
pub(super) struct View {
    /// The agent's own rows, if its database is not the shared one.
    pub(super) own: Option<Part>,
    /// The shared rows; `None` if there is no such database.
    pub(super) shared: Option<Part>,
    pub(super) places: Places,
    pub(super) document: Arc<AuthProfiles>,
}

/// Which database contains which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) own: Option<PathBuf>,
    pub(super) shared: (PathBuf, Role),
    pub(super) rules: Rules,
}

/// Whether the shared profiles are also this agent's, and whether they are in the database of the agent `main`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    is_owner: bool,
    by_main: bool,
}

impl Rules {
    pub(super) fn inheritance(self) -> Inheritance {
        let owner = if self.by_main { "the agent main" } else { "the shared store" };
        Inheritance { is_owner: self.is_owner, owner }
    }
}

impl Places {
    /// Determines which database is the shared one.
    ///
    /// The row `auth.sharedStore` of the state database names it; without that row it is the database of the agent
    /// `main`.
    ///
    /// # Errors
    ///
    /// `Corrupt` for a row that OpenClaw does not accept either: guessing could write to the wrong database.
    pub(super) fn of(place: &Place, state: Option<&Part>) -> Result<Self> {
        let in_state = match state.and_then(|part| part.rows.marker.as_deref()) {
            None => false,
            Some(marker) => location(marker).ok_or_else(|| {
                let message = "the row `auth.sharedStore` does not name the database of the shared profiles";
                let help = "Run `openclaw doctor --fix`: OpenClaw does not accept this row either.";
                Error::new(ErrorKind::Corrupt, message).with_path(&place.shared).with_help(help)
            })?,
        };
        let shared = if in_state { (place.shared.clone(), Role::Shared) } else { (place.main.clone(), Role::Agent) };
        // One database may have several paths through links, but must not be locked twice.
        let own = (real(&place.agent) != real(&shared.0)).then(|| place.agent.clone());
        let is_owner = place.is_default || own.is_none();
        Ok(Self { own, shared, rules: Rules { is_owner, by_main: !in_state } })
    }
}

/// Returns `true` if a marker names the state database, `false` for that of `main`, and `None` for any other.
fn location(marker: &str) -> Option<bool> {
    let marker: serde_json::Map<String, serde_json::Value> = serde_json::from_str(marker).ok()?;
    match marker.get("location")?.as_str()? {
        _ if marker.len() != 1 => None,
        "state-db" => Some(true),
        "legacy-main" => Some(false),
        _ => None,
    }
}

impl View {
    pub(super) fn of(places: Places, own: Option<Part>, shared: Option<Part>) -> Self {
        let document = match (&own, &shared) {
            (Some(own), Some(shared)) => Arc::new(own.document.over(&shared.document)),
            (Some(only), None) | (None, Some(only)) => Arc::clone(&only.document),
            (None, None) => Arc::default(),
        };
        Self { own, shared, places, document }
    }
}

/// The connections for reading, with what they read last.
#[derive(Debug, Default)]
pub(super) struct Readers {
    state: Reader,
    main: Reader,
    agent: Reader,
}

#[derive(Debug, Default)]
struct Reader {
    database: Option<Database>,
    /// The data version when it was read; `None` if the part was written instead.
    seen: Option<i64>,
    part: Option<Part>,
}

impl Readers {
    /// Returns the current content of the databases; `cached` itself if their rows are unchanged.
    ///
    /// If the caller has the writers, what they wrote last is compared first.
    pub(super) fn view(
        &mut self,
        place: &Place,
        wait: Duration,
        cached: Option<&Arc<View>>,
        writers: [Option<&Writer>; 2],
    ) -> Result<Arc<View>> {
        let mut changed = self.state.look(&place.shared, Role::Shared, wait, writers)?;
        let places = match cached {
            Some(cached) if !changed => cached.places.clone(),
            _ => Places::of(place, self.state.part.as_ref())?,
        };
        if let Some(path) = &places.own {
            changed |= self.agent.look(path, Role::Agent, wait, writers)?;
        }
        let shared = match &places.shared {
            (_, Role::Shared) => &self.state,
            (path, Role::Agent) => {
                changed |= self.main.look(path, Role::Agent, wait, writers)?;
                &self.main
            }
        };
        if let Some(cached) = cached.filter(|_| !changed) {
            return Ok(Arc::clone(cached));
        }
        let own = places.own.as_ref().and(self.agent.part.clone());
        Ok(Arc::new(View::of(places, own, shared.part.clone())))
    }

    /// Takes over rows that this process has just written, so that they are not parsed again.
    pub(super) fn written(&mut self, view: &View) {
        let shared = if view.places.shared.1 == Role::Shared { &mut self.state } else { &mut self.main };
        for (reader, part) in [(shared, &view.shared), (&mut self.agent, &view.own)] {
            reader.part.clone_from(part);
            // The version seen last may be that of a newer commit.
            reader.seen = None;
        }
    }
}

impl Reader {
    /// Reads the database again if it has changed; returns `true` if its rows differ. After an error nothing counts as
    /// read.
    fn look(&mut self, path: &Path, role: Role, wait: Duration, writers: [Option<&Writer>; 2]) -> Result<bool> {
        let looked = self.read(path, role, wait, writers);
        if looked.is_err() {
            self.part = None;
        }
        looked
    }

    fn read(&mut self, path: &Path, role: Role, wait: Duration, writers: [Option<&Writer>; 2]) -> Result<bool> {
        if let Some(part) = &self.part {
            for writer in writers.into_iter().flatten() {
                if writer.left(&part.rows, path, wait)? {
                    return Ok(false);
                }
            }
        }
        if let Some(database) = &self.database {
            database.wait_for(wait)?;
            if !database.is_current()? {
                self.database = None;
            } else if self.part.is_some() && Some(database.data_version()?) == self.seen {
                return Ok(false);
            }
        }
        if self.database.is_none() {
            self.database = Database::for_reading(path, role, wait)?;
        }
        let Some(database) = &self.database else { return Ok(self.part.take().is_some()) };
        let reading = database.read()?;
        self.seen = Some(reading.data_version);
        if self.part.as_ref().is_some_and(|part| part.rows == reading.rows) {
            return Ok(false);
        }
        self.part = Some(Part::read(reading.rows, path, database.remarks()?)?);
        Ok(true)
    }
}
