//! What a status says of references, and what it keeps to itself.

use provider_auth::credential::{ReferenceFailure, SecretRef};
use provider_auth::error::DiagnosticCode;
use provider_auth::references::ReferenceResolver;
use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config, Secret};
use serde_json::{Value, json};

use super::configured_with;
use crate::support::{NOW, at, document, provider};

fn reported(config: Config, profiles: &AuthProfiles) -> StatusReport {
    let found = ReferenceResolver::new().resolve(profiles, &config, at(NOW));
    StatusReport::builder(&config.with_references(found), profiles).build(at(NOW))
}

#[test]
fn a_header_that_leads_nowhere_is_counted_for_the_provider_in_use() {
    for (id, code) in [("KEY", 0), ("NOT_SET", 1)] {
        let header = json!({ "source": "env", "provider": "default", "id": id });
        let entry = json!({ "anthropic": { "apiKey": "sk-ant-example", "headers": { "x-tenant": header } } });
        let config = configured_with(&json!({ "models": { "providers": entry } }), &[("KEY", "tenant-7")]);
        let report = reported(config, &AuthProfiles::new());
        assert_eq!((report.check(), report.unresolved_in_use.len()), (code, usize::from(code)), "{id}");
    }
}

#[test]
fn a_key_that_is_a_reference_is_shown_where_it_comes_from() {
    let text = |id: &str| {
        let key = json!({ "source": "env", "provider": "default", "id": id });
        json!({ "agents": { "entries": { "main": {} }, "defaults": { "model": "relay/m", "utilityModel": "" } },
            "models": { "providers": { "relay": { "apiKey": key } } } })
    };
    let none = AuthProfiles::new();
    let told = |report: &StatusReport| {
        let told: Value = serde_json::from_str(&report.to_json()).unwrap();
        let rows = told["auth"]["providers"].as_array().unwrap();
        assert_eq!((rows.len(), &rows[0]["provider"]), (1, &json!("relay")));
        (told.clone(), rows[0].clone())
    };
    let report = reported(configured_with(&text("KEY"), &[("KEY", "sk-made-up-for-this-test")]), &none);
    let (_, row) = told(&report);
    assert_eq!(row["effective"], json!({ "kind": "env", "detail": "sk-m...test" }));
    assert_eq!((report.check(), &row["apiKeyFailure"]), (0, &Value::Null));
    // As it is where nothing was looked up, and where it was in vain.
    let unknown = configured_with(&text("KEY"), &[]);
    for (report, code) in [
        (StatusReport::builder(&unknown, &none).build(at(NOW)), "not_looked_up"),
        (reported(unknown.clone(), &none), "missing_variable"),
    ] {
        let (all, row) = told(&report);
        assert_eq!(row["effective"], json!({ "kind": "missing", "detail": "missing" }), "{code}");
        assert_eq!((report.check(), &row["apiKeyFailure"]), (1, &json!(code)));
        let issue = &all["auth"]["modelRouteIssues"][0];
        assert_eq!(
            (&issue["kind"], &issue["provider"], &issue["model"]),
            (&json!("indeterminate"), &json!("relay"), &json!("m"))
        );
        assert_eq!((issue.get("evidence"), &all["auth"]["missingProvidersInUse"]), (None, &json!([])));
    }
    // Another source is no variable.
    let key = json!({ "source": "vault", "provider": "a", "id": "b" });
    let config = configured_with(&json!({ "models": { "providers": { "relay": { "apiKey": key } } } }), &[]);
    let vault =
        ReferenceResolver::new().with_source("vault", |_: &SecretRef| Ok(Secret::new("sk-made-up-for-this-test")));
    let found = vault.resolve(&none, &config, at(NOW));
    let report = StatusReport::builder(&config.with_references(found), &none).build(at(NOW));
    assert_eq!(report.provider(&provider("relay")).unwrap().effective.kind(), "models.json");
}

/// A path from the root, on Windows with a drive.
fn absolute(path: &str) -> String {
    format!("{}{path}", if cfg!(windows) { "C:/" } else { "/" })
}

#[test]
fn what_can_never_lead_to_a_secret_is_a_remark_before_it_is_looked_up() {
    let providers = json!({
        "file": { "source": "file", "path": absolute("srv/secrets.json") },
        "single": { "source": "file", "path": "~/secret", "mode": "singleValue" },
        "nofile": { "source": "file" },
        "command": { "source": "exec", "command": absolute("usr/bin/x") },
        "nocommand": { "source": "exec", "command": "x" },
        "plugin": { "source": "exec", "pluginIntegration": { "id": "x" } },
        "listed": { "source": "env", "allowlist": ["KEY"] },
    });
    for (source, name, id, failure) in [
        ("env", "default", "KEY", None),
        ("store", "default", "KEY", None),
        ("file", "file", "/a", None),
        ("file", "single", "value", None),
        ("exec", "command", "a/b", None),
        ("exec", "plugin", "a/b", None),
        ("env", "listed", "KEY", None),
        ("env", "listed", "OTHER", Some(ReferenceFailure::Denied)),
        ("env", "default", "lower", Some(ReferenceFailure::InvalidId)),
        ("env", "other", "KEY", Some(ReferenceFailure::UnknownProvider)),
        ("env", "Other", "KEY", Some(ReferenceFailure::InvalidProvider)),
        ("vault", "default", "KEY", Some(ReferenceFailure::UnknownSource)),
        ("file", "none", "/a", Some(ReferenceFailure::UnknownProvider)),
        ("file", "command", "/a", Some(ReferenceFailure::UnknownProvider)),
        ("file", "nofile", "/a", Some(ReferenceFailure::InvalidEntry)),
        ("file", "file", "a", Some(ReferenceFailure::InvalidId)),
        ("file", "file", "value", Some(ReferenceFailure::InvalidId)),
        ("file", "single", "/a", Some(ReferenceFailure::InvalidId)),
        ("exec", "none", "a", Some(ReferenceFailure::UnknownProvider)),
        ("exec", "nocommand", "a", Some(ReferenceFailure::InvalidEntry)),
        ("exec", "command", "../a", Some(ReferenceFailure::InvalidId)),
    ] {
        let reference = json!({ "source": source, "provider": name, "id": id });
        let lint = |config: &Value, profiles: Option<&AuthProfiles>| {
            let found = configured_with(config, &[]).lint(profiles).into_iter();
            let found = found.filter(|found| found.code == DiagnosticCode::UnresolvedReference);
            found.map(|found| (found.location.key_path.unwrap(), found.message)).collect::<Vec<_>>()
        };
        let told = |path: &str| {
            let message = |failure| format!("the reference cannot be resolved: {failure}");
            failure.map(|failure| (path.to_owned(), message(failure))).into_iter().collect::<Vec<_>>()
        };
        let what = format!("{source} {name} {id}");
        let secrets = json!({ "providers": providers });
        for (entry, path) in [
            (json!({ "apiKey": reference }), "models.providers.a.apiKey"),
            (json!({ "headers": { "x-a": reference } }), "models.providers.a.headers[\"x-a\"]"),
        ] {
            let config = json!({ "secrets": secrets, "models": { "providers": { "a": entry } } });
            assert_eq!(lint(&config, None), told(path), "{what}");
        }
        let profiles = document(&json!({ "version": 1, "profiles": {
            "a:b": { "type": "api_key", "provider": "a", "keyRef": reference } } }));
        assert_eq!(lint(&json!({ "secrets": secrets }), Some(&profiles)), told("profiles[\"a:b\"]"), "{what}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_of_a_reference_is_not_shown() {
    let secret = "sk-ant-api03-made-up-for-this-test";
    for (source, id) in [("env", secret), ("store", secret), ("file", secret), ("exec", secret), (secret, "KEY")] {
        let reference = json!({ "source": source, "provider": "default", "id": id });
        let profiles = document(&json!({ "version": 1, "profiles": {
            "anthropic:a": { "type": "api_key", "provider": "anthropic", "keyRef": reference } } }));
        for config in [json!({}), json!({ "agents": { "entries": { "main": {} } } })] {
            let report = reported(configured_with(&config, &[]), &profiles);
            let told = format!("{}{report:?}{profiles:?}", report.to_json());
            assert!(!told.contains(secret), "{source}: {told}");
        }
    }
}
