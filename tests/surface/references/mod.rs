//! References to secrets: what each source gives, and what each refuses.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::create_dir,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, makes its own files, and bounds how long a command takes"
)]

#[cfg(unix)]
mod command;
#[cfg(unix)]
mod file;
mod leaks;
mod semantics;
mod shown;

use provider_auth::credential::{ReferenceFailure, SecretRef};
use provider_auth::references::ReferenceResolver;
use provider_auth::{Config, Environment, ReadOptions};
use serde_json::{Value, json};

use crate::support::{NOW, at, document};

/// What a reference leads to, which stands in a profile of its own.
type Found = Result<String, ReferenceFailure>;

/// A configuration with these providers of secrets, read with these variables.
fn configured(providers: &Value, variables: &'static [(&str, &str)]) -> Config {
    configured_with(&json!({ "secrets": { "providers": providers } }), variables)
}

fn configured_with(config: &Value, variables: &'static [(&str, &str)]) -> Config {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let options = ReadOptions::new().environment(Environment::from_fn(lookup));
    Config::from_json5_str(&config.to_string(), &options).unwrap()
}

/// What a number of references lead to, asked for at once.
fn find_all(resolver: &ReferenceResolver, config: &Config, references: &[(&str, &str, &str)]) -> Vec<Found> {
    let entries = references.iter().enumerate().map(|(place, (source, provider, id))| {
        let reference = json!({ "source": source, "provider": provider, "id": id });
        (format!("x:{place}"), json!({ "type": "api_key", "provider": "x", "keyRef": reference }))
    });
    let profiles = document(&json!({ "version": 1, "profiles": entries.collect::<serde_json::Map<_, _>>() }));
    let all = resolver.resolve(&profiles, config, at(NOW));
    let found = references.iter().map(|(source, provider, id)| {
        let found = all.get(&SecretRef::new(*source, *provider, *id));
        found.map(|secret| secret.expose().to_owned())
    });
    found.collect()
}

fn find(resolver: &ReferenceResolver, config: &Config, reference: (&str, &str, &str)) -> Found {
    find_all(resolver, config, &[reference]).remove(0)
}
