//! No text can be forged: names with control characters, line breaks and direction marks, and names of 10 kB, in every
//! field of the files and in every kind of text that people read.

use std::error::Error as StdError;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use provider_auth::error::{Diagnostic, DiagnosticCode, Location, Severity};
use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant};
use provider_auth::rotation::Rotation;
use provider_auth::select::SelectorRules;
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Config, Credential, CredentialKind, Endpoint, Error,
    ErrorKind, MemoryStore, ModelRef, ProfileId, ProfileSelector, ProviderId, Query, RequestBuilder, Secret, setup,
};
use serde_json::{Value, json};

use crate::support::forged::{is_forged, tails};
use crate::support::rotation::{Rig, call};
use crate::support::server::{Act, Server};
use crate::support::traced::traced;
use crate::support::{HOUR, NOW, at, document, options};

/// The texts that were walked.
#[derive(Default)]
struct Told {
    count: usize,
    faults: Vec<String>,
}

impl Told {
    /// A text that may have lines of its own.
    fn lines(&mut self, kind: &str, text: &str) {
        text.lines().for_each(|line| self.say(kind, &line));
    }

    fn say(&mut self, kind: &str, text: &dyn Display) {
        let text = text.to_string();
        self.count += 1;
        if is_forged(&text) {
            self.faults.push(format!("{kind}: {:?}", text.chars().take(300).collect::<String>()));
        }
    }

    fn error(&mut self, kind: &str, error: &Error) {
        self.say(kind, &error.help());
        error.location().iter().for_each(|place| self.say(kind, place));
        error.diagnostics().iter().for_each(|found| self.diagnostic(kind, found));
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            self.say(kind, &error);
            cause = error.source();
        }
        for candidate in error.unavailable().iter().flat_map(|refusal| &refusal.candidates) {
            self.say(kind, &candidate.id);
            self.say(kind, &candidate.verdict);
        }
    }

    fn failed<T>(&mut self, kind: &str, result: Result<T, Error>) {
        match result {
            Ok(_) => self.faults.push(format!("{kind}: this was to fail")),
            Err(error) => self.error(kind, &error),
        }
    }

    fn diagnostic(&mut self, kind: &str, found: &Diagnostic) {
        self.say(kind, found);
        self.say(kind, &found.message);
        self.say(kind, &found.location);
        found.help.iter().for_each(|help| self.say(kind, help));
        found.location.key_path.iter().for_each(|path| self.say(kind, path));
    }

    fn end(self, least: usize) {
        assert!(self.faults.is_empty(), "{} faults:\n{}", self.faults.len(), self.faults.join("\n"));
        println!("{} texts walked", self.count);
        assert!(self.count > least, "only {} texts were walked", self.count);
    }
}

/// Profiles under such names: keys, logins, what is blank or resting, a foreign one, and lists that name what is not there.
fn forged(tail: &str) -> Value {
    let id = |name: &str| format!("anthropic:{name}{tail}");
    json!({
        "version": 1,
        "profiles": {
            id("1"): {"type": "api_key", "provider": "anthropic", "key": "made-up-key-1", "displayName": tail, "email": tail},
            id("2"): {"type": "api_key", "provider": "anthropic", "key": " "},
            id("3"): {"type": "oauth", "provider": "anthropic", "access": "a", "refresh": "r", "expires": 1, "email": tail},
            id("4"): {"type": "token", "provider": "anthropic", "token": "t", "expires": "1"},
            id("5"): {"type": "api_key", "provider": "anthropic", "keyRef": {"source": "env", "provider": tail, "id": tail}},
            id("6"): {"type": tail, "provider": "anthropic"},
            id("7"): {"type": "api_key", "provider": "anthropic", "key": "YOUR_API_KEY"},
            tail: {"type": "api_key", "provider": tail, "key": "made-up-key-2", tail: 1},
        },
        "order": {tail: ["nobody", tail]},
        "lastGood": {tail: tail},
        "usageStats": {
            id("1"): {"disabledUntil": NOW + HOUR, "disabledReason": "billing", "cooldownModel": tail},
            id("2"): {"cooldownUntil": NOW + 900 * HOUR},
            id("3"): {"cooldownUntil": NOW + HOUR, "cooldownReason": "auth"},
        },
    })
}

fn configuration(tail: &str) -> Value {
    let id = |name: &str| format!("anthropic:{name}{tail}");
    json!({
        tail: 1,
        "env": {tail: 1, "vars": {tail: 1}},
        "agents": {
            "defaults": {
                "model": {"primary": format!("relay/{tail}"), "fallbacks": [tail, "opsu"]},
                "imageModel": {"primary": tail},
                "models": {format!("relay/{tail}"): {"alias": tail, tail: 2, "params": {"cacheRetention": "long", "cacheControlTtl": "1h"}}},
            },
            "list": [{"id": tail, "model": tail}],
        },
        "auth": {
            "profiles": {id("1"): {"provider": tail, "mode": "api_key"}, id("9"): {"provider": "anthropic", "mode": "token"}},
            "order": {"anthropic": [id("8"), id("2")], tail: [tail]},
        },
        "models": {"providers": {
            tail: {"baseUrl": "http://example.com", "models": [{"id": tail, "baseUrl": "http://example.org", "api": tail}], "headers": {tail: "v"}},
            "relay": {"baseUrl": tail, "api": "anthropic-messages", "apiKey": {"source": "env", "provider": "default", "id": tail}},
        }},
    })
}

#[test]
fn errors_diagnostics_and_reports_stay_on_their_line() {
    let mut told = Told::default();
    for tail in tails() {
        let (profiles, json) = (document(&forged(&tail)), configuration(&tail).to_string());
        let read = |lenient| Config::from_json5_str(&json, &options().lenient(lenient));
        read(false).err().iter().for_each(|error| told.error("config, strict", error));
        let config = read(true).unwrap();
        config.diagnostics().iter().for_each(|found| told.diagnostic("config", found));
        config.lint([&profiles]).iter().for_each(|found| told.diagnostic("lint", found));
        profiles.diagnostics().iter().for_each(|found| told.diagnostic("document", found));
        for text in [
            format!("{{\"{}", tail.escape_debug()),
            format!("{{a: \"${{{tail}}}\"}}"),
            format!("{{$include: {tail:?}}}"),
        ] {
            Config::from_json5_str(&text, &options()).err().iter().for_each(|error| told.error("syntax", error));
        }
        of_selection(&mut told, &tail, &profiles, &config);
        of_requests(&mut told, &tail, &config);
        of_stores(&mut told, &tail, &profiles);
        of_reports(&mut told, &tail, &profiles, &config);
    }
    told.end(3_000);
}

fn of_selection(told: &mut Told, tail: &str, profiles: &AuthProfiles, config: &Config) {
    for selector in
        [&ProfileSelector::new(SelectorRules::openclaw_2026_02()), &ProfileSelector::default(), config.selector()]
    {
        let owners: Vec<ProviderId> =
            ["anthropic", tail, "nobody"].iter().map(|name| ProviderId::new(name).unwrap()).collect();
        for owner in &owners {
            let plain = Query::new(owner).model(tail);
            let locked = profiles.iter().map(|(id, _)| plain.clone().locked(id.clone()));
            for query in [plain.clone()].into_iter().chain(locked) {
                let candidates = selector.candidates(profiles, &query, at(NOW));
                candidates.diagnostics().iter().for_each(|found| told.diagnostic("selection", found));
                if let Err(refusal) = selector.select(profiles, &query, at(NOW)) {
                    told.say("refusal", &refusal);
                    told.error("refusal", &refusal.into());
                }
                if let Err(error) = selector.resolve(profiles, None, &query, at(NOW)) {
                    told.error("resolve", &error);
                }
            }
        }
    }
    let model = ModelRef::new(ProviderId::new(tail).unwrap(), tail).unwrap();
    told.say("model", &model);
    let mut rotation = Rotation::new(ProfileSelector::default(), model.clone(), at(NOW)).fallbacks([model]);
    let step = rotation.next(&AuthProfiles::new(), at(NOW));
    if let provider_auth::rotation::Step::End(failure) = step {
        told.say("rotation", &failure);
        told.error("rotation", &failure.into());
    }
}

fn of_requests(told: &mut Told, tail: &str, config: &Config) {
    let key = Credential::api_key(Secret::new("made-up-key"));
    for provider in ["relay", "anthropic", tail] {
        let model = ModelRef::new(ProviderId::new(provider).unwrap(), tail).unwrap();
        if let Err(error) = Endpoint::for_model(config, &model) {
            told.error("endpoint", &error);
        }
    }
    Endpoint::new(&format!("https://{tail}")).err().iter().for_each(|error| told.error("url", error));
    let name = "x-".to_owned() + &"x".repeat(10_000);
    for (name, value) in [(tail, "v"), ("x-a", tail), (&*name, "a\nb"), ("host", tail), ("authorization", tail)] {
        let endpoint = Endpoint::anthropic();
        let built =
            RequestBuilder::new(&endpoint, &key).body(b"{\"messages\":[]}".to_vec()).header(name, value).build();
        if let Err(error) = built {
            told.error("header", &error);
        }
    }
    let body =
        json!({"messages": [{"role": tail, "content": [{"type": tail, tail: 1, "cache_control": {"type": tail}}]}]});
    if let Err(error) = RequestBuilder::new(&Endpoint::anthropic(), &key).json(&body).build() {
        told.error("body", &error);
    }
    for provider in ["anthropic", tail] {
        let provider = ProviderId::new(provider).unwrap();
        for text in [tail, "sk-ant-api03-made-up", ""] {
            for pasted in [setup::api_key(&provider, text), setup::token(&provider, text)] {
                pasted.err().iter().for_each(|error| told.error("paste", error));
            }
        }
    }
    told.say("id", &setup::profile_id(&ProviderId::anthropic(), Some(tail), CredentialKind::ApiKey).unwrap());
}

fn of_stores(told: &mut Told, tail: &str, profiles: &AuthProfiles) {
    let store = Arc::new(MemoryStore::new(profiles.clone()));
    let selector = ProfileSelector::default();
    let ids: Vec<ProfileId> = profiles.iter().map(|(id, _)| id.clone()).collect();
    for id in &ids {
        told.say("id", id);
        told.say("provider", profiles.get(id.as_str()).unwrap().provider());
        let _held = store.lease(id, Duration::ZERO).unwrap();
        told.failed("lease", store.lease(id, Duration::ZERO));
        store
            .set_order(&ProviderId::new("other").unwrap(), std::slice::from_ref(id))
            .err()
            .iter()
            .for_each(|error| told.error("order", error));
    }
    let saved = setup::save_key(
        &*store,
        &selector,
        &ids[0],
        &ProviderId::anthropic(),
        &setup::api_key(&ProviderId::anthropic(), "sk-ant-api03-made-up-key-0123456789").unwrap(),
        None,
    );
    saved.iter().filter_map(setup::Saved::help).for_each(|help| told.say("saved", &help));
    saved.err().iter().for_each(|error| told.error("saved", error));
    // What somebody else's store says, and a place of its own.
    let error = Error::new(ErrorKind::Io, tail.chars().take(400).collect::<String>());
    let place = Location::at(1, 1).with_path(tail).with_key_path(tail.chars().take(400).collect::<String>());
    told.error("foreign", &error.with_location(place.clone()).with_help(tail.chars().take(400).collect::<String>()));
    let found =
        Diagnostic::new(Severity::Note, DiagnosticCode::Alias, place, tail.chars().take(400).collect::<String>());
    told.diagnostic("foreign", &found);
    let directory = tempfile::tempdir().unwrap();
    // What the system allows in the name of a file.
    let is_allowed = |c: &char| match c {
        '\0' | '/' => false,
        c if cfg!(windows) => !c.is_control() && !"<>:\"|?*\\".contains(*c),
        _ => true,
    };
    let name: String = tail.chars().filter(is_allowed).take(60).collect();
    told.failed("file", Config::from_path(directory.path().join(&name), &options()));
    std::fs::create_dir(directory.path().join(&name)).unwrap();
    told.failed("file", provider_auth::FileStore::new(directory.path().join(&name)).and_then(|store| store.load()));
    std::fs::write(directory.path().join("openclaw.json"), json!({"$include": name}).to_string()).unwrap();
    told.failed("include", Config::from_path(directory.path().join("openclaw.json"), &options()));
    std::fs::write(directory.path().join("openclaw.json"), json!({"$include": format!("./{name}2")}).to_string())
        .unwrap();
    std::fs::write(directory.path().join(format!("{name}2")), json!({"$include": format!("./{name}2")}).to_string())
        .unwrap();
    told.failed("circle", Config::from_path(directory.path().join("openclaw.json"), &options()));
}

fn of_reports(told: &mut Told, tail: &str, profiles: &AuthProfiles, config: &Config) {
    let path = std::path::Path::new("/home/me").join(tail);
    let builder = StatusReport::builder(config, profiles).agent(tail).home("/home/me");
    let report = builder.config_path(&path).store_path(&path).agent_dir(&path).build(at(NOW));
    told.lines("status", &report.to_string());
    report.diagnostics.iter().for_each(|found| told.diagnostic("status", found));
    report.unusable_profiles.iter().for_each(|profile| told.say("hint", &profile.recovery_hint()));
    let tree: Value = serde_json::from_str(&report.to_json()).unwrap();
    told.json("", &tree);
    // What programs read is the name itself.
    let unusable = tree.pointer("/auth/unusableProfiles").and_then(Value::as_array).unwrap();
    let name = format!("anthropic:1{tail}");
    assert!(unusable.iter().any(|profile| profile["profileId"] == name), "{}", tail.escape_debug());
    assert!(profiles.get(&name).is_some());
}

impl Told {
    /// The members of a report in JSON that are sentences for people; the others have the names themselves.
    fn json(&mut self, member: &str, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.json(name, value)),
            Value::Array(items) => items.iter().for_each(|item| self.json(member, item)),
            Value::String(text) => {
                let is_said = ["label", "labels", "message", "location", "help", "recoveryHint", "detail", "value"]
                    .contains(&member);
                if is_said || member == "source" {
                    self.say(member, text);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn logs_and_calls_stay_on_their_line() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut told = Told::default();
    for tail in tails() {
        let id = format!("anthropic:{tail}");
        let entry = |secret: &str| json!({"type": "api_key", "provider": "anthropic", "key": secret});
        let login = json!({"type": "oauth", "provider": "anthropic", "access": "a", "refresh": "r", "expires": 1});
        let stored =
            json!({"version": 1, "profiles": {id.clone(): entry("made-up-1"), format!("{id}2"): entry("made-up-2")}});
        let model = format!("anthropic/{tail}");
        let ((failure, renewal), log) = traced(|| {
            runtime.block_on(async {
                let server = Server::script(vec![
                    Act::error(429, "rate_limit_error", &tail),
                    Act::error(401, "authentication_error", &tail),
                ]);
                let rig = Rig::with(server, &stored, |builder| builder.max_attempts(2));
                let failure = rig.rotator.send(&call(&model)).await.unwrap_err();
                let server = Server::script(vec![Act::json(400, r#"{"error":"invalid_grant"}"#)]);
                let grant = RefreshTokenGrant::new(&server.url(), "client", reqwest::Client::builder()).unwrap();
                let profiles = document(&json!({"version": 1, "profiles": {id.clone(): login}}));
                let coordinator =
                    RefreshCoordinator::new(Arc::new(MemoryStore::new(profiles.clone())), Arc::new(grant));
                let id = profiles.iter().next().unwrap().0.clone();
                (failure, coordinator.refresh_if_needed(&id).await.unwrap_err())
            })
        });
        failure.attempts().iter().for_each(|attempt| told.say("attempt", attempt));
        told.say("failure", &failure);
        told.error("failure", &failure.into());
        told.error("refresh", &renewal);
        told.lines("log", &log);
    }
    told.end(200);
}
