//! Compares reading a configuration with parsing the same text with bare `json5` into an untyped value, in the same
//! run. Also for a text whose keys are almost all ignored.
//!
//! `cargo bench --bench config`

mod timing;

use std::fmt::Write as _;
use std::hint::black_box;

use provider_auth::{AuthProfiles, Config, Environment, ReadOptions};
use serde::de::IgnoredAny;

fn main() {
    timing::head("configuration");
    let options = ReadOptions::new().environment(Environment::empty());
    for profiles in [20, 3_400] {
        let text = config(profiles);
        let parse = || Config::from_json5_str(black_box(&text), &options);
        let bare = || json5::from_str::<serde_json::Value>(black_box(&text));
        let name = format!("{} bytes of JSON5, against json5 alone", text.len());
        timing::row(&name, timing::pair(parse, bare), "aim: at most 1.3");

        // What a text costs in which something is wrong: it is scanned for the place.
        let refused = format!("{text} x");
        assert!(Config::from_json5_str(&refused, &options).is_err(), "the bench measures a refusal");
        let refuse = || Config::from_json5_str(black_box(&refused), &options);
        let name = format!("{} bytes refused at the end, against json5 alone", text.len());
        timing::row(&name, timing::pair(refuse, bare), "");

        // The guard scan alone: JSON that it refuses at its last byte never reaches the parser.
        let json = json(profiles);
        let refused = format!("{json} x");
        assert!(AuthProfiles::from_json(&refused).is_err(), "the bench measures a refusal");
        let scan = || AuthProfiles::from_json(black_box(&refused));
        let ignored = || serde_json::from_str::<IgnoredAny>(black_box(&json));
        let name = format!("{} bytes scanned, against serde_json skipping", json.len());
        timing::row(&name, timing::pair(scan, ignored), "");
    }
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
