//! Problems found while reading a document, collected instead of stopping at the first.

use std::fmt;

use super::location::Location;
use super::shown::on_one_line;

/// The seriousness of a [`Diagnostic`], in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Information; nothing is wrong.
    Note,
    /// Accepted, but the user probably wants to change it.
    Warning,
    /// Not accepted; strict reading fails.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The subject of a [`Diagnostic`], for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiagnosticCode {
    /// A value has the wrong type or is out of range.
    InvalidValue,
    /// A key that must be present is absent.
    MissingKey,
    /// A key in an object that this crate defines is unknown, and may be misspelled.
    UnknownKey,
    /// A key still works but has a replacement.
    DeprecatedKey,
    /// A setting has no effect here.
    IgnoredSetting,
    /// A `${NAME}` names a variable that is unset or empty.
    MissingVariable,
    /// Text looks like a substitution, for example `${NAME:-default}`, but is not one.
    NotSubstituted,
    /// A variable that could take over the process, judging by its name, was refused.
    RefusedVariable,
    /// A field has an alternative spelling, which was understood.
    Alias,
    /// A credential of a kind that this version does not know was kept unchanged.
    UnknownCredential,
    /// A value stored as one kind of credential is clearly another.
    CredentialKind,
    /// A secret was cleaned in memory: line breaks, quotation marks, a name in front of it and the like were removed.
    CleanedSecret,
    /// A text stored as a secret cannot be one, and is not sent.
    ImplausibleSecret,
    /// A secret is unusual, but is sent.
    UnusualSecret,
    /// A time appears to be in another unit, or is a duration.
    WrongUnit,
    /// An order named only profiles that do not exist, and was repaired.
    RepairedOrder,
    /// Two sources disagree, and one of them took precedence.
    Conflict,
    /// Others may read or change a file, or one of them owns it.
    InsecurePermissions,
    /// Something was imported from a file in an older format.
    Imported,
    /// A `$include` could not be followed.
    InvalidInclude,
    /// A name refers to a profile that does not exist.
    UnknownProfile,
    /// A provider is neither known nor configured, and its name is nearly that of a known one.
    UnknownProvider,
    /// The configuration leaves out existing profiles because it lists others.
    LeftOut,
    /// A profile can never match its description in the configuration.
    NeverMatches,
    /// A file contains profiles that no store has.
    LeftBehind,
    /// A credential whose use the provider's terms do not allow here takes precedence over another stored one.
    DiscouragedCredential,
    /// A reference to a secret was looked up but not found.
    UnresolvedReference,
    /// A credential would be sent over plain HTTP to a host where that is not allowed, so no request is sent.
    InsecureTransport,
    /// The server that stores the profiles could not be reached, so the last ones read are in use, or accepts no writes.
    StoreAway,
    /// A file could not be read, so its contents are missing.
    UnreadableFile,
}

/// One problem in a document: its subject, location, message and help.
///
/// The text never repeats a value from the document. Key names and profile ids do appear, formatted by
/// [`Shown`](super::Shown).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The severity; an [`Error`](Severity::Error) fails strict reading.
    pub severity: Severity,
    /// The subject, for programs.
    pub code: DiagnosticCode,
    /// The location of the problem in the document or on disk.
    pub location: Location,
    /// One sentence about what was found.
    pub message: String,
    /// What the user can do about it, if anything.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Creates a diagnostic without help.
    #[must_use]
    pub fn new(severity: Severity, code: DiagnosticCode, location: Location, message: impl Into<String>) -> Self {
        Self { severity, code, location, message: on_one_line(message.into()), help: None }
    }

    /// Sets the advice for the person at the terminal, in one sentence. Default: none.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(on_one_line(help.into()));
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)?;
        if self.location != Location::default() {
            write!(f, " ({})", self.location)?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}
