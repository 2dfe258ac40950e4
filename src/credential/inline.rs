//! Credentials outside profiles.

use std::fmt;

use super::Credential;

/// A provider's credential from the environment or the configuration, used if there is no usable stored profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InlineCredential {
    /// The key or token, cleaned of what surrounds it in the variable or file.
    pub credential: Credential,
    /// The variable, configuration entry or caller that it came from.
    pub source: CredentialSource,
}

impl InlineCredential {
    /// Creates an inline credential.
    #[must_use]
    pub fn new(credential: Credential, source: CredentialSource) -> Self {
        Self { credential, source }
    }
}

/// The origin of a credential that is about to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// A stored profile.
    Profile,
    /// An environment variable, or one from an `.env` file or the configuration's `env` block.
    #[non_exhaustive]
    Environment {
        /// The variable's name.
        variable: &'static str,
        /// The place where the variable was found.
        origin: EnvOrigin,
    },
    /// `models.providers.<provider>.apiKey` of the configuration.
    Config,
    /// The calling program.
    Caller,
    /// None: the endpoint needs no credential, or configured headers authenticate.
    NotNeeded,
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile => f.write_str("a stored profile"),
            Self::Environment { variable, origin: EnvOrigin::ConfigBlock } => {
                write!(f, "{variable} in the configuration's `env` block")
            }
            Self::Environment { variable, origin: EnvOrigin::File } => write!(f, "{variable} in the `.env` file"),
            Self::Environment { variable, .. } => write!(f, "the environment variable {variable}"),
            Self::Config => f.write_str("`models.providers` of the configuration"),
            Self::Caller => f.write_str("the calling program"),
            Self::NotNeeded => f.write_str("nowhere: the endpoint needs no credential"),
        }
    }
}

/// The place where a variable was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvOrigin {
    /// The process environment, or the caller's replacement for it.
    Process,
    /// An `.env` file.
    File,
    /// The `env` block of the configuration.
    ConfigBlock,
}
