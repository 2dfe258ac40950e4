//! What a status says of references, and what it keeps to itself.

use provider_auth::references::ReferenceResolver;
use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config};
use serde_json::json;

use super::configured_with;
use crate::support::{NOW, at, document};

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
