//! Why a reference leads to no secret.

use std::fmt;

/// Why a reference to a secret leads to none.
///
/// `Display` goes on after "the reference was not resolved: ". Nothing of what a file, a command or a database said is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceFailure {
    /// Nobody looked it up. It keeps no other credential from being used, except where it is the `apiKey` of the provider.
    NotLookedUp,
    /// Its `source` is none that is known.
    UnknownSource,
    /// The name of its provider is none that a provider can have.
    InvalidProvider,
    /// Its id is none that its source can have.
    InvalidId,
    /// `secrets.providers` has no entry of that name and source, and it is not the default one.
    UnknownProvider,
    /// The entry of `secrets.providers` does not say what is needed.
    InvalidEntry,
    /// This program does not read files, or does not run commands, for a reference.
    NotAllowed,
    /// The `allowlist` of the provider does not name the variable.
    Denied,
    /// The variable is not set, or blank.
    MissingVariable,
    /// There is nothing under the id.
    NotFound,
    /// There is something under the id that is blank or no text.
    NotAText,
    /// It leads to a word that stands in the place of a secret, such as `__OPENCLAW_REDACTED__`.
    Placeholder,
    /// The file or the command is a symbolic link, or no regular file.
    NotAFile,
    /// The file has other names (hard links).
    HardLinked,
    /// The file or the command belongs to another user.
    ForeignOwner,
    /// Others than the owner have rights to the file, or can change the command or replace either.
    OpenToOthers,
    /// The command is not below any of `trustedDirs`.
    Untrusted,
    /// The file cannot be read, or the command cannot be started.
    Unreadable,
    /// The file or the output is larger than its limit.
    TooLarge,
    /// It took longer than `timeoutMs`.
    TimedOut,
    /// The command wrote nothing for longer than `noOutputTimeoutMs`.
    NoOutput,
    /// The command ended with an error.
    CommandFailed,
    /// The file or the answer of the command is not in the form it should have.
    InvalidAnswer,
    /// The command says that it has no such secret, or does not give it.
    Refused,
    /// This program has no secret store to look into.
    NoStore,
    /// The secret store cannot be read.
    StoreFailed,
}

impl ReferenceFailure {
    /// A short name for programs, such as `missing_variable`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotLookedUp => "not_looked_up",
            Self::UnknownSource => "unknown_source",
            Self::InvalidProvider => "invalid_provider",
            Self::InvalidId => "invalid_id",
            Self::UnknownProvider => "unknown_provider",
            Self::InvalidEntry => "invalid_entry",
            Self::NotAllowed => "not_allowed",
            Self::Denied => "denied",
            Self::MissingVariable => "missing_variable",
            Self::NotFound => "not_found",
            Self::NotAText => "not_a_text",
            Self::Placeholder => "placeholder",
            Self::NotAFile => "not_a_file",
            Self::HardLinked => "hard_linked",
            Self::ForeignOwner => "foreign_owner",
            Self::OpenToOthers => "open_to_others",
            Self::Untrusted => "untrusted",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
            Self::TimedOut => "timed_out",
            Self::NoOutput => "no_output",
            Self::CommandFailed => "command_failed",
            Self::InvalidAnswer => "invalid_answer",
            Self::Refused => "refused",
            Self::NoStore => "no_store",
            Self::StoreFailed => "store_failed",
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::NotLookedUp => {
                "This program does not look up references to secrets: store the key itself, or set its variable."
            }
            Self::UnknownSource => "Write `env`, `file`, `exec` or `store` as the source of the reference.",
            Self::InvalidProvider => {
                "A provider's name has small letters, digits, `-` and `_`, begins with a letter and has at most 64 characters."
            }
            Self::InvalidId => {
                "Correct the id: the name of a variable in capitals for `env` and `store`, a JSON pointer for `file`, a path without `..` for `exec`."
            }
            Self::UnknownProvider => {
                "Add the provider to `secrets.providers` with the source of the reference, or correct its name."
            }
            Self::InvalidEntry => {
                "Correct the entry in `secrets.providers`: a file needs a `path`, a command an absolute `command`."
            }
            Self::NotAllowed => {
                "Use a variable or the secret store instead, or allow files and commands in this program's settings."
            }
            Self::Denied => "Add the variable to the `allowlist` of the provider.",
            Self::MissingVariable => "Set the variable that the reference names.",
            Self::NotFound => "Store the secret there, or correct the id.",
            Self::NotAText => "Put the secret there as a text that is not blank.",
            Self::Placeholder => "Put the secret itself in the place of the word.",
            Self::NotAFile => "Name the file itself, not a link to it.",
            Self::HardLinked => "Make a copy of the file and name that one.",
            Self::ForeignOwner => "Take the file over with `chown`, or make a copy of your own.",
            Self::OpenToOthers => {
                "Take the rights of others away: `chmod 600` for a file with secrets, `chmod go-w` for a command or a directory."
            }
            Self::Untrusted => "Add the directory of the command to `trustedDirs`, or move the command.",
            Self::Unreadable => "Look whether the path exists and may be used by you.",
            Self::TooLarge => "Raise `maxBytes` or `maxOutputBytes` of the provider, or make the output smaller.",
            Self::TimedOut => "Try the command by hand, and raise `timeoutMs` of the provider if it is only slow.",
            Self::NoOutput => {
                "Try the command by hand, and raise `noOutputTimeoutMs` of the provider if it is only slow."
            }
            Self::CommandFailed => "Run the command by hand to see what it says; its words are not shown here.",
            Self::InvalidAnswer => {
                "Check the file or the command: JSON of an object, and for a command `protocolVersion` 1 with `values`."
            }
            Self::Refused => {
                "Look whether the secret exists under that id; what the command says of it is not shown here."
            }
            Self::NoStore => {
                "Use a variable instead, or a build of this program with SQLite that knows the state directory."
            }
            Self::StoreFailed => {
                "Look whether the database of the state directory is there and of a release that this program knows."
            }
        }
    }

    /// Whether another look may find the secret without anybody's doing.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::TimedOut | Self::NoOutput | Self::CommandFailed | Self::StoreFailed)
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotLookedUp => "it was not looked up",
            Self::UnknownSource => "its source is not known here",
            Self::InvalidProvider => "the name of its provider is not valid",
            Self::InvalidId => "its id is not valid for its source",
            Self::UnknownProvider => "no such provider is configured for its source",
            Self::InvalidEntry => "the entry of its provider is not complete",
            Self::NotAllowed => "this program does not read such a source",
            Self::Denied => "the provider's allowlist does not name the variable",
            Self::MissingVariable => "its variable is not set",
            Self::NotFound => "there is nothing under its id",
            Self::NotAText => "what stands under its id is blank or no text",
            Self::Placeholder => "it leads to a word that stands in the place of a secret",
            Self::NotAFile => "its path is a link or no regular file",
            Self::HardLinked => "its file has more than one name",
            Self::ForeignOwner => "its path belongs to another user",
            Self::OpenToOthers => "other users have rights to its path",
            Self::Untrusted => "its command is not in a trusted directory",
            Self::Unreadable => "its file cannot be read, or its command cannot be started",
            Self::TooLarge => "its file or the command's output is larger than allowed",
            Self::TimedOut => "it took too long",
            Self::NoOutput => "its command wrote nothing for too long",
            Self::CommandFailed => "its command ended with an error",
            Self::InvalidAnswer => "what its file or command gave has not the form it should have",
            Self::Refused => "its command does not give the secret",
            Self::NoStore => "this program has no secret store to look into",
            Self::StoreFailed => "the secret store cannot be read",
        }
    }
}

impl fmt::Display for ReferenceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
