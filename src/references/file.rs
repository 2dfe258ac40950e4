//! The source `file`: secrets in a private file.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::address::SINGLE;
use super::path::{Kind, examine, judge};
use super::pointer::text_at;
use crate::config::{FileMode, SecretProvider};
use crate::credential::ReferenceFailure;
use crate::env::Environment;
use crate::secret::{Secret, SecretBytes};

const PIECE: usize = 1 << 16;

/// A file that was read once for all references into it.
pub(super) enum Content {
    Single(Secret),
    Object(Value),
}

impl Content {
    pub(super) fn read(entry: &SecretProvider, environment: &Environment) -> Result<Self, ReferenceFailure> {
        let path = entry.path.as_deref().ok_or(ReferenceFailure::InvalidEntry)?;
        let path = environment.expand_home(path).map_err(|_| ReferenceFailure::InvalidEntry)?;
        if !path.is_absolute() {
            return Err(ReferenceFailure::InvalidEntry);
        }
        let text = bytes(&path, entry)?;
        let text = std::str::from_utf8(&text).map_err(|_| ReferenceFailure::InvalidAnswer)?;
        match entry.mode {
            FileMode::SingleValue => {
                let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
                Ok(Self::Single(Secret::new(text)))
            }
            FileMode::Json => match serde_json::from_str(text) {
                Ok(object @ Value::Object(_)) => Ok(Self::Object(object)),
                _ => Err(ReferenceFailure::InvalidAnswer),
            },
        }
    }

    pub(super) fn secret(&self, id: &str) -> Result<Secret, ReferenceFailure> {
        match self {
            Self::Single(secret) if id == SINGLE => Ok(secret.clone()),
            Self::Object(object) if id != SINGLE => text_at(object, id),
            _ => Err(ReferenceFailure::InvalidId),
        }
    }
}

/// Reads a file, and checks that its path was not replaced before it was opened.
#[expect(clippy::disallowed_methods, reason = "a file that a reference names, and the time it may take")]
fn bytes(path: &Path, entry: &SecretProvider) -> Result<SecretBytes, ReferenceFailure> {
    let start = Instant::now();
    let seen = examine(path, Kind::Secrets)?;
    let mut file = File::open(path).map_err(|_| ReferenceFailure::Unreadable)?;
    let opened = file.metadata().map_err(|_| ReferenceFailure::Unreadable)?;
    judge(&opened, Kind::Secrets)?;
    if (seen.dev(), seen.ino()) != (opened.dev(), opened.ino()) {
        // Another file took its path in between.
        return Err(ReferenceFailure::NotAFile);
    }
    let mut bytes = SecretBytes::default();
    loop {
        let read = bytes.read_from(&mut file, PIECE).map_err(|_| ReferenceFailure::Unreadable)?;
        if bytes.len() > entry.max_bytes {
            return Err(ReferenceFailure::TooLarge);
        }
        if start.elapsed() > entry.timeout {
            return Err(ReferenceFailure::TimedOut);
        }
        if read == 0 {
            return Ok(bytes);
        }
    }
}
