//! Configurations.

use std::path::PathBuf;

use provider_auth::{Config, ModelRef, ProviderId, ReadOptions, Timestamp};

use super::{check, many, row};
use crate::support::{at, config, options, provider};

fn strict(text: &String) -> Result<Config, provider_auth::Error> {
    Config::from_json5_str(text, &options())
}

fn lenient(text: &String) -> Result<Config, provider_auth::Error> {
    Config::from_json5_str(text, &options().lenient(true))
}

fn providers(units: usize) -> String {
    let provider = |n| {
        format!(
            "'p{n}':{{baseUrl:'https://h{n}.example.com/v1',apiKey:'key-{n}',headers:{{'X-{n}':'a'}},models:[{{id:'m'}}]}},"
        )
    };
    format!("{{models:{{providers:{{{}}}}}}}", many(units, provider))
}

fn models(units: usize) -> String {
    let model = |n| format!("'p{n}/m{n}':{{alias:'a{n}',params:{{cacheRetention:'short'}}}},");
    let names = many(units, |n| format!("'p{n}/m{n}',"));
    format!("{{agents:{{defaults:{{model:{{primary:'a0',fallbacks:[{names}]}},models:{{{}}}}}}}}}", many(units, model))
}

fn agents(units: usize) -> String {
    let agent = |n| format!("{{id:'a{n}',model:'p/m{n}',params:{{cacheRetention:'long'}}}},");
    format!("{{agents:{{list:[{}]}}}}", many(units, agent))
}

fn orders(units: usize) -> String {
    let entries = many(units, |n| format!("'p{n}:a':{{provider:'p{n}',mode:'api_key'}},"));
    let orders = many(units, |n| format!("'p{n}':['p{n}:a','p{n}:a'],"));
    let long = many(units, |n| format!("'p:{}',", n % 7));
    format!("{{auth:{{profiles:{{{entries}}},order:{{{orders}'p':[{long}]}}}}}}")
}

/// A file with others beside it, in a directory that goes with it.
struct Files {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

fn including(main: &str, other: &str) -> Files {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("main.json");
    std::fs::write(&path, main).unwrap();
    std::fs::write(directory.path().join("other.json"), other).unwrap();
    Files { path, _directory: directory }
}

fn read(files: &Files) -> Result<Config, provider_auth::Error> {
    Config::from_path(&files.path, &options().lenient(true))
}

#[test]
fn reading() {
    check(&[
        row("config: providers, strict", 40, providers, strict),
        row("config: providers, lenient", 40, providers, lenient),
        row("config: models and fallbacks", 80, models, strict),
        row("config: agents", 80, agents, strict),
        row("config: profiles and orders", 80, orders, strict),
        row(
            "config: spellings of one provider",
            80,
            |n| {
                let spelling = |n| {
                    format!("'{}z.ai{}':{{baseUrl:'https://h.example.com'}},", " ".repeat(n % 50), " ".repeat(n / 50))
                };
                format!("{{agents:{{entries:{{}}}},models:{{providers:{{{}}}}}}}", many(n, spelling))
            },
            lenient,
        ),
        row(
            "config: models of one provider",
            120,
            |n| {
                let model = |n| format!("{{id:'m{n}',headers:{{h{n}:'v'}}}},");
                format!(
                    "{{models:{{providers:{{p:{{baseUrl:'https://h.example.com',models:[{}]}}}}}}}}",
                    many(n, model)
                )
            },
            strict,
        ),
        row(
            "config: headers of one provider",
            200,
            |n| {
                let header = |n| format!("'X-{n}':'${{V{n}}}',");
                format!(
                    "{{models:{{providers:{{p:{{baseUrl:'https://h.example.com',headers:{{{}}}}}}}}}}}",
                    many(n, header)
                )
            },
            lenient,
        ),
        row("config: unknown keys", 200, |n| format!("{{auth:{{{}}}}}", many(n, |n| format!("prof{n}:1,"))), lenient),
        row(
            "config: wrong values",
            200,
            |n| format!("{{auth:{{profiles:{{{}}}}}}}", many(n, |n| format!("'p:{n}':7,"))),
            strict,
        ),
        row(
            "config: deep again and again",
            20,
            |n| format!("{{x:[{}]}}", many(n, |_| format!("{}{},", "[".repeat(100), "]".repeat(100)))),
            strict,
        ),
        row("config: deep without end", 800, |n| "[".repeat(n), strict),
        row(
            "config: deep problems",
            20,
            |n| {
                let deep = |_| format!("{}{}{},", "[".repeat(100), "{$include:'x'}", "]".repeat(100));
                format!("{{x:[{}]}}", many(n, deep))
            },
            lenient,
        ),
        row("config: one long text", 8_000, |n| format!("{{x:'{}'}}", "\\u00e4".repeat(n)), strict),
        row("config: one long key", 8_000, |n| format!("{{auth:{{'{}':{{a:1}}}}}}", "k".repeat(n)), lenient),
        row("config: one key twice", 400, |n| format!("{{x:{{{}k0:1}}}}", many(n, |n| format!("k{n}:1,"))), strict),
        row(
            "config: keys with escapes",
            400,
            |n| format!("{{x:{{{}}}}}", many(n, |n| format!("'\\u006b{n}':1,"))),
            strict,
        ),
        row("config: comments", 800, |n| format!("{{{}}}", "/* a */ // b\n".repeat(n)), strict),
        row("config: a comment without end", 8_000, |n| format!("{{/*{}", "* /".repeat(n)), strict),
        row("config: one long number", 8_000, |n| format!("{{x:{}}}", "1".repeat(n)), lenient),
        row(
            "config: variables in one text",
            200,
            |n| {
                format!(
                    "{{env:{{vars:{{{}}}}},models:{{providers:{{p:{{baseUrl:'https://h.example.com',apiKey:'{}'}}}}}}}}",
                    many(n, |n| format!("V{n}:'v',")),
                    many(n, |n| format!("${{V{n}}}"))
                )
            },
            lenient,
        ),
        row(
            "config: variables that are unset",
            200,
            |n| format!("{{models:{{providers:{{p:{{apiKey:'{}'}}}}}}}}", many(n, |n| format!("${{V{n}}}"))),
            lenient,
        ),
        row(
            "config: variables without an end",
            800,
            |n| format!("{{models:{{providers:{{p:{{apiKey:'{}'}}}}}}}}", "${A".repeat(n)),
            lenient,
        ),
        row(
            "config: references to secrets",
            80,
            |n| {
                let reference = |n| {
                    format!(
                        "'p{n}':{{baseUrl:'https://h.example.com',apiKey:{{source:'env',provider:'default',id:'V{n}'}}}},"
                    )
                };
                let sources = many(n, |n| format!("s{n}:{{source:'env'}},"));
                format!("{{secrets:{{providers:{{{sources}}}}},models:{{providers:{{{}}}}}}}", many(n, reference))
            },
            lenient,
        ),
        row(
            "config: betas of a model",
            200,
            |n| {
                format!(
                    "{{agents:{{defaults:{{models:{{'anthropic/m':{{params:{{anthropicBeta:[{}]}}}}}}}}}}}}",
                    many(n, |n| format!("'b{n}',"))
                )
            },
            lenient,
        ),
        row(
            "config: cooldowns of providers",
            120,
            |n| {
                format!(
                    "{{auth:{{cooldowns:{{billingBackoffHoursByProvider:{{{}}}}}}}}}",
                    many(n, |n| format!("p{n}:{},", n + 1))
                )
            },
            lenient,
        ),
    ]);
}

#[test]
fn including_files() {
    check(&[
        row("config: failing includes", 200, |n| format!("{{x:[{}]}}", "{$include:'x'},".repeat(n)), lenient),
        row(
            "config: failing includes below a file",
            200,
            |n| including("{$include:'./other.json'}", &format!("{{x:[{}]}}", "{$include:'./none.json'},\n".repeat(n))),
            read,
        ),
        row(
            "config: failing includes in one list",
            200,
            |n| including(&format!("{{x:{{$include:[{}]}}}}", "'./none.json',".repeat(n)), "{}"),
            read,
        ),
        row(
            "config: failing includes below long keys",
            100,
            |n| {
                let open = "{kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk:".repeat(100);
                format!("{open}[{}]{}", "{$include:'x'},".repeat(n), "}".repeat(100))
            },
            lenient,
        ),
        row(
            "config: files included",
            20,
            |n| including(&format!("{{x:[{}]}}", "{$include:'./other.json'},".repeat(n)), "{a:1}"),
            read,
        ),
        row(
            "config: files merged into one",
            20,
            |n| {
                including(
                    &format!("{{$include:[{}]}}", "'./other.json',".repeat(n)),
                    "{auth:{profiles:{'p:a':{provider:'p',mode:'token'}}}}",
                )
            },
            read,
        ),
        row(
            "config: files and their failing includes",
            20,
            |n| including(&format!("{{x:[{}]}}", "{$include:'./other.json'},".repeat(n)), "[{$include:'./none.json'}]"),
            read,
        ),
        row(
            "config: an include beside keys",
            200,
            |n| {
                let keys = many(n, |n| format!("k{n}:{{a:1}},"));
                including(&format!("{{x:{{$include:'./other.json',{keys}}}}}"), &format!("{{{keys}}}"))
            },
            read,
        ),
    ]);
}

#[test]
fn asking() {
    let names = |units: usize| -> Vec<ProviderId> { (0..units).map(|n| provider(&format!("p{n}"))).collect() };
    let both = move |text: fn(usize) -> String| move |units| (config(&text(units)), names(units));
    check(&[
        row("config: asked for each provider", 40, both(providers), |(config, names)| {
            names
                .iter()
                .filter(|name| config.provider(name).is_some() && config.inline_credential(name).is_some())
                .count()
        }),
        row("config: endpoint of each provider", 40, both(providers), |(config, names)| {
            let model = |name: &ProviderId| ModelRef::new(name.clone(), "m").unwrap();
            names.iter().filter(|name| provider_auth::Endpoint::for_model(config, &model(name)).is_ok()).count()
        }),
        row("config: order of each provider", 80, both(orders), |(config, names)| {
            names.iter().filter(|name| config.auth_order(name).is_some()).count()
        }),
        row("config: each alias", 40, both(models), |(config, names)| {
            (0..names.len()).filter(|n| config.resolve_model(&format!("a{n}")).is_ok()).count()
        }),
        row("config: an alias that is none", 200, both(models), |(config, _)| {
            config.resolve_model("anthropc/m").is_ok()
        }),
        row("config: retention of one of many models", 200, both(models), |(config, _)| {
            let model = "p1/m1".parse().unwrap();
            (config.is_allowed(&model, None), config.rotation(model, Some("a1"), Timestamp::from_millis(0)))
        }),
        row(
            "config: a long model name",
            8_000,
            |n| (config("{}"), "m".repeat(n)),
            |(config, name)| config.resolve_model(name).is_ok(),
        ),
        row("config: debug", 40, |n| config(&providers(n)), |config| format!("{config:?}")),
        row("config: copied", 40, |n| config(&providers(n)), Clone::clone),
        row(
            "config: errors shown",
            200,
            |n| lenient(&format!("{{auth:{{{}}}}}", many(n, |n| format!("prof{n}:1,")))).unwrap(),
            |config| config.diagnostics().iter().map(|found| format!("{found:?} {found}")).collect::<String>(),
        ),
        row("config: linted", 40, |n| config(&providers(n)), |config| config.lint(None)),
        row("config: models linted", 40, |n| config(&models(n)), |config| config.lint(None)),
        row(
            "config: names that are nearly aliases",
            50,
            |n| {
                let models = many(n, |n| format!("'p{n}/m':{{alias:'alias-of-model-{n}'}},"));
                let names = many(n, |n| format!("'alias-of-modle-{n}',"));
                config(&format!(
                    "{{agents:{{defaults:{{model:{{primary:'p0/m',fallbacks:[{names}]}},models:{{{models}}}}}}}}}"
                ))
            },
            |config| config.lint(None),
        ),
        row(
            "config: a name that is nearly a long alias",
            20_000,
            |n| {
                let alias = "a".repeat(n);
                let models = format!("'p/m':{{alias:'{alias}b'}}");
                config(&format!("{{agents:{{defaults:{{model:{{primary:'{alias}c'}},models:{{{models}}}}}}}}}"))
            },
            |config| config.lint(None),
        ),
        row("config: agents linted", 40, |n| config(&agents(n)), |config| config.lint(None)),
        row(
            "config: references linted",
            40,
            |n| {
                let reference = |n| {
                    format!(
                        "'p{n}':{{baseUrl:'https://h.example.com',apiKey:{{source:'exec',provider:'none',id:'V{n}'}}}},"
                    )
                };
                lenient(&format!("{{models:{{providers:{{{}}}}}}}", many(n, reference))).unwrap()
            },
            |config| config.lint(None),
        ),
        row("options: a long release", 8_000, |n| "2026.".repeat(n), |text| ReadOptions::new().release(text)),
        row(
            "config: a long release of the file",
            200,
            |n| format!("{{meta:{{lastTouchedVersion:'{}'}}}}", "2026.9".repeat(n)),
            |text| (strict(text), at(0)),
        ),
    ]);
}
