//! The example command line over a directory with one of each: what people put in the place of a secret.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(feature = "file")]

use std::path::Path;

use serde_json::json;

use crate::program::{answer, example};

/// No two of them alike, so that a part of one is found in any text.
const KEPT: [&str; 6] = ["qzj71", "qzj72", "qzj73", "qzj74", "qzj75", "qzj76"];

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let [vault, variable, address, shell, quoted, written] = KEPT;
    let key = |text: String| json!({ "type": "api_key", "provider": "anthropic", "key": text });
    let token = |expires: i64| json!({ "type": "token", "provider": "openai", "token": "made-up", "expires": expires });
    let profiles = json!({
        "anthropic:placeholder": key("your_api_key_here".into()),
        "anthropic:vault": key(format!("op://vault/{vault}/credential")),
        "anthropic:variable": key(format!("${{{variable}}}")),
        "anthropic:address": key(format!("https://{address}.example.com/")),
        "anthropic:command": key(format!("$(pass {shell})")),
        "anthropic:other": key("sk-or-v1-made-up".into()),
        "anthropic:punctuation": key("***".into()),
        "anthropic:unset": key("$NOT_SET_ANYWHERE".into()),
        "anthropic:quoted": key(format!("'ANTHROPIC_API_KEY={quoted}-made-up'")),
        "openai:seconds": token(1_790_000_000),
        "openai:lifetime": token(3_600),
    });
    let agent = directory.path().join("agents/main/agent");
    std::fs::create_dir_all(&agent).unwrap();
    let document = json!({ "version": 1, "profiles": profiles }).to_string();
    std::fs::write(agent.join("auth-profiles.json"), document).unwrap();
    private(&agent.join("auth-profiles.json"));
    let config = format!(
        "{{ models: {{ providers: {{\n  relay: {{ baseUrl: 'https://relay.example.com', api: 'anthropic-messages',\n    apiKey: 'env:{written}' }},\n  gw: {{ baseUrl: 'https://gw.example.com', api: 'anthropic-messages',\n    headers: {{ Authorization: 'Bearer your_api_key_here' }} }},\n  lan: {{ baseUrl: 'http://192.168.1.20:4000', api: 'anthropic-messages', apiKey: 'made-up' }},\n  far: {{ baseUrl: 'http://gw.example.com', api: 'anthropic-messages', apiKey: 'made-up' }},\n  ollama: {{ baseUrl: 'http://192.168.1.250:11434', api: 'anthropic-messages' }},\n}} }} }}"
    );
    std::fs::write(directory.path().join("openclaw.json"), config).unwrap();
    std::fs::write(directory.path().join(".env"), "GROQ_API_KEY=<your-groq-key>\n").unwrap();
    directory
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path) {}

fn run(directory: &Path, arguments: &[&str]) -> String {
    let mut command = example("models");
    command.arg("--state-dir").arg(directory).args(arguments);
    let said = answer(&mut command, b"");
    let all = format!("{}{}", said.out, said.err);
    for kept in KEPT {
        assert!(!all.contains(kept), "{kept}: {all}");
    }
    said.out
}

/// Every problem with what to do, each once.
const PROBLEMS: [(&str, &str); 16] = [
    ("the profile has a placeholder instead of a secret", "anthropic:placeholder"),
    ("the profile has an address instead of a secret, which is not looked up", "anthropic:vault"),
    ("the profile has the name of a variable in a notation that is not supported", "anthropic:variable"),
    ("the profile has an address instead of a secret, which is not looked up", "anthropic:address"),
    ("the profile has a command instead of a secret, which is not run", "anthropic:command"),
    ("the profile has a secret of another provider", "anthropic:other"),
    ("the profile has nothing but punctuation instead of a secret", "anthropic:punctuation"),
    ("the quotation marks around the secret are left out", "anthropic:quoted"),
    ("the name in front of the secret, as in `NAME=value`, is left out", "anthropic:quoted"),
    ("`expires` is read as milliseconds since 1970, but looks like seconds", "openai:seconds"),
    ("`expires` is read as milliseconds since 1970, but looks like a length of time", "openai:lifetime"),
    ("the entry has the name of a variable in a notation that is not supported", "models.providers.relay.apiKey"),
    ("the header has a placeholder instead of a secret", "models.providers.gw.headers.Authorization"),
    ("plain HTTP to a host in a private network, which is not allowed", "models.providers.lan.baseUrl"),
    ("plain HTTP to a host that is not loopback", "models.providers.far.baseUrl"),
    ("GROQ_API_KEY in the `.env` file has a placeholder instead of a secret", ""),
];

#[test]
fn a_status_names_each_problem_once_with_what_to_do() {
    let directory = directory();
    let shown = run(directory.path(), &["status"]);
    for (problem, place) in PROBLEMS {
        let lines: Vec<&str> = shown.lines().filter(|line| line.contains(problem) && line.contains(place)).collect();
        assert_eq!(lines.len(), 1, "{problem} {place}: {shown}");
        let is_done = problem.ends_with("left out");
        assert!(is_done || lines.iter().all(|line| line.contains("; ")), "{lines:?}");
    }
    assert!(!shown.contains(" ago") && shown.contains("time in another unit?"), "{shown}");
    let quoted = shown.lines().find(|line| line.starts_with("anthropic:quoted")).unwrap();
    assert!(quoted.contains("ready"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.contains("implausible secret")).count(), 7, "{shown}");
    let unset =
        shown.lines().filter(|line| line.contains("the reference of the profile was not resolved: its variable"));
    let unset: Vec<&str> = unset.collect();
    assert!(
        unset.len() == 1 && unset[0].contains("anthropic:unset") && unset[0].contains("Set the variable"),
        "{shown}"
    );
    assert!(shown.contains("allowPrivateNetwork") && !shown.contains("models.providers.ollama"), "{shown}");
    assert!(run(directory.path(), &["status", "--json"]).contains("implausible_secret"));
}

#[test]
fn a_look_over_the_configuration_names_them_too() {
    let directory = directory();
    let shown = run(directory.path(), &["config", "check"]);
    for (problem, place) in PROBLEMS.iter().filter(|(problem, _)| !problem.ends_with("left out")) {
        let found = shown.lines().filter(|line| line.contains(problem) && line.contains(place)).count();
        assert_eq!(found, 1, "{problem} {place}: {shown}");
    }
}
