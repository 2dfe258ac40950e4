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

/// What an agent sees, and what it is made of.
#[derive(Debug)]
pub(super) struct View {
    /// The agent's own rows, if it has a database beside the shared one.
    pub(super) own: Option<Part>,
    /// The rows that it shares with the others; `None` if there is no such database.
    pub(super) shared: Option<Part>,
    pub(super) places: Places,
    pub(super) document: Arc<AuthProfiles>,
}

/// Which database has which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) own: Option<PathBuf>,
    pub(super) shared: (PathBuf, Role),
    pub(super) rules: Rules,
}

/// Whether the shared profiles are this agent's too, and whether they are the agent `main`'s.
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
    /// Finds out which database is whose.
    ///
    /// The row `auth.sharedStore` of the state database names the owner of the shared profiles; without that row it is the
    /// database of the agent `main`.
    ///
    /// # Errors
    ///
    /// `Corrupt` for a row that OpenClaw does not accept either: whoever guesses may write to the wrong place.
    pub(super) fn of(place: &Place, state: Option<&Part>) -> Result<Self> {
        let in_state = match state.and_then(|part| part.rows.marker.as_deref()) {
            None => false,
            Some(marker) => location(marker).ok_or_else(|| {
                let message = "the row `auth.sharedStore` does not name the database of the shared profiles";
                let help = "Run `openclaw doctor --fix`: OpenClaw does not work with this row either.";
                Error::new(ErrorKind::Corrupt, message).with_path(&place.shared).with_help(help)
            })?,
        };
        let shared = if in_state { (place.shared.clone(), Role::Shared) } else { (place.main.clone(), Role::Agent) };
        // By whatever links: one database is never locked twice.
        let own = (real(&place.agent) != real(&shared.0)).then(|| place.agent.clone());
        let is_owner = place.is_default || own.is_none();
        Ok(Self { own, shared, rules: Rules { is_owner, by_main: !in_state } })
    }
}

/// Whether a marker names the state database, or else that of main; `None` for any other.
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
    /// Joins the parts.
    pub(super) fn of(places: Places, own: Option<Part>, shared: Option<Part>) -> Self {
        let document = match (&own, &shared) {
            (Some(own), Some(shared)) => Arc::new(own.document.over(&shared.document)),
            (Some(only), None) | (None, Some(only)) => Arc::clone(&only.document),
            (None, None) => Arc::default(),
        };
        Self { own, shared, places, document }
    }
}

/// The connections that read, and what they read last.
#[derive(Debug, Default)]
pub(super) struct Readers {
    state: Reader,
    main: Reader,
    agent: Reader,
}

/// One connection that reads.
#[derive(Debug, Default)]
struct Reader {
    database: Option<Database>,
    /// The number that the database had when it was read; `None` if the part was written and not read.
    seen: Option<i64>,
    part: Option<Part>,
}

impl Readers {
    /// What is in the databases now: `cached` itself if their rows are as they were.
    ///
    /// A writer is asked first what it left there, where there is one and nobody works with it.
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

    /// Takes over what this process has just written, so that it is not made anew of the same rows.
    pub(super) fn written(&mut self, view: &View) {
        let shared = if view.places.shared.1 == Role::Shared { &mut self.state } else { &mut self.main };
        for (reader, part) in [(shared, &view.shared), (&mut self.agent, &view.own)] {
            reader.part.clone_from(part);
            // What has been seen meanwhile may be newer.
            reader.seen = None;
        }
    }
}

impl Reader {
    /// Reads the database again if it was changed; returns whether its rows are others. After an error nothing counts as read.
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
                // Another file stands there, or none.
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
