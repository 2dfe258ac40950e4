//! The location of a problem.

use std::fmt;
use std::path::PathBuf;

use super::shown::{Shown, on_one_line};

/// The location of a problem in a document or on disk. Every part is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Location {
    /// The path of the file.
    pub path: Option<PathBuf>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column in characters, counted from 1.
    pub column: Option<u32>,
    /// The path of keys in the document, for example `agents.list[1].model`.
    pub key_path: Option<String>,
}

impl Location {
    /// Creates a location in a document: line and column, counted from 1.
    #[must_use]
    pub fn at(line: u32, column: u32) -> Self {
        Self { line: Some(line), column: Some(column), ..Self::default() }
    }

    /// Sets the path of keys in the document.
    #[must_use]
    pub fn with_key_path(mut self, key_path: impl Into<String>) -> Self {
        self.key_path = Some(on_one_line(key_path.into()));
        self
    }

    /// Sets the path of the file.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // A path joined from a configuration's names and the system's may mix both kinds of separators.
        self.path = Some(if cfg!(windows) { path.components().collect() } else { path });
        self
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(path) = &self.path {
            write!(f, "{}", Shown::new(&path.to_string_lossy()))?;
            separator = ":";
        }
        if let Some(line) = self.line {
            write!(f, "{separator}{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
            separator = ", ";
        } else if !separator.is_empty() {
            separator = ", ";
        }
        if let Some(key_path) = &self.key_path {
            write!(f, "{separator}{key_path}")?;
        }
        Ok(())
    }
}
