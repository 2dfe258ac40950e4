//! Hostile text, and text that must not leak.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

use proptest::prelude::*;
use provider_auth::{Config, Environment, ErrorKind, ProviderId, ReadOptions};

use crate::support::options;

#[test]
fn deep_nesting_is_an_error_on_a_small_stack() {
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        for unit in ["[", "{a:", "{\"a\":[", "[//x\n", "{ agents: { defaults: "] {
            let text = unit.repeat(100_000);
            for options in [options(), options().lenient(true), options().max_depth(usize::MAX)] {
                let error = Config::from_json5_str(&text, &options).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::TooDeep, "{unit}");
                assert!(error.location().unwrap().line.is_some(), "{unit}");
            }
        }
        let error = Config::from_json5_str("{ a: [[]] }", &options().max_depth(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooDeep);
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn what_the_parser_would_take_in_silence_is_refused_anywhere_in_the_file() {
    for (text, kind) in [
        ("{ tools: { a: 1, 'a': 2 } }", ErrorKind::DuplicateKey),
        ("{ auth: { order: { x: [] } }, auth: {} }", ErrorKind::DuplicateKey),
        ("{ tools: NaN }", ErrorKind::InvalidNumber),
        ("{ tools: -Infinity }", ErrorKind::InvalidNumber),
        ("{ tools: 1e999 }", ErrorKind::InvalidNumber),
        ("{ tools: 0xfffffffffffffffff }", ErrorKind::InvalidNumber),
        ("{ tools: tru }", ErrorKind::Syntax),
        ("// nothing", ErrorKind::Syntax),
    ] {
        let error = Config::from_json5_str(text, &options().lenient(true)).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        let location = error.location().unwrap();
        assert!(location.line.is_some() && location.column.is_some(), "{text}");
    }
    let text = format!("{{ tools: '{}' }}", "x".repeat(1000));
    assert_eq!(Config::from_json5_str(&text, &options().max_bytes(1000)).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_problem_at_every_value_does_not_take_quadratic_time() {
    let text = format!("{{ auth: {{ order: {{ a: [{}] }} }} }}", "1,".repeat(50_000));
    let error = Config::from_json5_str(&text, &options()).unwrap_err();
    assert_eq!(error.diagnostics().len(), 1_001, "a thousand, and how many more there are");
}

/// Everything about a result that a program might print.
fn shown(result: &provider_auth::Result<Config>) -> String {
    match result {
        Ok(config) => {
            let found: Vec<_> = config.diagnostics().iter().map(ToString::to_string).collect();
            let provider = config.provider(&ProviderId::new("p").unwrap());
            let credential = config.environment().credential(&ProviderId::anthropic());
            format!("{config:?} {config:#?} {found:?} {provider:?} {credential:?}")
        }
        Err(error) => {
            let found: Vec<_> = error.diagnostics().iter().map(ToString::to_string).collect();
            let mut chain = String::new();
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                chain.push_str(&cause.to_string());
                source = cause.source();
            }
            format!("{error} {error:?} {error:#?} {} {found:?} {chain}", error.help())
        }
    }
}

/// Places for a secret, right ones and wrong ones.
const PLACES: &[&str] = &[
    "{ models: { providers: { p: { apiKey: 'SECRET' } } } }",
    "{ models: { providers: { p: { apiKey: 'SECRET', } } } } trailing",
    "{ models: { providers: { p: { apiKey: ['SECRET'] } } } }",
    "{ models: { providers: { p: { apiKey: { source: 'SECRET' } } } } }",
    "{ models: { providers: { p: { apiKey: SECRET } } } }",
    "{ models: { providers: { p: { apiKey: 'SECRET",
    "{ models: { providers: { p: { apiKey: 'SECRET\\ud800' } } } }",
    "{ models: { providers: { p: { apiKey: 'x', apiKey: 'SECRET' } } } }",
    "{ models: { providers: { p: { apiKey: '${VARIABLE}', headers: { h: '${VARIABLE}' } } } } }",
    "{ models: { providers: { p: { headers: { authorization: 'Bearer SECRET' } } } } }",
    "{ models: { providers: { p: { headers: 'SECRET' } } } }",
    "{ models: { providers: { p: { headers: { x: { y: 'SECRET' } } } } } }",
    "{ models: { providers: { p: { models: [{ id: 'm', headers: { k: 'SECRET' } }] } } } }",
    "{ models: { providers: { p: { models: ['SECRET'] } } } }",
    "{ models: { providers: { p: { baseUrl: 'https://user:SECRET@example.com/' } } } }",
    "{ models: { providers: { p: { baseUrl: 'https://example.com/?key=SECRET' } } } }",
    "{ models: { providers: { p: { baseUrl: 'SECRET' } } } }",
    "{ models: { providers: { p: { baseUrl: 'https://example.com/${VARIABLE}' } } } }",
    "{ models: { providers: { p: { auth: 'SECRET', api: 'SECRET', authHeader: 'SECRET' } } } }",
    "{ models: { providers: { p: { models: [{ id: 'm', baseUrl: 'https://user:SECRET@example.com/?key=SECRET' }] } } } }",
    "{ models: { providers: { p: { models: [{ id: 'm', headers: { a: 'SECRET' }, api: 'SECRET', compat: 'SECRET' }] } } } }",
    "{ models: { providers: { p: { request: { headers: { authorization: 'SECRET' }, auth: { value: 'SECRET' } } } } } }",
    "{ models: { providers: { p: { request: { auth: { mode: 'authorization-bearer', token: 'SECRET' } } } } } }",
    "{ models: { providers: { p: { request: { auth: { mode: 'header', headerName: 'x', value: 'SECRET', prefix: 'SECRET ' } } } } } }",
    "{ models: { providers: { p: { request: { auth: { mode: 'SECRET', headerName: 'SECRET SECRET', prefix: ['SECRET'] } } } } } }",
    "{ models: { providers: { p: { request: { auth: 'SECRET', allowPrivateNetwork: 'SECRET' } } } } }",
    "{ models: { providers: { p: { request: 'SECRET' } } } }",
    "{ models: { providers: { p: 'SECRET' } } }",
    "{ env: { ANTHROPIC_API_KEY: 'SECRET' } }",
    "{ env: { vars: { ANTHROPIC_OAUTH_TOKEN: 'SECRET' } } }",
    "{ env: { A: ['SECRET'], LD_PRELOAD: 'SECRET', B: '${X}SECRET', 'C-': 'SECRET' } }",
    "{ env: 'SECRET' }",
    "{ env: { shellEnv: 'SECRET' } }",
    "{ models: { providers: { p: { apiKey: { source: 'env', key: 'SECRET' }, headers: { a: { id: ['SECRET'] } } } } } }",
    "{ secrets: { providers: { a: { source: 'SECRET', command: 'SECRET', path: 'SECRET', allowlist: ['SECRET'] } } } }",
    "{ secrets: { providers: { a: { args: ['SECRET'], env: { A: 'SECRET' }, passEnv: ['SECRET'], trustedDirs: ['SECRET'] } } } }",
    "{ secrets: { providers: { a: 'SECRET' }, defaults: { env: 'SECRET' } } }",
    "{ secrets: 'SECRET' }",
    "{ auth: 'SECRET' }",
    "{ auth: { profiles: { a: { provider: 'x', mode: 'SECRET' } } } }",
    "{ auth: { profiles: { a: { provider: 'x', mode: 'token', token: 'SECRET', key: 'SECRET' } } } }",
    "{ auth: { profiles: { a: 'SECRET' } } }",
    "{ auth: { order: { a: 'SECRET' } } }",
    "{ auth: { cooldowns: { billingMaxHours: 'SECRET' } } }",
    "{ agents: { defaults: { params: { cacheRetention: 'SECRET', cacheControlTtl: 'SECRET', anthropicBeta: { a: 'SECRET' } } } } }",
    "{ agents: { defaults: { params: { anthropicBeta: ' a SECRET' } } } }",
    "{ agents: { defaults: { params: { key: 'SECRET' }, memorySearch: { remote: { apiKey: 'SECRET' } } } } }",
    "{ agents: { list: ['SECRET'] } }",
    "{ agents: { entries: 'SECRET' } }",
    "{ agents: { entries: { a: { params: { cacheRetention: 'SECRET' }, modelPolicy: 'SECRET', models: 'SECRET' } } } }",
    "{ channels: { telegram: { botToken: 'SECRET' } } }",
    "'SECRET'",
    "{ tools: SECRET }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_gets_into_any_text(secret in "[A-Za-z][A-Za-z0-9]{23}") {
        for place in PLACES {
            let text = place.replace("SECRET", &secret);
            let variable = secret.clone();
            let environment = Environment::from_fn(move |name| (name == "VARIABLE").then(|| variable.clone()));
            for lenient in [false, true] {
                let options = ReadOptions::new().environment(environment.clone()).lenient(lenient);
                let shown = shown(&Config::from_json5_str(&text, &options));
                prop_assert!(!shown.contains(&secret), "{place}: {shown}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = Config::from_json5_str(&text, &options());
    }

    #[test]
    fn any_shape_in_place_of_ours_is_reported_and_survived(
        place in prop::sample::select(PLACES), value in prop::sample::select(vec!["null", "1", "true", "[]", "{}", "[{}]", "''", "{a:{}}"]),
    ) {
        let text = place.replace("'SECRET'", value);
        let _ = Config::from_json5_str(&text, &options());
        if let Err(error) = Config::from_json5_str(&text, &options().lenient(true)) {
            prop_assert!(matches!(error.kind(), ErrorKind::Syntax | ErrorKind::DuplicateKey), "{text}: {error}");
        }
    }
}

#[test]
fn a_short_text_cannot_make_a_long_one() {
    let long_key = "k".repeat(20_000);
    let items = "1,".repeat(10_000);
    let text = format!("{{auth:{{order:{{{long_key}:[{items}]}}}}}}");
    let error = Config::from_json5_str(&text, &options()).unwrap_err();
    assert!(error.diagnostics().len() <= 2_002);
    assert!(format!("{error:?}").len() < 1_000_000, "the report is out of proportion");
    assert!(error.diagnostics().iter().any(|diagnostic| diagnostic.message.contains("9000 more")));

    let text = format!(
        "{{env:{{A:'{}'}},models:{{providers:{{x:{{baseUrl:'{}'}}}}}}}}",
        "a".repeat(100_000),
        "${A}".repeat(10_000)
    );
    let error = Config::from_json5_str(&text, &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[test]
fn what_was_written_into_the_place_of_a_name_is_not_shown() {
    let text = "{env:{'ANTHROPIC_API_KEY=sk-ant-hunter2':'x'},
        models:{providers:{x:{baseUrl:'https://h/hunter2',headers:{'authorization: Bearer hunter2':'y'}}}}}";
    let config = Config::from_json5_str(text, &options()).unwrap();
    assert!(!config.diagnostics().is_empty());
    assert!(!format!("{config:?} {:?}", config.diagnostics()).contains("hunter2"), "{config:?}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("openclaw.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&*pipe, directory.path()] {
        let error = Config::from_path(path, &ReadOptions::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAFile);
    }
}
