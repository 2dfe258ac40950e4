//! How a configuration is read.

use crate::env::Environment;
use crate::error::Severity;
use crate::syntax::Limits;

/// How a configuration is read: how strictly, how much of it, and with which variables.
///
/// The default is strict, up to 16 MiB and 128 levels, with the process environment.
///
/// # Examples
///
/// ```
/// use provider_auth::{Config, Environment, ReadOptions};
///
/// let options = ReadOptions::new().lenient(true).environment(Environment::empty());
/// let config = Config::from_json5_str("{ auth: { cooldowns: { billingMaxHours: 'a day' } } }", &options)?;
/// assert_eq!(config.cooldowns().billing_max_hours, None);
/// assert_eq!(config.diagnostics().len(), 1);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    lenient: bool,
    pub(super) include_anywhere: bool,
    pub(super) limits: Limits,
    pub(super) environment: Environment,
}

impl ReadOptions {
    /// The default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a wrong value in a key this crate owns is a warning and counts as absent, instead of an error.
    #[must_use]
    pub fn lenient(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }

    /// The largest size of the text in bytes; 4 GiB at most.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_bytes = bytes;
        self
    }

    /// How many lists and objects may be open at once; 128 at most, which is the default.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.limits.max_depth = depth;
        self
    }

    /// Whether `$include` may read files outside the directory of the configuration. Off if not set.
    #[must_use]
    pub fn include_anywhere(mut self, anywhere: bool) -> Self {
        self.include_anywhere = anywhere;
        self
    }

    /// Where variables are looked up, ahead of the configuration's own `env` block.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// How much a wrong value matters.
    pub(super) fn severity(&self) -> Severity {
        if self.lenient { Severity::Warning } else { Severity::Error }
    }
}
