//! Reasons why a reference could not be resolved.

use std::fmt;

/// The reason why a reference to a secret could not be resolved.
///
/// The `Display` text follows "the reference was not resolved: " and contains no output of a file, a command or a
/// database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceFailure {
    /// It was not looked up. Other credentials are still used, unless it is the `apiKey` of the provider.
    NotLookedUp,
    /// Its `source` is unknown.
    UnknownSource,
    /// The name of its provider is invalid.
    InvalidProvider,
    /// Its id is invalid for its source.
    InvalidId,
    /// `secrets.providers` has no entry of that name and source, and it is not the default one.
    UnknownProvider,
    /// The entry of `secrets.providers` is incomplete.
    InvalidEntry,
    /// This program does not read files, or does not run commands, for references.
    NotAllowed,
    /// The `allowlist` of the provider does not include the variable.
    Denied,
    /// The variable is not set, or blank.
    MissingVariable,
    /// The source has nothing under the id.
    NotFound,
    /// The value under the id is blank or not text.
    NotAText,
    /// The value is a word that OpenClaw writes instead of a secret, such as `__OPENCLAW_REDACTED__`.
    Placeholder,
    /// The file or the command is a symbolic link, or not a regular file.
    NotAFile,
    /// The file has other names (hard links).
    HardLinked,
    /// The file or the command belongs to another user.
    ForeignOwner,
    /// Other users have rights to the file, or can change the command or replace either.
    OpenToOthers,
    /// The command is not in any of `trustedDirs`.
    Untrusted,
    /// The file cannot be read, or the command cannot be started.
    Unreadable,
    /// The file or the output exceeds its limit.
    TooLarge,
    /// It took longer than `timeoutMs`.
    TimedOut,
    /// The command wrote nothing for longer than `noOutputTimeoutMs`.
    NoOutput,
    /// The command ended with an error.
    CommandFailed,
    /// The file or the command's output does not have the required format.
    InvalidAnswer,
    /// The command reports that it has no such secret, or does not return it.
    Refused,
    /// This program has no secret store.
    NoStore,
    /// The secret store cannot be read.
    StoreFailed,
}

impl ReferenceFailure {
    /// Returns a short name for programs, such as `missing_variable`.
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

    /// Returns what the user can do about it.
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
            Self::Placeholder => "Replace the word with the secret itself.",
            Self::NotAFile => "Name the file itself, not a link to it.",
            Self::HardLinked => "Make a copy of the file and name that one.",
            Self::ForeignOwner => "Change the owner with `chown`, or make a copy of your own.",
            Self::OpenToOthers => {
                "Remove the rights of other users: `chmod 600` for a file with secrets, `chmod go-w` for a command or a directory."
            }
            Self::Untrusted => "Add the directory of the command to `trustedDirs`, or move the command.",
            Self::Unreadable => "Check that the path exists and that you may use it.",
            Self::TooLarge => "Raise `maxBytes` or `maxOutputBytes` of the provider, or make the output smaller.",
            Self::TimedOut => "Try the command by hand, and raise the provider's `timeoutMs` if it is only slow.",
            Self::NoOutput => {
                "Try the command by hand, and raise the provider's `noOutputTimeoutMs` if it is only slow."
            }
            Self::CommandFailed => "Run the command by hand to see its output, which is not shown here.",
            Self::InvalidAnswer => {
                "Check the file or the command's output: it must be a JSON object, for a command with `protocolVersion` 1 and `values`."
            }
            Self::Refused => "Check that the secret exists under that id; the command's own message is not shown here.",
            Self::NoStore => {
                "Use a variable instead, or a build of this program with SQLite that knows the state directory."
            }
            Self::StoreFailed => {
                "Check that the database of the state directory exists, and that this program supports its release."
            }
        }
    }

    /// Returns `true` if a later lookup may succeed without anyone's action.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::TimedOut | Self::NoOutput | Self::CommandFailed | Self::StoreFailed)
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotLookedUp => "it was not looked up",
            Self::UnknownSource => "its source is unknown",
            Self::InvalidProvider => "the name of its provider is not valid",
            Self::InvalidId => "its id is not valid for its source",
            Self::UnknownProvider => "no such provider is configured for its source",
            Self::InvalidEntry => "the entry of its provider is not complete",
            Self::NotAllowed => "this program does not read such a source",
            Self::Denied => "the provider's allowlist does not name the variable",
            Self::MissingVariable => "its variable is not set",
            Self::NotFound => "there is nothing under its id",
            Self::NotAText => "the value under its id is blank or not text",
            Self::Placeholder => "its value is a word that OpenClaw writes instead of a secret",
            Self::NotAFile => "its path is a link or not a regular file",
            Self::HardLinked => "its file has more than one name",
            Self::ForeignOwner => "its path belongs to another user",
            Self::OpenToOthers => "other users have rights to its path",
            Self::Untrusted => "its command is not in a trusted directory",
            Self::Unreadable => "its file cannot be read, or its command cannot be started",
            Self::TooLarge => "its file or the command's output is larger than allowed",
            Self::TimedOut => "it took too long",
            Self::NoOutput => "its command wrote nothing for too long",
            Self::CommandFailed => "its command ended with an error",
            Self::InvalidAnswer => "its file or the command's output does not have the required format",
            Self::Refused => "its command does not return the secret",
            Self::NoStore => "this program has no secret store",
            Self::StoreFailed => "the secret store cannot be read",
        }
    }
}

impl fmt::Display for ReferenceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
