//! Status reports over many profiles, providers and models.

use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config};

use super::profiles::{document, each_its_provider, implausible, one_provider};
use super::{check, many, rest, row};
use crate::support::{NOW, at, config, id};

fn report((config, profiles): &(Config, AuthProfiles)) -> StatusReport {
    StatusReport::builder(config, profiles).build(at(NOW))
}

fn plain(text: fn(usize) -> String) -> impl Fn(usize) -> (Config, AuthProfiles) {
    move |units| (config("{}"), document(&text(units)))
}

fn configured(units: usize) -> (Config, AuthProfiles) {
    let provider = |n| format!("'p{n}':{{baseUrl:'https://h{n}.example.com',apiKey:'key-number-{n}'}},");
    let names = many(units, |n| format!("'p{n}/m',"));
    let models = many(units, |n| format!("'p{n}/m':{{alias:'a{n}'}},"));
    let text = format!(
        "{{models:{{providers:{{{}}}}},agents:{{defaults:{{model:{{primary:'p0/m',fallbacks:[{names}]}},models:{{{models}}}}}}}}}",
        many(units, provider)
    );
    (config(&text), document(&each_its_provider(units)))
}

fn today(units: usize) -> (Config, AuthProfiles) {
    let names = many(units, |n| format!("'p{n}/m',"));
    let text = format!("{{agents:{{entries:{{}},defaults:{{model:{{primary:'p0/m',fallbacks:[{names}]}}}}}}}}");
    (config(&text), document(r#"{"profiles":{}}"#))
}

#[test]
fn reporting() {
    check(&[
        row("status: providers that are stored", 60, plain(each_its_provider), report),
        row("status: profiles of one provider", 40, plain(one_provider), report),
        row("status: secrets that are none", 60, plain(implausible), report),
        row("status: providers that are configured", 24, configured, report),
        row("status: models in use", 40, |n| (configured(n).0, document(r#"{"profiles":{}}"#)), report),
        row("status: models in use, today", 60, today, report),
        row("status: shared profiles", 40, plain(each_its_provider), |(config, profiles)| {
            let ids = (0..profiles.len()).map(|n| id(&format!("p{n}:{n}")));
            StatusReport::builder(config, profiles).shared_store("/shared", ids).build(at(NOW))
        }),
        row("status: written", 24, |n| report(&configured(n)), |report| (report.to_json(), format!("{report:?}"))),
        row("status: asked for", 24, |n| report(&configured(n)), |report| (report.check(), report.profiles().count())),
    ]);
}

#[test]
fn linting() {
    let lint = |(config, profiles): &(Config, AuthProfiles)| config.lint([profiles]);
    check(&[
        row("lint: providers that are stored", 24, plain(each_its_provider), lint),
        row("lint: profiles of one provider", 24, plain(one_provider), lint),
        row("lint: secrets that are none", 60, plain(implausible), lint),
        row(
            "lint: profiles that are listed",
            20,
            |n| {
                let entries = many(n, |n| format!("'p{n}:{n}':{{provider:'p{n}',mode:'token'}},"));
                let orders = many(n, |n| format!("'p{n}':['p{n}:x'],"));
                (
                    config(&format!("{{auth:{{profiles:{{{entries}}},order:{{{orders}}}}}}}")),
                    document(&each_its_provider(n)),
                )
            },
            |(config, profiles)| config.lint([profiles, profiles]),
        ),
        row(
            "lint: some profiles that are listed",
            20,
            |n| {
                let entries = many(n, |n| format!("'p0:{n}':{{provider:'p0',mode:'api_key'}},"));
                (config(&format!("{{auth:{{profiles:{{{entries}}}}}}}")), document(&one_provider(n * 2)))
            },
            lint,
        ),
        row(
            "lint: retentions",
            20,
            |n| {
                let models =
                    many(n, |n| format!("'p{n}/m':{{params:{{cacheRetention:'long',cacheControlTtl:'5m'}}}},"));
                (config(&format!("{{agents:{{defaults:{{models:{{{models}}}}}}}}}")), document(&each_its_provider(n)))
            },
            lint,
        ),
        row(
            "lint: references of profiles",
            40,
            plain(|n| {
                let entry = |n| {
                    format!(
                        r#","p:{n}":{{"type":"api_key","provider":"p","keyRef":{{"source":"exec","provider":"none","id":"V{n}"}}}}"#
                    )
                };
                format!(r#"{{"profiles":{{{}}}}}"#, rest(&many(n, entry)))
            }),
            lint,
        ),
        row("lint: unset", 40, |n| configured(n).0, |config| config.lint(None)),
    ]);
}
