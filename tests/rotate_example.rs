//! The example of rotation as a user runs it.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::process::Command;

#[test]
fn the_example_shows_each_attempt_and_no_secret() {
    // Where cargo puts examples; it builds them together with the tests.
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples/rotate");
    let mut command = if built.exists() {
        Command::new(built)
    } else {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--example", "rotate"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        cargo
    };
    let output = command.env_remove("ANTHROPIC_API_KEY").env_remove("ANTHROPIC_OAUTH_TOKEN").output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    for expected in ["rate_limit", "billing", "auth_permanent", "answered by anthropic:spare", "nobody"] {
        assert!(text.contains(expected), "`{expected}` is missing in:\n{text}");
    }
    assert!(!text.contains("not-real"), "a secret was printed:\n{text}");
}
