//! Problems found while reading a document, collected instead of stopping at the first.

use std::fmt;

use super::location::Location;
use super::shown::on_one_line;

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Accepted, but the user probably wants to change it.
    Warning,
    /// Not accepted: strict reading fails.
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

/// What a [`Diagnostic`] is about, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiagnosticCode {
    /// A value has the wrong type or is out of range.
    InvalidValue,
    /// A key that must be present is absent.
    MissingKey,
    /// A key inside an object this crate owns is not known; perhaps a misspelling.
    UnknownKey,
    /// A key still works but has a replacement.
    DeprecatedKey,
    /// A setting has no effect here.
    IgnoredSetting,
    /// A `${NAME}` names a variable that is unset or empty.
    MissingVariable,
    /// Text looks like a substitution but is not one, for example `${NAME:-default}`.
    NotSubstituted,
    /// A variable name that could take over the process was refused.
    RefusedVariable,
    /// A field is spelled in a way other than the canonical one and was understood.
    Alias,
    /// A credential of a kind this version does not know was kept as it is.
    UnknownCredential,
    /// A value stored as one kind of credential is plainly another.
    CredentialKind,
    /// A secret was cleaned: line breaks, quotation marks, a name in front of it and the like were left out of the view in
    /// memory.
    CleanedSecret,
    /// A text that stands in the place of a secret can be none, and is not sent.
    ImplausibleSecret,
    /// A secret is unusual, and is sent all the same.
    UnusualSecret,
    /// A time was probably written in another unit, or is a length of time.
    WrongUnit,
    /// An order names only profiles that do not exist and was repaired.
    RepairedOrder,
    /// Two places say different things and one of them won.
    Conflict,
    /// A file allows others to read or change it, or belongs to someone else.
    InsecurePermissions,
    /// Something was taken from a file of an older format.
    Imported,
    /// A `$include` could not be followed.
    InvalidInclude,
    /// A profile is named that does not exist.
    UnknownProfile,
    /// Profiles exist that the configuration leaves out by listing others.
    LeftOut,
    /// A profile can never be used as the configuration describes it.
    NeverMatches,
    /// A file holds profiles that no store has.
    LeftBehind,
    /// A credential is used first that the provider's terms do not allow here, although another one is stored.
    DiscouragedCredential,
    /// A reference to a secret was looked up and leads to none.
    UnresolvedReference,
    /// A credential would go over plain HTTP to a host where that is not allowed, so that no request is sent.
    InsecureTransport,
    /// The server that keeps the profiles could not be reached, so that they are those that were last read.
    StoreAway,
}

/// One problem in a document: what, where, and what to do.
///
/// The text never repeats a value from the document. Key names and profile ids do appear, as [`Shown`](super::Shown) writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub code: DiagnosticCode,
    /// Where it is.
    pub location: Location,
    /// One sentence that says what was found.
    pub message: String,
    /// What to do, where there is something to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without help.
    #[must_use]
    pub fn new(severity: Severity, code: DiagnosticCode, location: Location, message: impl Into<String>) -> Self {
        Self { severity, code, location, message: on_one_line(message.into()), help: None }
    }

    /// Sets the help.
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
