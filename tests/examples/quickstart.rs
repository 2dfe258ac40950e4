//! The quickstart as a user runs it: on its own files, and on files with random secrets, none of which may be printed.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(feature = "client")]

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::program::{example, native};

fn quickstart(arguments: &[&Path]) -> Output {
    example("quickstart").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn it_does_the_main_job_without_any_set_up() {
    let output = quickstart(&[]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for expected in [
        "cacheControlTtl",
        "model: anthropic/claude-opus-4-5",
        "is cooling down",
        "chosen: anthropic:home",
        "x-api-key",
        "extended-cache-ttl-2025-04-11",
        "1h at /messages/0/content/0",
        "status 200",
        "status 429  rate_limit",
        "20 s  is cooling down",
        "\"cooldownReason\": \"rate_limit\"",
        "chosen: anthropic:subscription",
        "oauth-2025-04-20",
    ] {
        assert!(text.contains(expected), "`{expected}` is missing in:\n{text}");
    }
    assert!(!text.contains("not-real"), "a secret was printed:\n{text}");
}

fn secret(n: u64) -> String {
    // Not random across runs on purpose: a failure repeats.
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..40)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
        })
        .collect()
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn it_prints_no_secret_of_the_users_files() {
    let directory = tempfile::tempdir().unwrap();
    let secrets: Vec<String> = (1..=9).map(secret).collect();
    let [key, token, access, refresh, header, block, config_key, model_header, unknown] = &secrets[..] else {
        unreachable!()
    };
    let config = write(
        directory.path(),
        "openclaw.json",
        &format!(
            "{{ env: {{ OTHER_API_KEY: '{block}' }},
                auth: {{ order: {{ anthropic: ['a:key', 'a:token', 'a:oauth', 'a:new'] }} }},
                models: {{ providers: {{ anthropic: {{ baseUrl: 'https://api.anthropic.com', apiKey: '{config_key}',
                    headers: {{ 'x-team': '{header}' }}, cacheretention: 1,
                    models: [{{ id: 'claude-opus-4-5', headers: {{ 'x-model': '{model_header}' }} }}] }} }} }} }}"
        ),
    );
    let profiles = format!(
        r#"{{"version":1,"profiles":{{
            "a:key":{{"type":"api_key","provider":"anthropic","key":"sk-{key}"}},
            "a:token":{{"type":"token","provider":"anthropic","token":"{token}"}},
            "a:oauth":{{"type":"oauth","provider":"anthropic","access":"{access}","refresh":"{refresh}","expires":1}},
            "a:new":{{"type":"later","provider":"anthropic","key":"{unknown}"}}}}}}"#
    );
    let state = directory.path().join("state");
    let file = write(&state, "agents/main/agent/auth-profiles.json", &profiles);

    let output = quickstart(&[&config, &state]);
    let shown = text(&output);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("chosen: a:key") && shown.contains("unknown kind"), "{shown}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), profiles, "the user's file was written");
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()), "a secret was printed:\n{shown}");
    }

    // Broken files are explained, not shown.
    let broken =
        write(&state, "agents/main/agent/auth-profiles.json", &profiles.replace("\"expires\":1", "\"expires\":"));
    let output = quickstart(&[&config, &state]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("help: ") && shown.contains(&native(&broken).display().to_string()), "{shown}");
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()), "a secret was printed:\n{shown}");
    }
}
