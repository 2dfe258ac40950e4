//! The crate's one error type, and diagnostics about documents.
//!
//! Every fallible function returns an [`Error`]: [`Error::kind`] is for programs, its text states what happened,
//! [`Error::location`] where, and [`Error::help`] what the person at the terminal can do. [`ErrorKind`] lists all kinds
//! and what a program can do about each; the page [`troubleshooting`](crate::docs::troubleshooting) lists them with
//! their messages. A [`Diagnostic`] is one of several problems in a document, which was either read anyway or refused
//! with an error.

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

/// A `Result` whose error is an [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of every fallible function in this crate.
///
/// It is one pointer wide. Its text is one sentence that never repeats a value from the input, a secret, or the message
/// of another library. The cause, if there is one, is its [`source`](StdError::source), whose text differs.
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
    /// The richer values that this error was converted from. They have the same text, so they are no causes.
    origins: Vec<Box<dyn StdError + Send + Sync>>,
    help: Option<Cow<'static, str>>,
    /// `true` if waiting helps; `None` if the kind decides.
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
    /// Creates an error of a kind, with one sentence about what happened.
    ///
    /// It is public so that third-party stores can report their own failures. The message must not contain a secret.
    /// Line breaks and invisible characters in it are escaped; format names of any length with [`Shown`].
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

    /// Sets the location of the problem: file, line, column and key path, as far as they are known. Default: none.
    #[must_use]
    pub fn with_location(mut self, location: Location) -> Self {
        self.inner.location = Some(location);
        self
    }

    /// Sets the file in the location, and keeps line and column.
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

    /// Sets the cause. Its text must be as safe to show as this error's own, and differ from it, because many programs
    /// print both.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Box::new(source));
        self
    }

    /// Adds a value that the error was converted from.
    pub(crate) fn with_origin(mut self, origin: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.origins.push(Box::new(origin));
        self
    }

    /// Creates the same error for another caller.
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

    /// Sets the problems that led to the error. Default: none.
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

    /// Sets help for the user that is more specific than [`ErrorKind::help`], which is the default.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        let mut help = help.into();
        shown::escape_in(&mut help);
        self.inner.help = Some(help);
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the message without the location.
    pub(crate) fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns the value that this error was converted from, if it has this type.
    pub(crate) fn origin<T: StdError + 'static>(&self) -> Option<&T> {
        self.inner.origins.iter().find_map(|origin| {
            // An error shared between callers also knows the origin of the shared one.
            let shared = || origin.downcast_ref::<std::sync::Arc<Self>>()?.origin();
            origin.downcast_ref().or_else(shared)
        })
    }

    /// Returns the location of the problem, if known.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.inner.location.as_ref()
    }

    /// Returns all problems found, for errors that collect several; empty for the others.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.inner.diagnostics
    }

    /// Returns what the person at the terminal can do about it, in one or two sentences. What a program can do is
    /// documented with each [`ErrorKind`].
    #[must_use]
    pub fn help(&self) -> &str {
        self.inner.help.as_deref().unwrap_or(self.inner.kind.help())
    }

    /// Returns `true` if the same call may succeed later without human intervention.
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

    /// Returns `true` if a document exists but cannot be understood, so that writing it would lose data.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        use ErrorKind::{Corrupt, DuplicateKey, InvalidNumber, Syntax, TooDeep, TooLarge};
        matches!(self.inner.kind, Corrupt | Syntax | TooLarge | TooDeep | DuplicateKey | InvalidNumber)
    }

    /// Returns `true` if another holder kept the lock.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.inner.kind == ErrorKind::Locked
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
        // What the message was made of, such as the verdicts of all profiles, would repeat it at length: `main` prints this.
        out.finish_non_exhaustive()
    }
}
