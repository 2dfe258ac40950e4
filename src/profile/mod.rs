//! Credential profiles: the document that holds them, and what each of them says.

mod credential;

pub use credential::{Credential, CredentialKind};
