//! How a configuration is read.

use crate::config::release::Release;
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
    pub(super) release: Release,
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

    /// The release of OpenClaw, such as `2026.9.6`, that a configuration belongs to where it does not say so itself. Its
    /// aliases, its default model and its meaning of bare names apply. 2026.2.9 if not set; a text that is no release
    /// changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Environment, ReadOptions};
    ///
    /// let options = ReadOptions::new().environment(Environment::empty()).release("2026.9.6");
    /// let config = Config::from_json5_str("{}", &options)?;
    /// assert_eq!(config.resolve_model("gpt-5.4")?.to_string(), "openai/gpt-5.4");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn release(mut self, release: &str) -> Self {
        self.release = Release::parse(release).unwrap_or(self.release);
        self
    }

    /// How much a wrong value matters.
    pub(super) fn severity(&self) -> Severity {
        if self.lenient { Severity::Warning } else { Severity::Error }
    }
}
