//! The naive store: the whole document as one text under one key, replaced if it has not changed meanwhile.

use std::sync::{Arc, Mutex};

use provider_auth::profile::DirtyState;
use provider_auth::{AuthProfileStore, AuthProfiles, Result};

pub(crate) struct WholeDocument(Mutex<redis::Connection>);

impl WholeDocument {
    pub(crate) fn open(url: &str) -> Self {
        Self(Mutex::new(redis::Client::open(url).unwrap().get_connection().unwrap()))
    }

    fn read(connection: &mut redis::Connection) -> Result<AuthProfiles> {
        let text: Option<String> = redis::cmd("GET").arg("whole").query(connection).unwrap();
        text.map_or_else(|| Ok(AuthProfiles::new()), |text| AuthProfiles::from_json(&text))
    }
}

impl std::fmt::Debug for WholeDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WholeDocument")
    }
}

impl AuthProfileStore for WholeDocument {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        Self::read(&mut self.0.lock().unwrap()).map(Arc::new)
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        let mut connection = self.0.lock().unwrap();
        loop {
            redis::cmd("WATCH").arg("whole").query::<()>(&mut connection).unwrap();
            let mut profiles = Self::read(&mut connection)?;
            change(&mut profiles)?;
            if profiles.dirty_state() == DirtyState::None {
                redis::cmd("UNWATCH").query::<()>(&mut connection).unwrap();
                return Ok(Arc::new(profiles));
            }
            let mut pipe = redis::pipe();
            pipe.atomic().cmd("SET").arg("whole").arg(profiles.to_json().expose()).ignore();
            let done: Option<()> = pipe.query(&mut *connection).unwrap();
            if done.is_some() {
                profiles.committed();
                return Ok(Arc::new(profiles));
            }
        }
    }
}
