//! Which provider a reference means, what its parts may be, and what a failure keeps from being used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provider_auth::credential::ReferenceFailure::{
    self, CommandFailed, Denied, InvalidEntry, InvalidId, InvalidProvider, MissingVariable, NoStore, NotAText,
    NotFound, NotLookedUp, Placeholder, Refused, TimedOut, UnknownProvider, UnknownSource,
};
use provider_auth::credential::{CredentialSource, SecretRef};
use provider_auth::references::ReferenceResolver;
use provider_auth::select::Verdict;
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfiles, Config, CredentialKind, Endpoint, ErrorKind, ProfileSelector, Query, ReadOptions, Secret,
};
use serde_json::{Value, json};

use super::{configured, configured_with, find};
use crate::support::{NOW, at, document, provider};

const VARIABLES: &[(&str, &str)] = &[
    ("KEY", "sk-key"),
    ("BEARER", "'Bearer sk-bearer'\n"),
    ("BLANK", " \n"),
    ("REDACTED", "__OPENCLAW_REDACTED__"),
    ("ANTHROPIC_API_KEY", "sk-ant-variable"),
    ("lower", "sk-lower"),
];

#[test]
fn variables_by_their_provider() {
    let listed = json!({ "vault": { "source": "env", "allowlist": ["KEY"] } });
    let closed = json!({ "default": { "source": "env", "allowlist": [] } });
    let open = json!({ "vault": { "source": "env" } });
    let other = json!({ "vault": { "source": "file", "path": "/x" }, "default": { "source": "exec" } });
    let none = json!({});
    let long = format!("A{}", "B".repeat(128));
    for (providers, alias, id, found) in [
        (&none, "default", "KEY", Ok("sk-key")),
        (&none, "default", "NOT_SET", Err(MissingVariable)),
        (&none, "default", "BLANK", Err(MissingVariable)),
        (&none, "default", "REDACTED", Err(Placeholder)),
        (&none, "default", "lower", Err(InvalidId)),
        (&none, "default", "1KEY", Err(InvalidId)),
        (&none, "default", "_KEY", Err(InvalidId)),
        (&none, "default", "KEY-A", Err(InvalidId)),
        (&none, "default", "KEY\n", Err(InvalidId)),
        (&none, "default", long.as_str(), Err(InvalidId)),
        (&none, "vault", "KEY", Err(UnknownProvider)),
        (&none, "Default", "KEY", Err(InvalidProvider)),
        (&none, "1", "KEY", Err(InvalidProvider)),
        (&none, "a b", "KEY", Err(InvalidProvider)),
        (&open, "vault", "KEY", Ok("sk-key")),
        (&open, "default", "KEY", Ok("sk-key")),
        (&listed, "vault", "KEY", Ok("sk-key")),
        (&listed, "vault", "ANTHROPIC_API_KEY", Err(Denied)),
        (&closed, "default", "KEY", Err(Denied)),
        // An entry of another source does not count.
        (&other, "vault", "KEY", Err(UnknownProvider)),
        (&other, "default", "KEY", Ok("sk-key")),
    ] {
        let config = configured(providers, VARIABLES);
        let found = found.map(str::to_owned);
        assert_eq!(find(&ReferenceResolver::new(), &config, ("env", alias, id)), found, "{providers} {alias} {id}");
    }
    let name = "a".repeat(65);
    let config = configured(&none, VARIABLES);
    assert_eq!(find(&ReferenceResolver::new(), &config, ("env", &name, "KEY")), Err(InvalidProvider));
}

#[test]
fn the_defaults_name_the_provider_that_needs_no_entry() {
    let secrets = json!({ "secrets": { "defaults": { "env": "vars", "store": "vault" } } });
    let config = configured_with(&secrets, VARIABLES);
    assert!(config.diagnostics().is_empty(), "{:?}", config.diagnostics());
    let resolver = ReferenceResolver::new();
    assert_eq!(find(&resolver, &config, ("env", "vars", "KEY")), Ok("sk-key".to_owned()));
    assert_eq!(find(&resolver, &config, ("env", "default", "KEY")), Err(UnknownProvider));
    assert_eq!(find(&resolver, &config, ("store", "vault", "KEY")), Err(NoStore));
    assert_eq!(find(&resolver, &config, ("store", "default", "KEY")), Err(UnknownProvider));
    assert_eq!(find(&resolver, &config, ("store", "vault", "key")), Err(InvalidId));
    for source in ["file", "exec"] {
        assert_eq!(find(&resolver, &config, (source, "default", "value")), Err(UnknownProvider), "{source}");
    }
    assert_eq!(find(&resolver, &config, ("vault", "default", "KEY")), Err(UnknownSource));
}

#[test]
fn an_entry_that_cannot_be_understood_leads_nowhere() {
    for (entry, key) in [
        (json!({ "source": "env", "allowlist": "KEY" }), "allowlist"),
        (json!({ "source": "env", "allowlist": ["KEY", 7] }), "allowlist"),
        (json!({ "source": "env", "timeoutMs": "5" }), "timeoutMs"),
        (json!({ "source": "env", "mode": "xml" }), "mode"),
        (json!({ "source": "env", "env": [] }), "env"),
        (json!({ "source": "env", "args": ["${NOT_SET}"] }), "args"),
    ] {
        let text = json!({ "secrets": { "providers": { "vault": entry } } }).to_string();
        let strict = Config::from_json5_str(&text, &crate::support::options()).unwrap_err();
        let place = strict.location().unwrap().to_string();
        assert!(place.contains(&format!("secrets.providers.vault.{key}")), "{place}");
        let lenient = Config::from_json5_str(&text, &crate::support::options().lenient(true)).unwrap();
        assert_eq!(find(&ReferenceResolver::new(), &lenient, ("env", "vault", "KEY")), Err(InvalidEntry), "{entry}");
    }
    let valid = json!({ "secrets": {
        "providers": {
            "a": { "source": "exec", "pluginIntegration": { "pluginId": "x" } },
            "b": { "source": "exec", "command": if cfg!(windows) { "C:/bin/op.exe" } else { "/usr/bin/op" }, "args": ["read"], "env": { "A": "b" }, "passEnv": ["HOME"],
                   "trustedDirs": ["/usr/bin"], "timeoutMs": 5000, "noOutputTimeoutMs": 5000, "maxOutputBytes": 1024,
                   "jsonOnly": false },
            "c": { "source": "file", "path": "~/secrets.json", "mode": "singleValue", "maxBytes": 10, "timeoutMs": 1 },
            "d": { "source": "store" },
        },
        "defaults": { "env": "default", "file": "c", "exec": "b", "store": "d" },
        "resolution": { "maxBatchBytes": 1 },
    } });
    let config = Config::from_json5_str(&valid.to_string(), &crate::support::options()).unwrap();
    assert!(config.diagnostics().is_empty(), "{:?}", config.diagnostics());
}

/// A profile of Anthropic with these members.
fn profile(members: &Value) -> Value {
    let mut profile = json!({ "type": "api_key", "provider": "anthropic" });
    profile.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    profile
}

fn reference(id: &str) -> Value {
    json!({ "source": "env", "provider": "default", "id": id })
}

fn profiles(profiles: &Value) -> AuthProfiles {
    document(&json!({ "version": 1, "profiles": profiles }))
}

/// The configuration with what its references and those of profiles lead to.
fn resolved(config: &Config, profiles: &AuthProfiles) -> Config {
    config.clone().with_references(ReferenceResolver::new().resolve(profiles, config, at(NOW)))
}

#[test]
fn short_forms_in_profiles_are_references() {
    for (text, found) in
        [("${KEY}", Some("sk-key")), ("$KEY", Some("sk-key")), ("$NOT_SET", None), ("${NOT_SET}", None)]
    {
        let profiles = profiles(&json!({ "a": profile(&json!({ "key": text })) }));
        for (secrets, alias) in [(json!({}), "default"), (json!({ "defaults": { "env": "vars" } }), "vars")] {
            let config = configured_with(&json!({ "secrets": secrets }), VARIABLES);
            let config = resolved(&config, &profiles);
            let selection = config.selector().select(
                &profiles,
                &Query::new(&provider("anthropic")).references(ReferenceResolver::new().resolve(
                    &profiles,
                    &config,
                    at(NOW),
                )),
                at(NOW),
            );
            let secret = selection.ok().map(|selection| selection.credential.secret().expose().to_owned());
            assert_eq!(secret.as_deref(), found, "{text} {alias}");
        }
        // What OpenClaw of February 2026 sent was the text itself.
        let february = ProfileSelector::new(provider_auth::select::SelectorRules::openclaw_2026_02());
        let selection = february.select(&profiles, &Query::new(&provider("anthropic")), at(NOW)).unwrap();
        assert_eq!(selection.credential.secret().expose(), text);
    }
}

#[test]
fn a_failed_reference_of_a_profile_is_not_replaced() {
    let config = configured_with(&json!({}), VARIABLES);
    let query = Query::new(&provider("anthropic"));
    let beside = profile(&json!({ "key": "sk-ant-beside", "keyRef": reference("NOT_SET") }));
    let failed = profiles(&json!({ "a": beside }));
    let error = resolved(&config, &failed).resolve(&failed, &query, at(NOW)).unwrap_err();
    // Neither by the key beside it nor by the provider's variable.
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, false));
    assert!(error.to_string().contains("a has a reference to a secret that was not resolved: its variable is not set"));
    assert_eq!(error.help(), MissingVariable.help());
    let locked = query.clone().locked("a".parse().unwrap());
    let error = resolved(&config, &failed).resolve(&failed, &locked, at(NOW)).unwrap_err();
    assert_eq!((error.kind(), error.help()), (ErrorKind::MissingCredentials, MissingVariable.help()));
    // What takes too long once may not do so the next time.
    for (failure, passes) in [(TimedOut, true), (CommandFailed, true), (Denied, false), (Refused, false)] {
        let found = failed.references().map(|reference| (reference.clone(), Err(failure))).collect();
        let error = config.clone().with_references(found).resolve(&failed, &query, at(NOW)).unwrap_err();
        assert_eq!((error.is_transient(), error.help()), (passes, failure.help()), "{failure:?}");
    }
    // By other profiles of the provider, and of other providers, as ever.
    let sibling = profiles(&json!({
        "a": profile(&json!({ "keyRef": reference("NOT_SET") })),
        "b": profile(&json!({ "key": "sk-ant-b" })),
    }));
    let selection = resolved(&config, &sibling).resolve(&sibling, &query, at(NOW)).unwrap();
    assert_eq!(selection.profile.as_str(), "b");
    // One that the order leaves out keeps nobody.
    let ordered = configured_with(&json!({ "auth": { "order": { "anthropic": ["c"] } } }), VARIABLES);
    let left_out = profiles(&json!({
        "a": profile(&json!({ "keyRef": reference("NOT_SET") })),
        "c": profile(&json!({ "key": "" })),
    }));
    let selection = resolved(&ordered, &left_out).resolve(&left_out, &query, at(NOW)).unwrap();
    assert!(matches!(selection.source, CredentialSource::Environment { .. }));
}

#[test]
fn a_reference_in_the_configuration_is_the_providers_key_and_is_not_replaced() {
    let none = AuthProfiles::new();
    let config = |id: &str, auth: &str| {
        let entry = json!({ "apiKey": reference(id), "auth": auth });
        configured_with(&json!({ "models": { "providers": { "anthropic": entry } } }), VARIABLES)
    };
    let query = Query::new(&provider("anthropic"));
    let found = config("KEY", "token");
    assert!(found.diagnostics().is_empty(), "{:?}", found.diagnostics());
    let selection = resolved(&found, &none).resolve(&none, &query, at(NOW)).unwrap();
    assert_eq!(selection.credential.secret().expose(), "sk-key");
    assert_eq!((selection.source, selection.credential.kind()), (CredentialSource::Config, CredentialKind::Token));
    for (config, failure) in [
        (resolved(&config("NOT_SET", "api-key"), &none), MissingVariable),
        (resolved(&config("lower", "api-key"), &none), InvalidId),
        (config("KEY", "api-key"), NotLookedUp),
    ] {
        // `ANTHROPIC_API_KEY` is set.
        let error = config.resolve(&none, &query, at(NOW)).unwrap_err();
        assert_eq!(reason(&error), Some(failure));
        assert_eq!(error.help(), failure.help());
        assert!(config.inline_credential(&provider("anthropic")).is_none());
        let mut rotation = config.rotation("anthropic/claude-opus-4-5".parse().unwrap(), None, at(NOW));
        let provider_auth::rotation::Step::End(end) = rotation.next(&none, at(NOW)) else { panic!("nothing to try") };
        assert_eq!(reason(end.error()), Some(failure));
    }
    // A profile that is ready comes first, whatever the reference leads to.
    let stored = profiles(&json!({ "a": profile(&json!({ "key": "sk-ant-a" })) }));
    let failed = resolved(&config("NOT_SET", "api-key"), &stored);
    assert_eq!(failed.resolve(&stored, &query, at(NOW)).unwrap().profile.as_str(), "a");
}

#[test]
fn a_rotation_of_the_configuration_knows_what_references_lead_to() {
    let profiles = profiles(&json!({
        "a": profile(&json!({ "keyRef": reference("NOT_SET") })),
        "b": profile(&json!({ "keyRef": reference("KEY") })),
    }));
    let config = resolved(&configured_with(&json!({}), VARIABLES), &profiles);
    let rotation = || config.rotation("anthropic/claude-opus-4-5".parse().unwrap(), None, at(NOW));
    // A query of the caller's that says nothing of references changes nothing.
    let sessions = rotation().query(Query::new(&provider("anthropic")).session("s"));
    for mut rotation in [rotation(), sessions] {
        let provider_auth::rotation::Step::Attempt(attempt) = rotation.next(&profiles, at(NOW)) else {
            panic!("b is ready")
        };
        assert_eq!((attempt.profile().as_str(), attempt.credential().secret().expose()), ("b", "sk-key"));
    }
}

fn reason(error: &provider_auth::Error) -> Option<ReferenceFailure> {
    error.unavailable()?.candidates.iter().find_map(|candidate| match candidate.verdict {
        Verdict::UnresolvedReference { reason, .. } => Some(reason),
        _ => None,
    })
}

#[test]
fn half_a_reference_in_the_configuration_is_no_reason_to_use_another_secret() {
    for half in [
        json!({}),
        json!({ "source": "env" }),
        json!({ "source": "env", "provider": 7, "id": "KEY" }),
        json!({ "source": "env", "provider": "default", "id": 7 }),
    ] {
        let text = json!({ "models": { "providers": { "anthropic": { "apiKey": half } } } }).to_string();
        assert!(Config::from_json5_str(&text, &crate::support::options()).is_err());
        let lookup = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| "sk-ant-variable".to_owned());
        let options = ReadOptions::new().environment(provider_auth::Environment::from_fn(lookup)).lenient(true);
        let config = Config::from_json5_str(&text, &options).unwrap();
        assert!(config.resolve(&AuthProfiles::new(), &Query::new(&provider("anthropic")), at(NOW)).is_err(), "{half}");
    }
}

#[test]
fn without_a_provider_the_default_one_is_meant() {
    for (secrets, found) in [
        (json!({}), Some("sk-key")),
        (json!({ "defaults": { "env": "vars" }, "providers": { "vars": { "source": "env", "allowlist": [] } } }), None),
    ] {
        let entry = json!({ "anthropic": { "apiKey": { "source": "env", "id": "KEY" } } });
        let config = configured_with(&json!({ "models": { "providers": entry }, "secrets": secrets }), VARIABLES);
        assert!(config.diagnostics().is_empty(), "{:?}", config.diagnostics());
        let inline = resolved(&config, &AuthProfiles::new()).inline_credential(&provider("anthropic"));
        assert_eq!(inline.as_ref().map(|inline| inline.credential.secret().expose()), found);
    }
}

#[test]
fn headers_may_be_references() {
    let model = "relay/m".parse().unwrap();
    let entry = |id: &str| {
        let headers = json!({ "x-plain": "plain", "x-tenant": reference(id) });
        let models = json!([{ "id": "m", "headers": { "x-model": reference("KEY") } }]);
        let entry = json!({ "baseUrl": "https://relay.example.com", "api": "anthropic-messages", "headers": headers, "models": models });
        configured_with(&json!({ "models": { "providers": { "relay": entry } } }), VARIABLES)
    };
    let config = resolved(&entry("KEY"), &AuthProfiles::new());
    assert_eq!(config.references().count(), 2);
    let relay = config.provider(&provider("relay")).unwrap();
    let headers: Vec<_> = relay.headers().chain(relay.model_headers("m")).map(|(name, _)| name).collect();
    assert_eq!(headers, ["x-plain", "x-tenant", "x-model"]);
    let key = provider_auth::Credential::api_key(Secret::new("sk-1"));
    let endpoint = Endpoint::for_model(&config, &model).unwrap();
    let request = provider_auth::RequestBuilder::new(&endpoint, &key).body(br#"{"messages":[]}"#).build().unwrap();
    assert_eq!(
        (&request.headers()["x-tenant"], &request.headers()["x-model"]),
        (&"sk-key".parse().unwrap(), &"sk-key".parse().unwrap())
    );
    for (config, words) in [
        (resolved(&entry("NOT_SET"), &AuthProfiles::new()), "its variable is not set"),
        (entry("KEY"), "it was not looked up"),
    ] {
        // A request without one of its headers is another request.
        let error = Endpoint::for_model(&config, &model).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnresolvedReference);
        assert!(
            error.to_string().contains(words) && error.to_string().contains("models.providers.relay.headers.x-tenant")
        );
    }
}

/// The word in front of a token belongs into a header, and not into a key.
#[test]
fn a_word_in_front_stays_in_headers_alone() {
    let auth = json!({ "mode": "header", "headerName": "x-own", "value": reference("BEARER") });
    let entry = json!({
        "baseUrl": "https://relay.example.com", "api": "anthropic-messages", "apiKey": reference("BEARER"),
        "headers": { "x-tenant": reference("BEARER"), "x-short": "$BEARER" }, "request": { "auth": auth },
    });
    let config = json!({ "models": { "providers": { "relay": entry } } });
    let config = resolved(&configured_with(&config, VARIABLES), &AuthProfiles::new());
    let model = "relay/m".parse().unwrap();
    let selection = config.resolve(&AuthProfiles::new(), &Query::for_model(&model), at(NOW)).unwrap();
    assert_eq!(selection.credential.secret().expose(), "sk-bearer");
    let endpoint = Endpoint::for_model(&config, &model).unwrap();
    let body = br#"{"messages":[]}"#;
    let request = provider_auth::RequestBuilder::new(&endpoint, &selection.credential).body(body).build().unwrap();
    for name in ["x-tenant", "x-short", "x-own"] {
        assert_eq!(request.headers()[name], "Bearer sk-bearer", "{name}");
    }
}

#[test]
fn the_status_tells_of_what_was_not_resolved() {
    let status = |config: &Config, profiles: &AuthProfiles| StatusReport::builder(config, profiles).build(at(NOW));
    let config = configured_with(&json!({}), &[("KEY", "sk-key")]);
    for (id, code, verdict) in [("KEY", 0, "ready"), ("NOT_SET", 1, "unresolved_ref")] {
        let profiles = profiles(&json!({ "a": profile(&json!({ "keyRef": reference(id) })) }));
        let report = status(&resolved(&config, &profiles), &profiles);
        assert_eq!(report.check(), code, "{id}");
        assert!(report.missing_providers_in_use.is_empty());
        assert_eq!(report.unresolved_in_use.len(), usize::from(code));
        let own = report.profiles().next().unwrap();
        assert_eq!((own.label.as_str(), own.verdict.code()), ("a=ref:env", verdict));
    }
    let entry = json!({ "anthropic": { "apiKey": reference("NOT_SET") } });
    let config = configured_with(&json!({ "models": { "providers": entry } }), VARIABLES);
    let none = AuthProfiles::new();
    let report = status(&resolved(&config, &none), &none);
    assert_eq!((report.check(), report.providers[0].effective.kind()), (1, "missing"));
    let told: Vec<String> = report.diagnostics.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("its variable is not set (models.providers.anthropic.apiKey)"), "{told:?}");
}

#[test]
fn what_was_found_counts_for_a_lifetime() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let find = move |reference: &SecretRef| {
        let times = counting.fetch_add(1, Ordering::SeqCst);
        if reference.id == "good" { Ok(Secret::new(format!("sk-{times}"))) } else { Err(NotFound) }
    };
    let resolver = ReferenceResolver::new().with_source("vault", find).lifetime(Duration::from_secs(100));
    let reference = |id: &str| json!({ "source": "vault", "provider": "any", "id": id });
    let both = profiles(&json!({
        "a": profile(&json!({ "keyRef": reference("good") })),
        "b": profile(&json!({ "keyRef": reference("bad") })),
        "c": profile(&json!({ "keyRef": reference("good") })),
    }));
    let config = configured_with(&json!({}), &[]);
    // The time in seconds, and how often the source was asked until then.
    for (second, times) in [(0, 2), (29, 2), (30, 3), (59, 3), (60, 4), (99, 5), (100, 6), (100, 6), (-1, 8), (-1, 8)] {
        let found = resolver.resolve(&both, &config, at(NOW + second * 1_000));
        assert_eq!(asked.load(Ordering::SeqCst), times, "{second}");
        assert_eq!((found.len(), found.failures().count()), (2, 1));
    }
    // Other settings may lead elsewhere, and the caller may know that a secret was replaced.
    let other = configured(&json!({ "any": { "source": "env" } }), &[]);
    let _ = resolver.resolve(&both, &other, at(NOW - 1_000));
    assert_eq!(asked.load(Ordering::SeqCst), 10);
    resolver.forget();
    let _ = resolver.resolve(&both, &other, at(NOW - 1_000));
    assert_eq!(asked.load(Ordering::SeqCst), 12);
}

#[test]
fn a_source_of_the_callers_answers_for_its_name() {
    let config = configured(&json!({}), VARIABLES);
    let mirror = |reference: &SecretRef| Ok(Secret::new(format!("sk-{}-{}", reference.provider, reference.id)));
    let resolver = ReferenceResolver::new().with_source("keychain", mirror).with_source("exec", mirror);
    assert_eq!(find(&resolver, &config, ("keychain", "Any Name", "../x")), Ok("sk-Any Name-../x".to_owned()));
    assert_eq!(find(&resolver, &config, ("exec", "none", "x")), Ok("sk-none-x".to_owned()));
    assert_eq!(find(&resolver, &config, ("env", "default", "KEY")), Ok("sk-key".to_owned()));
    let blank = ReferenceResolver::new().with_source("keychain", |_: &SecretRef| Ok(Secret::new(" ")));
    assert_eq!(find(&blank, &config, ("keychain", "a", "b")), Err(NotAText));
}
