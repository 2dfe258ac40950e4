//! What stands in the place of a secret in a configured header.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use provider_auth::error::DiagnosticCode;
use provider_auth::select::SelectorRules;
use provider_auth::{AuthProfiles, Config, Endpoint, Environment, ErrorKind, ModelRef, Query, ReadOptions};
use serde_json::{Value, json};

use crate::support::{NOW, at};

/// What can be no secret is not sent in a configured header either, by whatever way, and nothing of it is shown.
#[test]
fn a_header_with_what_can_be_no_secret_is_refused() {
    let request = |auth: Value| json!({ "request": { "auth": auth } });
    let entries = [
        (json!({ "headers": { "Authorization": "Bearer your_api_key_here" } }), "headers.Authorization"),
        (json!({ "headers": { "Authorization": "Bearer $qzj71_api_key" } }), "headers.Authorization"),
        (json!({ "headers": { "x-api-key": "op://qzj71/credential" } }), "headers.x-api-key"),
        (json!({ "headers": { "cf-aig-authorization": "Bearer <qzj71>" } }), "headers.cf-aig-authorization"),
        (json!({ "request": { "headers": { "api-key": "%QZJ71%" } } }), "request.headers.api-key"),
        (json!({ "models": [{ "id": "m", "headers": { "api-key": "file:qzj71" } }] }), "models[].headers.api-key"),
        (request(json!({ "mode": "authorization-bearer", "token": "env:QZJ71" })), "request.auth.token"),
        (request(json!({ "mode": "authorization-bearer", "token": "$HELD" })), "request.auth.token"),
        (
            request(json!({ "mode": "header", "headerName": "x-a", "prefix": "Key ", "value": "vault:qzj71" })),
            "request.auth.value",
        ),
    ];
    let environment = Environment::from_fn(|name| (name == "HELD").then(|| "<qzj71>".to_owned()));
    let read = |entry: &Value| {
        let mut entry = entry.clone();
        entry["baseUrl"] = json!("https://gw.example.com");
        entry["api"] = json!("anthropic-messages");
        let text = json!({ "models": { "providers": { "gw": entry } } }).to_string();
        Config::from_json5_str(&text, &ReadOptions::new().environment(environment.clone())).unwrap()
    };
    let model: ModelRef = "gw/m".parse().unwrap();
    for (entry, place) in &entries {
        let config = read(entry);
        let error = Endpoint::for_model(&config, &model).unwrap_err();
        let said = format!("{error} {error:?} {} {:?} {config:?}", error.help(), config.diagnostics());
        assert_eq!(error.kind(), ErrorKind::InvalidSecret, "{entry}: {said}");
        assert_eq!(error.location().unwrap().key_path.as_deref(), Some(&*format!("models.providers.gw.{place}")));
        assert!(!said.to_lowercase().contains("qzj71") && !said.contains("your_api_key_here"), "{said}");
        // The text itself is remarked on where it stands; what a variable has is in no document.
        let is_said = config.diagnostics().iter().any(|said| said.code == DiagnosticCode::ImplausibleSecret);
        assert_eq!(is_said, !entry.to_string().contains("$HELD"), "{said}");
        let query = Query::for_model(&model);
        let foreign = http::Request::post("https://gw.example.com/v1/messages").body(()).unwrap();
        let selection = config.resolve(&AuthProfiles::new(), &query, at(NOW)).unwrap();
        assert_eq!(selection.authenticate(foreign).unwrap_err().kind(), ErrorKind::InvalidSecret, "{entry}");
        // Unless somebody says to take it as it is.
        let mut rules = SelectorRules::default();
        rules.refuse_implausible = false;
        assert!(Endpoint::for_model(&config.with_rules(rules), &model).is_ok(), "{entry}");
    }
    for text in
        ["Custom abc", "Bearer sk-1234", "Basic dXNlcjpwYXNz", "Token local", "none", "Bearer ollama", "id:secret"]
    {
        let entry = json!({ "headers": { "Authorization": text, "cookie": "a=1; b=...", "x-note": "<none>" } });
        let config = read(&entry);
        assert!(config.diagnostics().is_empty() && Endpoint::for_model(&config, &model).is_ok(), "{text}");
    }
}
