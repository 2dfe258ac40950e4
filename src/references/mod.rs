//! Resolution of references to secrets that are kept elsewhere.
//!
//! OpenClaw's files may contain a reference instead of a secret: `{ source, provider, id }` in the `keyRef` and
//! `tokenRef` of a profile, and in `models.providers.*.apiKey` and `headers.*` of the configuration. A
//! [`ReferenceResolver`] looks all of them up before a credential is selected and returns
//! [`Resolved`](crate::credential::Resolved), which is passed to
//! [`Config::with_references`](crate::Config::with_references) or [`Query::references`](crate::Query::references).
//!
//! | source | the secret is | requires |
//! | --- | --- | --- |
//! | `env` | in a variable of the [`Environment`](crate::Environment) the configuration was read with | nothing |
//! | `store` | in OpenClaw's table of secrets | [`with_state_directory`](ReferenceResolver::with_state_directory), feature `sqlite` |
//! | `file` | in a private file | [`allow_files`](ReferenceResolver::allow_files), Unix |
//! | `exec` | the output of a command | `allow_commands`, feature `exec`, Unix |
//! | any other | wherever a [`ReferenceSource`] finds it | [`with_source`](ReferenceResolver::with_source) |
//!
//! A reference that cannot be resolved is a [`ReferenceFailure`](crate::credential::ReferenceFailure), which becomes
//! the verdict of its profile. Neither a plain key beside it nor the provider's variable replaces it, but other
//! profiles of the provider are still used.
//!
//! # Examples
//!
//! ```
//! use provider_auth::references::ReferenceResolver;
//! use provider_auth::{AuthProfiles, Config, Environment, ProviderId, Query, ReadOptions, Timestamp};
//!
//! let profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {
//!     "anthropic:a": {"type": "api_key", "provider": "anthropic",
//!                     "keyRef": {"source": "env", "provider": "default", "id": "KEY_A"}},
//!     "anthropic:b": {"type": "api_key", "provider": "anthropic",
//!                     "keyRef": {"source": "env", "provider": "default", "id": "KEY_B"}}}}"#)?;
//! let variables = Environment::from_fn(|name| (name == "KEY_B").then(|| "sk-ant-example".to_owned()));
//! let config = Config::from_json5_str("{}", &ReadOptions::new().environment(variables))?;
//! let now = Timestamp::from_millis(1_700_000_000_000);
//!
//! let references = ReferenceResolver::new();
//! let config = config.clone().with_references(references.resolve(&profiles, &config, now));
//!
//! let selection = config.resolve(&profiles, &Query::new(&ProviderId::anthropic()), now)?;
//! assert_eq!(selection.profile.as_str(), "anthropic:b");
//! assert_eq!(
//!     selection.skipped[0].verdict.to_string(),
//!     "has a reference to a secret that was not resolved: its variable is not set",
//! );
//! # Ok::<(), provider_auth::Error>(())
//! ```

mod address;
mod cache;
#[cfg(all(unix, feature = "exec"))]
mod command;
#[cfg(unix)]
mod file;
#[cfg(unix)]
mod path;
#[cfg(unix)]
mod pointer;
#[cfg(all(unix, feature = "exec"))]
mod protocol;
mod resolver;
mod source;

pub(crate) use address::Address;
pub use resolver::ReferenceResolver;
pub use source::ReferenceSource;
