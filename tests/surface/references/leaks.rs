//! No text has a secret that a reference led to, or a free text of where it was.

use std::fmt::Write as _;

use provider_auth::credential::{ReferenceFailure, SecretRef};
use provider_auth::references::ReferenceResolver;
use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config, Endpoint, Query, Secret};
use serde_json::{Value, json};

use super::configured_with;
use crate::support::{NOW, at, document, provider};

/// The marker stands in every secret and in every free text.
const MARKER: &str = "mrk7q9";

/// Everything that shows a configuration with its references, its profiles and what comes of them.
fn everything(resolver: &ReferenceResolver, config: &Config, profiles: &AuthProfiles) -> String {
    let mut shown = String::new();
    let found = resolver.resolve(profiles, config, at(NOW));
    write!(shown, "{resolver:?} {found:?} {found:#?}").unwrap();
    for (reference, failure) in found.failures() {
        write!(shown, "{reference:?} {failure:?} {failure} {} {}", failure.help(), failure.code()).unwrap();
    }
    let config = config.clone().with_references(found.clone());
    write!(shown, "{config:?} {:?}", config.diagnostics()).unwrap();
    for (_, settings) in config.providers() {
        write!(shown, "{settings:?} {:?} {:?}", settings.api_key(), settings.api_key_failure()).unwrap();
        write!(shown, "{:?}", settings.headers().collect::<Vec<_>>()).unwrap();
    }
    let query = Query::new(&provider("anthropic")).references(found);
    write!(shown, "{query:?} {:?}", config.selector().candidates(profiles, &query, at(NOW))).unwrap();
    match config.resolve(profiles, &query, at(NOW)) {
        Ok(selection) => write!(shown, "{selection:?} {:?}", selection.receipt).unwrap(),
        Err(error) => write!(shown, "{error:?} {error} {} {:?}", error.help(), error.unavailable()).unwrap(),
    }
    write!(shown, "{:?}", config.rotation("anthropic/m".parse().unwrap(), None, at(NOW))).unwrap();
    match Endpoint::for_model(&config, &"anthropic/m".parse().unwrap()) {
        Ok(endpoint) => write!(shown, "{endpoint:?}").unwrap(),
        Err(error) => write!(shown, "{error:?} {error} {}", error.help()).unwrap(),
    }
    let report = StatusReport::builder(&config, profiles).build(at(NOW));
    write!(shown, "{report:?} {}", report.to_json()).unwrap();
    shown
}

/// References in every place that takes one.
fn referring(source: &str, id: &str, providers: &Value) -> (Config, AuthProfiles) {
    let reference = json!({ "source": source, "provider": "vault", "id": id });
    let entry = json!({ "apiKey": reference, "headers": { "x-tenant": reference } });
    let config = json!({ "models": { "providers": { "anthropic": entry } }, "secrets": { "providers": providers } });
    let profiles = json!({ "version": 1, "profiles": {
        "anthropic:a": { "type": "api_key", "provider": "anthropic", "keyRef": reference },
        "anthropic:b": { "type": "token", "provider": "anthropic", "tokenRef": reference },
    } });
    (configured_with(&config, &[("KEY", "sk-mrk7q9-variable"), ("ODD", "sk mrk7q9 odd")]), document(&profiles))
}

fn shows_nothing(resolver: &ReferenceResolver, source: &str, id: &str, providers: &Value) {
    let (config, profiles) = referring(source, id, providers);
    let shown = everything(resolver, &config, &profiles);
    // The status masks down to a few characters of both ends, none of which is in the middle.
    assert!(!shown.contains(MARKER), "{source} {id}: {shown}");
    assert!(shown.contains("vault"), "the references themselves are shown");
}

#[test]
fn no_text_has_what_a_variable_or_a_source_gave() {
    let env = json!({ "vault": { "source": "env" } });
    for id in ["KEY", "ODD", "NOT_SET"] {
        shows_nothing(&ReferenceResolver::new(), "env", id, &env);
    }
    let found = |_: &SecretRef| Ok(Secret::new("sk-mrk7q9-source"));
    shows_nothing(&ReferenceResolver::new().with_source("keychain", found), "keychain", "a", &env);
    let failed = |_: &SecretRef| Err(ReferenceFailure::Refused);
    shows_nothing(&ReferenceResolver::new().with_source("keychain", failed), "keychain", "a", &env);
}

#[cfg(unix)]
#[test]
fn no_text_has_what_a_file_or_a_command_said() {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    let _alone = super::command::alone();
    let directory = tempfile::tempdir().unwrap();
    let (path, command) = (directory.path().join("secrets"), directory.path().join("command"));
    let file = json!({ "vault": { "source": "file", "path": path } });
    for text in [r#"{"a":"sk-mrk7q9-file","b":{"mrk7q9":1}}"#, r#"{"a":"sk-mrk7q9"#, "mrk7q9"] {
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        shows_nothing(&ReferenceResolver::new().allow_files(), "file", "/a", &file);
        shows_nothing(&ReferenceResolver::new().allow_files(), "file", "/b", &file);
    }
    let exec = json!({ "vault": {
        "source": "exec", "command": command, "args": ["mrk7q9-argument"], "env": { "TOKEN": "mrk7q9-given" },
    } });
    for script in [
        r#"echo '{"protocolVersion":1,"values":{"a":"sk-mrk7q9-command"}}'"#,
        r#"echo '{"protocolVersion":1,"errors":{"a":{"code":"mrk7q9","message":"no mrk7q9"}}}'"#,
        r#"echo '{"protocolVersion":1,"values":{"a":["mrk7q9"]},"mrk7q9":1}'"#,
        "echo 'mrk7q9: permission denied'",
        "echo 'mrk7q9' >&2; exit 1",
        "echo 'mrk7q9'; kill -9 $$",
    ] {
        write(&command, format!("#!/bin/sh\n{script}\n")).unwrap();
        set_permissions(&command, Permissions::from_mode(0o700)).unwrap();
        shows_nothing(&ReferenceResolver::new().allow_commands(), "exec", "a", &exec);
    }
}
