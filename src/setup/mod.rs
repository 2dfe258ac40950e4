//! Functions for setting up credentials, as the commands of a command line do, in any
//! [`AuthProfileStore`](crate::AuthProfileStore).
//!
//! | command | functions |
//! | --- | --- |
//! | show the provider's terms | [`terms`](terms()) |
//! | read a pasted key or token | [`api_key`], [`token`], [`setup_token`], [`as_it_is`] |
//! | name the profile | [`profile_id`], [`slug`] |
//! | store it | [`save_key`], [`save_token`], with [`lifetime`](lifetime()) for an expiry time |
//! | report whether it will be used, or its provider is misspelled | [`Saved`], which they return |
//!
//! The other commands are methods of the store: [`set_order`](crate::AuthProfileStoreExt::set_order),
//! [`clear_order`](crate::AuthProfileStoreExt::clear_order), [`remove`](crate::AuthProfileStoreExt::remove) and
//! [`clear_cooldown`](crate::RecordOutcome::clear_cooldown).
//!
//! The functions do not contact the provider and print nothing.
//!
//! # Examples
//!
//! ```
//! use provider_auth::{AuthProfileStore, CredentialKind, MemoryStore, ProfileSelector, ProviderId, setup};
//!
//! let (store, anthropic) = (MemoryStore::default(), ProviderId::anthropic());
//! println!("{}", setup::terms(&anthropic, CredentialKind::ApiKey).text);
//!
//! let pasted = setup::api_key(&anthropic, " 'sk-ant-api03-example' \n")?;
//! let id = setup::profile_id(&anthropic, Some("Work Laptop"), CredentialKind::ApiKey)?;
//! let saved = setup::save_key(&store, &ProfileSelector::default(), &id, &anthropic, &pasted, None)?;
//!
//! assert_eq!(id.as_str(), "anthropic:work-laptop");
//! assert!(saved.is_in_rotation() && !saved.replaced);
//! assert_eq!(store.load()?.len(), 1);
//! # Ok::<(), provider_auth::Error>(())
//! ```

mod lifetime;
mod names;
mod paste;
mod save;
mod saved;
mod terms;

pub use lifetime::lifetime;
pub use names::{profile_id, slug};
pub use paste::{ValidatedSecret, api_key, as_it_is, setup_token, token};
pub use save::{save_key, save_token};
pub use saved::{Placement, Saved};
pub use terms::terms;
