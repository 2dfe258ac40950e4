//! References to secrets that are kept elsewhere: finding what they lead to, before a credential is selected.
//!
//! OpenClaw's files may say where a secret is instead of what it is: `{ source, provider, id }` in the `keyRef` and
//! `tokenRef` of a profile, and in `models.providers.*.apiKey` and `headers.*` of the configuration. A
//! [`ReferenceResolver`] finds all of them at once and gives [`Resolved`](crate::credential::Resolved), plain data for
//! [`Config::with_references`](crate::Config::with_references) and [`Query::references`](crate::Query::references).
//!
//! | source | where the secret is | needs |
//! | --- | --- | --- |
//! | `env` | a variable of the [`Environment`](crate::Environment) the configuration was read with | nothing |
//! | `store` | OpenClaw's table of secrets | [`with_state_directory`](ReferenceResolver::with_state_directory), feature `sqlite` |
//! | `file` | a private file | [`allow_files`](ReferenceResolver::allow_files), Unix |
//! | `exec` | what a command writes | `allow_commands`, feature `exec`, Unix |
//! | any other | wherever a [`ReferenceSource`] looks | [`with_source`](ReferenceResolver::with_source) |
//!
//! A reference that leads to no secret is a [`ReferenceFailure`](crate::credential::ReferenceFailure), which becomes the
//! verdict of its profile. Nothing takes its place: no plain key beside it, no variable of the provider. Other
//! profiles of the provider are used as ever.
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
