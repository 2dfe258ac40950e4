//! The ways by which a secret comes in, each as a function of its text.

use std::fmt::Write as _;

use provider_auth::references::ReferenceResolver;
use provider_auth::select::SelectorRules;
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Config, Endpoint, Environment, MemoryStore, ProfileSelector, Query, ReadOptions,
    RequestBuilder, setup,
};
use serde_json::{Value, json};

use crate::support::{NOW, at, document, id, provider};

/// A way by which a secret comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    Paste,
    Profile,
    Token,
    Login,
    Config,
    /// `${VAR}` in the configuration.
    Variable,
    Environment,
    Dotenv,
    /// The `env` block.
    Block,
    /// A profile's reference.
    Reference,
    /// The reference in the place of `apiKey`.
    ConfigReference,
    /// `$NAME` in the place of `apiKey`.
    Shorthand,
}

impl Entrance {
    pub(super) const ALL: [Self; 12] = [
        Self::Paste,
        Self::Profile,
        Self::Token,
        Self::Login,
        Self::Config,
        Self::Variable,
        Self::Environment,
        Self::Dotenv,
        Self::Block,
        Self::Reference,
        Self::ConfigReference,
        Self::Shorthand,
    ];

    /// A provider that this crate does not know has no variables of its own.
    pub(super) fn serves(self, provider: &str) -> bool {
        provider == "anthropic" || !matches!(self, Self::Environment | Self::Dotenv | Self::Block)
    }
}

/// What came of a text: what was sent, and everything that was said.
pub(super) struct Came {
    pub(super) sent: Option<String>,
    pub(super) said: String,
}

/// Lets a text in as the secret of a provider: of `anthropic` at its own host, or of the gateway `relay`.
pub(super) fn through(entrance: Entrance, owner: &str, text: &str) -> Came {
    through_with(entrance, owner, text, SelectorRules::default())
}

pub(super) fn through_with(entrance: Entrance, owner: &str, text: &str, rules: SelectorRules) -> Came {
    let mut said = String::new();
    let profiles = profiles(entrance, owner, text, &mut said);
    let config = config(entrance, owner, text).with_rules(rules);
    let references = ReferenceResolver::new().resolve(&profiles, &config, at(NOW));
    let config = config.with_references(references);
    let sent = send(&config, &profiles, owner, &mut said);
    tell(&config, &profiles, &mut said);
    Came { sent, said }
}

fn profiles(entrance: Entrance, owner: &str, text: &str, said: &mut String) -> AuthProfiles {
    let entry = match entrance {
        Entrance::Paste => {
            let store = MemoryStore::default();
            let owner = provider(owner);
            match setup::api_key(&owner, text) {
                Ok(key) => {
                    writeln!(said, "{key:?} {:?}", key.notes).unwrap();
                    let selector = ProfileSelector::default();
                    setup::save_key(&store, &selector, &id("x:a"), &owner, &key, None).unwrap();
                }
                Err(error) => writeln!(said, "{error} {error:?} {}", error.help()).unwrap(),
            }
            return (*store.load().unwrap()).clone();
        }
        Entrance::Profile => json!({ "type": "api_key", "provider": owner, "key": text }),
        Entrance::Token => json!({ "type": "token", "provider": owner, "token": text }),
        Entrance::Login => {
            json!({ "type": "oauth", "provider": owner, "access": text, "expires": NOW + 86_400_000 })
        }
        Entrance::Reference => {
            let reference = json!({ "source": "env", "provider": "default", "id": "MY_KEY" });
            json!({ "type": "api_key", "provider": owner, "keyRef": reference })
        }
        _ => return AuthProfiles::new(),
    };
    document(&json!({ "version": 1, "profiles": { "x:a": entry } }))
}

fn config(entrance: Entrance, owner: &str, text: &str) -> Config {
    let key = match entrance {
        Entrance::Config => json!(text),
        Entrance::Variable => json!("${MY_KEY}"),
        Entrance::Shorthand => json!("$MY_KEY"),
        Entrance::ConfigReference => json!({ "source": "env", "provider": "default", "id": "MY_KEY" }),
        _ => Value::Null,
    };
    let mut settings = json!({});
    if owner == "relay" {
        let entry = json!({ "baseUrl": "https://relay.example.com", "api": "anthropic-messages" });
        settings = json!({ "models": { "providers": { "relay": entry } } });
    }
    if !key.is_null() {
        settings["models"]["providers"][owner]["apiKey"] = key;
    }
    if entrance == Entrance::Block {
        settings["env"] = json!({ "vars": { "ANTHROPIC_API_KEY": text } });
    }
    let exported =
        matches!(entrance, Entrance::Variable | Entrance::Shorthand | Entrance::ConfigReference | Entrance::Reference);
    let variable = match entrance {
        Entrance::Environment => Some(("ANTHROPIC_API_KEY", text.to_owned())),
        _ if exported => Some(("MY_KEY", text.to_owned())),
        _ => None,
    };
    let mut environment = Environment::from_fn(move |name| match &variable {
        Some((known, value)) if *known == name => Some(value.clone()),
        _ => (name == "OTHER_KEY").then(|| super::KEY.to_owned()),
    });
    if entrance == Entrance::Dotenv {
        environment = environment.with_dotenv(&format!("ANTHROPIC_API_KEY={text}\n"));
    }
    let options = ReadOptions::new().lenient(true).environment(environment);
    Config::from_json5_str(&settings.to_string(), &options).unwrap()
}

/// The secret in the header of the request, if there is one to send.
fn send(config: &Config, profiles: &AuthProfiles, owner: &str, said: &mut String) -> Option<String> {
    let model = format!("{owner}/model").parse().unwrap();
    let endpoint = Endpoint::for_model(config, &model).unwrap();
    let request = config.resolve(profiles, &Query::new(&provider(owner)), at(NOW)).and_then(|selection| {
        writeln!(said, "{selection:?}").unwrap();
        RequestBuilder::for_selection(&endpoint, &selection).body(r#"{"messages":[]}"#).build()
    });
    match request {
        Ok(request) => {
            writeln!(said, "{request:?}").unwrap();
            let key = request.headers().get("x-api-key").map(|value| value.to_str().unwrap().to_owned());
            let bearer = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            let bearer = bearer.map(|value| value.strip_prefix("Bearer ").unwrap().to_owned());
            assert!(key.is_some() != bearer.is_some());
            key.or(bearer)
        }
        Err(error) => {
            writeln!(said, "{error} {error:?} {:#?} {}", error.unavailable(), error.help()).unwrap();
            None
        }
    }
}

/// Everything that is said of a configuration and profiles.
fn tell(config: &Config, profiles: &AuthProfiles, said: &mut String) {
    let report = StatusReport::builder(config, profiles).build(at(NOW));
    writeln!(said, "{}{}", report.to_json(), report).unwrap();
    writeln!(said, "{config:?} {:?} {profiles:?}", config.environment()).unwrap();
    for diagnostic in config.lint([profiles]).iter().chain(config.diagnostics()).chain(profiles.diagnostics()) {
        writeln!(said, "{diagnostic} {diagnostic:?}").unwrap();
    }
}
