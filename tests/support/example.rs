//! The examples as programs.

#![allow(clippy::unwrap_used, reason = "a test without its program is a failed test")]

use std::process::Command;

/// An example to be started, with nothing of this machine's own credentials and directories in its environment.
pub(crate) fn example(name: &str) -> Command {
    // Where cargo puts examples; it builds them together with the tests.
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    let mut command = if built.exists() {
        Command::new(built)
    } else {
        let mut cargo = Command::new(env!("CARGO"));
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        cargo.args(["run", "--quiet", "--manifest-path", manifest, "--example", name, "--"]);
        cargo
    };
    for variable in [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_OAUTH_TOKEN",
        "OPENAI_API_KEY",
        "OPENCLAW_STATE_DIR",
        "CLAWDBOT_STATE_DIR",
        "OPENCLAW_CONFIG_PATH",
    ] {
        command.env_remove(variable);
    }
    command
}
