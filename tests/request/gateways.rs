//! Gateways as their documentation sets them up: configuration in, URL and headers out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use std::collections::BTreeMap;

use provider_auth::credential::CredentialSource;
use provider_auth::request::AuthScheme;
use provider_auth::{
    AuthProfiles, Config, Credential, CredentialKind, Endpoint, Error, ErrorKind, ModelRef, PreparedRequest, Query,
    RequestBuilder, Secret,
};
use serde_json::{Value, json};

use crate::support::{NOW, at, config, document, options};

const BODY: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#;

/// Headers that every request has, or that say nothing of the way.
const USUAL: [&str; 3] = ["accept", "content-type", "anthropic-version"];

fn configured(providers: &Value) -> Config {
    config(&json!({ "models": { "providers": providers } }).to_string())
}

fn prepared(config: &Config, profiles: &AuthProfiles, model: &str) -> Result<PreparedRequest, Error> {
    let model: ModelRef = model.parse()?;
    let selection = config.resolve(profiles, &Query::for_model(&model), at(NOW))?;
    let endpoint = Endpoint::for_model(config, &model)?;
    RequestBuilder::for_selection(&endpoint, &selection).configured(config, &model, None, None).body(BODY).build()
}

fn sent(request: &PreparedRequest) -> BTreeMap<String, String> {
    let own = request.headers().iter().filter(|(name, _)| !USUAL.contains(&name.as_str()));
    own.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[test]
fn documented_gateways() {
    let fixtures: Vec<Value> = serde_json::from_str(include_str!("../fixtures/gateways.json")).unwrap();
    for fixture in &fixtures {
        let name = fixture["gateway"].as_str().unwrap();
        assert!(fixture["source"].is_string() && fixture.get("as_of").is_some(), "{name} says where it is from");
        let (config, model) = (configured(&fixture["config"]), fixture["model"].as_str().unwrap());
        assert!(config.diagnostics().is_empty(), "{name}: {:?}", config.diagnostics());
        let request = prepared(&config, &AuthProfiles::new(), model).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected: BTreeMap<String, String> = serde_json::from_value(fixture["headers"].clone()).unwrap();
        assert_eq!(request.uri(), fixture["url"].as_str().unwrap(), "{name}");
        assert_eq!(sent(&request), expected, "{name}");
        if let Some(kind) = fixture["kind"].as_str() {
            let endpoint = Endpoint::for_model(&config, &model.parse().unwrap()).unwrap();
            assert_eq!(format!("{:?}", endpoint.kind()), kind, "{name}");
        }
        // Whatever carries a credential is never shown.
        let shown = format!("{request:?} {:?} {config:?}", Endpoint::for_model(&config, &model.parse().unwrap()));
        for value in expected.values().filter(|value| value.len() > 4 && !value.starts_with("oauth-")) {
            let secret = value.rsplit(' ').next().unwrap();
            assert!(
                secret.len() <= 4 || ["anthropic", "ollama"].contains(&secret) || !shown.contains(secret),
                "{name}: {shown}"
            );
        }
    }
}

/// A request of another client takes the same way.
#[test]
fn a_foreign_request_follows_the_scheme() {
    let fixtures: Vec<Value> = serde_json::from_str(include_str!("../fixtures/gateways.json")).unwrap();
    for fixture in fixtures.iter().filter(|fixture| fixture.get("kind").is_none()) {
        let (name, model) = (fixture["gateway"].as_str().unwrap(), fixture["model"].as_str().unwrap());
        let (config, model): (_, ModelRef) = (configured(&fixture["config"]), model.parse().unwrap());
        let selection = config.resolve(&AuthProfiles::new(), &Query::for_model(&model), at(NOW)).unwrap();
        let url = fixture["url"].as_str().unwrap();
        let foreign = http::Request::post(url).header("x-goog-api-key", "left over").body(()).unwrap();
        let foreign = selection.authenticate(foreign).unwrap_or_else(|error| panic!("{name}: {error}"));
        let carries = |name: &str| name.ends_with("authorization") || name.ends_with("-key") || name.ends_with("-auth");
        let expected: BTreeMap<&str, &str> = fixture["headers"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| carries(name))
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let got: BTreeMap<&str, &str> =
            foreign.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        // Without an endpoint of its kind, a key goes as the provider's table says, which is bearer for most.
        let values = |map: &BTreeMap<&str, &str>| {
            let mut bare: Vec<String> =
                map.values().map(|value| value.trim_start_matches("Bearer ").to_owned()).collect();
            bare.sort();
            bare
        };
        assert_eq!(values(&got), values(&expected), "{name}");
    }
}

#[test]
fn a_keyless_selection_says_so_and_stored_profiles_come_first() {
    let config = configured(&json!({"gw": {
        "baseUrl": "https://gw.example.com", "api": "anthropic-messages", "headers": {"cf-aig-authorization": "Bearer t-1"},
    }}));
    let model: ModelRef = "gw/m".parse().unwrap();
    let query = Query::for_model(&model);
    let selection = config.resolve(&AuthProfiles::new(), &query, at(NOW)).unwrap();
    assert_eq!((selection.credential.kind(), &selection.source), (CredentialKind::None, &CredentialSource::NotNeeded));
    assert_eq!(selection.profile.as_str(), "inline-api-key:gw");

    let stored =
        document(&json!({"version": 1, "profiles": {"gw:a": {"type": "api_key", "provider": "gw", "key": "k-1"}}}));
    let request = prepared(&config, &stored, "gw/m").unwrap();
    assert_eq!(request.headers()["x-api-key"], "k-1");
    assert_eq!(request.headers()["cf-aig-authorization"], "Bearer t-1");

    // A server elsewhere without header and key still needs one.
    let bare = configured(&json!({"gw": {"baseUrl": "https://gw.example.com", "api": "anthropic-messages"}}));
    assert_eq!(prepared(&bare, &AuthProfiles::new(), "gw/m").unwrap_err().kind(), ErrorKind::MissingApiKey);
    // What is plainly no credential is none.
    let team = configured(&json!({"gw": {"baseUrl": "https://gw.example.com", "headers": {"x-team": "blue"}}}));
    assert_eq!(prepared(&team, &AuthProfiles::new(), "gw/m").unwrap_err().kind(), ErrorKind::MissingApiKey);
}

#[test]
fn schemes_set_in_code() {
    let gateway = || Endpoint::new("https://gw.example.com").unwrap();
    let key = Credential::api_key(Secret::new("k-1"));
    let headers = |endpoint: &Endpoint, credential: &Credential| {
        sent(&RequestBuilder::new(endpoint, credential).body(BODY).build().unwrap())
    };
    let expect = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    for (scheme, expected) in [
        (AuthScheme::header("api-key").unwrap(), &[("api-key", "k-1")][..]),
        (AuthScheme::header("X-Goog-Api-Key").unwrap(), &[("x-goog-api-key", "k-1")]),
        (AuthScheme::prefixed("cf-aig-authorization", "Bearer ").unwrap(), &[("cf-aig-authorization", "Bearer k-1")]),
        (AuthScheme::prefixed("authorization", "Token ").unwrap(), &[("authorization", "Token k-1")]),
        (AuthScheme::Both, &[("authorization", "Bearer k-1"), ("x-api-key", "k-1")]),
        (AuthScheme::None, &[]),
    ] {
        let endpoint = gateway().with_auth_scheme(scheme.clone());
        assert_eq!(headers(&endpoint, &key), expect(expected), "{scheme:?}");
        assert_eq!(headers(&endpoint, &Credential::None), expect(&[]), "{scheme:?}");
        // A header of the call authenticates under none of them.
        for (name, _) in expected.iter().chain(&[("x-api-key", ""), ("authorization", "")]) {
            let call = RequestBuilder::new(&endpoint, &key).header(*name, "x").body(BODY).build();
            assert_eq!(call.unwrap_err().kind(), ErrorKind::ConflictingAuthHeader, "{scheme:?} {name}");
        }
    }
    // Of two headers of the endpoint's own the later one counts, and the key that was for the same header stays here.
    let own = gateway().with_auth_header("X-API-Key", "own-1").with_auth_header("x-api-key", "own-2");
    assert_eq!(headers(&own, &key), expect(&[("x-api-key", "own-2")]));
    // A token that is not sent brings no flag of its own along.
    let token = Credential::token(Secret::new("sk-ant-oat01-made-up"), None);
    assert_eq!(
        headers(&gateway().with_auth_header("authorization", "Own x"), &token),
        expect(&[("authorization", "Own x")])
    );
    for (name, value) in [("not a name", "x"), ("host", "x"), ("authorization", "a\nb"), ("authorization", "zz\u{0}zz")]
    {
        let error = RequestBuilder::new(&gateway().with_auth_header(name, value), &key).body(BODY).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidHeader, "{name}");
        assert!(!format!("{error:?}").contains("zz"));
    }
    assert!(AuthScheme::prefixed("authorization", "a\nb").is_err());
    let pasted = AuthScheme::prefixed("authorization", "Bearer zzsecret").unwrap();
    assert!(!format!("{pasted:?} {:?}", gateway().with_auth_scheme(pasted.clone())).contains("zzsecret"));
}

#[test]
fn plain_http_in_a_private_network_is_an_opt_in() {
    let private = [
        "10.0.2.2:11434",
        "172.16.5.4",
        "192.168.1.250",
        "[fd00::1]:80",
        "169.254.10.1",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "litellm:4000",
        "box.local",
        "a.internal",
    ];
    let never = [
        "0x7f.1",
        "0x0a000001",
        "2130706433",
        "012.0.0.1",
        "10.1",
        "8.8.8.8",
        "100.64.0.1",
        "api.example.com",
        "10.0.0.1.example.com",
        "box.local.",
        "[2001:db8::1]",
    ];
    for host in private {
        let url = format!("http://{host}/v1");
        let error = Endpoint::new(&url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsecureTransport, "{host}");
        assert!(error.help().contains("allowPrivateNetwork"), "the opt-in is named");
        let endpoint = Endpoint::on_private_network(&url).unwrap();
        assert_eq!(endpoint.uri().to_string(), format!("http://{host}/v1/messages"));
        // It stays where the endpoint is moved, and only there.
        assert!(endpoint.clone().with_base_url("http://10.9.9.9").is_ok(), "{host}");
        assert_eq!(endpoint.with_base_url("http://8.8.8.8").unwrap_err().kind(), ErrorKind::InsecureTransport);
        let of_config = |request: Value| {
            let entry = json!({"baseUrl": url, "api": "anthropic-messages", "apiKey": "k-1", "request": request});
            prepared(&configured(&json!({"gw": entry})), &AuthProfiles::new(), "gw/m").map_err(|error| error.kind())
        };
        assert!(of_config(json!({"allowPrivateNetwork": true})).is_ok(), "{host}");
        for refused in [json!({}), json!({"allowPrivateNetwork": false})] {
            assert_eq!(of_config(refused).unwrap_err(), ErrorKind::InsecureTransport, "{host}");
        }
    }
    for host in never {
        assert_eq!(
            Endpoint::on_private_network(&format!("http://{host}")).unwrap_err().kind(),
            ErrorKind::InsecureTransport,
            "{host}"
        );
    }
}

#[test]
fn without_a_credential_a_private_host_needs_no_opt_in() {
    let url = "http://192.168.1.250:11434";
    let of = |more: Value| {
        let mut entry = json!({"baseUrl": url, "api": "anthropic-messages"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        configured(&json!({"box": entry}))
    };
    let open = of(json!({}));
    assert!(prepared(&open, &AuthProfiles::new(), "box/m").is_ok());
    let kind = |config: &Config, profiles: &AuthProfiles| prepared(config, profiles, "box/m").unwrap_err().kind();
    // A stored key would be read on the way, and so would a header's.
    let stored =
        document(&json!({"version": 1, "profiles": {"box:a": {"type": "api_key", "provider": "box", "key": "k-1"}}}));
    assert_eq!(kind(&open, &stored), ErrorKind::InsecureTransport);
    let header = of(json!({"headers": {"x-portkey-api-key": "p-1"}}));
    assert_eq!(kind(&header, &AuthProfiles::new()), ErrorKind::InsecureTransport);
    assert_eq!(
        kind(&of(json!({"request": {"allowPrivateNetwork": false}})), &AuthProfiles::new()),
        ErrorKind::InsecureTransport
    );
    let endpoint = Endpoint::for_model(&open, &"box/m".parse().unwrap()).unwrap();
    let call = RequestBuilder::new(&endpoint, &Credential::None).header("helicone-auth", "Bearer h").body(BODY).build();
    assert_eq!(call.unwrap_err().kind(), ErrorKind::InsecureTransport);
    // Where clouds hand out credentials, nothing is asked without the opt-in.
    let link =
        configured(&json!({"box": {"baseUrl": "http://169.254.169.254", "api": "anthropic-messages", "apiKey": "k"}}));
    assert_eq!(kind(&link, &AuthProfiles::new()), ErrorKind::InsecureTransport);
    // A request of another client to such a host.
    let model: ModelRef = "box/m".parse().unwrap();
    let foreign = |config: &Config, profiles: &AuthProfiles| {
        let selection = config.resolve(profiles, &Query::for_model(&model), at(NOW)).unwrap();
        selection
            .authenticate(http::Request::post(format!("{url}/api/chat")).body(()).unwrap())
            .map_err(|error| error.kind())
    };
    assert!(foreign(&open, &AuthProfiles::new()).is_ok());
    assert_eq!(foreign(&open, &stored).unwrap_err(), ErrorKind::InsecureTransport);
    assert!(foreign(&of(json!({"request": {"allowPrivateNetwork": true}})), &stored).is_ok());
}

#[test]
fn bases_are_completed_and_not_doubled() {
    for (base, url) in [
        ("https://host.example/anthropic/messages", "https://host.example/anthropic/v1/messages"),
        ("https://host.example/messages/", "https://host.example/v1/messages"),
        ("https://host.example/v1/messages/", "https://host.example/v1/messages"),
        ("https://host.example/v1/messages?beta=true", "https://host.example/v1/messages?beta=true"),
        ("https://host.example/mymessages", "https://host.example/mymessages/v1/messages"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1/messages"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/messages"),
        (
            "https://contoso.services.ai.azure.com/anthropic/v1",
            "https://contoso.services.ai.azure.com/anthropic/v1/messages",
        ),
        (
            "https://bedrock-mantle.eu-west-1.api.aws/v1",
            "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1/messages",
        ),
        (
            "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1/messages",
            "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1/messages",
        ),
    ] {
        assert_eq!(Endpoint::new(base).unwrap().uri(), url, "{base}");
    }
}

#[test]
fn a_model_in_the_url_is_not_in_the_body() {
    let vertex = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5";
    let entry = |base: &str| json!({"baseUrl": base, "api": "anthropic-messages", "auth": "token", "apiKey": "t-1"});
    let config =
        configured(&json!({"vertex": entry(vertex), "arn": entry("https://bedrock-runtime.us-east-1.amazonaws.com")}));
    let build = |model: &str, body: &str| {
        let model: ModelRef = model.parse().unwrap();
        let endpoint = Endpoint::for_model(&config, &model).unwrap();
        RequestBuilder::new(&endpoint, &Credential::token(Secret::new("t-1"), None)).body(body).build().unwrap()
    };
    let whole = build("vertex/claude-x", BODY);
    assert!(!String::from_utf8_lossy(whole.body()).contains("\"model\""));
    let stream = build("vertex/claude-x", r#"{"stream":true,"model":"m","messages":[]}"#);
    assert!(stream.uri().path().ends_with("/claude-x:streamRawPredict"), "{}", stream.uri());
    let arn = build("arn/arn:aws:bedrock:us-east-1:1:application-inference-profile/x y", BODY);
    assert_eq!(arn.uri().path(), "/model/arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fx%20y/invoke");

    let nowhere = configured(&json!({"vertex": entry("https://us-east5-aiplatform.googleapis.com")}));
    let error = Endpoint::for_model(&nowhere, &"vertex/m".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidUrl);
    assert!(error.help().contains("/projects/"), "{}", error.help());
}

#[test]
fn what_is_wrong_with_request_auth_is_said() {
    for (auth, key) in [
        (json!({"mode": "authorization-bearer"}), "token"),
        (json!({"mode": "header", "value": "v"}), "headerName"),
        (json!({"mode": "header", "headerName": "x-a"}), "value"),
        (json!({"token": "zzsecret"}), "mode"),
    ] {
        let text = json!({"models": {"providers": {"gw": {"request": {"auth": auth}}}}}).to_string();
        let error = Config::from_json5_str(&text, &options()).unwrap_err();
        assert!(format!("{error:?}").contains(&format!("the key `{key}` is missing")), "{error:?}");
        assert!(!format!("{error:?}").contains("zzsecret"));
    }
    let named = json!({"mode": "header", "headerName": "not a name", "value": "zzsecret"});
    let text = json!({"models": {"providers": {"gw": {"request": {"auth": named}}}}}).to_string();
    let error = Config::from_json5_str(&text, &options()).unwrap_err();
    assert!(
        format!("{error:?}").contains("the name of a header is expected") && !format!("{error:?}").contains("zzsecret")
    );
    // A reference that leads to nothing is not replaced by the key beside it.
    let referred =
        json!({"mode": "authorization-bearer", "token": {"source": "env", "provider": "default", "id": "GONE"}});
    let config = configured(&json!({"gw": {
        "baseUrl": "https://gw.example.com", "api": "anthropic-messages", "apiKey": "k", "request": {"auth": referred},
    }}));
    let error = prepared(&config, &AuthProfiles::new(), "gw/m").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnresolvedReference);
    assert_eq!(error.location().unwrap().key_path.as_deref(), Some("models.providers.gw.request.auth.token"));
}
