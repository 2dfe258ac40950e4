//! Why a text can be no secret.

use std::fmt;

/// Why a text that stands in the place of a secret can be none.
///
/// The list is closed: a secret is never refused for its length, nor for what it does not begin with. `Display` goes on after
/// "has"; nothing of the text is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Implausible {
    /// What a template or a page of documentation has in the place of a secret: `your_api_key_here`, `<key>`, `sk-...`.
    Placeholder,
    /// A reference in a notation that is not followed here: `$NAME`, `env:NAME`, `op://vault/item/field`.
    #[non_exhaustive]
    Reference {
        /// What it refers to.
        notation: Notation,
    },
    /// A secret that begins as those of another provider do, at a host of the provider's own.
    OtherProvider,
    /// A command, which nobody runs here.
    CommandLine,
    /// Nothing but punctuation.
    Punctuation,
}

/// What a text refers to that is a reference in a notation that is not followed.
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
    /// A word that OpenClaw writes where it keeps the secret itself elsewhere: `secretref-managed`.
    Marker,
}

impl Implausible {
    /// A short name for programs: `placeholder`, `reference`, `other_provider`, `command_line` or `punctuation`.
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

    /// What the user can do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Placeholder => "Put the secret itself in the place of the placeholder, or remove the entry.",
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
            Self::Placeholder => "a placeholder in the place of a secret",
            Self::Reference { notation: Notation::Variable } => {
                "the name of a variable in a notation that is not followed, in the place of a secret"
            }
            Self::Reference { notation: Notation::File } => {
                "the path of a file in the place of a secret, which is not read"
            }
            Self::Reference { notation: Notation::Manager } => {
                "an address in the place of a secret, at which nobody looks"
            }
            Self::Reference { notation: Notation::Profile } => "the id of a profile in the place of a secret",
            Self::Reference { notation: Notation::Marker } => {
                "a word of OpenClaw's in the place of a secret that is kept elsewhere"
            }
            Self::OtherProvider => "a secret of another provider",
            Self::CommandLine => "a command in the place of a secret, which is not run",
            Self::Punctuation => "nothing but punctuation in the place of a secret",
        }
    }
}

impl Notation {
    /// What works in the place of it.
    fn help(self) -> &'static str {
        match self {
            Self::Variable => {
                "Write `${NAME}` in `openclaw.json`, or in a profile `keyRef: { source: \"env\", provider: \"default\", id: \"NAME\" }`, with the variable's name in capitals; or set the variable to the secret itself."
            }
            Self::File => {
                "Name the file under `secrets.providers` and write `{ source: \"file\", provider: \"NAME\", id: \"value\" }` as the reference (`keyRef` in a profile), or put the secret itself there."
            }
            Self::Manager => {
                "Name a command that asks for the secret under `secrets.providers` and write `{ source: \"exec\", provider: \"NAME\", id: \"ID\" }` as the reference (`keyRef` in a profile); or let the tool set a variable to the secret itself, as `op run` does."
            }
            Self::Profile => {
                "Put the secret itself there. Which profile is used is said in `auth.order` and `auth.profiles` of `openclaw.json`."
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
