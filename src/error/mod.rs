//! The crate's one error type, and the problems a configuration is reported with.
//!
//! Every fallible function gives an [`Error`]: [`Error::kind`] is for programs, its text says what happened,
//! [`Error::location`] where, and [`Error::help`] what the person at the terminal can do. [`ErrorKind`] lists all kinds
//! with what a program can do about each; the page [`troubleshooting`](crate::docs::troubleshooting) has them by
//! message. A [`Diagnostic`] is one of several problems in a text that was read all the same, or of those that led to
//! an error.

mod diagnostic;
mod help;
mod io;
mod kind;
mod location;
mod shown;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

pub use diagnostic::{Diagnostic, DiagnosticCode, Severity};
pub(crate) use io::io_error;
pub use kind::ErrorKind;
pub use location::Location;
pub use shown::Shown;

/// A `Result` whose error is the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of every fallible function in this crate.
///
/// One pointer wide. Its text says one thing and never repeats a value from the input, a secret, or the message of
/// another library; the cause, where there is one, is reached through [`source`](StdError::source) and says something
/// else.
///
/// # Examples
///
/// ```
/// use provider_auth::{ErrorKind, ModelRef};
///
/// let error = "anthropic/".parse::<ModelRef>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidId);
/// assert!(error.help().contains("provider/model"));
/// ```
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    location: Option<Location>,
    diagnostics: Vec<Diagnostic>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// The richer value this error was converted from. It says the same, so it is no cause of it.
    origins: Vec<Box<dyn StdError + Send + Sync>>,
    help: Option<Cow<'static, str>>,
    /// Whether waiting helps, where the kind alone does not tell.
    transient: Option<bool>,
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.location {
            Some(location) if *location != Location::default() => write!(f, " ({location})"),
            _ => Ok(()),
        }
    }
}

impl StdError for Inner {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => self.origins.first()?.source(),
        }
    }
}

impl Error {
    /// An error of a kind, with one sentence that says what happened.
    ///
    /// Public so that a third party's store can report its own failures. The message must not contain a secret. Line breaks
    /// and what else is not seen in it are escaped; names of any length go in as [`Shown`].
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            message: shown::on_one_line(message.into()),
            location: None,
            diagnostics: Vec::new(),
            source: None,
            origins: Vec::new(),
            help: None,
            transient: None,
        };
        Self { inner: Box::new(inner) }
    }

    /// Sets the location.
    #[must_use]
    pub fn with_location(mut self, location: Location) -> Self {
        self.inner.location = Some(location);
        self
    }

    /// Sets the file in the location, which keeps its line and column.
    #[must_use]
    pub fn with_path(mut self, path: &Path) -> Self {
        self.inner.location = Some(self.inner.location.take().unwrap_or_default().with_path(path));
        self
    }

    /// Sets the path of keys in the location.
    #[must_use]
    pub fn with_key_path(mut self, key_path: impl Into<String>) -> Self {
        self.inner.location = Some(self.inner.location.take().unwrap_or_default().with_key_path(key_path));
        self
    }

    /// Sets the cause. The cause's text must be as safe to show as this error's own, and say something
    /// else: many programs print both.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Box::new(source));
        self
    }

    /// Adds a value the error was converted from.
    pub(crate) fn with_origin(mut self, origin: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.origins.push(Box::new(origin));
        self
    }

    /// The same error for one more caller.
    #[cfg(feature = "client")]
    pub(crate) fn shared(error: &std::sync::Arc<Self>) -> Self {
        let inner = Inner {
            help: error.inner.help.clone(),
            message: error.inner.message.clone(),
            location: error.inner.location.clone(),
            diagnostics: error.inner.diagnostics.clone(),
            source: None,
            origins: vec![Box::new(std::sync::Arc::clone(error))],
            ..*error.inner
        };
        Self { inner: Box::new(inner) }
    }

    /// Sets the problems that led to the error.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.inner.diagnostics = diagnostics;
        self
    }

    /// Sets whether waiting helps.
    pub(crate) fn with_transience(mut self, transient: bool) -> Self {
        self.inner.transient = Some(transient);
        self
    }

    /// Sets help that fits better than that of the kind. It is for the people who use a program.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        let mut help = help.into();
        shown::escape_in(&mut help);
        self.inner.help = Some(help);
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What happened, without the place.
    pub(crate) fn message(&self) -> &str {
        &self.inner.message
    }

    /// The value this error was converted from, if it is of this type.
    pub(crate) fn origin<T: StdError + 'static>(&self) -> Option<&T> {
        self.inner.origins.iter().find_map(|origin| {
            // What stands for an error that several callers share knows where that one came from.
            let shared = || origin.downcast_ref::<std::sync::Arc<Self>>()?.origin();
            origin.downcast_ref().or_else(shared)
        })
    }

    /// Where, if it is known.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.inner.location.as_ref()
    }

    /// All problems found, for errors that collect several; empty for the others.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.inner.diagnostics
    }

    /// What the person at the terminal can do about it, in one or two sentences. What a program can do is said with each
    /// [`ErrorKind`].
    #[must_use]
    pub fn help(&self) -> &str {
        self.inner.help.as_deref().unwrap_or(self.inner.kind.help())
    }

    /// Whether the same call may succeed later without a human doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use ErrorKind::{
            Locked, ProviderFailed, RateLimited, RefreshFailed, StoreUnavailable, Unavailable, Unreachable,
        };
        let by_kind = matches!(
            self.inner.kind,
            Locked | Unavailable | RateLimited | ProviderFailed | Unreachable | RefreshFailed | StoreUnavailable
        );
        self.inner.transient.unwrap_or(by_kind)
    }

    /// Whether a document exists but cannot be understood, so that writing it would lose data.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        use ErrorKind::{Corrupt, DuplicateKey, InvalidNumber, Syntax, TooDeep, TooLarge};
        matches!(self.inner.kind, Corrupt | Syntax | TooLarge | TooDeep | DuplicateKey | InvalidNumber)
    }

    /// Whether another holder of the lock was in the way.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.inner.kind == ErrorKind::Locked
    }

    /// Whether something was absent rather than wrong, so that asking the next source makes sense.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        use ErrorKind::{MissingApiKey, MissingCredentials, NotFound};
        matches!(self.inner.kind, NotFound | MissingCredentials | MissingApiKey)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind).field("message", &self.message);
        if let Some(location) = &self.location {
            out.field("location", location);
        }
        if !self.diagnostics.is_empty() {
            out.field("diagnostics", &self.diagnostics);
        }
        if let Some(help) = &self.help {
            out.field("help", help);
        }
        if let Some(source) = &self.source {
            out.field("source", source);
        }
        if let Some(origin) = self.origins.first() {
            out.field("origin", origin);
        }
        out.finish_non_exhaustive()
    }
}
