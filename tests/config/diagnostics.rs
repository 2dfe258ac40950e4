//! Every problem of a file is reported at once, each with its location, and no text repeats a value.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

use provider_auth::error::{Diagnostic, DiagnosticCode, Severity};
use provider_auth::{Config, ErrorKind};

use crate::support::options;

use Severity::{Error, Warning};
use provider_auth::error::DiagnosticCode as Code;

fn place(found: &Diagnostic) -> (u32, u32, &str) {
    let at = &found.location;
    (at.line.unwrap(), at.column.unwrap(), at.key_path.as_deref().unwrap())
}

/// One problem: text, what it is, and line, column and path of where it is.
type Case = (&'static str, Severity, DiagnosticCode, (u32, u32, &'static str));

const CASES: &[Case] = &[
    ("[]", Error, Code::InvalidValue, (1, 1, "")),
    ("{ env: [] }", Error, Code::InvalidValue, (1, 8, "env")),
    ("{ env: { A: 1 } }", Error, Code::InvalidValue, (1, 13, "env.A")),
    ("{ env: { vars: { A: null } } }", Error, Code::InvalidValue, (1, 21, "env.vars.A")),
    ("{ env: { 'A-B': 'x' } }", Warning, Code::RefusedVariable, (1, 10, "env[\"A-B\"]")),
    ("{ env: { vars: { LD_PRELOAD: 'x' } } }", Warning, Code::RefusedVariable, (1, 18, "env.vars.LD_PRELOAD")),
    ("{ env: { Path: 'x' } }", Warning, Code::RefusedVariable, (1, 10, "env.Path")),
    ("{ env: { A: '${B}' } }", Warning, Code::IgnoredSetting, (1, 13, "env.A")),
    ("{ env: { shellEnv: { enabled: 'yes' } } }", Error, Code::InvalidValue, (1, 31, "env.shellEnv.enabled")),
    ("{ env: { shellEnv: { timeoutMs: -1 } } }", Error, Code::InvalidValue, (1, 33, "env.shellEnv.timeoutMs")),
    ("{ env: { shellEnv: { shell: 1 } } }", Warning, Code::UnknownKey, (1, 22, "env.shellEnv.shell")),
    ("{ auth: { profile: {} } }", Warning, Code::UnknownKey, (1, 11, "auth.profile")),
    ("{ auth: { profiles: 1 } }", Error, Code::InvalidValue, (1, 21, "auth.profiles")),
    ("{\n auth: {\n  profiles: {\n   a: { mode: 'token' } } } }", Error, Code::MissingKey, (4, 7, "auth.profiles.a")),
    ("{ auth: { profiles: { a: { provider: 'x' } } } }", Error, Code::MissingKey, (1, 26, "auth.profiles.a")),
    ("{ auth: { profiles: { a: 'x' } } }", Error, Code::InvalidValue, (1, 26, "auth.profiles.a")),
    (
        "{ auth: { profiles: { ' ': { provider: 'x', mode: 'token' } } } }",
        Error,
        Code::InvalidValue,
        (1, 23, "auth.profiles[\" \"]"),
    ),
    (
        "{ auth: { profiles: { a: { provider: ' ', mode: 'token' } } } }",
        Error,
        Code::InvalidValue,
        (1, 38, "auth.profiles.a.provider"),
    ),
    (
        "{ auth: { profiles: { a: { provider: 'x', mode: 'key' } } } }",
        Error,
        Code::InvalidValue,
        (1, 49, "auth.profiles.a.mode"),
    ),
    (
        "{ auth: { profiles: { a: { provider: 'x', mode: 'api-key' } } } }",
        Warning,
        Code::Alias,
        (1, 49, "auth.profiles.a.mode"),
    ),
    ("{ auth: { order: { a: 'b' } } }", Error, Code::InvalidValue, (1, 23, "auth.order.a")),
    ("{ auth: { order: { a: ['b', 2] } } }", Error, Code::InvalidValue, (1, 29, "auth.order.a[1]")),
    ("{ auth: { order: { zai: [], 'Z.AI': [] } } }", Warning, Code::Conflict, (1, 29, "auth.order[\"Z.AI\"]")),
    (
        "{ auth: { cooldowns: { billingMaxHours: 0 } } }",
        Error,
        Code::InvalidValue,
        (1, 41, "auth.cooldowns.billingMaxHours"),
    ),
    (
        "{ auth: { cooldowns: { billingBackoffHoursByProvider: { a: '1' } } } }",
        Error,
        Code::InvalidValue,
        (1, 60, "auth.cooldowns.billingBackoffHoursByProvider.a"),
    ),
    (
        "{ auth: { cooldowns: { overloadedProfileRotations: 0.5 } } }",
        Error,
        Code::InvalidValue,
        (1, 52, "auth.cooldowns.overloadedProfileRotations"),
    ),
    (
        "{ auth: { cooldowns: { billingMaxHour: 1 } } }",
        Warning,
        Code::UnknownKey,
        (1, 24, "auth.cooldowns.billingMaxHour"),
    ),
    ("{ agents: { defaults: { model: 1 } } }", Error, Code::InvalidValue, (1, 32, "agents.defaults.model")),
    (
        "{ agents: { defaults: { model: { fallbacks: 'x' } } } }",
        Error,
        Code::InvalidValue,
        (1, 45, "agents.defaults.model.fallbacks"),
    ),
    (
        "{ agents: { defaults: { imageModel: { primary: '' } } } }",
        Error,
        Code::InvalidValue,
        (1, 48, "agents.defaults.imageModel.primary"),
    ),
    (
        "{ agents: { defaults: { models: { 'a/': {} } } } }",
        Error,
        Code::InvalidValue,
        (1, 35, "agents.defaults.models[\"a/\"]"),
    ),
    (
        "{ agents: { defaults: { models: { 'zai/m': {}, 'Z.AI/m': {} } } } }",
        Warning,
        Code::Conflict,
        (1, 48, "agents.defaults.models[\"Z.AI/m\"]"),
    ),
    (
        "{ agents: { defaults: { models: { a: { alias: 'X' }, b: { alias: 'x' } } } } }",
        Warning,
        Code::Conflict,
        (1, 66, "agents.defaults.models.b.alias"),
    ),
    (
        "{ agents: { defaults: { models: { a: { parms: {} } } } } }",
        Warning,
        Code::UnknownKey,
        (1, 40, "agents.defaults.models.a.parms"),
    ),
    (
        "{ agents: { defaults: { params: { cacheRetention: 'Long' } } } }",
        Error,
        Code::InvalidValue,
        (1, 51, "agents.defaults.params.cacheRetention"),
    ),
    (
        "{ agents: { defaults: { params: { cacheControlTtl: '5m' } } } }",
        Warning,
        Code::DeprecatedKey,
        (1, 35, "agents.defaults.params.cacheControlTtl"),
    ),
    (
        "{ agents: { defaults: { params: { cacheRetenton: 'long' } } } }",
        Warning,
        Code::UnknownKey,
        (1, 35, "agents.defaults.params.cacheRetenton"),
    ),
    (
        "{ agents: { defaults: { params: { anthropicBeta: 1 } } } }",
        Error,
        Code::InvalidValue,
        (1, 50, "agents.defaults.params.anthropicBeta"),
    ),
    (
        "{ agents: { defaults: { params: { anthropicBeta: ['a b'] } } } }",
        Error,
        Code::InvalidValue,
        (1, 51, "agents.defaults.params.anthropicBeta[0]"),
    ),
    ("{ agents: { entries: [] } }", Error, Code::InvalidValue, (1, 22, "agents.entries")),
    ("{ agents: { entries: { a: { modle: 'x' } } } }", Warning, Code::UnknownKey, (1, 29, "agents.entries.a.modle")),
    (
        "{ agents: { entries: { a: { params: { cacheRetention: 'Long' } } } } }",
        Error,
        Code::InvalidValue,
        (1, 55, "agents.entries.a.params.cacheRetention"),
    ),
    (
        "{ agents: { entries: { a: { modelPolicy: { alow: [] } } } } }",
        Warning,
        Code::UnknownKey,
        (1, 44, "agents.entries.a.modelPolicy.alow"),
    ),
    ("{ agents: { entries: { a: {}, A: {} } } }", Warning, Code::Conflict, (1, 31, "agents.entries.A")),
    ("{ agents: { entries: { 'wo rk': {} } } }", Warning, Code::InvalidValue, (1, 24, "agents.entries[\"wo rk\"]")),
    ("{ agents: { entries: { '-a': {} } } }", Warning, Code::InvalidValue, (1, 24, "agents.entries[\"-a\"]")),
    ("{ agents: { entrys: { a: {} } } }", Warning, Code::UnknownKey, (1, 13, "agents.entrys")),
    (
        "{ models: { providers: { a: { models: [{ id: 'm', compat: { supportsLongCache: false } }] } } } }",
        Warning,
        Code::UnknownKey,
        (1, 61, "models.providers.a.models[0].compat.supportsLongCache"),
    ),
    (
        "{ secrets: { providers: { a: { source: 'vault' } } } }",
        Warning,
        Code::InvalidValue,
        (1, 30, "secrets.providers.a"),
    ),
    (
        "{ secrets: { providers: { a: { source: 'file' } } } }",
        Warning,
        Code::MissingKey,
        (1, 30, "secrets.providers.a"),
    ),
    (
        "{ secrets: { providers: { a: { source: 'file', path: 'x' } } } }",
        Warning,
        Code::InvalidValue,
        (1, 30, "secrets.providers.a"),
    ),
    (
        "{ secrets: { providers: { a: { source: 'exec' } } } }",
        Warning,
        Code::MissingKey,
        (1, 30, "secrets.providers.a"),
    ),
    (
        "{ secrets: { providers: { a: { source: 'exec', command: '~/x' } } } }",
        Warning,
        Code::InvalidValue,
        (1, 30, "secrets.providers.a"),
    ),
    (
        "{ agents: { entries: {} }, models: { providers: { 'z.ai': {}, ' Z.AI': {} } } }",
        Warning,
        Code::Conflict,
        (1, 63, "models.providers[\" Z.AI\"]"),
    ),
    (
        "{ agents: { defaults: { modelPolicy: { allow: 'x' } } } }",
        Error,
        Code::InvalidValue,
        (1, 47, "agents.defaults.modelPolicy.allow"),
    ),
    // What today's OpenClaw refuses, in a file that is its own.
    ("{ agents: { entries: {}, list: [] } }", Warning, Code::DeprecatedKey, (1, 26, "agents.list")),
    (
        "{ meta: { lastTouchedVersion: '2026.9.6' }, auth: { cooldowns: { billingMaxHours: 9 } } }",
        Warning,
        Code::DeprecatedKey,
        (1, 53, "auth.cooldowns"),
    ),
    ("{ meta: { lastTouchedVersion: '2026.9.6' }, env: { A: 'x' } }", Warning, Code::DeprecatedKey, (1, 52, "env.A")),
    ("{ meta: { lastTouchedVersoin: 'x' } }", Warning, Code::UnknownKey, (1, 11, "meta.lastTouchedVersoin")),
    ("{ agents: { list: {} } }", Error, Code::InvalidValue, (1, 19, "agents.list")),
    ("{ agents: { list: [{ id: 'a' },\n {}] } }", Error, Code::MissingKey, (2, 2, "agents.list[1]")),
    ("{ agents: { list: [{ id: 'a' }, { id: 'A' }] } }", Warning, Code::Conflict, (1, 33, "agents.list[1]")),
    ("{ agents: { default: {} } }", Warning, Code::UnknownKey, (1, 13, "agents.default")),
    ("{ agent: {} }", Warning, Code::UnknownKey, (1, 3, "agent")),
    (
        "{ models: { providers: { 'a-b': { baseUrl: '' } } } }",
        Error,
        Code::InvalidValue,
        (1, 44, "models.providers[\"a-b\"].baseUrl"),
    ),
    (
        "{ models: { providers: { a: { apiKey: 5 } } } }",
        Error,
        Code::InvalidValue,
        (1, 39, "models.providers.a.apiKey"),
    ),
    (
        "{ models: { providers: { a: { apiKey: ' ' } } } }",
        Warning,
        Code::IgnoredSetting,
        (1, 39, "models.providers.a.apiKey"),
    ),
    (
        "{ models: { providers: { a: { apiKey: { source: 'env' } } } } }",
        Error,
        Code::InvalidValue,
        (1, 39, "models.providers.a.apiKey"),
    ),
    (
        "{ models: { providers: { a: { api_key: 'x' } } } }",
        Warning,
        Code::UnknownKey,
        (1, 31, "models.providers.a.api_key"),
    ),
    (
        "{ models: { providers: { a: { auth: 'api_key' } } } }",
        Error,
        Code::InvalidValue,
        (1, 37, "models.providers.a.auth"),
    ),
    (
        "{ models: { providers: { a: { api: 'smoke-signals' } } } }",
        Warning,
        Code::IgnoredSetting,
        (1, 36, "models.providers.a.api"),
    ),
    (
        "{ models: { providers: { a: { authHeader: 1 } } } }",
        Error,
        Code::InvalidValue,
        (1, 43, "models.providers.a.authHeader"),
    ),
    (
        "{ models: { providers: { a: { request: { haeders: {} } } } } }",
        Warning,
        Code::UnknownKey,
        (1, 42, "models.providers.a.request.haeders"),
    ),
    (
        "{ models: { providers: { a: { models: [{ id: 'm', compat: { supportsLongCacheRetention: 1 } }] } } } }",
        Error,
        Code::InvalidValue,
        (1, 89, "models.providers.a.models[0].compat.supportsLongCacheRetention"),
    ),
    (
        "{ models: { providers: { a: { headers: { 'x-y': 1 } } } } }",
        Error,
        Code::InvalidValue,
        (1, 49, "models.providers.a.headers[\"x-y\"]"),
    ),
    (
        "{ models: { providers: { a: { models: [{}] } } } }",
        Error,
        Code::MissingKey,
        (1, 40, "models.providers.a.models[0]"),
    ),
    (
        "{ models: { providers: { zai: {}, 'z-ai': {} } } }",
        Warning,
        Code::Conflict,
        (1, 35, "models.providers[\"z-ai\"]"),
    ),
    (
        "{ models: { providers: { a: { baseUrl: '${NO_SUCH}' } } } }",
        Error,
        Code::MissingVariable,
        (1, 40, "models.providers.a.baseUrl"),
    ),
    (
        "{ models: { providers: { a: { baseUrl: '${NAME:-x}' } } } }",
        Warning,
        Code::NotSubstituted,
        (1, 40, "models.providers.a.baseUrl"),
    ),
];

#[test]
fn every_problem_has_its_code_its_place_and_its_weight() {
    for &(text, severity, code, at) in CASES {
        let strict = Config::from_json5_str(text, &options());
        let found = match (&strict, severity) {
            (Err(error), Error) => {
                let missing = code == DiagnosticCode::MissingVariable;
                let kind = if missing { ErrorKind::MissingVariable } else { ErrorKind::InvalidConfig };
                assert_eq!(error.kind(), kind, "{text}");
                assert_eq!(error.location(), Some(&error.diagnostics()[0].location), "{text}");
                error.diagnostics()
            }
            (Ok(config), Warning) => config.diagnostics(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].severity, found[0].code, place(&found[0])), (severity, code, at), "{text}");

        let lenient = Config::from_json5_str(text, &options().lenient(true)).expect(text);
        let found = lenient.diagnostics();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].severity, found[0].code, place(&found[0])), (Warning, code, at), "{text}");
    }
}

#[test]
fn all_problems_of_a_file_are_reported_together_and_in_order() {
    let text = "{\n  auth: { cooldowns: { billingMaxHours: 'x', failureWindowHours: -1 } },\n  agents: { defaults: { \
                params: { cacheControlTtl: '2m' } } },\n  env: { HOME: '/' },\n}";
    let error = Config::from_json5_str(text, &options()).unwrap_err();
    let found: Vec<_> = error.diagnostics().iter().map(|found| (found.severity, place(found))).collect();
    assert_eq!(
        found,
        [
            (Error, (2, 41, "auth.cooldowns.billingMaxHours")),
            (Error, (2, 66, "auth.cooldowns.failureWindowHours")),
            (Warning, (3, 35, "agents.defaults.params.cacheControlTtl")),
            (Error, (3, 52, "agents.defaults.params.cacheControlTtl")),
            // Variables are read first, and still reported where they stand.
            (Warning, (4, 10, "env.HOME")),
        ]
    );
    assert_eq!(error.to_string(), "the configuration has problems: 3 found (2:41, auth.cooldowns.billingMaxHours)");
}

#[test]
fn help_names_what_was_meant() {
    for (text, help) in [
        ("{ agents: { defaults: { params: { cacheRetenton: 1 } } } }", "did you mean `cacheRetention`?"),
        ("{ agents: { defaults: { params: { anthropic_beta: 1 } } } }", "did you mean `anthropicBeta`?"),
        ("{ auth: { ordre: {} } }", "did you mean `order`?"),
        ("{ models: { provider: {} } }", "did you mean `providers`?"),
        ("{ agents: { defaults: { params: { cacheControlTTL: 1 } } } }", "did you mean `cacheControlTtl`?"),
        (
            "{ agents: { defaults: { params: { cacheControlTtl: '5m' } } } }",
            "write `cacheRetention`: `short` for `5m`, `long` for `1h`",
        ),
        ("{ env: { var: { A: 'x' } } }", "did you mean `vars`?"),
        ("{ env: { shellenv: { enabled: true } } }", "did you mean `shellEnv`?"),
    ] {
        let config = Config::from_json5_str(text, &options().lenient(true)).unwrap();
        assert_eq!(config.diagnostics()[0].help.as_deref(), Some(help), "{text}");
    }
}

/// What stands in a file, the kind of error, and line and column.
type BytesCase = (&'static [u8], ErrorKind, Option<(u32, u32)>);

#[test]
#[expect(clippy::disallowed_methods, reason = "the file is the user's, not a credential file")]
fn a_file_is_named_in_every_problem() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openclaw.json");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Config::from_path(&path, &options().max_bytes(100))
    };
    let config = read(b"\xef\xbb\xbf{ auth: { orders: {} } }").unwrap();
    assert_eq!(config.diagnostics()[0].location.path.as_deref(), Some(path.as_path()));
    assert_eq!(place(&config.diagnostics()[0]), (1, 11, "auth.orders"));

    let cases: [BytesCase; 5] = [
        (b"{ auth: 1 }", ErrorKind::InvalidConfig, Some((1, 9))),
        (b"{\n auth", ErrorKind::Syntax, Some((2, 6))),
        (b"{\n \xc3\xa4: '\xff' }", ErrorKind::Syntax, Some((2, 6))),
        (&[b' '; 101], ErrorKind::TooLarge, Some((1, 1))),
        (b"", ErrorKind::Syntax, Some((1, 1))),
    ];
    for (bytes, kind, at) in cases {
        let error = read(bytes).unwrap_err();
        let location = error.location().unwrap();
        assert_eq!(error.kind(), kind);
        assert_eq!(location.path.as_deref(), Some(path.as_path()), "{error}");
        assert_eq!(location.line.zip(location.column), at, "{error}");
    }
    let error = Config::from_path(dir.path(), &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAFile);
    assert_eq!(error.location().unwrap().path.as_deref(), Some(dir.path()));
}
