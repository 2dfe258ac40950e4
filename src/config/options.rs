//! Options for reading a configuration.

use crate::config::release::Release;
use crate::env::Environment;
use crate::error::Severity;
use crate::syntax::Limits;

/// Options for reading a configuration: strictness, limits and variables.
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
    /// Creates the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether a wrong value in a key that this crate reads is a warning and counts as absent, instead of an
    /// error. Default: `false`.
    #[must_use]
    pub fn lenient(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }

    /// Sets the largest size of the text in bytes, at most 4 GiB. Default: 16 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.max_bytes = bytes;
        self
    }

    /// Sets how deep lists and objects may nest, at most 128 levels. Default: 128.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.limits.max_depth = depth;
        self
    }

    /// Sets whether `$include` may read files outside the directory of the configuration. Default: `false`.
    #[must_use]
    pub fn include_anywhere(mut self, anywhere: bool) -> Self {
        self.include_anywhere = anywhere;
        self
    }

    /// Sets the variables, which override the configuration's own `env` block. Default: those of the process.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the release of OpenClaw for a configuration that does not name one, such as `2026.9.6`. It decides the
    /// aliases, the default model and the meaning of bare names. Default: 2026.2.9. A text that is not a release
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

    /// Returns the severity of a wrong value.
    pub(super) fn severity(&self) -> Severity {
        if self.lenient { Severity::Warning } else { Severity::Error }
    }
}
