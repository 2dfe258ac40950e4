//! Reasons why a text cannot be a secret.

use std::fmt;

/// The reason why a text cannot be a secret.
///
/// These are the only reasons: a secret is never refused for its length, or for lacking a certain prefix. The `Display`
/// text follows "has" and contains nothing of the refused text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Implausible {
    /// A placeholder from a template or from documentation: `your_api_key_here`, `<key>`, `sk-...`.
    Placeholder,
    /// A reference in a notation that is not supported: `$NAME`, `env:NAME`, `op://vault/item/field`.
    #[non_exhaustive]
    Reference {
        /// The target of the reference.
        notation: Notation,
    },
    /// A secret with the prefix of another provider, at the provider's own host.
    OtherProvider,
    /// A command, which is not run.
    CommandLine,
    /// Only punctuation.
    Punctuation,
}

/// The target of a reference in a notation that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notation {
    /// A variable: `$NAME`, `${name}`, `%NAME%`, `env:NAME`, `{env:NAME}`, or only its name.
    Variable,
    /// A file: `file:`, a path.
    File,
    /// A password manager, a vault or another address: `op://`, `vault:`, `keychain:`, `arn:aws:secretsmanager:`.
    Manager,
    /// A stored profile, by its id.
    Profile,
    /// A word that OpenClaw writes if the secret is kept elsewhere: `secretref-managed`.
    Marker,
}

impl Implausible {
    /// Returns a short name for programs: `placeholder`, `reference`, `other_provider`, `command_line` or
    /// `punctuation`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Placeholder => "placeholder",
            Self::Reference { .. } => "reference",
            Self::OtherProvider => "other_provider",
            Self::CommandLine => "command_line",
            Self::Punctuation => "punctuation",
        }
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Placeholder => "Replace the placeholder with the secret itself, or remove the entry.",
            Self::Reference { notation } => notation.help(),
            Self::OtherProvider => {
                "Use a secret of this provider, store this one for its own, or set `baseUrl` under `models.providers` if a gateway takes it."
            }
            Self::CommandLine => {
                "Run the command and store what it prints, or name it under `secrets.providers` and write `{ source: \"exec\", provider: \"NAME\", id: \"ID\" }` as the reference."
            }
            Self::Punctuation => "Put the secret itself there, or remove the entry.",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Placeholder => "a placeholder instead of a secret",
            Self::Reference { notation: Notation::Variable } => {
                "the name of a variable in a notation that is not supported, instead of a secret"
            }
            Self::Reference { notation: Notation::File } => "the path of a file instead of a secret, which is not read",
            Self::Reference { notation: Notation::Manager } => "an address instead of a secret, which is not looked up",
            Self::Reference { notation: Notation::Profile } => "the id of a profile instead of a secret",
            Self::Reference { notation: Notation::Marker } => "a word of OpenClaw for a secret that is kept elsewhere",
            Self::OtherProvider => "a secret of another provider",
            Self::CommandLine => "a command instead of a secret, which is not run",
            Self::Punctuation => "nothing but punctuation instead of a secret",
        }
    }
}

impl Notation {
    /// Returns what works instead.
    fn help(self) -> &'static str {
        match self {
            Self::Variable => {
                "Write `${NAME}` in `openclaw.json`, or in a profile `keyRef: { source: \"env\", provider: \"default\", id: \"NAME\" }`, with the variable's name in capitals; or set the variable to the secret itself."
            }
            Self::File => {
                "Name the file under `secrets.providers` and write `{ source: \"file\", provider: \"NAME\", id: \"value\" }` as the reference (`keyRef` in a profile), or put the secret itself there."
            }
            Self::Manager => {
                "Name a command that fetches the secret under `secrets.providers` and write `{ source: \"exec\", provider: \"NAME\", id: \"ID\" }` as the reference (`keyRef` in a profile); or let the tool set a variable to the secret itself, as `op run` does."
            }
            Self::Profile => {
                "Put the secret itself there. To choose a profile, use `auth.order` and `auth.profiles` in `openclaw.json`."
            }
            Self::Marker => {
                "Put the secret itself there, or the whole reference: `{ source: \"env\", provider: \"default\", id: \"NAME\" }`."
            }
        }
    }
}

impl fmt::Display for Implausible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
