//! The whole configuration parse against bare `json5` into an untyped value, on the same text in the same run, and the
//! same for text that is almost all another crate's concern.
//!
//! `cargo bench --bench config`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use provider_auth::{Config, Environment, ReadOptions};
use serde::de::IgnoredAny;

fn main() {
    for (name, profiles) in [("small", 20), ("large", 3_400)] {
        let text = config(profiles);
        let options = ReadOptions::new().environment(Environment::empty());
        let [bare, whole] = compare([
            &mut || {
                let _ = black_box(json5::from_str::<serde_json::Value>(black_box(&text)));
            },
            &mut || drop(black_box(Config::from_json5_str(black_box(&text), &options))),
        ]);
        println!("{name:6} config, {:7} bytes", text.len());
        println!("  json5 into an untyped value   {:>10.1?}  {:>6.0} MB/s", bare, speed(&text, bare));
        println!("  Config::from_json5_str        {:>10.1?}  {:>6.0} MB/s", whole, speed(&text, whole));
        println!("  ratio                         {:>10.2}", whole.as_secs_f64() / bare.as_secs_f64());

        // The guard scan alone: a text it refuses at its last byte never reaches the parser.
        let json = json(profiles);
        let refused = format!("{json} x");
        assert!(Config::from_json5_str(&refused, &options).is_err());
        let [ignored, scan] = compare([
            &mut || {
                let _ = black_box(serde_json::from_str::<IgnoredAny>(black_box(&json)));
            },
            &mut || drop(black_box(Config::from_json5_str(black_box(&refused), &options))),
        ]);
        println!("{name:6} JSON,   {:7} bytes", json.len());
        println!("  serde_json into nothing       {:>10.1?}  {:>6.0} MB/s", ignored, speed(&json, ignored));
        println!("  guard scan with its index     {:>10.1?}  {:>6.0} MB/s", scan, speed(&json, scan));
        println!("  ratio                         {:>10.2}", scan.as_secs_f64() / ignored.as_secs_f64());
    }
}

/// The shortest time of each, the runs interleaved so that a busy machine treats them alike.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn compare<const N: usize>(mut runs: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        for (run, best) in runs.iter_mut().zip(&mut best) {
            let start = Instant::now();
            run();
            *best = start.elapsed().min(*best);
        }
    }
    best
}

#[expect(clippy::cast_precision_loss, reason = "far below the limit")]
fn speed(text: &str, time: Duration) -> f64 {
    text.len() as f64 / time.as_secs_f64() / 1e6
}

/// A configuration as people write it, with this many profiles, models and providers.
fn config(profiles: usize) -> String {
    let mut text = String::from("{\n  // Credentials\n  auth: {\n    profiles: {\n");
    for i in 0..profiles {
        let _ = writeln!(text, "      'anthropic:account-{i}': {{ provider: 'anthropic', mode: 'api_key' }},");
    }
    text.push_str("    },\n  },\n  agents: { defaults: { models: {\n");
    for i in 0..profiles {
        let _ = writeln!(
            text,
            "    \"anthropic/claude-{i}\": {{\n      alias: 'model {i}', // for the prompt\n      params: {{ cacheRetention: \"short\", temperature: 0.{i} }},\n    }},"
        );
    }
    text.push_str("  } } },\n  models: { providers: {\n");
    for i in 0..profiles {
        let _ = writeln!(
            text,
            "    'endpoint-{i}': {{ baseUrl: 'https://host-{i}.example.com/v1', apiKey: 'sk-{i}', headers: {{ 'X-Team': 'a' }} }},"
        );
    }
    text.push_str("  } },\n}\n");
    text
}

/// A credential document with this many profiles.
fn json(profiles: usize) -> String {
    let mut text = String::from("{\"version\":1,\"profiles\":{");
    for i in 0..profiles {
        let comma = if i == 0 { "" } else { "," };
        let token = "sk-ant-oat01-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_abcdefghijklmnop";
        let _ = write!(
            text,
            "{comma}\n    \"anthropic:{i}\": {{\n      \"type\": \"oauth\",\n      \"provider\": \"anthropic\",\n      \"access\": \"{token}\",\n      \"refresh\": \"{token}\",\n      \"expires\": 1790000000000\n    }}"
        );
    }
    text.push_str("}}");
    text
}
